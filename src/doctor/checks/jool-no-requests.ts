import { isEnabled, joolLabel } from '../../facts/jool-instance.js'
import { defineCheck } from '../check.js'
import { counterEvidence, countOf } from '../jool-counters.js'

/** IPv4 packets without a single IPv6 one: fewer may be chance. */
const ENOUGH = 20

/** S01. */
export const joolNoRequests = defineCheck({
  code: 'N64-521',
  origin: 'S01',
  id: 'jool-no-requests',
  title: 'IPv6 packets reach Jool',
  explanation: `JSTAT_RECEIVED6 counts the IPv6 packets that Jool was shown, whether it translated them or not. With the netfilter
framework those are all that enter the namespace, neighbour discovery included, so on a host with guests it always rises. With the
iptables framework they are those that a JOOL rule matched.

When it stands still while IPv4 packets are counted, the guests' packets do not come this far: they are routed elsewhere, dropped
before PREROUTING's mangle table, or no rule matches them. Look at the guest's route to pool6 first.

An instance that has seen IPv6 before is reported only when replies for its guests arrive and no request does.`,
  needs: ['jool'],
  after: ['N64-201', 'N64-405', 'N64-509'],
  run(facts, model) {
    if (model.nics.length === 0) return []
    return facts.jool.instances.filter(isEnabled).flatMap(instance => {
      const six = countOf(instance, 'JSTAT_RECEIVED6')
      const four = countOf(instance, 'JSTAT_RECEIVED4')
      // Guests may be quiet for a while; translated replies without a single request are no quiet.
      const hasSeenSome = (instance.stats.JSTAT_RECEIVED6 ?? 0) > 0
      const meant = hasSeenSome ? countOf(instance, 'JSTAT_SUCCESS') : four
      if (six > 0 || meant < ENOUGH) return []
      const label = joolLabel(instance)
      const seconds = instance.earlier?.seconds ?? null
      const counted = [['JSTAT_RECEIVED6', six] as const, ['JSTAT_RECEIVED4', four] as const]
      const t = { instance, counted, count: four, translated: 0, seconds, severity: 'warning' as const }
      const when = seconds === null ? 'since it was created' : `in ${Math.round(seconds)} s`
      return [
        {
          severity: instance.framework === 'iptables' && seconds === null ? ('error' as const) : ('warning' as const),
          title: `${label} was shown ${four} IPv4 packets ${when}, and no IPv6 packet`,
          because:
            instance.framework === 'iptables'
              ? "No rule of ip6tables hands it the guests' requests."
              : "The guests' requests do not reach this network namespace.",
          evidence: [counterEvidence(t)],
          affects: [label],
          remedies: [],
          references: [],
        },
      ]
    })
  },
})
