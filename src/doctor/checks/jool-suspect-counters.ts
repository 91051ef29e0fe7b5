import { defineCheck } from '../check.js'
import { countedFindings, howMany } from '../jool-counters.js'
import { TUN_INSTEAD } from '../remedy.js'

/** S11. */
export const joolSuspectCounters = defineCheck({
  code: 'N64-531',
  origin: 'S11',
  id: 'jool-suspect-counters',
  title: "Jool's counters of its own errors are 0",
  explanation: `Some counters rise only when Jool or a driver does what it should not: JSTAT_UNKNOWN (an error without a name),
JSTAT_SKB_TRUNCATED (a packet shorter than its headers say, after the kernel had checked it), JSTAT_L3HDR_OFFSET and JSTAT_SKB_SHARED
(a packet in a form that a hook should not get), JSTAT64_PSKB_COPY, JSTAT46_PSKB_COPY and JSTAT_ENOMEM (no memory for a packet). Each
single one is worth a look at the kernel's log at that time; they are a reason to upgrade Jool, and to report it to its authors
with "jool stats display --all --explain".`,
  needs: ['jool'],
  after: ['N64-503', 'N64-511'],
  run(facts) {
    const rule = {
      counters: [
        'JSTAT_UNKNOWN',
        'JSTAT_SKB_TRUNCATED',
        'JSTAT_L3HDR_OFFSET',
        'JSTAT_SKB_SHARED',
        'JSTAT64_PSKB_COPY',
        'JSTAT46_PSKB_COPY',
        'JSTAT_ENOMEM',
      ],
      severity: 'warning',
      share: 0,
      totals: true,
    } as const
    return countedFindings(facts.jool.instances, rule, (t, label) => ({
      title: `${label} lost ${howMany(t)} to errors of its own`,
      because: 'These counters rise only by a mistake in Jool, in a driver, or for want of memory.',
      remedies: [TUN_INSTEAD],
    }))
  },
})
