import { engineName, netfilterJool } from '../bridges.js'
import { defineCheck } from '../check.js'

/** B12 */
export const ovsFirewallBridge = defineCheck({
  code: 'N64-208',
  origin: 'B12',
  id: 'ovs-firewall-bridge',
  title: 'Guests on Open vSwitch have no firewall bridge in front of Jool',
  explanation: `br_netfilter does not run on an Open vSwitch bridge: guests there are translated by Jool only where the host receives their
packets, from the bridge's own interface. That part is as it should be.

A NIC with the firewall on is different. Proxmox puts a Linux bridge (fwbr) in front of Open vSwitch, too, joined by an internal
port (fwln100o0): its rules need a bridge that the kernel filters. With that, everything of N64-201 and N64-204 is true
for this guest as well.

And one way out is closed: "nftables: 1" in host.fw does away with firewall bridges on Linux bridges only. On Open vSwitch they
stay. Choose a translator that packets are routed to.`,
  needs: ['links'],
  wants: ['proxmox'],
  after: ['N64-201', 'N64-204'],
  run(facts, model) {
    const isOvs = (bridge: string) => facts.links.some(l => l.name === bridge && l.kind === 'openvswitch')
    const nics = model.nics.filter(n => n.firewallBridge !== null && isOvs(n.bridge))
    const [jool] = netfilterJool(model)
    const nftables = facts.maybe('proxmox')?.hostFirewall?.nftables === true
    if (nics.length === 0 || (!jool && !nftables)) return []
    const ports = facts.links.filter(l => nics.some(n => n.firewallBridge === l.master) && /^fwln/.test(l.name))
    const bridges = [...new Set(nics.map(n => n.bridge))].join(', ')
    return [
      {
        severity: 'info' as const,
        title: `Guests on the Open vSwitch bridge ${bridges} go through firewall bridges all the same`,
        because:
          'Proxmox filters them on a Linux bridge in front of Open vSwitch, also when its firewall uses nftables.',
        evidence: [
          {
            source: 'ip link show type openvswitch',
            text:
              ports.map(l => `${l.name}: master ${l.master}`).join('\n') || nics.map(n => n.firewallBridge).join('\n'),
            mark: ports[0]?.name ?? (nics[0]?.firewallBridge as string),
          },
        ],
        affects: [...nics.map(n => n.device), ...(jool ? [engineName(jool)] : [])],
        remedies: [],
        references: ['nat64 doctor --explain N64-208'],
      },
    ]
  },
})
