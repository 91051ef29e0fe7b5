import { lookUp } from '../../path/host-view.js'
import { PROBE_TARGET4 } from '../../path/inventory.js'
import { activeEngines, guestDevices, isRouted, nicsBehind, settingEvidence, settingOf, tunOf } from '../ask.js'
import type { Severity } from '../check.js'
import { defineCheck } from '../check.js'

/** F01 */
export const forwarding = defineCheck({
  code: 'N64-121',
  origin: 'F01',
  id: 'forwarding',
  title: 'IPv6 and IPv4 forwarding are on along the path',
  explanation: `Requests arrive as IPv6 from guests and leave as IPv4 by the uplink. A translator on a TUN device, or in a namespace of its
own, is a router in between: the kernel forwards to it and from it, and drops what it may not forward.

For IPv4 the switch of the device that a packet came in on decides: of the TUN device for requests, of the uplink for replies.
net.ipv4.ip_forward sets all of them. For IPv6 net.ipv6.conf.all.forwarding decides (or, from Linux 6.17 on, force_forwarding
of the device a packet came in on); "forwarding" of a single device only says whether the host behaves as a router there: with
0 on the guests' bridge it tells them that it is none, and they give up their default route.

Jool hooked into PREROUTING takes packets before they would be forwarded, so most things work without; its documentation asks
for both all the same, and what it does not take is dropped. Hence only a warning.

Switching IPv6 forwarding on has a side effect: see N64-122.`,
  needs: ['sysctls', 'routes', 'links', 'addresses'],
  after: [],
  run(facts, model) {
    const engines = activeEngines(model)
    if (engines.length === 0) return []
    const severity: Severity = engines.some(isRouted) ? 'error' : 'warning'
    const value = (name: string) => facts.sysctls[name]
    const guests = guestDevices(model, facts.links, facts.addresses)
    const uplink = lookUp(facts.routes, PROBE_TARGET4, 4)?.device
    const tuns = engines.flatMap(e => tunOf(e) ?? [])
    const all6 = settingOf(6, 'all', 'forwarding')
    const why6 = engines.some(isRouted)
      ? 'Packets of guests are not passed on to the translator.'
      : 'Jool takes packets before that, but what it leaves alone is not passed on.'
    const found = []
    // Linux 6.17 and later can forward what single devices receive.
    const ways6 = [...guests, ...tuns]
    const isForced = ways6.length > 0 && ways6.every(d => value(settingOf(6, d, 'force_forwarding')) === '1')
    if (value(all6) === '0' && !isForced) {
      found.push(off(all6, severity, 'IPv6 forwarding is off', why6, []))
    }
    const ways4 = [...tuns, ...(uplink ? [uplink] : [])].map(d => ({ device: d, name: settingOf(4, d, 'forwarding') }))
    for (const { device, name } of ways4.filter(w => value(w.name) === '0')) {
      const what = tuns.includes(device) ? 'Translated requests come in there' : 'Replies come in there'
      found.push(off(name, severity, `IPv4 forwarding is off on ${device}`, `${what} and are not passed on.`, [device]))
    }
    const deaf = guests.filter(d => value(all6) !== '0' && value(settingOf(6, d, 'forwarding')) === '0')
    for (const device of deaf) {
      const affects = nicsBehind(model, [device], facts.links, facts.addresses)
      const because = 'Its neighbour advertisements say that it is no router, and guests drop their default route.'
      const name = settingOf(6, device, 'forwarding')
      found.push(off(name, 'warning', `The host is no IPv6 router on ${device}`, because, [device, ...affects]))
    }
    return found
  },
})

function off(name: string, severity: Severity, title: string, because: string, affects: readonly string[]) {
  return {
    severity,
    title,
    because,
    evidence: [settingEvidence(name, '0')],
    affects,
    remedies: [
      {
        text: 'Switch it on, and write it into /etc/sysctl.d/ so that it stays.',
        commands: [`sysctl -w ${name}=1`],
        risk: 'safe' as const,
        price: 'The host forwards between its networks as far as its firewall lets it; see N64-122 for accept_ra.',
        undo: [`sysctl -w ${name}=0`],
      },
    ],
    references: ['RFC 4861 §6.2.2'],
  }
}
