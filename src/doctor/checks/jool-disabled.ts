import type { JoolInstanceFact } from '../../facts/facts.js'
import { isEnabled, joolCommand, joolLabel } from '../../facts/jool-instance.js'
import type { Finding } from '../check.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** J09. */
export const joolDisabled = defineCheck({
  code: 'N64-509',
  origin: 'J09',
  id: 'jool-disabled',
  title: "Jool's instances are switched on and have a pool6",
  explanation: `An instance with manually-enabled off exists, has its tables and its hooks, and lets every packet pass untranslated
(JSTAT_XLATOR_DISABLED counts them). An instance without pool6, which Jool 4 allows for SIIT and older versions for all, can
only translate what its EAM table covers, and nothing at all when that is empty (JSTAT_POOL6_UNSET).

A disabled instance beside a translator that works is no finding: it is how another one takes over.`,
  needs: ['jool'],
  after: [],
  run(facts, model) {
    return facts.jool.instances.flatMap(instance => {
      if (Object.keys(instance.global).length === 0) return []
      if (!isEnabled(instance)) return model.engines.some(e => e.active) ? [] : [disabled(instance)]
      const lacksPool6 = !instance.global.pool6?.includes('/') && instance.eamt.length === 0
      return lacksPool6 ? [withoutPool6(instance)] : []
    })
  },
})

function disabled(instance: JoolInstanceFact): Omit<Finding, 'code'> {
  const command = joolCommand(instance)
  return {
    severity: 'error',
    title: `${joolLabel(instance)} is switched off`,
    because: 'An instance with manually-enabled off lets every packet pass untranslated.',
    evidence: [
      {
        source: `${command} global display --csv`,
        text: `manually-enabled,${instance.global['manually-enabled']}`,
        mark: instance.global['manually-enabled'] ?? '',
      },
    ],
    affects: [joolLabel(instance)],
    remedies: [
      safe(
        'Switch it on.',
        [`${command} global update manually-enabled true`],
        [`${command} global update manually-enabled false`],
      ),
    ],
    references: [],
  }
}

function withoutPool6(instance: JoolInstanceFact): Omit<Finding, 'code'> {
  const command = joolCommand(instance)
  return {
    severity: 'error',
    title: `${joolLabel(instance)} has neither pool6 nor address mappings`,
    because: 'Without a prefix and without EAM entries there is no address that Jool could translate.',
    evidence: [
      { source: `${command} global display --csv`, text: `pool6,${instance.global.pool6 ?? ''}`, mark: 'pool6' },
    ],
    affects: [joolLabel(instance)],
    remedies: [
      safe('Set it.', [`${command} global update pool6 64:ff9b::/96`], [`${command} global update pool6 null`]),
    ],
    references: ['RFC 6052 §2'],
  }
}
