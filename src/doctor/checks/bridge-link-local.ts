import { activeEngines, guestDevices, nicsBehind } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** F04 */
export const bridgeLinkLocal = defineCheck({
  code: 'N64-321',
  origin: 'F04',
  id: 'bridge-link-local',
  title: "The guests' gateway has a link-local address",
  explanation: `Routers speak to hosts from link-local addresses: router advertisements must come from one (RFC 4861 section 6.1.2), and
guests learn it as their default gateway. Without one on the guests' bridge there are no advertisements, guests lose their
default route when the last one has expired, and redirects and some neighbour discovery fail: "works sometimes".

The address disappears when somebody runs "ip address flush dev vmbr0", with addr_gen_mode=1 (none), or when disable_ipv6
was set and unset at the wrong moment. Taking the device down and up brings it back, and takes every other IPv6 address
away; adding an address by hand does no harm.`,
  needs: ['links', 'addresses'],
  after: ['N64-123'],
  run(facts, model) {
    if (activeEngines(model).length === 0) return []
    const bare = guestDevices(model, facts.links, facts.addresses).filter(device => {
      const link = facts.links.find(l => l.name === device)
      const has = facts.addresses.some(a => a.device === device && a.family === 6 && a.address.startsWith('fe80'))
      return link?.up && link.carrier && !has
    })
    return bare.map(device => {
      const command = `ip -6 address add fe80::1/64 dev ${device} scope link`
      return {
        severity: 'error' as const,
        title: `${device}, the gateway of guests, has no link-local address`,
        because: 'Router advertisements must come from one, and guests have it as their default gateway.',
        evidence: [{ source: `ip -6 address show dev ${device} scope link`, text: '(none)', mark: '(none)' }],
        affects: nicsBehind(model, [device], facts.links, facts.addresses),
        remedies: [
          safe('Add one.', [command], [command.replace(' add ', ' del ')], 'Check that no guest uses fe80::1.'),
        ],
        references: ['RFC 4861 §6.1.2', 'RFC 4291 §2.1'],
      }
    })
  },
})
