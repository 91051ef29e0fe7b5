import { lookUp } from '../../path/host-view.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import { activeEngines, gatewaysOf } from '../ask.js'
import { defineCheck } from '../check.js'

/** F05 */
export const routesOutAndBack = defineCheck({
  code: 'N64-322',
  origin: 'F05',
  id: 'routes-out-and-back',
  title: 'There is an IPv4 route out and an IPv6 route back',
  explanation: `A translated request is an IPv4 packet that needs an IPv4 route: usually the default route. A host that has lost it, or that
has IPv6 only, can translate and then has nowhere to send. Jool counts that as JSTAT_FAILED_ROUTES; with a TUN translator
the guest gets "network unreachable", or nothing.

The reply, translated back, needs an IPv6 route to the guest. It is normally there, because the host has an address of the
guests' prefix on their bridge. When it is missing, or leads to another device than the guest is on (the same prefix on two
bridges), requests go out, replies come in, and end on the host.

Ask "ip route get 192.0.0.170" and "ip -6 route get ADDRESS-OF-GUEST".`,
  needs: ['routes', 'links', 'addresses'],
  after: [],
  run(facts, model) {
    const engines = activeEngines(model)
    if (engines.length === 0) return []
    const out = lookUp(facts.routes, PROBE_TARGET4, 4)
    const found = []
    if (!out?.device) {
      const text = out ? `${out.type} ${out.destination}` : '(no default route)'
      found.push({
        severity: 'error' as const,
        title: 'The host has no IPv4 route to the Internet',
        because: 'Requests are translated and then have nowhere to go.',
        evidence: [{ source: 'ip -4 route show default', text, mark: text }],
        affects: [],
        remedies: [
          {
            text: 'Add the default route that the provider gave, and put it into /etc/network/interfaces.',
            commands: ['ip route add default via <gateway> dev <uplink>'],
            risk: 'safe' as const,
            price: 'None.',
            undo: ['ip route del default via <gateway> dev <uplink>'],
          },
        ],
        references: ['RFC 6146 §3.6'],
      })
    }
    for (const nic of model.nics) {
      if (nic.address6 === null) continue
      const back = lookUp(facts.routes, nic.address6, 6)
      const gateways = gatewaysOf(nic, facts.links, facts.addresses)
      const lost = !back?.device || back.type !== 'unicast'
      // Through a gateway there may be another router in front of the guest: that is somebody's intention.
      if (!lost && (back.gateway !== null || gateways.length === 0 || gateways.includes(back.device as string)))
        continue
      const text = back ? `${back.destination} dev ${back.device}` : '(none)'
      found.push({
        severity: lost ? ('error' as const) : ('warning' as const),
        title: lost
          ? `The host has no route back to the guest ${nic.address6} behind ${nic.device}`
          : `Replies to the guest ${nic.address6} go to ${back.device}; it is behind ${gateways[0]}`,
        because: 'Replies are translated and then do not find the guest.',
        evidence: [{ source: `ip -6 route get ${nic.address6}`, text, mark: text }],
        affects: [nic.device],
        remedies: [],
        references: [],
      })
    }
    return found
  },
})
