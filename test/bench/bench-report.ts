/** Rounds of figures into medians, ratios, a table, and targets reached or missed. */

import type { Measure } from './bench-measure.js'
import type { PeerName } from './bench-options.js'

/** Values of one row by peer, one a round; NaN where a measurement failed. */
export interface Row {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly isLessBetter: boolean
  readonly values: Readonly<Partial<Record<PeerName, readonly number[]>>>
}

export interface Target {
  readonly row: string
  /** Compared with this peer; null: an absolute figure. */
  readonly versus: PeerName | null
  /** At least this ratio or figure; at most, for rows where less is better. */
  readonly bound: number
}

export interface Judged extends Target {
  readonly title: string
  readonly measured: number
  readonly isLessBetter: boolean
  readonly isReached: boolean
  readonly unit: string
}

const TCP_ROWS = ['tcp1up', 'tcp1down', 'tcp4up', 'tcp4down']

/** What the product promises. */
export const TARGETS: readonly Target[] = [
  ...TCP_ROWS.map((row): Target => ({ row, versus: 'tayga', bound: 14 })),
  ...TCP_ROWS.map((row): Target => ({ row, versus: 'limit', bound: 0.9 })),
  { row: 'udp64', versus: 'tayga', bound: 1.5 },
  { row: 'gso1200', versus: 'tayga', bound: 8 },
  { row: 'udprr', versus: 'tayga', bound: 1 },
  { row: 'tcprr', versus: 'tayga', bound: 1 },
  { row: 'rss-idle', versus: null, bound: 80 },
]

export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const middle = sorted.length >> 1
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** Half the distance between the smallest and the largest value, as a share of the median. */
export function noise(values: readonly number[]): number {
  const known = values.filter(Number.isFinite)
  if (known.length < 2) return Number.NaN
  return (Math.max(...known) - Math.min(...known)) / 2 / median(known)
}

/** The median of the ratios of rounds: both peers met the same noise in a round. */
export function ratio(row: Row, versus: PeerName): number {
  const ours = row.values.nat64 ?? []
  const theirs = row.values[versus] ?? []
  return median(ours.map((v, i) => v / (theirs[i] ?? Number.NaN)))
}

/** Rows of a measurement out of its figures by peer and round. */
export function rowsOf(
  measure: Measure,
  figures: Readonly<Partial<Record<PeerName, readonly Readonly<Record<string, number>>[]>>>,
): Row[] {
  const one = ({ id, title, unit, figure, isLessBetter }: Omit<Measure, 'run' | 'also'>): Row => ({
    id,
    title,
    unit,
    isLessBetter: isLessBetter ?? false,
    values: Object.fromEntries(
      Object.entries(figures).map(([peer, rounds]) => [peer, rounds.map(r => r[figure] ?? Number.NaN)]),
    ),
  })
  return [measure, ...(measure.also ?? [])].map(one)
}

/** Compares rows with the targets; a target without figures is left out. */
export function judge(rows: readonly Row[]): Judged[] {
  return TARGETS.flatMap(target => {
    const row = rows.find(r => r.id === target.row)
    if (row === undefined) return []
    const measured = target.versus === null ? median(row.values.nat64 ?? []) : ratio(row, target.versus)
    if (!Number.isFinite(measured)) return []
    const isReached = row.isLessBetter ? measured <= target.bound : measured >= target.bound
    const unit = target.versus === null ? row.unit : ''
    return [{ ...target, title: row.title, measured, isLessBetter: row.isLessBetter, isReached, unit }]
  })
}

const COLUMNS: readonly PeerName[] = ['nat64', 'tayga', 'limit', 'kernel']

/** The table: medians, noise, ratios of nat64 to tayga and to the limit. */
export function formatTable(rows: readonly Row[]): string {
  const head = ['', ...COLUMNS, '/ tayga', '/ limit', 'noise']
  const body = rows.map(row => [
    `${row.title}, ${row.unit}`,
    ...COLUMNS.map(peer => figure(median(row.values[peer] ?? []))),
    figure(ratio(row, 'tayga')),
    figure(ratio(row, 'limit')),
    percent(noise(row.values.nat64 ?? [])),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...body].map(cells => (cells[i] as string).length)))
  const line = (cells: readonly string[]) =>
    cells.map((c, i) => (i === 0 ? c.padEnd(widths[i] as number) : c.padStart(widths[i] as number))).join('  ')
  return [line(head), ...body.map(line)].join('\n').replace(/ +$/gm, '')
}

export function formatTargets(judged: readonly Judged[]): string {
  return judged
    .map(({ title, versus, bound, measured, isLessBetter, isReached, unit }) => {
      const against = versus === null ? '' : ` x ${versus}`
      const wanted = `${isLessBetter ? '<=' : '>='} ${bound}${unit === '' ? '' : ` ${unit}`}${against}`
      return `  ${isReached ? 'reached' : 'MISSED '}  ${title.trim()}: ${figure(measured)} (${wanted})`
    })
    .join('\n')
}

/** Three significant digits; a dash for what was not measured. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Math.abs(value) >= 1000) return String(Math.round(value))
  return value === 0 ? '0' : Number(value.toPrecision(3)).toString()
}

function percent(value: number): string {
  return Number.isFinite(value) ? `±${Math.round(value * 100)} %` : '-'
}
