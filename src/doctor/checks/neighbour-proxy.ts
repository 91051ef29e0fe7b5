import { guestDevices, inside, lengthOf, networkOf, overlap, settingOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** F09 */
export const neighbourProxy = defineCheck({
  code: 'N64-324',
  origin: 'F09',
  id: 'neighbour-proxy',
  title: "Somebody answers neighbour discovery for guests inside the uplink's prefix",
  explanation: `Some providers do not route a prefix to the server; they put it on the link: their router looks for every single address by
neighbour discovery. When guests get addresses of such a prefix behind this host (on a bridge without the uplink in it), the
router asks for a guest, and the host does not answer, because the address is not its own. Packets from guests leave,
replies never arrive: native IPv6 of guests is dead, although the host's own works.

NAT64 itself does not need it, since guests speak IPv6 with the host only. But it is the usual reason for "IPv6 does not work,
not even with NAT64": the DNS server that guests ask may be beyond that uplink.

ndppd answers for a whole prefix; the kernel (proxy_ndp and "ip -6 neigh add proxy") for single addresses. Better is a prefix
that the provider routes to this host; it then does not need any of this, and this warning can be ignored.`,
  needs: ['links', 'addresses', 'routes', 'neighbours', 'sysctls'],
  wants: ['configFiles'],
  after: [],
  run(facts, model) {
    const guests = guestDevices(model, facts.links, facts.addresses)
    const uplinks = facts.routes.filter(r => r.family === 6 && r.destination === '::/0' && r.device !== null)
    const ndppd = facts.maybe('configFiles')?.['/etc/ndppd.conf'] ?? ''
    return [...new Set(uplinks.map(r => r.device as string))].flatMap(uplink => {
      if (guests.includes(uplink)) return []
      const prefixes = facts.addresses
        .filter(a => a.family === 6 && a.scope === 'global' && guests.includes(a.device) && a.length < 128)
        .map(a => ({ prefix: networkOf(a.address, a.length) ?? '', device: a.device }))
        .filter(a => a.prefix !== '')
      const onLink = facts.routes.filter(
        r => r.family === 6 && r.device === uplink && r.gateway === null && r.type === 'unicast' && r.table === 'main',
      )
      return prefixes.flatMap(({ prefix, device }) => {
        const wider = onLink.find(
          r =>
            lengthOf(r.destination) > 0 &&
            lengthOf(r.destination) <= lengthOf(prefix) &&
            overlap(r.destination, prefix),
        )
        const isProxied =
          (facts.sysctls[settingOf(6, uplink, 'proxy_ndp')] === '1' &&
            facts.neighbours.some(n => n.state === 'PROXY' && inside(prefix, n.address))) ||
          [...ndppd.matchAll(/^\s*rule\s+([0-9a-f:/]+)/gim)].some(m => overlap(m[1] as string, prefix))
        if (!wider || isProxied) return []
        return [
          {
            severity: 'warning' as const,
            title: `Guests' prefix ${prefix} on ${device} is part of ${wider.destination} on the uplink ${uplink}, and nobody answers for it there`,
            because: `The router beyond ${uplink} looks for guests among its neighbours, unless it routes the prefix to this host.`,
            evidence: [
              { source: 'ip -6 route', text: `${wider.destination} dev ${uplink}`, mark: wider.destination },
              { source: 'ip -6 neigh show proxy; /etc/ndppd.conf', text: '(nothing for it)', mark: '(nothing for it)' },
            ],
            affects: [device],
            remedies: [
              safe(
                'Let ndppd answer for the prefix.',
                [
                  'apt install ndppd',
                  `printf 'proxy ${uplink} {\\n  rule ${prefix} {\\n    iface ${device}\\n  }\\n}\\n' >> /etc/ndppd.conf`,
                  'systemctl restart ndppd',
                ],
                ['apt remove ndppd'],
              ),
            ],
            references: ['RFC 4389', 'RFC 4861 §7.2.8'],
          },
        ]
      })
    })
  },
})
