import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** An IPv6 header is that much longer than an IPv4 header. */
const HEADER_DIFFERENCE = 20

/** M04. */
export const mssClamp = defineCheck({
  code: 'N64-254',
  origin: 'M04',
  id: 'mss-clamp',
  title: 'TCP segments of guests fit through the uplink',
  explanation: `A guest on a link of 1500 bytes asks for TCP segments of 1440 (1500 less 60 bytes of IPv6 and TCP headers). Translated, such a
segment is an IPv4 packet of 1480 bytes. An uplink with less (WireGuard 1420, VXLAN 1450, some tunnels) cannot carry it, and
everything depends on ICMP errors that come back, are translated and are believed. Often one of the three fails: the connection
opens, and the first big page hangs. PPPoE with 1492 is enough for NAT64.

The cure is a rule that lowers the announced segment size of passing SYN packets (MSS clamping). Packets that Jool sends pass
POSTROUTING only, so the rule belongs there and not into FORWARD, on the IPv4 side towards the uplink and on the IPv6 side towards the guests.`,
  needs: ['links', 'routes'],
  wants: ['iptables', 'nft'],
  after: [],
  run(facts, model) {
    const iptables = facts.maybe('iptables')
    const nft = facts.maybe('nft')
    if (!model.engines.some(e => e.active) || !(iptables || nft)) return []
    const isClamped =
      iptables?.rules.some(r => r.target === 'TCPMSS') || /"maxseg"|"TCPMSS"/.test(JSON.stringify(nft ?? []))
    if (isClamped) return []
    const bridges = facts.links.filter(l => model.nics.some(n => n.bridge === l.name))
    const largest = Math.max(0, ...bridges.map(l => l.mtu))
    const guests = bridges.find(l => l.mtu === largest)
    const best = facts.routes
      .filter(r => r.family === 4 && r.destination === '0.0.0.0/0' && r.table === 'main')
      .sort((a, b) => a.metric - b.metric)[0]
    const uplink = facts.links.find(l => l.name === best?.device)
    if (!guests || !uplink || !best || uplink.mtu >= guests.mtu - HEADER_DIFFERENCE) return []
    // IPv4 and TCP headers. The guest's segments are longer by 20 only until they are translated.
    const size = uplink.mtu - 40
    const table = 'nat64_clamp'
    const rule = (device: string) =>
      `nft add rule inet ${table} out oifname ${device} tcp flags syn tcp option maxseg size set ${size}`
    return [
      {
        severity: 'warning' as const,
        title: `The uplink ${uplink.name} carries ${uplink.mtu} bytes, guests send up to ${guests.mtu}, and nothing limits TCP segments`,
        because:
          'Translated segments do not fit, and whether a connection works depends on ICMP errors getting through.',
        evidence: [
          {
            source: `ip link show ${uplink.name}`,
            text: `${uplink.name}: mtu ${uplink.mtu}`,
            mark: String(uplink.mtu),
          },
          {
            source: `ip link show ${guests.name}`,
            text: `${guests.name}: mtu ${guests.mtu}`,
            mark: String(guests.mtu),
          },
          { source: nft ? 'nft list ruleset' : 'iptables-save', text: '(no rule sets the maximum segment size)' },
        ],
        affects: [uplink.name],
        remedies: [
          safe(
            'Clamp the segment size on both sides.',
            [
              `nft add table inet ${table}`,
              `nft 'add chain inet ${table} out { type filter hook postrouting priority mangle; }'`,
              rule(uplink.name),
              rule(guests.name),
            ],
            [`nft delete table inet ${table}`],
            `Slightly smaller segments, for native IPv6 of the guests on ${guests.name} as well.`,
          ),
        ],
        references: ['https://github.com/NICMx/Jool/issues/442', 'RFC 4459 §3.2'],
      },
    ]
  },
})
