/** Two lanes side by side: the same places in one row, the others in rows of their own. Pure. */
import type { Point } from '../lane.js'

export interface Row {
  readonly left: Point | null
  readonly right: Point | null
  /** Both are there, and the same happens. */
  readonly same: boolean
}

/**
 * Lays two lanes side by side so that as many places as possible share a row (longest common subsequence). Where the
 * ways part, the rows of the left one come first.
 */
export function align(left: readonly Point[], right: readonly Point[]): Row[] {
  // common[i][j]: how many places the lanes share from i and j on.
  const common = Array.from({ length: left.length + 1 }, () => new Array<number>(right.length + 1).fill(0))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const isShared = left[i]?.key === right[j]?.key
      ;(common[i] as number[])[j] = isShared ? 1 + at(i + 1, j + 1) : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const rows: Row[] = []
  for (let i = 0, j = 0; i < left.length || j < right.length; ) {
    const [l, r] = [left[i], right[j]]
    if (l && r && l.key === r.key) {
      rows.push({ left: l, right: r, same: l.event === r.event })
      i++
      j++
    } else if (l && at(i + 1, j) >= at(i, j + 1)) {
      rows.push({ left: l, right: null, same: false })
      i++
    } else {
      rows.push({ left: null, right: r ?? null, same: false })
      j++
    }
  }
  return rows
}
