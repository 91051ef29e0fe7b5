/** Counters of whoever drops packets, and what they rose by between two moments. Pure. */
import type { Facts, JoolInstanceFact } from '../../facts/facts.js'
import { joolCommand, joolLabel } from '../../facts/jool-instance.js'
import type { DropRule } from '../../path/path.js'
import { countingDrops, dropKey } from '../../path/shown-drop.js'
import type { TraceEvidence } from '../core/traced.js'

/** A counter that went up. */
export interface CounterRise {
  /** Packets. */
  readonly rise: number
  /** Who counted: `Jool "default"`, `rule "-A …" of ip6tables -t raw`. */
  readonly killer: string
  /** Jool's name for it: `JSTAT_HAIRPIN_LOOP`; null: a rule's. */
  readonly jstat: string | null
  /** null: a counter of Jool. */
  readonly rule: DropRule | null
  /** Whose packets; null: not known, or both. */
  readonly family: 4 | 6 | null
  readonly evidence: TraceEvidence
}

/** Where all counters stand. */
export interface Counters {
  /** ms since 1970, of the moment when they had been read; NaN when the facts do not say. */
  readonly at: number
  /** By a key that is the same at another time. */
  readonly counts: ReadonlyMap<string, Counter>
  /** What could be read: a rule that is missing was not there. */
  readonly iptables: boolean
  readonly nft: boolean
}

interface Counter extends Omit<CounterRise, 'rise' | 'evidence'> {
  readonly count: number
  readonly source: string
  readonly text: string
}

/** What goes up with traffic, or says how many there are: no packet is lost with these. */
const TRAFFIC = /^JSTAT_(RECEIVED[46]|SUCCESS|BIB_ENTRIES|SESSIONS|JOOLD_.*)$/

/** Reads the counters of Jool, and of rules that drop, out of facts; those that are missing count nothing. */
export function readCounters(facts: Facts): Counters {
  const counts = new Map<string, Counter>()
  const jool = facts.jool.ok ? facts.jool.value.instances : []
  for (const instance of jool) {
    for (const [jstat, count] of Object.entries(instance.stats)) {
      if (!TRAFFIC.test(jstat)) counts.set(joolKey(instance, jstat), joolCounter(instance, jstat, count))
    }
  }
  const iptables = facts.iptables.ok ? facts.iptables.value : { rules: [], policies: [] }
  for (const { rule, family, name, source, text, packets } of countingDrops(
    iptables,
    facts.nft.ok ? facts.nft.value : [],
  )) {
    const key = dropKey(rule)
    // The same rule twice in a chain: the second one has little to say.
    const count = (packets ?? 0) + (counts.get(key)?.count ?? 0)
    counts.set(key, { count, killer: name, jstat: null, rule, family, source, text })
  }
  return { at: Date.parse(facts.collected.at), counts, iptables: facts.iptables.ok, nft: facts.nft.ok }
}

function joolKey({ netns, name, siit, framework }: JoolInstanceFact, jstat: string): string {
  return `jool ${netns} ${siit} ${framework} ${name} ${jstat}`
}

function joolCounter(instance: JoolInstanceFact, jstat: string, count: number): Counter {
  return {
    count,
    killer: joolLabel(instance),
    jstat,
    rule: null,
    family: familyOf(jstat),
    source: `${joolCommand(instance)} stats display --all --csv`,
    text: `${jstat},${count}`,
  }
}

/** `JSTAT64_TTL`, `JSTAT_BIB6_NOT_FOUND`: Jool's names say whose packets they count. */
function familyOf(jstat: string): 4 | 6 | null {
  const digit = /^JSTAT([46])|(?:ICMP|SYN|BIB|POOL|DST|HDR)([46])/.exec(jstat)
  return digit ? (Number(digit[1] ?? digit[2]) as 4 | 6) : null
}

/**
 * What went up between two moments, most first. What began anew rose from 0, and so did a new rule; a counter of Jool that
 * was not there before may not have been readable, and says nothing.
 */
export function countersRose(before: Counters, after: Counters): CounterRise[] {
  const seconds = (after.at - before.at) / 1000
  const during = seconds > 0 ? ` in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s` : ''
  const rises: CounterRise[] = []
  for (const [key, { count, killer, jstat, rule, family, source, text }] of after.counts) {
    const then = before.counts.get(key)?.count
    if (then === undefined && !isNew(before, rule)) continue
    const rise = count >= (then ?? 0) ? count - (then ?? 0) : count
    if (rise === 0) continue
    const mark = `+${rise}`
    const evidence = { source, text: `${text} (${mark}${during})`, mark }
    rises.push({ rise, killer, jstat, rule, family, evidence })
  }
  return rises.sort((a, b) => b.rise - a.rise)
}

function isNew(before: Counters, rule: DropRule | null): boolean {
  return rule !== null && (rule.tool === 'nft' ? before.nft : before.iptables)
}

/** {@link countersRose} of two collections of facts. */
export function diffCounters(before: Facts, after: Facts): CounterRise[] {
  return countersRose(readCounters(before), readCounters(after))
}
