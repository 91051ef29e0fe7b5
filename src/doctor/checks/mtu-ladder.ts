import type { LinkFact } from '../../facts/facts.js'
import { defineCheck, type Finding } from '../check.js'
import { groupBy } from '../group.js'
import { safe } from '../remedy.js'

const IPV6_MINIMUM = 1280

/** M03. */
export const mtuLadder = defineCheck({
  code: 'N64-253',
  origin: 'M03',
  id: 'mtu-ladder',
  title: 'The devices between a guest and its gateway have one MTU',
  explanation: `A guest's frames pass its tap, perhaps a firewall bridge (fwbr, fwln, fwpr), and the bridge that the host has its address on.
Between routers a packet that is too big is answered by an ICMP error; between the ports of a bridge it vanishes without a word. So
a port with a smaller MTU than its bridge swallows big packets: pings work, transfers hang.

A device below 1280 bytes has no IPv6 at all (RFC 8200 section 5): the kernel takes its IPv6 addresses away. That concerns the
bridge, VLAN devices on it and the translator's TUN device.`,
  needs: ['links'],
  after: [],
  run(facts, model) {
    if (!model.engines.some(e => e.active)) return []
    const byName = new Map(facts.links.map(l => [l.name, l]))
    const bridges = new Set(model.nics.map(n => n.bridge))
    const tuns = new Set(model.engines.flatMap(e => ('device' in e.engine ? [e.engine.device] : [])))
    const isSix = (l: LinkFact) =>
      bridges.has(l.name) || tuns.has(l.name) || (l.vlan !== null && bridges.has(l.vlan.parent))
    const tooSmall = facts.links.filter(l => isSix(l) && l.mtu < IPV6_MINIMUM).map(l => below(l))
    const narrow = model.nics.flatMap(nic => {
      const bridge = byName.get(nic.bridge)
      if (!bridge) return []
      const firewall = facts.links.filter(l => nic.firewallBridge !== null && l.master === nic.firewallBridge)
      const outer = firewall.flatMap(l => (l.peer ? (byName.get(l.peer) ?? []) : []))
      const own = [byName.get(nic.device), byName.get(nic.firewallBridge ?? ''), ...firewall, ...outer]
      const found = own.find(l => l !== undefined && l.mtu < bridge.mtu)
      return found ? [{ nic, bridge, link: found }] : []
    })
    const alike = groupBy(narrow, n => `${n.bridge.name} ${n.link.mtu}`)
    return [...tooSmall, ...[...alike.values()].map(group => narrower(group))]
  },
})

function below(link: LinkFact): Omit<Finding, 'code'> {
  return {
    severity: 'error',
    title: `${link.name} has an MTU of ${link.mtu}, below what IPv6 allows`,
    because: 'The kernel removes IPv6 from a device with an MTU below 1280.',
    evidence: [evidenceOf(link)],
    affects: [link.name],
    remedies: [raise(link, 1500)],
    references: ['RFC 8200 §5'],
  }
}

interface Narrow {
  readonly nic: { readonly device: string }
  readonly bridge: LinkFact
  readonly link: LinkFact
}

function narrower(group: readonly Narrow[]): Omit<Finding, 'code'> {
  const { bridge, link } = group[0] as Narrow
  const title =
    group.length === 1
      ? `${link.name} passes ${link.mtu} bytes, and its bridge ${bridge.name} ${bridge.mtu}`
      : `${link.name} and ${group.length - 1} more pass ${link.mtu} bytes, and their bridge ${bridge.name} ${bridge.mtu}`
  return {
    severity: 'warning',
    title,
    because: 'A frame that is too big for a port of a bridge vanishes; nobody is told.',
    evidence: [evidenceOf(link), evidenceOf(bridge)],
    affects: group.map(n => n.nic.device),
    remedies: [raise(link, bridge.mtu)],
    references: [],
  }
}

function evidenceOf(link: LinkFact) {
  return { source: `ip link show ${link.name}`, text: `${link.name}: mtu ${link.mtu}`, mark: String(link.mtu) }
}

function raise(link: LinkFact, mtu: number) {
  return safe(
    "Give it the MTU of the others, here and in the guest's or network's configuration.",
    [`ip link set ${link.name} mtu ${mtu}`],
    [`ip link set ${link.name} mtu ${link.mtu}`],
  )
}
