/** The comparison as text: two translators side by side, the others in a list, what suits. Pure. */
import type { Style } from '../../term/style.js'
import { some, wrap } from '../../term/wrap.js'
import type { ComparedEngine, ComparedGuest, CompareReport, Move } from '../compared.js'
import type { Measured } from '../measured.js'
import { mtuWarning } from '../mtu.js'
import { type FacetTone, outcome } from './facets.js'
import { measuredHead, measuredLines } from './measured.js'
import { STATES, tableText } from './table.js'

/** The whole comparison, lines without newline. */
export function compareText(report: CompareReport, style: Style): string[] {
  const { host, facts } = report
  const words = [host.name || null, host.system, host.kernel && `Linux ${host.kernel}`]
  const dot = ` ${style.glyphs.bullet} `
  const when = facts.at.replace(/\.\d+Z$/, 'Z').replace('T', ' ') || 'an unknown time'
  return [
    style.bold(['nat64 compare', ...words.filter(Boolean)].join(dot)),
    ...(facts.from === null ? [] : [`Facts of ${when} from ${facts.from}.`]),
    ...report.guests.flatMap(guest => ['', ...guestText(guest, report, style)]),
    ...(report.measured === null ? [] : ['', ...measuredText(report.measured, style)]),
  ]
}

function measuredText(measured: Measured, style: Style): string[] {
  const { micro } = style.glyphs
  const paint = (tone: FacetTone, text: string) => (tone === 'plain' ? text : style.severity(tone, text))
  return [
    style.bold('Measured'),
    ...indented(measuredHead(measured, micro), '  ', style),
    ...measuredLines(measured, style.width, micro, paint),
  ]
}

function guestText(guest: ComparedGuest, report: CompareReport, style: Style): string[] {
  const left = engineOf(guest, guest.left)
  const right = engineOf(guest, guest.right)
  return [
    ...wrap(guestTitle(guest, report, style), style.width).map(style.bold),
    ...(guest.alike.length > 0 ? wrap(`The same for ${some(guest.alike)}.`, style.width) : []),
    '',
    ...tableText(left, right, guest.first, style),
    '',
    ...firstText(guest, left, right, style),
    ...othersText(guest, style),
    ...verdictText(guest, style),
  ]
}

const engineOf = (guest: ComparedGuest, id: string): ComparedEngine =>
  guest.engines.find(e => e.id === id) ?? (guest.engines[0] as ComparedEngine)

/** `guest 100 (web) · tap100i0 - fwbr100i0 - vmbr0 · TCP 443 to 192.0.0.170`. */
export function guestTitle(guest: ComparedGuest, { flow }: CompareReport, style: Style): string {
  const who = guest.guest === null ? '' : `guest ${guest.guest}${guest.name ? ` (${guest.name})` : ''}`
  const way = [guest.device, guest.firewallBridge, guest.bridge].filter(Boolean).join(' - ')
  const what = flow.protocol === 'icmp' ? 'ping' : `${flow.protocol.toUpperCase()} ${flow.port}`
  return [who, way, `${what} to ${flow.target4}`].filter(Boolean).join(` ${style.glyphs.bullet} `)
}

function firstText(guest: ComparedGuest, left: ComparedEngine, right: ComparedEngine, style: Style): string[] {
  const { first } = guest
  const title = style.bold('First difference')
  if (first === null) return [title, '  None: both go the same way.', '']
  return [
    title,
    ...indented(`${first.way}, ${first.at}`, '  ', style),
    ...indented(`${left.label}: ${first.left}`, '    ', style),
    ...indented(`${right.label}: ${first.right}`, '    ', style),
    '',
  ]
}

function othersText(guest: ComparedGuest, style: Style): string[] {
  const others = guest.engines.filter(e => e.id !== guest.left && e.id !== guest.right)
  if (others.length === 0) return []
  const { glyphs } = style
  return [
    style.bold('The others'),
    ...others.flatMap(e => {
      const { text } = outcome(e)
      const sign = e.suits ? style.severity('ok', glyphs.ok) : style.severity('error', glyphs.error)
      const state = e.state === 'proposed' ? '' : ` (${STATES[e.state]})`
      const firewall = e.delivered && e.firewall.expected ? `, firewall ${e.firewall.inForce ? 'in force' : 'off'}` : ''
      return [
        ...hanging(`${e.label}${state}: ${text}${firewall}`, sign, style),
        ...indented(e.move.price, '      ', style).map(style.dim),
      ]
    }),
    '',
  ]
}

function verdictText(guest: ComparedGuest, style: Style): string[] {
  const { verdict } = guest
  const chosen = guest.engines.find(e => e.id === (verdict.engine ?? guest.present))
  return [
    style.bold('Verdict'),
    ...indented(verdict.text, '  ', style).map(style.bold),
    ...indented(verdict.why, '  ', style),
    ...moveText(verdict.move, style),
    ...indented((chosen && mtuWarning(chosen.mtu)) ?? '', '  ', style),
    ...(chosen?.offloads.problems ?? []).map(p => `    $ ${p.command}`),
    ...(verdict.traps.length > 0 ? [style.bold('Beware')] : []),
    ...verdict.traps.flatMap(t =>
      hanging(`${t.what}: ${t.text}`, style.severity('warning', style.glyphs.warning), style),
    ),
  ]
}

function moveText({ commands, price, undo }: Move, style: Style): string[] {
  return [
    ...commands.map(c => `    $ ${c}`),
    ...(price === '' ? [] : indented(`Price: ${price}`, '  ', style)),
    ...undo.map((c, i) => `  ${i === 0 ? 'Undo: ' : '      '}$ ${c}`),
  ]
}

const indented = (text: string, indent: string, style: Style): string[] =>
  wrap(text, style.width - indent.length).map(l => indent + l)

function hanging(text: string, sign: string, style: Style): string[] {
  const [first = '', ...rest] = wrap(text, style.width - 4)
  return [`  ${sign} ${first}`, ...rest.map(l => `    ${l}`)]
}
