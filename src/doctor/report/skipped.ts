/** What could not be looked at, by the fact that is missing. Pure. */
import type { Unavailable } from '../../facts/facts.js'
import type { Style } from '../../term/style.js'
import { wrap } from '../../term/wrap.js'
import { groupBy } from '../group.js'
import type { DoctorReport } from './report.js'

const WHY: Readonly<Record<Unavailable, string>> = {
  permission: 'not permitted',
  'not-installed': 'not installed',
  timeout: 'took too long',
  unsupported: 'not supported here',
  failed: 'failed',
  absent: 'not among the facts',
}

/** One line a missing fact; and how to see more when root could. */
export function skippedLines(report: DoctorReport, style: Style): string[] {
  if (report.skipped.length === 0) return []
  const lines = [...groupBy(report.skipped, s => s.fact)].flatMap(([fact, skipped]) => {
    const [first] = skipped
    const why = first
      ? `${WHY[first.reason]}${first.detail && first.reason !== 'absent' ? ` (${first.detail})` : ''}`
      : ''
    const codes = skipped.map(s => s.code).join(', ')
    return wrap(`${fact}: ${why}. Skipped: ${codes}`, style.width - 6).map((l, i) =>
      i === 0 ? `    ${l}` : `      ${l}`,
    )
  })
  return [`${style.glyphs.skipped} Could not be looked at`, ...lines, ...sudoLines(report), '']
}

function sudoLines(report: DoctorReport): string[] {
  const isHidden = report.skipped.some(s => s.reason === 'permission')
  return isHidden && !report.facts.root && report.facts.from === null ? ['    Root sees more:  sudo nat64 doctor'] : []
}
