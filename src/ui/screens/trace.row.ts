/** A packet drawn over the lanes: markers where it was seen, arrows with the times between, a cross where it never came. Pure. */
import { formatNs } from '../../term/format.js'
import type { TracedPath } from '../../trace/core/traced.js'
import { wayHops } from '../../trace/report/hops.js'
import { columnOf, type Lanes, nextColumn } from './trace.lanes.js'
import type { TraceSigns } from './trace.signs.js'

export type RowTone = 'guide' | 'bar' | 'way' | 'time' | 'seen' | 'chosen' | 'stray' | 'end'

export interface Span {
  readonly text: string
  readonly tone: RowTone
}

interface Cell {
  sign: string
  tone: RowTone
}

/** The packet's row, exactly as wide as the lanes. `hop`: index of the chosen one; -1: none. */
export function rowSpans(path: TracedPath, lanes: Lanes, hop: number, signs: TraceSigns): Span[] {
  const cells = emptyCells(lanes, signs)
  const put = (x: number, sign: string, tone: RowTone) => {
    if (x >= 0 && x < cells.length) cells[x] = { sign, tone }
  }
  const xOf = (column: number): number => lanes.columns[column]?.x ?? -1
  for (const h of path.hops) if (!h.onWay) put(xOf(columnOf(lanes, h)), signs.stray, 'stray')
  const seen = wayHops(path)
    .map(w => ({ ...w, column: columnOf(lanes, w.hop) }))
    .filter(w => w.column >= 0)
  for (const [i, { column, gap }] of seen.entries()) {
    const from = seen[i - 1]?.column
    if (from !== undefined) drawArrow(cells, xOf(from), xOf(column), gap, lanes.bar, signs)
  }
  const last = seen.at(-1)
  if (last) drawEnd(path, last.column, lanes, put, signs)
  for (const { column } of seen) put(xOf(column), signs.seen, 'seen')
  const chosen = path.hops[hop]
  const x = chosen ? xOf(columnOf(lanes, chosen)) : -1
  if (x >= 0) put(x, cells[x]?.sign ?? signs.seen, 'chosen')
  return spansOf(cells)
}

/** Lanes without a packet. */
export function emptyCells(lanes: Lanes, signs: TraceSigns): Cell[] {
  const cells = Array.from({ length: lanes.width }, (): Cell => ({ sign: ' ', tone: 'guide' }))
  for (const { x } of lanes.columns) cells[x] = { sign: signs.guide, tone: 'guide' }
  if (lanes.bar >= 0) cells[lanes.bar] = { sign: signs.bar, tone: 'bar' }
  return cells
}

function drawArrow(cells: Cell[], from: number, to: number, gap: number, bar: number, signs: TraceSigns): void {
  const [left, right] = [Math.min(from, to) + 1, Math.max(from, to) - 1]
  if (left > right) return
  for (let x = left; x <= right; x++) cells[x] = { sign: x === bar ? signs.crossing : signs.line, tone: 'way' }
  const head = to > from ? right : left
  cells[head] = { sign: to > from ? signs.right : signs.left, tone: 'way' }
  const [a, b] = to > from ? [left, right - 1] : [left + 1, right]
  // The time goes on the larger side of the bar.
  const isLeft = bar - a >= b - bar
  const [from2, to2] = bar < a || bar > b ? [a, b] : isLeft ? [a, bar - 1] : [bar + 1, b]
  const room = to2 - from2 + 1
  const time = formatNs(gap, signs.micro)
  const text = gap <= 0 ? '' : time.length <= room ? time : room >= 1 ? signs.more : ''
  const at = from2 + Math.floor((room - text.length) / 2)
  for (const [i, sign] of [...text].entries()) cells[at + i] = { sign, tone: 'time' }
}

/** Where it should have been seen next, a dashed line up to there. */
function drawEnd(
  path: TracedPath,
  column: number,
  lanes: Lanes,
  put: (x: number, sign: string, tone: RowTone) => void,
  signs: TraceSigns,
): void {
  const { kind, neverReached } = path.verdict
  if (kind === 'delivered' || kind === 'unanswered' || neverReached === null) return
  const step = path.way === 'request' ? 1 : -1
  const from = lanes.columns[column]?.x ?? 0
  const next = nextColumn(lanes, column, neverReached, step)
  const to = lanes.columns[next]?.x ?? from + step * 3
  for (let x = from + step; x !== to; x += step) put(x, x === lanes.bar ? signs.crossing : signs.dash, 'end')
  put(to, signs.end[kind], 'end')
}

function spansOf(cells: readonly Cell[]): Span[] {
  const spans: { text: string; tone: RowTone }[] = []
  for (const { sign, tone } of cells) {
    const last = spans.at(-1)
    if (last?.tone === tone) last.text += sign
    else spans.push({ text: sign, tone })
  }
  return spans
}
