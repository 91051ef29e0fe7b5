import { defineCheck } from '../check.js'
import { countedFindings, countOf, howMany } from '../jool-counters.js'

/** S08. */
export const joolPoolMismatch = defineCheck({
  code: 'N64-528',
  origin: 'S08',
  id: 'jool-pool-mismatch',
  title: "JOOL's rules match what Jool translates",
  explanation: `JSTAT_POOL6_MISMATCH and JSTAT_POOL4_MISMATCH count packets that Jool was shown and that are none of its business; it hands
them back untouched. With the netfilter framework that is every other packet of the host: high numbers are normal and are never
reported.

With the iptables framework only packets that a JOOL rule matched are shown to Jool. When most of those do not belong to its pools,
rules and pools name different addresses or ports; that is told as information, because what does not match may be what should
have been translated.`,
  needs: ['jool'],
  after: [],
  run(facts) {
    const byRules = facts.jool.instances.filter(i => i.framework === 'iptables' && !i.siit)
    const rule = {
      counters: ['JSTAT_POOL6_MISMATCH', 'JSTAT_POOL4_MISMATCH'],
      severity: 'info',
      share: 0.5,
      totals: true,
    } as const
    const enough = byRules.filter(i => rule.counters.reduce((n, name) => n + countOf(i, name), 0) >= 10)
    return countedFindings(enough, rule, (t, label) => ({
      title: `Rules handed ${label} ${howMany(t)} that it does not translate`,
      because: "The addresses or ports of the JOOL rules are not those of the instance's pools.",
    }))
  },
})
