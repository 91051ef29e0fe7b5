import { defineCheck } from '../check.js'
import { countedFindings, countOf, howMany } from '../jool-counters.js'

/** S09. */
export const joolIcmpUnsent = defineCheck({
  code: 'N64-529',
  origin: 'S09',
  id: 'jool-icmp-unsent',
  title: 'Jool can send its ICMP errors',
  explanation: `When Jool drops a packet it tells the sender by an ICMP error: too big, no route, hop limit. JSTAT_ICMP6ERR_FAILURE and
JSTAT_ICMP4ERR_FAILURE count errors that the kernel did not send: no route back, no address to send from, or the kernel's rate limit
(net.ipv6.icmp.ratelimit, net.ipv4.icmp_ratelimit). Senders that are not told stall, most of all when a packet was too big.

It is reported when at least a tenth of all errors failed.`,
  needs: ['jool'],
  wants: ['sysctls'],
  after: ['N64-523'],
  run(facts) {
    const counters = ['JSTAT_ICMP6ERR_FAILURE', 'JSTAT_ICMP4ERR_FAILURE']
    const rule = { counters, severity: 'warning', share: 0.001, totals: true } as const
    const sysctls = facts.maybe('sysctls') ?? {}
    const limits = ['net.ipv6.icmp.ratelimit', 'net.ipv4.icmp_ratelimit'].filter(name => sysctls[name] !== undefined)
    const many = facts.jool.instances.filter(i => {
      const sent = countOf(i, 'JSTAT_ICMP6ERR_SUCCESS') + countOf(i, 'JSTAT_ICMP4ERR_SUCCESS')
      const failed = counters.reduce((n, name) => n + countOf(i, name), 0)
      return failed > 0 && failed >= (failed + sent) / 10
    })
    return countedFindings(many, rule, (t, label) => ({
      title: `${label} could not send its ICMP errors for ${howMany(t)}`,
      because: "There was no route or address to send them, or the kernel's rate limit was reached.",
      references: ['RFC 7915 §4.2'],
    })).map(f => {
      if (limits.length === 0) return f
      const text = limits.map(name => `${name} = ${sysctls[name]}`).join('\n')
      return { ...f, evidence: [...f.evidence, { source: `sysctl ${limits.join(' ')}`, text }] }
    })
  },
})
