import type { RouteFact } from '../../facts/facts.js'
import { addressIn, inside, isRouted, lengthOf, overlap, settingEvidence, settingOf, tunOf } from '../ask.js'
import type { Evidence } from '../check.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** A11 */
export const pool4Unreachable = defineCheck({
  code: 'N64-311',
  origin: 'A11',
  id: 'pool4-unreachable',
  title: 'Somebody answers ARP for the addresses of pool4',
  explanation: `Replies come back to pool4. An address of pool4 that lies in the network of an uplink is looked for there by ARP: the
router asks who has it, and only a host that has the address, or answers for it, gets the reply. When nobody does, requests
leave and nothing returns; a capture on the uplink shows "who-has 198.51.100.8" repeated without an answer.

For Jool the address must be the host's own (as /32, on any device). For a translator on a TUN device it must not be: there
the address is routed into the device, and the host answers ARP for it (proxy_arp on the uplink, or one proxy entry an
address). An address outside of the uplink's network must be routed to this host by the provider; that cannot be seen here.`,
  needs: ['addresses', 'routes', 'sysctls', 'neighbours'],
  wants: ['jool'],
  after: [],
  run(facts, model) {
    const pools = [
      ...(facts.maybe('jool')?.instances ?? [])
        .filter(i => i.netns === null && !i.siit)
        .flatMap(i => [...new Set(i.pool4.map(p => p.address))].map(prefix => ({ prefix, owner: i.name, tun: null }))),
      ...model.engines
        .filter(e => e.active && isRouted(e) && tunOf(e) !== null)
        .flatMap(e =>
          facts.routes
            .filter(r => r.family === 4 && r.type === 'unicast' && r.device === tunOf(e) && lengthOf(r.destination) > 8)
            .map(r => ({ prefix: r.destination, owner: e.label, tun: tunOf(e) })),
        ),
    ]
    const isLocal = (address: string) =>
      facts.addresses.some(a => a.address === address) ||
      facts.routes.some(r => r.type === 'local' && r.family === 4 && inside(r.destination, address))
    return pools.flatMap(({ prefix, owner, tun }) => {
      const address = addressIn(prefix, 0) as string
      const link = facts.routes.find(r => isLinkOf(r, prefix) && r.device !== tun)
      if (address === null || !link?.device || (tun === null && isLocal(address))) return []
      const proxied = facts.neighbours.some(n => n.state === 'PROXY' && inside(prefix, n.address))
      const setting = settingOf(4, link.device, 'proxy_arp')
      const all = settingOf(4, 'all', 'proxy_arp')
      if (proxied || facts.sysctls[setting] === '1' || facts.sysctls[all] === '1') return []
      const evidence: Evidence[] = [
        { source: 'ip route', text: `${link.destination} dev ${link.device}`, mark: link.destination },
        settingEvidence(setting, facts.sysctls[setting] ?? '0'),
      ]
      const add = tun === null ? `ip address add ${address}/32 dev ${link.device}` : `sysctl -w ${setting}=1`
      return [
        {
          severity: 'error' as const,
          title: `Nobody answers ARP for ${prefix} of ${owner} on ${link.device}`,
          because: `${prefix} is in the network of ${link.device}, where its router looks for it by ARP.`,
          evidence,
          affects: [link.device],
          remedies: [
            safe(
              tun === null ? "Make the address the host's own." : 'Answer ARP for what is routed into the device.',
              [add],
              [tun === null ? add.replace(' add ', ' del ') : `sysctl -w ${setting}=0`],
              'Kept only until the next start, unless the configuration says it, too.',
            ),
          ],
          references: ['RFC 1027'],
        },
      ]
    })
  },
})

/** An uplink's own network, with the pool in it. */
function isLinkOf(r: RouteFact, prefix: string): boolean {
  return (
    r.family === 4 &&
    r.type === 'unicast' &&
    r.gateway === null &&
    r.table === 'main' &&
    r.device !== null &&
    lengthOf(r.destination) > 0 &&
    lengthOf(r.destination) < lengthOf(prefix.includes('/') ? prefix : `${prefix}/32`) &&
    overlap(r.destination, prefix)
  )
}
