import { calledEvidence, devicesOf, engineName, isCalled, netfilterJool } from '../bridges.js'
import { defineCheck } from '../check.js'
import { groupBy } from '../group.js'

/** B05 */
export const joolTakesBridged = defineCheck({
  code: 'N64-205',
  origin: 'B05',
  id: 'jool-takes-bridged',
  title: 'Jool leaves alone what is only bridged through this host',
  explanation: `br_netfilter runs PREROUTING for every frame that enters a bridge, also for frames that are meant for somebody else. A Jool
instance of the netfilter framework looks at nothing but the destination: whatever goes to an address of its pool6 is taken.

On a bridge where this host is not the guests' router, the guests send to another gateway, perhaps one with a NAT64 of its own
and the same well-known prefix. Their packets never get there: this host's Jool takes them, translates them with this host's
IPv4 address, and sends them its own way. Replies may even work, which makes it hard to notice; the other gateway's firewall,
logs and address are out of the picture.

This check speaks when Jool is hooked into this namespace, a bridge's frames are shown to ip6tables, guests are on the bridge, and
the host has neither a global IPv6 address nor a route to guests there. Jool in a network namespace of its own, its iptables
framework with "-i" of the bridges that it serves, or a translator on a TUN device take only what is sent to this host.`,
  needs: ['links', 'sysctls', 'addresses', 'routes'],
  after: ['N64-201'],
  run(facts, model) {
    const [jool] = netfilterJool(model)
    if (!jool) return []
    const isRouter = (bridge: string) => {
      const devices = [bridge, ...facts.links.filter(l => l.vlan?.parent === bridge).map(l => l.name)]
      const hasAddress = facts.addresses.some(a => a.family === 6 && a.scope === 'global' && devices.includes(a.device))
      const routes = facts.routes.filter(r => r.family === 6 && r.device !== null && devices.includes(r.device))
      return hasAddress || routes.some(r => r.type === 'unicast' && !/^f[ef]/.test(r.destination) && r.gateway === null)
    }
    const taken = model.predictions.filter(
      p => p.engine === jool && p.path.request.stations.some(s => s.kind === 'translator') && !isRouter(p.nic.bridge),
    )
    return [...groupBy(taken, p => p.nic.bridge)].flatMap(([bridge, predictions]) => {
      const entered = predictions[0]?.nic.firewallBridge ?? bridge
      if (!isCalled(facts.sysctls, facts.links, entered, 6)) return []
      return [
        {
          severity: 'warning' as const,
          title: `Jool takes what guests on ${bridge} send to another router`,
          because: `This host is no IPv6 router on ${bridge}, yet br_netfilter runs Jool's hook for frames that pass through it.`,
          evidence: [
            { source: `ip -6 address show dev ${bridge} scope global`, text: '(nothing)', mark: '(nothing)' },
            calledEvidence(facts.sysctls, entered, 6),
          ],
          affects: [...devicesOf(predictions), bridge, engineName(jool)],
          remedies: [
            {
              text: 'Translate on a TUN device instead: it gets only what is routed to it.',
              commands: ['nat64 doctor --fix N64-201'],
              risk: 'safe' as const,
              price: "Jool's instance is disabled; connections that it has open must be opened again.",
              undo: ['nat64 doctor --undo'],
              fix: 'take-over' as const,
            },
          ],
          references: ['nat64 doctor --explain N64-205'],
        },
      ]
    })
  },
})
