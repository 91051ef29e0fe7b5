/** Where the ways through two translators part first, and what happens there. Pure. */

import type { ComparedEngine, Difference, WayName } from '../compared.js'
import type { Point } from '../lane.js'
import { align, type Row } from './align.js'
import { happens } from './words.js'

export const WAYS: readonly WayName[] = ['request', 'reply']

/** Both ways of two translators, side by side. */
export function alignedWays(left: ComparedEngine, right: ComparedEngine): Readonly<Record<WayName, readonly Row[]>> {
  return {
    request: align(left.lanes.request, right.lanes.request),
    reply: align(left.lanes.reply, right.lanes.reply),
  }
}

/** The first row, request before reply, where not the same happens; null: the ways are the same. */
export function firstDifference(left: ComparedEngine, right: ComparedEngine): Difference | null {
  const ways = alignedWays(left, right)
  for (const way of WAYS) {
    const rows = ways[way]
    const row = rows.findIndex(r => !r.same)
    if (row < 0) continue
    const { left: l, right: r } = rows[row] as Row
    if (l && r) return { way, row, at: l.text, left: happens(l), right: happens(r) }
    const onward = (side: 'left' | 'right') => {
      const next = rows.slice(row).find(x => x[side])?.[side]
      return next ? goesOn(next) : 'nothing comes here'
    }
    return { way, row, at: rows[row - 1]?.left?.text ?? 'the start', left: onward('left'), right: onward('right') }
  }
  return null
}

const goesOn = (next: Point): string => (next.kind === 'end' ? happens(next) : `it goes on to ${next.text}`)
