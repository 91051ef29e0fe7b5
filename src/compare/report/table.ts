/** Two translators as a table: side by side where there is room, else one under the other like the output of diff. Pure. */
import { glyphsFor } from '../../term/glyphs.js'
import type { Style } from '../../term/style.js'
import { wrap } from '../../term/wrap.js'
import type { ComparedEngine, Difference, WayName } from '../compared.js'
import type { Point } from '../lane.js'
import type { Row } from './align.js'
import { alignedWays, WAYS } from './difference.js'
import { type Facet, type FacetTone, facetsOf } from './facets.js'
import { openLanes, pointText, rowSign, type Signs, signsFor, toneOf, unified } from './words.js'

export const STATES = { active: 'present', off: 'present, off', proposed: 'proposed' } as const

/** Columns that two lanes need. */
const SIDE_BY_SIDE = 64

/** Both ways, and what they mean, facet by facet. */
export function tableText(
  left: ComparedEngine,
  right: ComparedEngine,
  first: Difference | null,
  style: Style,
): string[] {
  const ways = alignedWays(left, right)
  const isNarrow = style.width < SIDE_BY_SIDE
  const way = isNarrow ? unifiedWay : sideBySide
  const facets = isNarrow ? unifiedFacets : facetsSideBySide
  const titled = (name: WayName) => {
    const at = first?.way === name ? first.row : -1
    const lines = way(ways[name], at, style)
    return lines.length === 0 ? [] : [style.bold(name === 'request' ? 'Request' : 'Reply'), ...lines]
  }
  return [
    ...(isNarrow ? unifiedHead(left, right, style) : headSideBySide(left, right, style)),
    ...WAYS.flatMap(titled),
    ...facets(left, right, style),
  ]
}

/** Widths of the two columns; between them a sign. */
const INDENT = 2
const SIGN = 4
const columnOf = (style: Style): number => Math.floor((style.width - INDENT - SIGN) / 2)

function headSideBySide(left: ComparedEngine, right: ComparedEngine, style: Style): string[] {
  const width = columnOf(style)
  const rule = style.dim(style.glyphs.rule.repeat(width))
  const head = (text: (e: ComparedEngine) => string, painted: (t: string) => string) =>
    pair(cells(text(left), width, painted), cells(text(right), width, painted), '', style)
  return [
    ...head(e => e.label, style.bold),
    ...head(e => STATES[e.state], style.dim),
    `  ${rule}${' '.repeat(SIGN)}${rule}`,
  ]
}

function sideBySide(rows: readonly Row[], first: number, style: Style): string[] {
  const width = columnOf(style)
  const signs = signsOf(style)
  const open = openLanes(rows)
  return rows.map((row, i) => {
    const isFirst = i === first
    const left = pointCell(row.left, open[i]?.left === true, width, style)
    const right = pointCell(row.right, open[i]?.right === true, width, style)
    const mark = isFirst ? style.severity('warning', signs.first) : ' '
    const middle = ` ${rowSign(row, signs)}  `
    const isPlain = row.same || !row.left || !row.right
    return `${mark} ${left}${isPlain && !isFirst ? style.dim(middle) : style.severity('warning', middle)}${right}`.trimEnd()
  })
}

const signsOf = (style: Style): Signs => signsFor(style.glyphs.ok === glyphsFor({}, true).ok)

/** A point in a column; where the lane passes by, a line. */
function pointCell(point: Point | null, isOpen: boolean, width: number, style: Style): string {
  const signs = signsOf(style)
  if (point === null) return isOpen ? style.dim(signs.line.padEnd(width)) : ' '.repeat(width)
  const text = pointText(point, width, signs)
  const tone = toneOf(point)
  return tone === null ? text : style.severity(tone, text)
}

function facetsSideBySide(left: ComparedEngine, right: ComparedEngine, style: Style): string[] {
  const width = columnOf(style)
  const others = facetsOf(right)
  return facetsOf(left).flatMap((facet, i) => {
    const other = others[i] as Facet
    const sign = facet.text === other.text ? signsOf(style).same : signsOf(style).differs
    const cell = (f: Facet) => cells(f.text, width, t => paint(f.tone, t, style))
    return [style.bold(facet.name), ...pair(cell(facet), cell(other), sign, style)]
  })
}

function paint(tone: FacetTone, text: string, style: Style): string {
  return tone === 'plain' ? text : style.severity(tone, text)
}

/** A text as lines of a column, each padded and painted. */
function cells(text: string, width: number, painted: (t: string) => string): string[] {
  return wrap(text, width).map(l => painted(l.padEnd(width)))
}

function pair(left: readonly string[], right: readonly string[], sign: string, style: Style): string[] {
  const blank = ' '.repeat(columnOf(style))
  const count = Math.max(left.length, right.length)
  const isDifferent = sign === signsOf(style).differs
  return Array.from({ length: count }, (_, i) => {
    const middle = ` ${(i === 0 ? sign : '').padEnd(SIGN - 1)}`
    return `  ${left[i] ?? blank}${isDifferent ? style.severity('warning', middle) : style.dim(middle)}${right[i] ?? ''}`
  }).map(l => l.trimEnd())
}

function unifiedHead(left: ComparedEngine, right: ComparedEngine, style: Style): string[] {
  const signs = signsOf(style)
  const line = (e: ComparedEngine, sign: string) => hanging(`${e.label}, ${STATES[e.state]}`, sign, style, style.bold)
  return [...line(left, signs.left), ...line(right, signs.right)]
}

function unifiedWay(rows: readonly Row[], first: number, style: Style): string[] {
  const signs = signsOf(style)
  return unified(rows, signs).map(({ sign, point, row }) => {
    const mark = row === first ? style.severity('warning', signs.first) : ' '
    return `${mark} ${style.dim(sign)} ${pointCell(point, true, style.width - 4, style)}`.trimEnd()
  })
}

function unifiedFacets(left: ComparedEngine, right: ComparedEngine, style: Style): string[] {
  const signs = signsOf(style)
  const others = facetsOf(right)
  return facetsOf(left).flatMap((facet, i) => {
    const other = others[i] as Facet
    const line = (f: Facet, sign: string) => hanging(f.text, sign, style, t => paint(f.tone, t, style))
    const same = facet.text === other.text
    return [
      style.bold(facet.name),
      ...(same ? line(facet, signs.same) : [...line(facet, signs.left), ...line(other, signs.right)]),
    ]
  })
}

function hanging(text: string, sign: string, style: Style, painted: (t: string) => string): string[] {
  return wrap(text, style.width - 4).map((l, i) => `  ${i === 0 ? style.dim(sign) : ' '} ${painted(l)}`)
}
