/** Points of lanes as text that stands in a column, with signs of one column. Pure. */
import type { Tone } from '../../term/style.js'
import type { Point } from '../lane.js'
import type { Row } from './align.js'

export interface Signs {
  readonly kind: Readonly<Record<Exclude<Point['kind'], 'end'>, string>>
  readonly arrived: string
  readonly died: string
  /** The lane goes on past a place of the other. */
  readonly line: string
  /** Between two cells: the same; not the same; only on the left; only on the right. */
  readonly same: string
  readonly differs: string
  readonly left: string
  readonly right: string
  /** In front of the first difference. */
  readonly first: string
  readonly cut: string
  /** In place of places that are not shown. */
  readonly more: string
  /** Of microseconds. */
  readonly micro: string
}

const UNICODE: Signs = {
  kind: { device: '●', hook: '◇', route: '→', translator: '║', masquerade: '≈', namespace: '▣' },
  arrived: '✓',
  died: '✗',
  line: '│',
  same: '=',
  differs: '≠',
  left: '◂',
  right: '▸',
  first: '▶',
  cut: '…',
  more: '⋮',
  micro: 'µ',
}

const ASCII: Signs = {
  kind: { device: 'o', hook: '+', route: '-', translator: '#', masquerade: '~', namespace: '@' },
  arrived: '*',
  died: 'x',
  line: '|',
  same: '=',
  differs: '!',
  left: '<',
  right: '>',
  first: '>',
  cut: '~',
  more: ':',
  micro: 'u',
}

export const signsFor = (ascii: boolean): Signs => (ascii ? ASCII : UNICODE)

/** `◇ PREROUTING fwbr100i0: to Jool`, in exactly `width` columns; the place alone without `withEvent`. */
export function pointText(point: Point, width: number, signs: Signs, withEvent = true): string {
  const { kind, event, text } = point
  const sign = kind === 'end' ? (event === 'dropped' ? signs.died : signs.arrived) : signs.kind[kind]
  const note = withEvent ? shortNote(point) : ''
  const full = `${sign} ${text}${note === '' ? '' : `: ${note}`}`
  return full.length > width ? `${full.slice(0, Math.max(0, width - 1))}${signs.cut}` : full.padEnd(width)
}

function shortNote({ event, by, kind }: Point): string {
  if (event === 'taken') return `to ${by}`
  if (event === 'translated') return by
  if (event === 'filtered') return "guest's rules"
  return event === 'dropped' && kind !== 'end' ? 'dropped' : ''
}

/** What happens to a packet at a point, in a sentence's words: `Jool takes it`, `passes`. */
export function happens({ event, by, text, kind }: Point): string {
  if (kind === 'end') return event === 'dropped' ? `ends: ${text}` : text
  if (event === 'taken') return `${by} takes it out of the kernel's way`
  if (event === 'translated') return `${by} translates it`
  return event === 'filtered' ? "the guest's rules see it" : event === 'dropped' ? 'it is dropped' : 'it passes'
}

/** The colour of a point; null: none. */
export function toneOf({ event }: Point): Tone | null {
  if (event === 'dropped') return 'error'
  if (event === 'arrived' || event === 'filtered') return 'ok'
  return event === 'taken' || event === 'translated' ? 'info' : null
}

/** What stands between the two cells of a row. */
export function rowSign(row: Row, signs: Signs): string {
  if (row.same) return signs.same
  return row.left && row.right ? signs.differs : row.left ? signs.left : signs.right
}

/** For each row: the lane has begun and not ended, so that it passes by where it has no point. */
export function openLanes(rows: readonly Row[]): readonly { readonly left: boolean; readonly right: boolean }[] {
  const last = (side: 'left' | 'right') => rows.findLastIndex(r => r[side] !== null)
  const [left, right] = [last('left'), last('right')]
  return rows.map((_, i) => ({ left: i <= left, right: i <= right }))
}

/** One line of both lanes in one, like the output of diff. */
export interface UnifiedLine {
  readonly sign: string
  readonly point: Point
  /** Index of its row. */
  readonly row: number
}

/** Both lanes in one: what they share once, what differs as the left and the right. */
export function unified(rows: readonly Row[], signs: Signs): UnifiedLine[] {
  return rows.flatMap((r, row) => {
    if (r.same && r.left) return [{ sign: signs.same, point: r.left, row }]
    const left = r.left ? [{ sign: signs.left, point: r.left, row }] : []
    return r.right ? [...left, { sign: signs.right, point: r.right, row }] : left
  })
}
