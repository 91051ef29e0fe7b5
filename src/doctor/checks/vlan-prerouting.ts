import { engineName, netfilterJool } from '../bridges.js'
import { defineCheck } from '../check.js'

const SETTING = 'net.bridge.bridge-nf-filter-vlan-tagged'

/** B11 */
export const vlanPrerouting = defineCheck({
  code: 'N64-207',
  origin: 'B11',
  id: 'vlan-prerouting',
  title: "Tagged frames do not pass Jool's hook once more",
  explanation: `A frame with a VLAN tag is normally invisible to ip6tables: br_netfilter shows it only with
net.bridge.bridge-nf-filter-vlan-tagged = 1. With that, Jool's hook also runs for tagged frames, on each bridge that they enter.

A bridge of its own for a VLAN does the same without any switch. Proxmox makes one (vmbr0v10, with the port eno1.10) for a guest's
NIC with a tag, when vmbr0 is not VLAN-aware: frames enter vmbr0v10 untagged, and PREROUTING runs there.

Every such pass is another place where Jool can take a request early or drop a reply as a hairpinning loop, and frames of VLANs that
this host does not route are taken from their own router. A VLAN-aware vmbr0 with an interface vmbr0.10 for the host has no extra
pass: that wiring was measured, and makes no difference.`,
  needs: ['sysctls', 'links'],
  after: ['N64-201', 'N64-205'],
  run(facts, model) {
    const [jool] = netfilterJool(model)
    const isOn = (family: string) => facts.sysctls[`net.bridge.bridge-nf-call-${family}`] === '1'
    if (!jool || !isOn('ip6tables')) return []
    const bridges = facts.links.filter(l => l.bridge !== null && /^\w+\d+v\d+$/.test(l.name))
    const nics = model.nics.filter(n => bridges.some(b => b.name === n.bridge))
    const tagged = facts.sysctls[SETTING] === '1'
    if (!tagged && nics.length === 0) return []
    const names = bridges.map(b => b.name)
    return [
      {
        severity: 'warning' as const,
        title: tagged
          ? "Jool's hook also runs for frames with a VLAN tag"
          : `Jool's hook also runs on ${names.join(', ')}, the bridges of single VLANs`,
        because: 'Each additional pass is one more place where requests are taken early and replies dropped.',
        evidence: tagged
          ? [{ source: `sysctl ${SETTING}`, text: `${SETTING} = 1`, mark: '1' }]
          : [{ source: 'ip -d link show type bridge', text: names.join('\n'), mark: names[0] as string }],
        affects: [engineName(jool), ...nics.map(n => n.device)],
        remedies: tagged
          ? [
              {
                text: 'Leave tagged frames alone, as the kernel does by default.',
                commands: [`sysctl -w ${SETTING}=0`],
                risk: 'disruptive' as const,
                price: 'Rules that were meant for tagged frames no longer see them.',
                undo: [`sysctl -w ${SETTING}=1`],
              },
            ]
          : [
              {
                text: 'Make the bridge VLAN-aware: guests with a tag then need no bridge of their own.',
                commands: [],
                risk: 'disruptive' as const,
                price: 'The bridge is configured anew; guests lose their network for a moment.',
                undo: [],
              },
            ],
        references: ['nat64 doctor --explain N64-207'],
      },
    ]
  },
})
