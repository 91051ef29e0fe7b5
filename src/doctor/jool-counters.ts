/** What Jool's counters prove: over an interval what rises, over the life of an instance only what is a share of its work. */
import type { JoolInstanceFact, KernelLogLine } from '../facts/facts.js'
import { joolCommand, joolLabel } from '../facts/jool-instance.js'
import type { Evidence, Finding, Remedy, Severity } from './check.js'
import { packetEvidence } from './jool-packets.js'

/** A total says nothing about now: fewer than this many are history. */
const MIN_TOTAL = 10
/** So many packets lost behind Jool are no accident. */
export const MIN_DST_OUTPUT = MIN_TOTAL

export interface CounterRule {
  readonly counters: readonly string[]
  /** Severity while they rise; a mere total is a warning at most. */
  readonly severity: Severity
  /** Of what was translated, from which on it matters. */
  readonly share: number
  /** Also told when nothing is known but totals. */
  readonly totals: boolean
  /** The kernel's log: the last packet of it that such a counter is about is shown. */
  readonly log?: readonly KernelLogLine[] | undefined
}

export interface Tally {
  readonly instance: JoolInstanceFact
  /** Those that count, largest first. */
  readonly counted: readonly (readonly [name: string, count: number])[]
  readonly count: number
  /** Translated in the same time. */
  readonly translated: number
  /** null: since the instance was created. */
  readonly seconds: number | null
  readonly severity: Severity
}

/** How far a counter rose, or where it stands when there is no earlier moment. Counters of a new instance start at 0. */
export function countOf(instance: JoolInstanceFact, name: string): number {
  const now = instance.stats[name] ?? 0
  const then = instance.earlier?.stats[name] ?? 0
  return now >= then ? now - then : now
}

/** Judges an instance by a rule; null: nothing to tell. */
export function tally(instance: JoolInstanceFact, rule: CounterRule): Tally | null {
  const counted = rule.counters
    .map(name => [name, countOf(instance, name)] as const)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
  const count = counted.reduce((sum, [, n]) => sum + n, 0)
  const translated = countOf(instance, 'JSTAT_SUCCESS')
  const seconds = instance.earlier?.seconds ?? null
  if (count === 0 || count / (count + translated) < rule.share) return null
  if (seconds === null && (!rule.totals || (count < MIN_TOTAL && rule.share > 0))) return null
  const severity = seconds === null && rule.severity === 'error' ? 'warning' : rule.severity
  return { instance, counted, count, translated, seconds, severity }
}

/** `12 packets in 10 s`, `1200 packets since it was created`. */
export function howMany(t: Tally): string {
  const packets = t.count === 1 ? '1 packet' : `${t.count} packets`
  return t.seconds === null ? `${packets} since it was created` : `${packets} in ${Math.round(t.seconds)} s`
}

/** The counters as Jool prints them; what they rose by is added when that is known. */
export function counterEvidence(t: Tally): Evidence {
  const lines = t.counted.map(([name, count]) => {
    const now = t.instance.stats[name] ?? 0
    return t.seconds === null ? `${name},${now}` : `${name},${now} (+${count} in ${Math.round(t.seconds)} s)`
  })
  const [first] = t.counted
  const source = `${joolCommand(t.instance)} stats display --all --csv`
  return { source, text: lines.join('\n'), ...(first && { mark: first[0] }) }
}

/** What a counter check says of a tally. */
export interface Saying {
  readonly title: string
  readonly because: string
  readonly remedies?: readonly Remedy[]
  readonly references?: readonly string[]
}

/** Findings of all instances that a rule catches. */
export function countedFindings(
  instances: readonly JoolInstanceFact[],
  rule: CounterRule,
  say: (t: Tally, label: string) => Saying,
): Omit<Finding, 'code'>[] {
  return instances.flatMap(instance => {
    const t = tally(instance, rule)
    if (t === null) return []
    const said = say(t, joolLabel(instance))
    const packet = packetEvidence(rule.log ?? [], instance, rule.counters)
    return [
      {
        severity: t.severity,
        title: said.title,
        because: said.because,
        evidence: [counterEvidence(t), ...(packet ? [packet] : [])],
        affects: [joolLabel(instance)],
        remedies: said.remedies ?? [],
        references: said.references ?? [],
      },
    ]
  })
}
