/** Who killed a packet, and how one knows: counters, Jool's log, rules and the kernel's drop events put together. Pure. */
import type { Facts } from '../../facts/facts.js'
import { joolLabel } from '../../facts/jool-instance.js'
import type { JoolRecord } from '../../facts/jool-log.js'
import { viewHost } from '../../path/host-view.js'
import { type CtState, parseRule, type RulePacket } from '../../path/iptables-rule.js'
import type { DropRule, LegDrop, OutcomeReason } from '../../path/path.js'
import { dropKey, type ShownDrop } from '../../path/shown-drop.js'
import { whoDrops } from '../../path/who-drops.js'
import type { Endpoints, TraceEvidence, TraceProtocol } from '../core/traced.js'
import { type CounterRise, type Counters, countersRose } from './counters.js'
import type { DropEvent } from './drop-event.js'
import { dropEventFor, dropEvidence, placeOf } from './drop-place.js'
import { joolEvidence, joolRecordsFor, wasRefused } from './jool-record.js'

/** A packet that died, as it was seen last. */
export interface Question extends Endpoints {
  /** What the model says; `ok` when it says nothing. */
  readonly reason: OutcomeReason
  /** Where the packet died; null: not known. */
  readonly at: LegDrop['where'] | null
  /** The device there, as rules match it with -i; for a frame on a bridge the bridge. Empty: not known. */
  readonly device: string
  readonly bridged: boolean
  /** The device that it was to leave by, and its ports of the bridge, as far as they are known. */
  readonly outDevice?: string
  readonly physIn?: string
  readonly physOut?: string
  readonly family: 4 | 6
  readonly protocol: TraceProtocol
  /** What connection tracking makes of it. Default: new. */
  readonly ctState?: CtState
  /** The rule that the model says drops it. */
  readonly rule?: DropRule | null
  /** Of the last sighting, ns since `epochMs`. */
  readonly time: number
  /** The trace's epoch, ms since 1970. */
  readonly epochMs: number
  /** How many packets have died so, this one included. */
  readonly count: number
}

export interface Answer {
  /** `Jool "default"`, `rule "-A …" of ip6tables -t raw`, `the kernel (IP_INNOROUTES)`; null: nobody can be named. */
  readonly killer: string | null
  /** What decides first. */
  readonly evidence: readonly TraceEvidence[]
}

/** Counters at a moment. */
export interface Snapshot {
  /** ms since 1970, when reading them began; they were read by `counters.at`. */
  readonly begun: number
  readonly counters: Counters
}

/** All that is known. Clocks are given as ms since 1970 at their zero; null: not known yet. */
export interface Known {
  readonly facts: Facts
  /** Oldest first. */
  readonly snapshots: readonly Snapshot[]
  readonly records: readonly JoolRecord[]
  readonly logZeroMs: number | null
  /** How far a line of the log may be from its packet, seconds: its clock may only be known from reading it. */
  readonly logTolerance: number
  readonly events: readonly DropEvent[]
  readonly eventZeroMs: number
}

type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
const HOOKS: readonly (string | null)[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']

/** Counters of Jool that go with a reason of the model. */
const COUNTERS: Partial<Record<OutcomeReason, readonly string[]>> = {
  hairpin_loop: ['JSTAT_HAIRPIN_LOOP'],
  no_route4: ['JSTAT_FAILED_ROUTES'],
  no_route6: ['JSTAT_FAILED_ROUTES'],
}
/** It may lie in a queue after it was seen. */
const DYING_MS = 10
/** Rules that nobody can tell from each other: more are no help. */
const MAX_GUESSES = 2

/** The packet died where Jool had it. */
export function concernsJool({ reason, at }: Question): boolean {
  return at === 'translator' || COUNTERS[reason] !== undefined
}

/** Answers. Empty evidence: nothing that is known has to do with the packet. */
export function answer(q: Question, known: Known): Answer {
  const seenMs = q.epochMs + q.time / 1e6
  const rises = risesAround(known.snapshots, seenMs)
  const record = recordOf(q, known, seenMs)
  const refused = record !== null && isEnd(q, record) ? record : null
  const jool = joolRises(q, refused, rises ?? [])
  const rules = refused === null && jool.length === 0 ? ruleAnswer(q, known.facts, rises) : []
  const event = dropEventFor(
    {
      family: q.family,
      time: (seenMs - known.eventZeroMs) / 1000,
      where: q.at,
      bridged: HOOKS.includes(q.at) ? q.bridged : null,
    },
    known.events,
  )
  // That Jool let it through says something only when it was last seen before Jool.
  const said = refused ?? (q.at === 'translator' ? record : null)
  return {
    killer: killerOf(refused && labelOf(known.facts, refused), jool, rules, event),
    evidence: [
      ...(said ? [joolEvidence(said)] : []),
      ...jool.map(r => r.evidence),
      ...rules.map(r => r.evidence),
      ...(event ? [dropEvidence(event)] : []),
    ],
  }
}

function killerOf(
  log: string | null,
  jool: readonly CounterRise[],
  rules: readonly Suspect[],
  event: DropEvent | null,
): string | null {
  if (log !== null) return log
  const [first] = jool
  if (first) return first.killer
  const [rule, ...others] = rules
  if (rule && others.length === 0) return rule.killer
  if (event === null) return null
  if (event.reason !== 'NETFILTER_DROP') return `the kernel (${event.reason})`
  return placeOf(event)?.byNft ? 'a rule of nftables or iptables' : null
}

/** What rose between the last reading before the packet died and the newest one; null: there was none since. */
function risesAround(snapshots: readonly Snapshot[], seenMs: number): CounterRise[] | null {
  const after = snapshots.at(-1)
  const before = snapshots.findLast(s => s.counters.at <= seenMs)
  if (!after || !before || after.begun < seenMs + DYING_MS) return null
  return countersRose(before.counters, after.counters)
}

function recordOf(q: Question, { records, logZeroMs, logTolerance }: Known, seenMs: number): JoolRecord | null {
  if (logZeroMs === null) return null
  const found = joolRecordsFor({ ...q, time: (seenMs - logZeroMs) / 1000 }, records, logTolerance)
  return found.find(r => isEnd(q, r)) ?? found[0] ?? null
}

/** What Jool leaves to the kernel goes on; that is the end only where it was to be translated. */
function isEnd(q: Question, record: JoolRecord): boolean {
  if (record.verdict !== 'passed') return wasRefused(record)
  return q.at === 'translator' || q.at === null || q.reason === 'local_pool4'
}

function labelOf(facts: Facts, { instance, siit }: JoolRecord): string {
  const instances = facts.jool.ok ? facts.jool.value.instances.filter(i => i.siit === siit) : []
  const same = instances.filter(i => instance === null || i.name === instance)
  // Instances of the same name in two namespaces cannot be told apart by the log.
  return same.length === 1
    ? joolLabel(same[0] as (typeof same)[number])
    : joolLabel({ netns: null, name: instance ?? 'default', siit })
}

/** Counters of Jool that belong to the packet: by the log's reason, by the model's, or all when it died at the translator. */
function joolRises(q: Question, refused: JoolRecord | null, rises: readonly CounterRise[]): CounterRise[] {
  const jool = rises.filter(r => r.jstat !== null && (r.family === null || r.family === q.family))
  const wanted = refused?.reason?.counter || null
  const names = wanted === null ? COUNTERS[q.reason] : [wanted]
  if (names) return jool.filter(r => names.includes(r.jstat as string))
  return q.at === 'translator' || refused !== null ? jool.slice(0, MAX_GUESSES) : []
}

interface Suspect {
  readonly killer: string
  readonly evidence: TraceEvidence
}

/** The rule that drops such a packet, with what its counter rose by; else rules that rose and may have. */
function ruleAnswer(q: Question, facts: Facts, rises: readonly CounterRise[] | null): Suspect[] {
  if (!HOOKS.includes(q.at)) return []
  const packet = packetOf(q)
  const { iptables, nft, callsIptables } = viewHost(facts)
  const called = callsIptables(q.device, q.family)
  const shown = whoDrops({ iptables, nft }, { hook: q.at as Hook, bridged: q.bridged, called }, packet)
  const wanted = q.rule ?? shown?.rule ?? null
  const rose = wanted && rises?.find(r => r.rule && dropKey(r.rule) === dropKey(wanted))
  if (rose) return [rose]
  // A rule that counts and did not rise was not it.
  if (shown && (shown.packets === null || rises === null)) return [asSuspect(shown)]
  return (rises ?? []).filter(r => r.rule !== null && mayDrop(r, r.rule, packet)).slice(0, MAX_GUESSES)
}

const asSuspect = ({ name, source, text, mark }: ShownDrop): Suspect => ({
  killer: name,
  evidence: { source, text, mark },
})

function packetOf(q: Question): RulePacket {
  return {
    family: q.family,
    source: q.source,
    destination: q.destination,
    protocol: q.protocol,
    sport: q.sourcePort,
    dport: q.destinationPort,
    inDevice: q.device,
    outDevice: q.outDevice ?? '',
    physIn: q.physIn ?? '',
    physOut: q.physOut ?? '',
    ctState: q.ctState ?? 'new',
    mac: '',
  }
}

/** What is understood of the rule fits the packet. */
function mayDrop(rise: CounterRise, rule: DropRule, packet: RulePacket): boolean {
  if (rise.family !== null && rise.family !== packet.family) return false
  if (rule.tool === 'nft' || !rule.text.startsWith('-A')) return true
  const { table, chain, text } = rule
  const parsed = parseRule({ family: packet.family, legacy: false, table, chain, text, packets: 0, target: null })
  return parsed.matches.every(m => m.test(packet) !== m.negated)
}
