/** Evidence out of saved facts: what Jool counted and logged when they were collected. */
import type { Facts } from '../facts/facts.js'
import { joolCommand } from '../facts/jool-instance.js'
import { rebuildJoolLog } from '../facts/jool-log.js'
import type { TracedPath, TraceEvidence } from './core/traced.js'
import { joolEvidence, joolRecordsFor } from './evidence/jool-record.js'

/** The counter that goes up with a reason of the path model. */
const COUNTERS: Readonly<Record<string, string>> = { hairpin_loop: 'JSTAT_HAIRPIN_LOOP' }

/** Makes a function that adds evidence to paths that did not arrive. */
export function filedEvidence(facts: Facts): (path: TracedPath) => TracedPath {
  const records = facts.kernelLog.ok ? rebuildJoolLog(facts.kernelLog.value).records : []
  const instances = facts.jool.ok ? facts.jool.value.instances : []
  return path => {
    const { verdict } = path
    if (verdict.kind !== 'died') return path
    const evidence: TraceEvidence[] = [...verdict.evidence]
    const counter = COUNTERS[verdict.reason]
    for (const instance of instances) {
      const count = counter === undefined ? undefined : instance.stats[counter]
      if (!count) continue
      evidence.push({
        source: `${joolCommand(instance)} stats display --all --csv`,
        text: `${counter},${count}`,
        mark: counter as string,
      })
    }
    const last = path.hops.findLast(h => h.onWay)
    if (last) {
      // Nobody knows how the clocks of log and capture relate; addresses and ports must do.
      const packet = { ...last, protocol: path.protocol, time: 0 }
      const record = joolRecordsFor(packet, records, Number.POSITIVE_INFINITY).find(
        r => r.reason?.code === verdict.reason,
      )
      if (record) evidence.push(joolEvidence(record))
    }
    return { ...path, verdict: { ...verdict, evidence } }
  }
}
