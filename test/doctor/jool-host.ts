/** A host with a healthy Jool, and what may be wrong with it. */
import type { Fact, FactName, Facts, FactValue, JoolInstanceFact, LinkFact } from '../../src/facts/facts.js'
import { patch, recorded } from '../path/recording.js'

/** Facts with others in place of theirs. */
export function having(base: Facts, values: { readonly [N in FactName]?: FactValue<N> }): Facts {
  const facts = Object.entries(values).map(([name, value]) => {
    const fact: Fact<unknown> = { ok: true, source: base[name as FactName].source || name, value }
    return [name, fact]
  })
  return { ...base, ...Object.fromEntries(facts) }
}

/** Jool 4.1.9 on kernel 6.1, one instance, one guest without a firewall bridge, as recorded; its debug log is off. */
export function joolHost(values: { readonly [N in FactName]?: FactValue<N> } = {}): Facts {
  const quiet = withInstance(recorded('jool-ok-nofw'), i => ({
    ...i,
    global: { ...i.global, 'logging-debug': 'FALSE' },
  }))
  return having(having(quiet, { kernelLog: [] }), values)
}

/** Changes the instances. */
export function withInstance(facts: Facts, change: (i: JoolInstanceFact) => JoolInstanceFact): Facts {
  return { ...facts, jool: patch(facts.jool, j => ({ ...j, instances: j.instances.map(change) })) }
}

/** The healthy host with other versions of Jool. */
export function joolVersions(facts: Facts, client: string | null, module: string | null): Facts {
  return { ...facts, jool: patch(facts.jool, j => ({ ...j, client, module })) }
}

/** No instance anywhere. */
export function withoutInstances(facts: Facts): Facts {
  return { ...facts, jool: patch(facts.jool, j => ({ ...j, instances: [] })) }
}

/** The host with Jool not loaded. */
export function unloaded(values: { readonly [N in FactName]?: FactValue<N> } = {}): Facts {
  return withoutInstances(joolHost({ modules: [], ...values }))
}

/** Counters as they stand, since the instance was created. */
export function totals(stats: Readonly<Record<string, number>>, base: Facts = joolHost()): Facts {
  return withInstance(base, i => ({ ...i, stats: { ...i.stats, ...stats } }))
}

/** Counters that rose by so much in ten seconds; the others stood still. */
export function rising(by: Readonly<Record<string, number>>, base: Facts = joolHost()): Facts {
  return withInstance(base, i => {
    const now = Object.entries(by).map(([name, n]) => [name, (i.stats[name] ?? 0) + n])
    return { ...i, earlier: { seconds: 10, stats: i.stats }, stats: { ...i.stats, ...Object.fromEntries(now) } }
  })
}

/** Lines of the kernel's log, a second apart. */
export function log(...texts: readonly string[]): { time: number; text: string }[] {
  return texts.map((text, i) => ({ time: 100 + i, text }))
}

/** Changes one device. */
export function withLink(facts: Facts, name: string, change: Partial<LinkFact>): Facts {
  return { ...facts, links: patch(facts.links, all => all.map(l => (l.name === name ? { ...l, ...change } : l))) }
}

export const JOOL = 'Jool "default"'
