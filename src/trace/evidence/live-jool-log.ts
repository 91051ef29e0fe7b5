/** Jool's debug log as it comes: what became of each packet, of the last few thousand. Pure. */
import type { KernelLogLine } from '../../facts/facts.js'
import { type JoolRecord, rebuildJoolLog } from '../../facts/jool-log.js'

export interface LiveJoolLog {
  /** Takes new lines of the kernel's log, those of others among them, in their order. */
  add(lines: readonly KernelLogLine[]): void
  /** What became of packets, in the order in which Jool got them. */
  records(): readonly JoolRecord[]
}

/** A packet's lines come within microseconds; what began so long before the last line has ended. */
const SETTLED_SECONDS = 0.25
const MAX_LINES = 20_000
const MAX_RECORDS = 4000

/** Makes an empty log. Its memory is bounded. */
export function liveJoolLog(): LiveJoolLog {
  let settled: JoolRecord[] = []
  /** Lines of packets that may get more. */
  let open: KernelLogLine[] = []
  let known: readonly JoolRecord[] | null = []
  const settle = () => {
    const last = open.at(-1)?.time ?? 0
    const cut = open.findLastIndex(l => last - l.time > SETTLED_SECONDS && isStart(l))
    if (cut <= 0) return
    settled = [...settled, ...rebuildJoolLog(open.slice(0, cut)).records].slice(-MAX_RECORDS)
    open = open.slice(cut)
  }
  return {
    add(lines) {
      const ours = lines.filter(l => l.text.includes('Jool'))
      if (ours.length === 0) return
      open = [...open, ...ours].slice(-MAX_LINES)
      settle()
      known = null
    },
    records() {
      known ??= [...settled, ...rebuildJoolLog(open).records]
      return known
    },
  }
}

/** The line that begins a packet's walk. */
const isStart = ({ text }: KernelLogLine): boolean => text.endsWith('====')
