import { defineCheck } from '../check.js'
import { countedFindings, countOf, howMany } from '../jool-counters.js'

/** S06. */
export const joolTooBig = defineCheck({
  code: 'N64-526',
  origin: 'S06',
  id: 'jool-too-big',
  title: 'Packets fit after translation',
  explanation: `An IPv6 header is 20 bytes longer than an IPv4 one. A packet of 1500 bytes that may not be fragmented does not fit behind
Jool; Jool says so with an ICMP error (Packet Too Big, Fragmentation Needed) and drops it: JSTAT_PKT_TOO_BIG. A few per connection
are how path MTU discovery works.

A share of the traffic means that senders do not learn: their ICMP is filtered, or the packets were never that big on the wire:
GRO or LRO had merged several segments before Jool saw them. Transfers from some servers then crawl, others are fast.`,
  needs: ['jool'],
  after: ['N64-251', 'N64-252'],
  run(facts) {
    const rule = { counters: ['JSTAT_PKT_TOO_BIG'], severity: 'warning', share: 0.02, totals: true } as const
    return countedFindings(facts.jool.instances, rule, (t, label) => {
      const errors = countOf(t.instance, 'JSTAT_ICMP6ERR_SUCCESS') + countOf(t.instance, 'JSTAT_ICMP4ERR_SUCCESS')
      return {
        title: `${label} dropped ${howMany(t)} as too big`,
        because:
          errors > 0
            ? 'It told the senders, and they go on: their ICMP is filtered, or segments were merged before Jool saw them.'
            : 'They did not fit on the way out, and Jool could not tell the senders.',
        references: ['RFC 7915 §4', 'https://github.com/NICMx/Jool/issues/331'],
      }
    })
  },
})
