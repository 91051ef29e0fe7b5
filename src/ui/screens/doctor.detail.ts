/** What a selected row of the doctor's list says in full: lines with a tone, wrapped to a width. Pure. */
import type { Remedy } from '../../doctor/check.js'
import type { DoctorReport, ReportedFinding } from '../../doctor/report/report.js'
import { chop, some, wrap } from '../../term/wrap.js'
import { BLANK, type DetailLine, evidenceDetail, line, prose } from '../detail.js'
import type { Row } from './doctor.rows.js'

/** The lines for a row. `remedy`: index of the chosen one. */
export function detailLines(row: Row, report: DoctorReport, remedy: number, width: number): DetailLine[] {
  const { what } = row
  switch (what.kind) {
    case 'finding':
      return findingDetail(what.finding, what.consequences, remedy, width)
    case 'translator':
      return translatorDetail(what.translator, report, width)
    case 'skipped':
      return what.items.flatMap(s => [
        ...prose(`${s.code} ${s.id}`, width, '', 'heading'),
        ...prose(`${s.fact}: ${s.reason}${s.detail ? `: ${s.detail}` : ''}`, width, '  '),
      ])
    case 'healthy':
      return what.items.flatMap(h => prose(`${h.code}  ${h.title}`, width))
    case 'crashed':
      return [
        ...prose(`The check "${what.id}" crashed; this is a bug of it. The others are not touched.`, width),
        BLANK,
        ...prose(what.message, width, '  ', 'bad'),
      ]
  }
}

function translatorDetail(
  translator: DoctorReport['translators'][number],
  report: DoctorReport,
  width: number,
): DetailLine[] {
  const name = (device: string): string => {
    const guest = report.guests.find(g => g.device === device)
    return [device, guest?.guest && `guest ${guest.guest}`, guest?.name].filter(Boolean).join(' ')
  }
  const state = translator.active ? 'It takes packets.' : 'It does not take packets now.'
  return [
    ...prose(translator.label, width, '', 'title'),
    ...prose(`${translator.pool6 ?? 'pool6 is not known'}. ${state}`, width),
    BLANK,
    line(translator.paths.length > 0 ? 'Predicted for TCP 443' : 'No guest uses it.', 'heading'),
    ...translator.paths.flatMap(p => [
      ...prose(`${name(p.device)}: ${p.meaning}`, width, '  ', p.delivered ? 'plain' : 'bad'),
      ...(p.delivered && p.firewall.expected && !(p.firewall.requestSeen && p.firewall.replySeen)
        ? prose("The guest's firewall does not see it.", width, '    ', 'bad')
        : []),
    ]),
  ]
}

function findingDetail(
  finding: ReportedFinding,
  consequences: readonly ReportedFinding[],
  chosen: number,
  width: number,
): DetailLine[] {
  const good = finding.remedies.filter(r => !r.warning)
  const bad = finding.remedies.filter(r => r.warning)
  return [
    ...prose(finding.title, width, '', 'title'),
    ...prose(finding.because, width),
    ...(finding.affects.length > 0 ? prose(`Concerns: ${some(finding.affects)}`, width, '', 'dim') : []),
    BLANK,
    line('Evidence', 'heading'),
    ...finding.evidence.flatMap(e => evidenceDetail(e, width)),
    ...(consequences.length > 0 ? [BLANK, line('Follows from it', 'heading')] : []),
    ...consequences.flatMap(c => prose(`${c.code} ${c.title}`, width, '  ')),
    ...(good.length > 0 ? [BLANK, line(good.length > 1 ? 'What helps (one of these)' : 'What helps', 'heading')] : []),
    ...good.flatMap((r, i) => remedyDetail(r, good.length > 1 ? i : null, chosen, width)),
    ...(bad.length > 0 ? [BLANK, line('Beware', 'heading')] : []),
    ...bad.flatMap(r => prose(r.text, width, '  ', 'bad')),
    BLANK,
    ...prose(finding.references.join(' · '), width, '', 'dim'),
  ]
}

function remedyDetail(remedy: Remedy, index: number | null, chosen: number, width: number): DetailLine[] {
  const isChosen = index === null || index === chosen
  const number = index === null ? '  ' : `${isChosen ? '>' : ' '}${index + 1} `
  const [first = '', ...rest] = wrap(remedy.text, width - number.length)
  const inner = ' '.repeat(number.length)
  const command = (c: string) => chop(`$ ${c}`, width - inner.length).map(l => line(inner + l, 'command'))
  return [
    line(number + first, isChosen && index !== null ? 'title' : 'plain'),
    ...rest.map(l => line(inner + l, isChosen && index !== null ? 'title' : 'plain')),
    ...remedy.commands.flatMap(command),
    ...prose(`${remedy.risk === 'safe' ? 'Safe' : 'Disruptive'}${priceOf(remedy)}`, width, inner, 'dim'),
    ...remedy.undo.flatMap(c => chop(`Undo: $ ${c}`, width - inner.length).map(l => line(inner + l, 'dim'))),
  ]
}

const priceOf = (remedy: Remedy): string => (remedy.price && remedy.price !== 'none' ? `: ${remedy.price}` : '.')
