import { defineCheck } from '../check.js'
import { countedFindings, howMany } from '../jool-counters.js'

const RULES: Readonly<Record<string, readonly [what: string, reference: string]>> = {
  JSTAT64_FRAGMENTED_ICMP: ['fragmented ICMPv6, whose checksum cannot be translated', 'RFC 7915 §5.1.1'],
  JSTAT46_FRAGMENTED_ICMP: ['fragmented ICMP, whose checksum cannot be translated', 'RFC 7915 §4.2'],
  JSTAT_FRAGMENTED_PING: ['fragmented pings, whose checksum cannot be translated', 'RFC 7915 §4.2'],
  JSTAT46_FRAGMENTED_ZERO_CSUM: ['fragmented UDP without a checksum, which IPv6 requires', 'RFC 7915 §4.5'],
  JSTAT64_FRAG_THEN_EXT: ['extension headers behind a fragment header', 'RFC 7915 §5.1'],
  JSTAT64_2XFRAG: ['two fragment headers in a packet', 'RFC 8200 §4.5'],
  JSTAT64_SEGMENTS_LEFT: ['routing headers with segments left', 'RFC 7915 §5.1'],
  JSTAT46_SRC_ROUTE: ['IPv4 source routes that have not expired', 'RFC 7915 §4.1'],
  JSTAT_ICMPEXT_BIG: ['ICMP extensions that claim to be longer than their packet', 'RFC 4884 §3'],
}

/** S10. */
export const joolOddTraffic = defineCheck({
  code: 'N64-530',
  origin: 'S10',
  id: 'jool-odd-traffic',
  title: 'Jool meets no packets that cannot be translated by the rules',
  explanation: `Some packets have no translation, and RFC 7915 says to drop them: fragmented ICMP (its checksum covers all fragments),
fragmented UDP without a checksum, source routes and routing headers under way, headers behind a fragment header, broken ICMP
extensions. They are rare, mostly made by hand or by scanners, and dropping them is right. It is told as information, because the
sender sees only silence: large pings through a NAT64 are the usual case.`,
  needs: ['jool'],
  wants: ['kernelLog'],
  after: [],
  run(facts) {
    const log = facts.maybe('kernelLog')
    return Object.entries(RULES).flatMap(([counter, [what, reference]]) => {
      const rule = { counters: [counter], severity: 'info', share: 0.001, totals: true, log } as const
      return countedFindings(facts.jool.instances, rule, (t, label) => ({
        title: `${label} dropped ${howMany(t)} by the rules of translation`,
        because: `They are ${what}.`,
        references: [reference],
      }))
    })
  },
})
