import type { RouteFact } from '../../facts/facts.js'
import { activeEngines, guestDevices, lengthOf, nicsBehind, overlap, tunOf } from '../ask.js'
import { defineCheck } from '../check.js'

/** A02 */
export const pool6OnLink = defineCheck({
  code: 'N64-302',
  origin: 'A02',
  id: 'pool6-on-link',
  title: 'Guests take no part of pool6 for on-link',
  explanation: `When pool6 lies inside the prefix that guests have on their own link, they do not send packets for it to the router.
They ask the link who has the address (neighbour discovery), nobody answers, and after three seconds the application reads
"No route to host". The translator never sees a packet: its counters stand still, although it is configured correctly.

This is so with a pool6 like 2001:db8:100:0:64::/96 while the guests' link is 2001:db8:100::/64.

The clean way is a prefix that is on no link: the well-known 64:ff9b::/96, or a /96 out of another /64 that is routed to
this host. The other way is to answer for all of pool6 on the guests' link; ndppd does that, with a rule for the prefix.
The kernel's own proxy_ndp does not: it answers for single addresses only.`,
  needs: ['routes', 'links', 'addresses'],
  wants: ['configFiles'],
  after: [],
  run(facts, model) {
    const devices = guestDevices(model, facts.links, facts.addresses)
    const ndppd = facts.maybe('configFiles')?.['/etc/ndppd.conf'] ?? ''
    return activeEngines(model).flatMap(engine => {
      const pool6 = engine.pool6
      if (pool6 === null || answersFor(ndppd, pool6)) return []
      const isOnLink = (r: RouteFact) =>
        r.family === 6 &&
        r.type === 'unicast' &&
        r.gateway === null &&
        r.device !== null &&
        r.device !== tunOf(engine) &&
        devices.includes(r.device) &&
        lengthOf(r.destination) > 0 &&
        lengthOf(r.destination) <= lengthOf(pool6) &&
        overlap(r.destination, pool6)
      return facts.routes.filter(isOnLink).map(r => ({
        severity: 'error' as const,
        title: `pool6 ${pool6} is part of ${r.destination}, which guests on ${r.device} take for their own link`,
        because: 'They look for these addresses among their neighbours and never send a packet to the translator.',
        evidence: [
          { source: 'ip -6 route', text: `${r.destination} dev ${r.device} proto ${r.protocol}`, mark: r.destination },
        ],
        affects: nicsBehind(model, [r.device as string], facts.links, facts.addresses),
        remedies: [
          {
            text: 'Use a pool6 that is on no link, such as 64:ff9b::/96.',
            commands: [],
            risk: 'disruptive' as const,
            price: 'DNS64 must name the new prefix; open connections break.',
            undo: [],
          },
          {
            text: `Answer neighbour discovery for pool6 on ${r.device} with ndppd.`,
            commands: [
              'cp /etc/ndppd.conf /etc/ndppd.conf.before-nat64',
              `printf 'proxy ${r.device} {\\n  rule ${pool6} {\\n    static\\n  }\\n}\\n' >> /etc/ndppd.conf`,
              'systemctl restart ndppd',
            ],
            risk: 'safe' as const,
            price: 'Every address of pool6 costs a neighbour entry in the guests and here.',
            undo: ['mv /etc/ndppd.conf.before-nat64 /etc/ndppd.conf', 'systemctl restart ndppd'],
          },
        ],
        references: ['RFC 4861 §5.2', 'RFC 6052 §3.3'],
      }))
    })
  },
})

function answersFor(ndppd: string, pool6: string): boolean {
  return [...ndppd.matchAll(/^\s*rule\s+([0-9a-f:/]+)/gim)].some(m => overlap(m[1] as string, pool6))
}
