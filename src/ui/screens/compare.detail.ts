/** The lower panes of the screen of `nat64 compare` as lines with a tone, wrapped to a width. Pure. */
import type { ComparedEngine, ComparedGuest } from '../../compare/compared.js'
import type { Measured } from '../../compare/measured.js'
import { type Facet, type FacetTone, facetsOf, outcome } from '../../compare/report/facets.js'
import { measuredHead, measuredLines } from '../../compare/report/measured.js'
import type { Signs } from '../../compare/report/words.js'
import { some, wrap } from '../../term/wrap.js'
import { type DetailLine, line, prose } from '../detail.js'

export interface MeaningLine {
  readonly name: string
  readonly left: string
  readonly leftTone: FacetTone
  readonly sign: string
  readonly right: string
  readonly rightTone: FacetTone
}

const NAME = 13

/** Columns of the values, when names stand in front of them. */
export const meaningWidth = (width: number): number => Math.floor((width - NAME - 5) / 2)

/** Facet by facet, both values in columns. */
export function meaningLines(left: ComparedEngine, right: ComparedEngine, width: number, signs: Signs): MeaningLine[] {
  const others = facetsOf(right)
  const room = meaningWidth(width)
  return facetsOf(left).flatMap((facet, i) => {
    const other = others[i] as Facet
    const [a, b] = [wrap(facet.text, room), wrap(other.text, room)]
    const sign = facet.text === other.text ? signs.same : signs.differs
    return Array.from({ length: Math.max(a.length, b.length) }, (_, n) => ({
      name: n === 0 ? facet.name : '',
      left: a[n] ?? '',
      leftTone: facet.tone,
      sign: n === 0 ? sign : '',
      right: b[n] ?? '',
      rightTone: other.tone,
    }))
  })
}

/** The same where two columns have no room. */
export function narrowMeaning(left: ComparedEngine, right: ComparedEngine, width: number, signs: Signs): DetailLine[] {
  const others = facetsOf(right)
  return facetsOf(left).flatMap((facet, i) => {
    const other = others[i] as Facet
    const lines = (f: Facet, sign: string) =>
      wrap(f.text, width - 2).map((l, n) => line(`${n === 0 ? sign : ' '} ${l}`, TONES[f.tone]))
    const same = facet.text === other.text
    const values = same ? lines(facet, signs.same) : [...lines(facet, signs.left), ...lines(other, signs.right)]
    return [line(facet.name, 'heading'), ...values]
  })
}

const TONES: Readonly<Record<FacetTone, DetailLine['tone']>> = {
  ok: 'good',
  error: 'bad',
  warning: 'mark',
  plain: 'plain',
}

/** What suits, why, how to get there and at what price. */
export function verdictLines(guest: ComparedGuest, width: number): DetailLine[] {
  const { verdict } = guest
  const { commands, price, undo } = verdict.move
  return [
    ...prose(verdict.text, width, '', 'title'),
    ...commands.map(c => line(`  $ ${c}`, 'command')),
    ...prose(price === '' ? '' : `Price: ${price}`, width),
    ...prose(verdict.why, width),
    ...undo.map((c, i) => line(`${i === 0 ? 'Undo: ' : '      '}$ ${c}`, 'dim')),
    ...(guest.alike.length > 0 ? prose(`The same for ${some(guest.alike)}.`, width, '', 'dim') : []),
    ...verdict.traps.flatMap((t, i) => [
      ...(i === 0 ? [line('Beware', 'heading')] : []),
      ...prose(`${t.what}: ${t.text}`, width, '  ', 'mark'),
    ]),
  ]
}

/** Every engine with its outcome and price. */
export function othersLines(guest: ComparedGuest, width: number, signs: Signs): DetailLine[] {
  return guest.engines.flatMap(e => {
    const state = e.state === 'proposed' ? '' : e.state === 'off' ? ' (present, off)' : ' (present)'
    const firewall = e.delivered && e.firewall.expected ? `, firewall ${e.firewall.inForce ? 'in force' : 'off'}` : ''
    const sign = e.suits ? signs.arrived : signs.died
    return [
      ...prose(`${sign} ${e.label}${state}: ${outcome(e).text}${firewall}`, width, '', e.suits ? 'good' : 'bad'),
      ...prose(e.move.price, width, '    ', 'dim'),
    ]
  })
}

/** What was measured: a block for each place. */
export function measuredDetail(measured: Measured, width: number, micro: string): DetailLine[] {
  const isTitle = (text: string) => /^ {2}\S/.test(text) && !/ {2}\S/.test(text.trim())
  const lines = measuredLines(measured, width, micro, (_, text) => text)
  return [
    ...lines.map(text => line(text.slice(1), isTitle(text) ? 'heading' : 'plain')),
    ...prose(measuredHead(measured, micro), width, '', 'dim'),
  ]
}
