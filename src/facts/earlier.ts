/** Two moments of a host in one set of facts, so that checks can tell what rises from what once rose. Pure. */
import type { Facts, JoolInstanceFact } from './facts.js'

/** Puts the counters of an earlier collection beside those of `facts`. Instances that were not there then stay without. */
export function withEarlier(facts: Facts, earlier: Facts): Facts {
  const seconds = (Date.parse(facts.collected.at) - Date.parse(earlier.collected.at)) / 1000
  if (!facts.jool.ok || !earlier.jool.ok || !(seconds > 0)) return facts
  const before = earlier.jool.value.instances
  const same = (a: JoolInstanceFact, b: JoolInstanceFact) =>
    a.netns === b.netns && a.name === b.name && a.siit === b.siit && a.framework === b.framework
  const instances = facts.jool.value.instances.map(now => {
    const then = before.find(i => same(i, now))
    return then === undefined ? now : { ...now, earlier: { seconds, stats: then.stats } }
  })
  return { ...facts, jool: { ...facts.jool, value: { ...facts.jool.value, instances } } }
}
