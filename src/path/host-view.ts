/** What the path model asks a host, answered from facts. A missing fact answers as if there were nothing. */
import { parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6 } from '../addr/ipv6.js'
import { contains4, contains6, parsePrefix4, parsePrefix6 } from '../addr/prefix.js'
import type { Fact, Facts, IptablesFact, LinkFact, NftFact, RouteFact } from '../facts/facts.js'
import { isUnderstood, policyRoute, type Routed } from './policy-route.js'

const or = <T>(fact: Fact<T> | undefined, otherwise: T): T => (fact?.ok ? fact.value : otherwise)

export interface HostView {
  link(name: string): LinkFact | undefined
  /** Ports of a bridge. */
  ports(bridge: string): readonly LinkFact[]
  /**
   * Where the host itself listens on a bridge: the one of {@link listenersOn} that has a global address;
   * null for a bridge that only passes frames on. `tag`: the VLAN that the guest is in, when Proxmox tells.
   */
  gateway(bridge: string, family: 4 | 6, tag?: number | null): string | null
  /** The Open vSwitch bridge that a device is a port of. br_netfilter never runs there. */
  openVswitch(device: string): string | null
  /** br_netfilter hands frames of this bridge to ip6tables (6) or iptables (4): global and own switch, ORed. */
  callsIptables(bridge: string, family: 4 | 6): boolean
  forwarding(device: string, family: 4 | 6): boolean
  /** The route that a packet takes, policy rules included; null: none. `from`: its source, and where it came in. */
  route(address: string, family: 4 | 6, from?: Pick<Routed, 'source' | 'inDevice'>): RouteFact | null
  readonly iptables: IptablesFact
  readonly nft: NftFact
  /** Policy rules by marks, ports, users and the like that look into another table: what the model does not follow. */
  readonly policyRules: readonly string[]
  /** The firewall is switched on for the guest behind a device, as far as anybody says. */
  firewallWanted(device: string): boolean | null
  /** The VLAN that Proxmox puts a guest's device into; null: none, or not known. */
  tag(device: string): number | null
  /** A source of this address leaving by this device is masqueraded or source-translated. */
  masquerades(address: string, device: string): boolean
}

/** The fact is there to be had, but not for whoever asked. */
const isHidden = (fact: Fact<unknown> | undefined): boolean =>
  fact?.ok === false && fact.reason !== 'not-installed' && fact.reason !== 'unsupported'

const NOWHERE = { source: '', inDevice: '' }

const views = new WeakMap<Facts, HostView>()

/** Makes the view, once for the same facts. */
export function viewHost(facts: Facts): HostView {
  const known = views.get(facts)
  if (known) return known
  const view = makeView(facts)
  views.set(facts, view)
  return view
}

function makeView(facts: Facts): HostView {
  const links = or(facts.links, [])
  const byName = new Map(links.map(l => [l.name, l]))
  const addresses = or(facts.addresses, [])
  const routes = or(facts.routes, [])
  const rules = or(facts.rules, [])
  const sysctls = or(facts.sysctls, {})
  const iptables = or(facts.iptables, { rules: [], policies: [] })
  const nft = or(facts.nft, [])
  const hasGlobal = (device: string, family: 4 | 6) =>
    addresses.some(a => a.device === device && a.family === family && a.scope === 'global') ||
    // A gateway may have nothing but its link-local address and a route to its guests.
    routes.some(
      r =>
        r.device === device &&
        r.family === family &&
        r.gateway === null &&
        r.type === 'unicast' &&
        r.table === 'main' &&
        !/^(f[ef]|169\.254\.)|^(::|0\.0\.0\.0)\/0$/.test(r.destination),
    )
  const proxmox = or(facts.proxmox, null)
  const guestOf = (device: string) => {
    const [, id, index] = /^(?:tap|veth)(\d+)i(\d+)$/.exec(device) ?? []
    const nic = proxmox?.guests.find(g => g.id === id)?.nics.find(n => n.name === `net${index}`)
    return { id: id ?? '', nic }
  }
  const portsOf = new Map<string, LinkFact[]>()
  for (const link of links) {
    if (link.master !== null) portsOf.set(link.master, [...(portsOf.get(link.master) ?? []), link])
  }
  return {
    link: name => byName.get(name),
    ports: bridge => portsOf.get(bridge) ?? [],
    gateway(bridge, family, tag = null) {
      const vlans = links.filter(l => l.vlan?.parent === bridge)
      const own = tag === null ? undefined : vlans.find(l => l.vlan?.id === tag)
      if (own) return hasGlobal(own.name, family) ? own.name : null
      return listenersOn(links, bridge).find(name => hasGlobal(name, family)) ?? null
    },
    openVswitch(device) {
      const link = byName.get(device)
      if (link?.ovsBridge) return link.ovsBridge
      const master = link?.master ? byName.get(link.master) : undefined
      if (master?.kind === 'openvswitch' && master.name !== 'ovs-system') return master.name
      // Without ovs-vsctl only Proxmox knows: fwln100o0 is the way of net0 of guest 100 into its bridge.
      const inner = /^fwln(\d+)o(\d+)$/.exec(device)
      if (!inner && link?.master !== 'ovs-system') return null
      const nic = guestOf(inner ? `tap${inner[1]}i${inner[2]}` : device).nic
      const only = links.filter(l => l.kind === 'openvswitch' && hasGlobal(l.name, 6))
      return nic?.bridge ?? (only.length === 1 ? (only[0] as LinkFact).name : null)
    },
    callsIptables(bridge, family) {
      const global = sysctls[`net.bridge.bridge-nf-call-ip${family === 6 ? '6' : ''}tables`]
      const own = byName.get(bridge)?.bridge
      return global === '1' || (family === 6 ? own?.nfCallIp6tables : own?.nfCallIptables) === true
    },
    forwarding(device, family) {
      const dotted = device.replaceAll('.', '/')
      if (family === 6) {
        // ip6_forward() looks at the host-wide switch; a device's own only says whether the host is a router there.
        const forced = sysctls[`net.ipv6.conf.${dotted}.force_forwarding`] === '1'
        return forced || (sysctls['net.ipv6.conf.all.forwarding'] ?? '1') === '1'
      }
      const own = sysctls[`net.ipv4.conf.${dotted}.forwarding`]
      const all = sysctls['net.ipv4.conf.all.forwarding'] ?? sysctls['net.ipv4.ip_forward']
      return (own ?? all ?? '1') === '1'
    },
    route: (address, family, { source, inDevice } = NOWHERE) =>
      policyRoute(routes, rules, { destination: address, family, source, inDevice }),
    iptables,
    nft,
    policyRules: rules
      .filter(r => !['local', 'main', 'default'].includes(r.table) && !isUnderstood(r))
      .map(r => `ip -${r.family} rule: ${r.priority}: ${r.selector} lookup ${r.table}`),
    firewallWanted(device) {
      if (!proxmox) return null
      const { id, nic } = guestOf(device)
      if (!nic) return null
      return nic.firewall && proxmox.clusterFirewall?.enable === true && proxmox.guestFirewalls[id]?.enable === true
    },
    tag: device => guestOf(device).nic?.tag ?? null,
    // What may not be read is not held against the host.
    masquerades: (address, device) =>
      isHidden(facts.iptables) || isHidden(facts.nft) || masqueradedBy(iptables, nft, address, device),
  }
}

/** Devices by which a host can be on a bridge: the bridge, VLAN interfaces on it, internal ports of Open vSwitch. */
export function listenersOn(links: readonly LinkFact[], bridge: string): string[] {
  const isInternal = (l: LinkFact) => l.kind === 'openvswitch' && l.ovsBridge === bridge && !/^fwln\d/.test(l.name)
  return [bridge, ...links.filter(l => l.vlan?.parent === bridge || isInternal(l)).map(l => l.name)]
}

/** The route for an address in the tables that are asked without policy rules, local and main; null: none. */
export function lookUp(routes: readonly RouteFact[], address: string, family: 4 | 6): RouteFact | null {
  // The local table is asked first (rule 0).
  return policyRoute(routes, [], { destination: address, family, source: '', inDevice: '' })
}

/** A rule of iptables or nftables masquerades, or source-translates, what leaves `device` from `address`. */
export function masqueradedBy(
  iptables: IptablesFact,
  nft: readonly Readonly<Record<string, unknown>>[],
  address: string,
  device: string,
): boolean {
  const inside = (text: string) => {
    const prefix = parsePrefix4(text)
    const parsed = parseIpv4(address)
    return prefix !== undefined && parsed !== undefined && contains4(prefix, parsed)
  }
  const byRule = iptables.rules.some(r => {
    if (r.family !== 4 || r.table !== 'nat' || !['MASQUERADE', 'SNAT'].includes(r.target ?? '')) return false
    const source = /(! )?-s (\S+)/.exec(r.text)
    const out = /(! )?-o (\S+)/.exec(r.text)
    const outMatches =
      !out ||
      (out[2]?.replace('+', '') === device || (out[2]?.endsWith('+') && device.startsWith(out[2].slice(0, -1)))) !==
        (out[1] !== undefined)
    return outMatches && (!source || inside(source[2] as string) !== (source[1] !== undefined))
  })
  if (byRule) return true
  return nft.some(o => {
    const rule = o.rule as { family?: string; expr?: readonly Record<string, unknown>[] } | undefined
    if (!rule?.expr || rule.family === 'ip6' || rule.family === 'bridge') return false
    if (!rule.expr.some(e => 'masquerade' in e || 'snat' in e)) return false
    return rule.expr.every(e => nftMatches(e, inside, device))
  })
}

type NftMatch = {
  readonly op: string
  readonly left: Record<string, { key?: string; field?: string }>
  readonly right: unknown
}

function nftMatches(expression: Record<string, unknown>, inside: (text: string) => boolean, device: string): boolean {
  const match = expression.match as NftMatch | undefined
  if (!match) return true
  const wanted = match.op !== '!='
  if (match.left.meta?.key === 'oifname' || match.left.meta?.key === 'oif') return (match.right === device) === wanted
  if (match.left.payload?.field === 'saddr') return inside(nftPrefix(match.right)) === wanted
  return true
}

function nftPrefix(right: unknown): string {
  if (typeof right === 'string') return right
  const prefix = (right as { prefix?: { addr: string; len: number } })?.prefix
  return prefix ? `${prefix.addr}/${prefix.len}` : ''
}

/** Says whether an IPv6 address lies in a prefix given as text. */
export function isInside6(prefix: string, address: string): boolean {
  const parsed = parsePrefix6(prefix)
  const words = parseIpv6(address)
  return parsed !== undefined && words !== undefined && contains6(parsed, words)
}
