/** `--watch`: looks again and again, and tells what is new and what is gone, once it has settled. The settling is pure. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Severity } from './check.js'
import { allFindings, type DoctorReport, type ReportedFinding } from './report/report.js'
import type { Doctor, Examined } from './service.js'

/** So many rounds in a row decide: what comes and goes within one is not told. */
const SETTLE_ROUNDS = 2

interface Seen {
  readonly finding: ReportedFinding
  /** It was told as being there. */
  readonly told: boolean
  /** Rounds in a row that say otherwise than what was told. */
  readonly against: number
}

/** What was told so far, by key. */
export type Watched = ReadonlyMap<string, Seen>

export interface Change {
  readonly appeared: readonly ReportedFinding[]
  readonly gone: readonly ReportedFinding[]
}

/** The first look: what it finds is told by the report itself. */
export function startWatching(report: DoctorReport): Watched {
  return new Map(allFindings(report).map(finding => [finding.key, { finding, told: true, against: 0 }]))
}

/** Takes one more look into account. */
export function settle(watched: Watched, report: DoctorReport): { readonly watched: Watched; readonly change: Change } {
  const now = new Map(allFindings(report).map(f => [f.key, f]))
  const next = new Map<string, Seen>()
  const appeared: ReportedFinding[] = []
  const gone: ReportedFinding[] = []
  for (const key of new Set([...watched.keys(), ...now.keys()])) {
    const seen = watched.get(key)
    const finding = now.get(key)
    const told = seen?.told ?? false
    const against = (finding !== undefined) === told ? 0 : (seen?.against ?? 0) + 1
    const shown = finding ?? (seen as Seen).finding
    if (against >= SETTLE_ROUNDS) {
      ;(told ? gone : appeared).push(shown)
      if (!told) next.set(key, { finding: shown, told: true, against: 0 })
    } else if (told || finding !== undefined) next.set(key, { finding: shown, told, against })
  }
  return { watched: next, change: { appeared, gone } }
}

/** One object of `--watch --json`, after the report; a line each. */
export interface WatchLine {
  readonly schema: 'nat64.doctor.watch/1'
  readonly at: string
  readonly worst: Severity | null
  readonly appeared: readonly ReportedFinding[]
  readonly gone: readonly ReportedFinding[]
}

/** Looks every `seconds` until `signal`. Gives every look to `onLook`, with what changed; null at the first. */
export async function watch(
  doctor: Doctor,
  seconds: number,
  signal: AbortSignal,
  onLook: (examined: Examined, change: Change | null) => void,
): Promise<Examined> {
  let examined = await doctor.examine()
  let watched = startWatching(examined.report)
  onLook(examined, null)
  while (!signal.aborted) {
    await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) break
    examined = await doctor.examine()
    const settled = settle(watched, examined.report)
    watched = settled.watched
    onLook(examined, settled.change)
  }
  return examined
}

/** What changed as JSON. */
export function watchLine(report: DoctorReport, change: Change): WatchLine {
  return { schema: 'nat64.doctor.watch/1', at: report.facts.at, worst: report.worst, ...change }
}
