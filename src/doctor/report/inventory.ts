/** Which translators a host has and whose packets they take, as text. Pure. */
import { countOf } from '../../term/format.js'
import type { Style } from '../../term/style.js'
import { some, wrap } from '../../term/wrap.js'
import { groupBy } from '../group.js'
import type { DoctorReport, ReportedPath, ReportedTranslator } from './report.js'

/** The paragraph before the findings. */
export function inventoryLines(report: DoctorReport, style: Style): string[] {
  const { translators } = report
  const title = style.bold('Translators')
  if (translators.length === 0) {
    const unread = ['jool', 'links'].filter(f => report.facts.missing.includes(f))
    const nobody =
      unread.length > 0
        ? `Not known: ${unread.join(' and ')} could not be looked at.`
        : 'None was found: no instance of Jool, and no TUN device that a translator has open.'
    return [title, ...wrap(nobody, style.width - 2).map(l => `  ${l}`), ...guestLine(report)]
  }
  const open = report.uncertain.map(u => `  Not followed: ${u}`)
  return [title, ...translators.flatMap(t => translatorLines(t, report, style)), ...open]
}

function guestLine(report: DoctorReport): string[] {
  return report.guests.length === 0 ? [] : [`  ${countOf(report.guests.length, 'device')} of guests on bridges.`]
}

function translatorLines(t: ReportedTranslator, report: DoctorReport, style: Style): string[] {
  const { glyphs } = style
  const pool = t.pool6 === null ? '' : `  ${t.pool6}`
  const bad = t.paths.filter(p => !p.delivered)
  const sign = !t.active ? glyphs.skipped : bad.length > 0 ? style.severity('error', glyphs.error) : glyphs.ok
  const head = `  ${sign} ${style.bold(t.label)}${pool}${t.active ? '' : '  does not take packets now'}`
  const uses = pathLines(t, report, style).flatMap(line =>
    wrap(line, style.width - 8).map((l, i) => `${i === 0 ? '      ' : '        '}${l}`),
  )
  return [head, ...uses]
}

function pathLines(t: ReportedTranslator, report: DoctorReport, style: Style): string[] {
  if (!t.active) return []
  if (t.paths.length === 0)
    return [report.guests.length === 0 ? 'No guests are on this host.' : 'Its pool6 is not known.']
  const names = (paths: readonly ReportedPath[]) =>
    some(
      paths.map(p => guestName(p.device, report)),
      8,
    )
  const good = t.paths.filter(p => p.delivered)
  const seen = good.filter(p => p.firewall.expected && !(p.firewall.requestSeen && p.firewall.replySeen))
  return [
    ...(good.length > 0 ? [`${style.glyphs.ok} ${names(good)}`] : []),
    ...(seen.length > 0 ? [`${style.glyphs.warning} past their firewall: ${names(seen)}`] : []),
    ...[
      ...groupBy(
        t.paths.filter(p => !p.delivered),
        p => p.reason,
      ).values(),
    ].map(paths => `${style.glyphs.error} ${names(paths)}: ${paths[0]?.meaning}`),
  ]
}

/** `tap100i0 (guest 100, web)`. */
export function guestName(device: string, report: DoctorReport): string {
  const guest = report.guests.find(g => g.device === device)
  if (!guest || guest.guest === null) return device
  return `${device} (guest ${guest.guest}${guest.name ? `, ${guest.name}` : ''})`
}
