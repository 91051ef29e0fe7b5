/**
 * The report of a diagnosis: what `nat64 doctor --json` prints, and what text and screen are drawn from. Schema
 * `nat64.doctor/1`: only ever added to; readers ignore what they do not know. Pure.
 *
 * `findings` are causes, worst first; what follows from one is in its `consequences`. `worst` counts both. A translator's
 * `paths` has every guest's device that was predicted for it, `reason` as in the vocabulary of src/path.
 */
import type { FactName, Facts, Unavailable } from '../../facts/facts.js'
import { missingFacts } from '../../facts/missing.js'
import type { EngineInfo, Model, Prediction } from '../../path/inventory.js'
import { OUTCOME_REASONS, type OutcomeReason } from '../../path/path.js'
import { cleanAll } from '../../term/clean.js'
import type { Finding, Severity } from '../check.js'
import { type Diagnosis, worst } from '../runner.js'

export const DOCTOR_SCHEMA = 'nat64.doctor/1'

export interface ReportedFinding extends Finding {
  /** Of the check: `jool-hairpin-fwbr`. */
  readonly id: string
  /** Code and what it concerns: makes it the same finding the next time, whatever its numbers. */
  readonly key: string
}

export interface ReportedTree extends ReportedFinding {
  readonly consequences: readonly ReportedFinding[]
}

export interface ReportedPath {
  /** The guest's device: `tap100i0`. */
  readonly device: string
  readonly delivered: boolean
  readonly reason: OutcomeReason
  /** The reason as a sentence. */
  readonly meaning: string
  readonly firewall: { readonly expected: boolean; readonly requestSeen: boolean; readonly replySeen: boolean }
}

export interface ReportedTranslator {
  readonly label: string
  readonly kind: EngineInfo['engine']['kind']
  readonly active: boolean
  readonly pool6: string | null
  readonly paths: readonly ReportedPath[]
}

export interface ReportedGuest {
  readonly device: string
  /** Id and name, when Proxmox or the device's name tells. */
  readonly guest: string | null
  readonly name: string | null
  readonly bridge: string
  readonly firewallBridge: string | null
  readonly address6: string | null
}

export interface DoctorReport {
  readonly schema: typeof DOCTOR_SCHEMA
  readonly version: string
  readonly host: {
    readonly name: string
    readonly system: string | null
    readonly kernel: string | null
    readonly proxmox: string | null
  }
  /** When and how the facts were collected; `from`: the file they were read from, null when from this host. */
  readonly facts: {
    readonly at: string
    readonly by: string
    readonly root: boolean
    readonly from: string | null
    /** Those that are not there, for whatever reason. */
    readonly missing: readonly string[]
  }
  /** Collecting and checking. */
  readonly ms: number
  readonly translators: readonly ReportedTranslator[]
  readonly guests: readonly ReportedGuest[]
  /** What the predictions leave open, each once. */
  readonly uncertain: readonly string[]
  readonly worst: Severity | null
  readonly counts: Readonly<Record<'checks' | 'error' | 'warning' | 'info' | 'healthy' | 'skipped' | 'crashed', number>>
  readonly findings: readonly ReportedTree[]
  readonly healthy: readonly { readonly code: string; readonly id: string; readonly title: string }[]
  readonly skipped: readonly {
    readonly code: string
    readonly id: string
    readonly fact: FactName
    readonly reason: Unavailable
    readonly detail: string
  }[]
  readonly crashed: readonly { readonly code: string; readonly id: string; readonly message: string }[]
}

export interface ReportAbout {
  readonly version: string
  /** The file that the facts were read from. */
  readonly from: string | null
  readonly ms: number
}

/** Makes the report. What programs and files have said is in it only in a form that a terminal may print. */
export function makeReport(diagnosis: Diagnosis, facts: Facts, about: ReportAbout): DoctorReport {
  const { outcomes, model } = diagnosis
  const ids = new Map(outcomes.map(o => [o.check.code, o.check.id]))
  const named = (finding: Finding): ReportedFinding => ({
    id: ids.get(finding.code) ?? '',
    key: [finding.code, ...[...finding.affects].sort()].join(' '),
    ...finding,
  })
  const findings = diagnosis.findings.map(t => ({ ...named(t.finding), consequences: t.consequences.map(named) }))
  const all = findings.flatMap(f => [f, ...f.consequences])
  const count = (severity: Severity) => all.filter(f => f.severity === severity).length
  const healthy = outcomes.flatMap(({ check: { code, id, title }, result }) =>
    result.status === 'ok' ? [{ code, id, title }] : [],
  )
  const skipped = outcomes.flatMap(({ check: { code, id }, result }) =>
    result.status === 'skipped' ? [{ code, id, fact: result.fact, reason: result.reason, detail: result.detail }] : [],
  )
  const crashed = outcomes.flatMap(({ check: { code, id }, result }) =>
    result.status === 'crashed' ? [{ code, id, message: result.message }] : [],
  )
  const { at, by, root, hostname } = facts.collected
  return cleanAll({
    schema: DOCTOR_SCHEMA,
    version: about.version,
    host: {
      name: hostname,
      system: facts.os.ok ? facts.os.value.pretty : null,
      kernel: facts.kernel.ok ? facts.kernel.value.release : null,
      proxmox: facts.proxmox.ok ? facts.proxmox.value.version : null,
    },
    facts: { at, by, root, from: about.from, missing: missingFacts(facts) },
    ms: Math.round(about.ms),
    translators: model.engines.map(e => translator(e, model.predictions)),
    guests: guests(model, facts),
    uncertain: [...new Set(model.predictions.flatMap(p => p.path.uncertain))],
    worst: worst(diagnosis),
    counts: {
      checks: outcomes.length,
      error: count('error'),
      warning: count('warning'),
      info: count('info'),
      healthy: healthy.length,
      skipped: skipped.length,
      crashed: crashed.length,
    },
    findings,
    healthy,
    skipped,
    crashed,
  })
}

function translator(engine: EngineInfo, predictions: readonly Prediction[]): ReportedTranslator {
  const { label, active, pool6 } = engine
  const paths = predictions
    .filter(p => p.engine === engine)
    .map(({ nic, path }) => {
      const { expected, requestSeen, replySeen } = path.firewall
      return {
        device: nic.device,
        delivered: path.delivered,
        reason: path.reason,
        meaning: OUTCOME_REASONS[path.reason],
        firewall: { expected, requestSeen, replySeen },
      }
    })
  return { label, kind: engine.engine.kind, active, pool6, paths }
}

function guests(model: Model, facts: Facts): ReportedGuest[] {
  const known = facts.proxmox.ok ? facts.proxmox.value.guests : []
  const names = new Map(known.map(g => [g.id, g.name]))
  return model.nics.map(({ device, guest, bridge, firewallBridge, address6 }) => ({
    device,
    guest,
    name: guest === null ? null : (names.get(guest) ?? null),
    bridge,
    firewallBridge,
    address6,
  }))
}

/** Causes and what follows from them, in the order of the report. */
export function allFindings(report: DoctorReport): ReportedFinding[] {
  return report.findings.flatMap(f => [f, ...f.consequences])
}

/** Nothing was found, but little could be looked at: no reason to call the host healthy. */
export function isBlind(report: DoctorReport): boolean {
  return report.worst === null && report.counts.skipped > report.counts.healthy
}
