import { activeEngines, gatewaysOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'

/** A03 */
export const guestGateway = defineCheck({
  code: 'N64-303',
  origin: 'A03',
  id: 'guest-gateway',
  title: 'Guests can reach the translator through an address of this host',
  explanation: `A guest's packet to pool6 has to arrive at this host: by a default route through an address of the host on the
guest's bridge (or on a VLAN interface of it), or by a route of its own for pool6. Without any IPv6 address of the host on
that bridge there is nobody to send it to, unless another router on the link forwards pool6 here.

Then the host itself must know a way on: its route for pool6 must not be unreachable, a blackhole or missing, unless Jool
takes the packet before routing.

Ask the host as a guest would: "ip -6 route get 64:ff9b::c000:aa from ADDRESS-OF-GUEST iif vmbr0" must name the translator's
device. In the guest, "ip -6 route get 64:ff9b::c000:aa" must name the host's link-local or global address as gateway.

Guests on other bridges than those with a gateway are only mentioned: they may be meant to live without.`,
  needs: ['links', 'addresses', 'routes'],
  after: ['N64-304', 'N64-322'],
  run(facts, model) {
    const engines = activeEngines(model)
    if (engines.length === 0 || model.nics.length === 0) return []
    const isReached = (bridge: string) => {
      const nic = model.nics.find(n => n.bridge === bridge)
      return nic !== undefined && gatewaysOf(nic, facts.links, facts.addresses).length > 0
    }
    const byBridge = groupBy(model.nics, n => n.bridge)
    const without = [...byBridge].filter(([bridge]) => !isReached(bridge))
    const all = without.length === byBridge.size
    const unaddressed = without.map(([bridge, nics]) => ({
      severity: all ? ('warning' as const) : ('info' as const),
      title: `The host has no IPv6 address on ${bridge}: guests there cannot send it packets to translate`,
      because: 'A guest needs a next hop on its own link, and this host offers none.',
      evidence: [{ source: `ip -6 address show dev ${bridge} scope global`, text: '(none)', mark: '(none)' }],
      affects: nics.map(n => n.device),
      remedies: [
        {
          text: `Give ${bridge} an address of the guests' prefix and announce it to them (radvd), or name it as their gateway.`,
          commands: [`ip -6 address add <prefix>::1/64 dev ${bridge}`],
          risk: 'safe' as const,
          price: 'None. The configuration in /etc/network/interfaces must say the same.',
          undo: [`ip -6 address del <prefix>::1/64 dev ${bridge}`],
        },
      ],
      references: ['RFC 6146 §2'],
    }))
    const stuck = model.predictions.filter(p => p.engine.active && p.path.request.reason === 'no_route6')
    const unrouted = [...groupBy(stuck, p => p.engine)].map(([engine, predictions]) => {
      const refusing = facts.routes.find(
        r => r.family === 6 && /unreachable|blackhole|prohibit/.test(r.type) && r.destination === engine.pool6,
      )
      const text = refusing ? `${refusing.type} ${refusing.destination}` : `(no route for ${engine.pool6})`
      return {
        severity: 'error' as const,
        title: `The host has no way on for packets of guests to ${engine.pool6}`,
        because: 'They arrive at the host and are answered with "no route", before any translator sees them.',
        evidence: [{ source: `ip -6 route show ${engine.pool6}`, text, mark: text }],
        affects: predictions.map(p => p.nic.device),
        remedies: [],
        references: [],
      }
    })
    return [...unrouted, ...unaddressed]
  },
})
