/** The rows of the lanes as the screen shows them: what is alike folded, and what stands in the middle. Pure. */
import type { Point } from '../../compare/lane.js'
import type { Row } from '../../compare/report/align.js'
import { openLanes, pointText, rowSign, type Signs } from '../../compare/report/words.js'

export interface LaneCell {
  readonly text: string
  readonly point: Point | null
}

export interface LaneLine {
  /** Index of the row, or of the first of several. */
  readonly row: number
  readonly left: LaneCell
  readonly right: LaneCell
  readonly middle: string
  readonly isFirst: boolean
  /** Something differs here beside the way itself. */
  readonly differs: boolean
  /** As output of diff: the sign in front, and whose it is. */
  readonly unified: readonly { readonly sign: string; readonly text: string; readonly point: Point | null }[]
}

const FEWEST_FOLDED = 3

/** `first`: index of the row where the ways part; -1: in this way they do not. */
export function laneLines(rows: readonly Row[], first: number, all: boolean, signs: Signs): LaneLine[] {
  const open = openLanes(rows)
  const lines: LaneLine[] = []
  for (let i = 0; i < rows.length; ) {
    const run = all ? 1 : runFrom(rows, i, first)
    const row = rows[i] as Row
    const isOpen = open[i] ?? { left: false, right: false }
    lines.push(
      run < FEWEST_FOLDED ? one(row, i, first, isOpen, signs) : folded(rows.slice(i, i + run), i, isOpen, signs),
    )
    i += run < FEWEST_FOLDED ? 1 : run
  }
  return lines
}

/** How many rows from `i` on are of one kind, and nothing happens in them. */
function runFrom(rows: readonly Row[], i: number, first: number): number {
  const kind = kindOf(rows[i])
  let j = i
  while (j < rows.length && j !== first && kindOf(rows[j]) === kind && isQuiet(rows[j] as Row)) j++
  return Math.max(1, j - i)
}

const kindOf = (row: Row | undefined) => (row?.same ? 'same' : row?.left ? (row.right ? 'both' : 'left') : 'right')

const isQuiet = ({ left, right, same }: Row): boolean =>
  (same || !left || !right) &&
  [left, right].every(p => !p || (p.event === 'pass' && p.kind !== 'masquerade' && p.kind !== 'namespace'))

const WIDE = 60
const cell = (point: Point | null, isOpen: boolean, signs: Signs): LaneCell => {
  return { point, text: point ? pointText(point, WIDE, signs, false).trimEnd() : isOpen ? signs.line : '' }
}

type Open = { readonly left: boolean; readonly right: boolean }

function one(row: Row, index: number, first: number, open: Open, signs: Signs): LaneLine {
  const { left, right, same } = row
  const sign = rowSign(row, signs)
  const isBoth = left !== null && right !== null && !same
  const words = isBoth ? `${short(left)} ${signs.line} ${short(right)}` : short((left ?? right) as Point, true)
  const text = (p: Point) => pointText(p, WIDE, signs).trimEnd()
  const own = (s: string, p: Point | null) => (p ? [{ sign: s, text: text(p), point: p }] : [])
  return {
    row: index,
    left: cell(left, open.left, signs),
    right: cell(right, open.right, signs),
    middle: `${sign} ${words}`.trimEnd(),
    isFirst: index === first,
    differs: isBoth,
    unified: same ? own(signs.same, left) : [...own(signs.left, left), ...own(signs.right, right)],
  }
}

/** What happens at a point, in a word or two; `quiet`: nothing for what passes. */
function short({ event, by, kind }: Point, quiet = false): string {
  if (kind === 'end') return event === 'dropped' ? 'dropped' : quiet ? '' : 'arrives'
  if (event === 'taken') return `to ${by}`
  if (event === 'translated') return quiet ? '' : by
  if (event === 'filtered') return "guest's rules see it"
  return event === 'dropped' ? 'dropped' : quiet ? '' : 'passes'
}

function folded(rows: readonly Row[], index: number, open: Open, signs: Signs): LaneLine {
  const [row] = rows as [Row]
  const last = rows.at(-1) as Row
  const point = (last.left ?? last.right) as Point
  const text = `${signs.more} ${rows.length} more to ${point.text}`
  const quiet: LaneCell = { text, point: null }
  const sign = rowSign(row, signs)
  return {
    row: index,
    left: row.left ? quiet : cell(null, open.left, signs),
    right: row.right ? quiet : cell(null, open.right, signs),
    middle: sign,
    isFirst: false,
    differs: false,
    unified: [{ sign, text, point: null }],
  }
}
