/** The report as text: what is there, what is wrong, cause first, what could not be looked at. Pure. */
import { evidenceLines } from '../../term/evidence.js'
import { countOf } from '../../term/format.js'
import type { Style } from '../../term/style.js'
import { some, wrap } from '../../term/wrap.js'
import type { Remedy } from '../check.js'
import { inventoryLines } from './inventory.js'
import { type DoctorReport, isBlind, type ReportedFinding, type ReportedTree } from './report.js'
import { skippedLines } from './skipped.js'

/** The whole report, lines without newline. */
export function reportText(report: DoctorReport, style: Style, showHealthy = false): string[] {
  return [
    ...headLines(report, style),
    '',
    ...inventoryLines(report, style),
    '',
    ...report.findings.flatMap(tree => [...findingLines(tree, style), '']),
    ...report.crashed.flatMap(c => [
      `${style.severity('error', style.glyphs.error)} ${c.code} crashed: ${c.message}`,
      `    This is a bug of the check "${c.id}"; the others are not touched by it.`,
      '',
    ]),
    ...skippedLines(report, style),
    ...(showHealthy ? report.healthy.map(h => `${style.glyphs.ok} ${h.code}  ${h.title}`) : []),
    ...lastLines(report, style),
  ]
}

function headLines(report: DoctorReport, style: Style): string[] {
  const { host, facts } = report
  const dot = ` ${style.glyphs.bullet} `
  const words = [host.name || null, host.system, host.kernel && `Linux ${host.kernel}`, host.proxmox]
  const from = facts.from === null ? [] : [`Facts of ${when(facts.at)} from ${facts.from}.`]
  return [style.bold(['nat64 doctor', ...words.filter(Boolean)].join(dot)), ...from]
}

const when = (at: string): string => at.replace(/\.\d+Z$/, 'Z').replace('T', ' ') || 'an unknown time'

/** A finding, what follows from it, and what to do. */
export function findingLines(tree: ReportedTree, style: Style): string[] {
  const consequences = tree.consequences.flatMap(f => [
    headline(f, style, '      '),
    ...wrapped(f.because, '          ', style),
    ...f.evidence.slice(0, 1).flatMap(e => evidenceLines(e, '          ', style)),
  ])
  return [
    ...findingBody(tree, style),
    ...(consequences.length > 0 ? ['', `    ${style.bold('Follows from it')}`, ...consequences] : []),
    ...remedyLines(tree.remedies, style),
    '',
    style.dim(`    More: nat64 doctor --explain ${tree.code}`),
  ]
}

function findingBody(finding: ReportedFinding, style: Style): string[] {
  const evidence = finding.evidence.flatMap(e => evidenceLines(e, '      ', style))
  return [
    headline(finding, style, ''),
    ...wrapped(finding.because, '    ', style),
    ...(finding.affects.length > 0 ? wrapped(`Concerns: ${some(finding.affects)}`, '    ', style) : []),
    ...(evidence.length > 0 ? ['', `    ${style.bold('Seen in')}`, ...evidence] : []),
  ]
}

function headline(finding: ReportedFinding, style: Style, indent: string): string {
  const { severity } = finding
  const sign = style.severity(severity, `${style.glyphs[severity]} ${severity}`)
  const [first = '', ...rest] = wrap(finding.title, style.width - indent.length - 20)
  const hang = ' '.repeat(indent.length + 4)
  return [`${indent}${sign} ${finding.code}  ${style.bold(first)}`, ...rest.map(l => `${hang}${style.bold(l)}`)].join(
    '\n',
  )
}

const wrapped = (text: string, indent: string, style: Style): string[] =>
  wrap(text, style.width - indent.length).map(l => indent + l)

function remedyLines(remedies: readonly Remedy[], style: Style): string[] {
  const good = remedies.filter(r => !r.warning)
  const bad = remedies.filter(r => r.warning)
  return [
    ...(good.length > 0 ? ['', `    ${style.bold(good.length > 1 ? 'What helps (one of these)' : 'What helps')}`] : []),
    ...good.flatMap((r, i) => oneRemedy(r, good.length > 1 ? `${i + 1}. ` : '', style)),
    ...(bad.length > 0 ? ['', `    ${style.bold('Beware')}`] : []),
    ...bad.flatMap(r => hanging(r.text, `${style.severity('warning', style.glyphs.warning)} `, 2, style)),
  ]
}

function oneRemedy(remedy: Remedy, number: string, style: Style): string[] {
  const inner = ' '.repeat(6 + number.length)
  const price = remedy.price && remedy.price !== 'none' ? [`Price: ${remedy.price}`] : []
  const risk = remedy.risk === 'disruptive' && price.length === 0 ? ['Price: traffic is interrupted.'] : price
  return [
    ...hanging(remedy.text, number, number.length, style),
    ...remedy.commands.map(c => `${inner}  $ ${c}`),
    ...risk.flatMap(p => wrapped(p, inner, style)),
    ...remedy.undo.map((c, i) => `${inner}${i === 0 ? 'Undo: ' : '      '}$ ${c}`),
  ]
}

function hanging(text: string, lead: string, leadWidth: number, style: Style): string[] {
  const [first = '', ...rest] = wrap(text, style.width - 6 - leadWidth)
  return [`      ${lead}${first}`, ...rest.map(l => `      ${' '.repeat(leadWidth)}${l}`)]
}

function lastLines(report: DoctorReport, style: Style): string[] {
  const { counts, ms } = report
  const found = (['error', 'warning', 'info'] as const)
    .filter(s => counts[s] > 0)
    .map(s => style.severity(s, s === 'info' ? `${counts[s]} to know` : countOf(counts[s], s)))
  const rest = [
    `${counts.healthy} healthy`,
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
    ...(counts.crashed > 0 ? [`${counts.crashed} crashed`] : []),
  ]
  const calm = isBlind(report)
    ? 'Too little could be looked at to say whether something is wrong'
    : 'Nothing is wrong here, as far as could be seen'
  const what = found.length > 0 ? found.join(', ') : style.bold(calm)
  const looked = `${countOf(counts.checks, 'check')}: ${rest.join(', ')}; ${(ms / 1000).toFixed(1)} s.`
  return [`${what}.`, looked]
}

/** What stays on the terminal after the screen was left: one line a cause. */
export function leavingLines(report: DoctorReport): string[] {
  const causes = report.findings.filter(f => f.severity !== 'info').map(f => `${f.severity} ${f.code}  ${f.title}`)
  const more =
    causes.length > 0 ? ['nat64 doctor --plain has the whole report.'] : ['nat64 doctor: nothing is wrong here.']
  return [...causes, ...more]
}
