import { activeEngines, tunOf } from '../ask.js'
import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

/** T04 */
export const tunDown = defineCheck({
  code: 'N64-603',
  origin: 'T04',
  id: 'tun-down',
  title: "The translator's TUN device is up",
  explanation: `A TUN device has to be set up like any interface: "ip link set nat64 up". While it is down the translator runs, and
everything it writes is refused with "Input/output error" ("error writing packet to tun device: Input/output error" from
tayga). The kernel takes routes through a device away when the device goes down, IPv6 ones for good: after setting it up
again they have to be added again.

Who set it down? Often ifdown, a reload of the network configuration ("ifreload -a" on Proxmox removes what it does not know),
or NetworkManager. nat64 run notices and says so; it does not fight whoever did it.`,
  needs: ['links'],
  wants: ['tunOwners'],
  after: ['N64-601', 'N64-602', 'N64-811'],
  run(facts, model) {
    const owned = (facts.maybe('tunOwners') ?? []).map(o => o.device)
    const devices = [...new Set(model.engines.flatMap(e => tunOf(e) ?? []))]
    const active = activeEngines(model).flatMap(e => tunOf(e) ?? [])
    return devices.flatMap(device => {
      const link = facts.links.find(l => l.name === device)
      if (!link || link.up || !(owned.includes(device) || active.includes(device))) return []
      return [
        {
          severity: 'error' as const,
          title: `${device} is down, although its translator runs`,
          because: 'Nothing can be routed into a device that is down, and what the translator writes is refused.',
          evidence: [
            { source: `ip link show ${device}`, text: `${device}: <POINTOPOINT,NOARP> state DOWN`, mark: 'DOWN' },
          ],
          affects: [device],
          remedies: [
            safe(
              'Set it up, and add the routes again that went with it.',
              [`ip link set ${device} up`],
              [`ip link set ${device} down`],
            ),
          ],
          references: ['ip-link(8)'],
        },
      ]
    })
  },
})
