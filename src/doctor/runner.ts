/** Runs checks over facts: unwraps what each declared, folds consequences under causes, survives a crash. Pure. */
import type { FactName, Facts } from '../facts/facts.js'
import { type Model, modelHost } from '../path/inventory.js'
import type { Check, CheckResult, Finding, Given, Severity } from './check.js'

/** One check and what came of it. */
export interface Outcome {
  readonly check: Check
  readonly result: CheckResult
}

/** A finding with those that follow from it. */
export interface FindingTree {
  readonly finding: Finding
  readonly consequences: readonly Finding[]
}

export interface Diagnosis {
  readonly outcomes: readonly Outcome[]
  /** Causes first, then by severity. */
  readonly findings: readonly FindingTree[]
  readonly model: Model
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** Runs `checks` over `facts`. */
export function diagnose(facts: Facts, checks: readonly Check[]): Diagnosis {
  const model = modelHost(facts)
  const outcomes = checks.map(check => ({ check, result: runCheck(check, facts, model) }))
  return { outcomes, findings: foldFindings(outcomes), model }
}

/** Runs one check. A fact that is missing skips it, with the reason; an exception is a result, too. */
export function runCheck(check: Check, facts: Facts, model: Model): CheckResult {
  const given: Record<string, unknown> = {
    source: (name: FactName) => facts[name].source,
    collected: facts.collected,
    maybe: (name: FactName) => {
      if (!check.wants?.includes(name)) throw new Error(`${check.id} does not declare that it wants ${name}`)
      const fact = facts[name]
      return fact?.ok ? fact.value : undefined
    },
  }
  for (const name of check.needs) {
    const fact = facts[name]
    // Facts saved by an older version may lack what was added since.
    if (!fact?.ok) {
      return {
        status: 'skipped',
        fact: name,
        reason: fact?.reason ?? 'absent',
        detail: fact?.detail ?? 'not collected',
      }
    }
    given[name] = fact.value
  }
  try {
    const findings = check.run(given as Given<FactName>, model)
    return findings.length === 0
      ? { status: 'ok' }
      : { status: 'findings', findings: findings.map(f => ({ ...f, code: check.code })) }
  } catch (error) {
    return { status: 'crashed', message: (error as Error).message }
  }
}

/** A finding goes under the first finding that its check names as a cause and that concerns the same thing, or anything. */
function foldFindings(outcomes: readonly Outcome[]): FindingTree[] {
  const all = outcomes.flatMap(({ check, result }) =>
    result.status === 'findings' ? result.findings.map(finding => ({ finding, after: check.after })) : [],
  )
  const shares = (a: Finding, b: Finding) =>
    a.affects.length === 0 || b.affects.length === 0 || a.affects.some(x => b.affects.includes(x))
  const causeOf = (f: (typeof all)[number]) =>
    all.find(other => other !== f && f.after.includes(other.finding.code) && shares(other.finding, f.finding))
  const roots = all.filter(f => !causeOf(f))
  return roots
    .map(root => ({
      finding: root.finding,
      consequences: all.filter(f => f !== root && rootOf(f, causeOf) === root).map(f => f.finding),
    }))
    .sort(
      (a, b) => RANK[a.finding.severity] - RANK[b.finding.severity] || b.consequences.length - a.consequences.length,
    )
}

function rootOf<T>(start: T, causeOf: (f: T) => T | undefined): T {
  let current = start
  for (let depth = 0; depth < 16; depth++) {
    const cause = causeOf(current)
    if (cause === undefined) return current
    current = cause
  }
  return current
}

/** The worst severity among all findings, folded ones included; null when there are none. */
export function worst(diagnosis: Diagnosis): Severity | null {
  const all = diagnosis.findings.flatMap(t => [t.finding, ...t.consequences])
  return all.reduce<Severity | null>((w, f) => (w === null || RANK[f.severity] < RANK[w] ? f.severity : w), null)
}
