/** What a check finds, in one line a finding: code, severity, what it affects. */
import type { Check, CheckResult } from '../../src/doctor/check.js'
import { runCheck } from '../../src/doctor/runner.js'
import type { FactName, Facts } from '../../src/facts/facts.js'
import { modelHost } from '../../src/path/inventory.js'

export function resultOf<Need extends FactName>(check: Check<Need>, facts: Facts): CheckResult {
  return runCheck(check as unknown as Check, facts, modelHost(facts))
}

export function found<Need extends FactName>(check: Check<Need>, facts: Facts): string[] {
  const result = resultOf(check, facts)
  if (result.status === 'ok') return []
  if (result.status !== 'findings') throw new Error(`${check.id}: ${JSON.stringify(result)}`)
  return result.findings.map(f => [f.code, f.severity, f.affects.join(',')].join(' ').trim())
}
