/** The lines of the doctor's list: translators, findings with what follows from them, what could not be looked at. Pure. */
import type { Severity } from '../../doctor/check.js'
import type { DoctorReport, ReportedFinding, ReportedTranslator } from '../../doctor/report/report.js'
import { filterOf } from '../filter.js'

export type Sign = Severity | 'ok' | 'skipped' | 'gone'

/** One line that can be selected. */
export interface Row {
  /** The same after a re-run. */
  readonly key: string
  readonly sign: Sign
  /** Steps to the right: 1 follows from the row above. */
  readonly depth: 0 | 1
  /** Code, or empty. */
  readonly code: string
  readonly text: string
  readonly isNew: boolean
  readonly what:
    | { readonly kind: 'translator'; readonly translator: ReportedTranslator }
    | { readonly kind: 'finding'; readonly finding: ReportedFinding; readonly consequences: readonly ReportedFinding[] }
    | { readonly kind: 'crashed'; readonly id: string; readonly message: string }
    | { readonly kind: 'skipped'; readonly items: DoctorReport['skipped'] }
    | { readonly kind: 'healthy'; readonly items: DoctorReport['healthy'] }
}

/** What a re-run changed, by key of the finding. */
export interface Changed {
  readonly fresh: ReadonlySet<string>
  readonly gone: readonly ReportedFinding[]
}

/** All rows. `showHealthy`: one line a healthy check instead of one for all. */
export function rowsOf(report: DoctorReport, changed: Changed, showHealthy: boolean): Row[] {
  const finding = (f: ReportedFinding, depth: 0 | 1, consequences: readonly ReportedFinding[]): Row => ({
    key: f.key,
    sign: f.severity,
    depth,
    code: f.code,
    text: f.title,
    isNew: changed.fresh.has(f.key),
    what: { kind: 'finding', finding: f, consequences },
  })
  const line = (key: string, sign: Sign, text: string, what: Row['what'], code = ''): Row => ({
    ...{ key, sign, text, what, code },
    depth: 0,
    isNew: false,
  })
  const { healthy, skipped } = report
  const healthyRow = (items: DoctorReport['healthy'], text: string, code = '') =>
    line(`healthy ${code}`, 'ok', text, { kind: 'healthy', items }, code)
  return [
    ...report.translators.map(t => translatorRow(t)),
    ...(report.translators.length === 0
      ? [line('no translator', 'skipped', noTranslator(report), { kind: 'skipped', items: [] })]
      : []),
    ...report.findings.flatMap(f => [finding(f, 0, f.consequences), ...f.consequences.map(c => finding(c, 1, []))]),
    ...changed.gone.map(f => ({ ...finding(f, 0, []), key: `gone ${f.key}`, sign: 'gone' as const })),
    ...report.crashed.map(c =>
      line(`crashed ${c.code}`, 'error', `crashed: ${c.message}`, { kind: 'crashed', ...c }, c.code),
    ),
    ...(skipped.length > 0
      ? [line('skipped', 'skipped', `${skipped.length} could not be looked at`, { kind: 'skipped', items: skipped })]
      : []),
    ...(showHealthy
      ? healthy.map(h => healthyRow([h], h.title, h.code))
      : healthy.length > 0
        ? [healthyRow(healthy, `${healthy.length} healthy`)]
        : []),
  ]
}

function noTranslator(report: DoctorReport): string {
  const isKnown = !['jool', 'links'].some(f => report.facts.missing.includes(f))
  return isKnown ? 'no translator was found' : 'translators: could not be looked at'
}

function translatorRow(translator: ReportedTranslator): Row {
  const { label, active, paths } = translator
  const bad = paths.filter(p => !p.delivered).length
  const count = paths.length === 1 ? '1 guest' : `${paths.length} guests`
  const state = !active ? 'idle' : bad > 0 ? `${bad} of ${count} cut off` : count
  const sign = !active ? 'skipped' : bad > 0 ? 'error' : 'ok'
  const what = { kind: 'translator' as const, translator }
  return { key: `translator ${label}`, sign, depth: 0, code: '', text: `${label}: ${state}`, isNew: false, what }
}

/** Rows that the filter lets pass. A row under a cause brings its cause along; an invalid filter hides nothing. */
export function filterRows(rows: readonly Row[], typed: string): readonly Row[] {
  const filter = filterOf(typed)
  if (typed === '' || !filter) return rows
  const passes = rows.map(r => filter.test(searched(r)))
  return rows.filter((_, i) => {
    if (passes[i]) return true
    for (let j = i + 1; rows[i]?.depth === 0 && rows[j]?.depth === 1; j++) if (passes[j]) return true
    return false
  })
}

function searched(row: Row): string {
  const more = row.what.kind === 'finding' ? [row.what.finding.id, ...row.what.finding.affects] : []
  return [row.sign, row.code, row.text, ...more].join(' ')
}
