import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

const LOOSE = 'net.netfilter.nf_conntrack_tcp_loose'

/** K02. */
export const conntrackStrict = defineCheck({
  code: 'N64-152',
  origin: 'K02',
  id: 'conntrack-strict',
  title: 'Connection tracking bears connections it sees half of',
  explanation: `Connection tracking follows the TCP states. With net.netfilter.nf_conntrack_tcp_loose at 0 a connection whose opening it has
not seen is INVALID for its whole life, and rules that drop INVALID (pve-firewall has one) end it. It does not see openings that a
kernel translator takes before it: Jool steals packets in PREROUTING, so that only the other half passes. The same happens to
connections that are open when a firewall or a translator is restarted.

The kernel's default is 1. It is reported where the path model says that connection tracking meets one half only, or none.`,
  needs: ['sysctls'],
  after: ['N64-201'],
  run(facts, model) {
    if (facts.sysctls[LOOSE] !== '0') return []
    const blind = model.predictions.filter(p => p.path.firewall.conntrack !== 'established')
    if (blind.length === 0) return []
    return [
      {
        severity: 'warning' as const,
        title: 'Connection tracking takes connections it has not seen open for invalid',
        because:
          'It sees at most half of the translated connections, so what it sees of them is INVALID, and firewalls drop that.',
        evidence: [{ source: `sysctl ${LOOSE}`, text: `${LOOSE} = 0`, mark: '0' }],
        affects: [...new Set(blind.map(p => p.nic.device))],
        remedies: [
          safe('Let it pick up connections in the middle.', [`sysctl -w ${LOOSE}=1`], [`sysctl -w ${LOOSE}=0`]),
        ],
        references: ['https://docs.kernel.org/networking/nf_conntrack-sysctl.html'],
      },
    ]
  },
})
