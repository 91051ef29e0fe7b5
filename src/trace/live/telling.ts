/** Hands paths to the main thread in batches: no more than it takes, and no more than anybody reads. */
import type { TracedPath } from '../core/traced.js'

export interface Telling {
  /** There is use for one more packet that simply arrived. */
  hasRoom(): boolean
  /** Returns whether it is handed over. */
  tell(path: TracedPath): boolean
  /** Hands over what is ready. */
  flush(): void
  /** So many were taken. */
  taken(count: number): void
  /** Paths handed over so far. */
  readonly told: number
}

/** Paths handed over and not yet taken: of those that simply arrived, and of all. */
const MOST_PLAIN_UNTAKEN = 4000
const MOST_UNTAKEN = 20_000
/** A second: packets that simply arrived, these when not all packets can be followed, and others. */
const MOST_PLAIN = 4000
const MOST_PLAIN_BUSY = 1000
const MOST_OTHERS = 4000
const BATCH = 500

/**
 * To tell of a packet costs both threads as much as to follow a dozen others. `now`: milliseconds of any clock that never
 * goes back. `isBusy`: not all packets can be followed.
 */
export function makeTelling(
  post: (paths: readonly TracedPath[]) => void,
  now: () => number,
  isBusy: () => boolean,
): Telling {
  let batch: TracedPath[] = []
  let untaken = 0
  let told = 0
  const plain = makeAllowance(now, () => (isBusy() ? MOST_PLAIN_BUSY : MOST_PLAIN))
  const others = makeAllowance(now, () => MOST_OTHERS)
  const hasRoom = () => untaken < MOST_PLAIN_UNTAKEN && plain.isLeft()

  function flush(): void {
    if (batch.length === 0) return
    post(batch)
    batch = []
  }

  return {
    hasRoom,
    tell(path) {
      const isPlain = path.verdict.kind === 'delivered'
      if (isPlain ? !hasRoom() : untaken >= MOST_UNTAKEN || !others.isLeft()) return false
      if (isPlain) plain.use()
      else others.use()
      untaken++
      told++
      batch.push(path)
      if (batch.length >= BATCH) flush()
      return true
    },
    flush,
    taken(count) {
      untaken -= count
    },
    get told() {
      return told
    },
  }
}

/** So much a second, and once as much at the beginning. */
function makeAllowance(now: () => number, aSecond: () => number): { isLeft(): boolean; use(): void } {
  let left = aSecond()
  let filledAt = now()
  return {
    isLeft() {
      if (left >= 1) return true
      const at = now()
      left = Math.min(aSecond(), left + ((at - filledAt) / 1000) * aSecond())
      filledAt = at
      return left >= 1
    },
    use() {
      left--
    },
  }
}
