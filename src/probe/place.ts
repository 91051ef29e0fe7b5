/**
 * Where a probe goes: a guest that nobody has, on the bridge of a real one. Its devices are named as Proxmox names them,
 * so that rules on `fwbr+` and `fwln+`, the path model and captures take it for a guest. Pure.
 */
import { formatIpv6, type Ipv6, parseIpv6 } from '../addr/ipv6.js'
import { contains6, formatPrefix6, mask32, maskIpv6, type Prefix6, parsePrefix6 } from '../addr/prefix.js'
import type { Facts, LinkFact } from '../facts/facts.js'
import { viewHost } from '../path/host-view.js'
import type { GuestNic } from '../path/inventory.js'

export interface ProbePlace {
  /** Number of the guest that it plays. */
  readonly id: number
  readonly namespace: string
  /** The host's end of the probe's NIC, as `tap999991234i0`; the other is `eth0` in the namespace. */
  readonly nicDevice: string
  /** Three random bytes that are in all MAC addresses of this probe: `a1:b2:c3`. */
  readonly token: string
  readonly bridge: string
  /** Of the bridge, bytes: a port with a smaller one would lower it for everybody. */
  readonly mtu: number
  /** Of the guest's NIC, bytes. */
  readonly guestMtu: number
  /** The VLAN of the bridge that the probe is in, untagged on its side; null: that of every new port. */
  readonly vlan: number | null
  readonly firewall: ProbeFirewall | null
  /** Addresses that nobody is known to have; the first that nobody answers for is taken. */
  readonly candidates6: readonly string[]
  /** Length of their prefix, bits. */
  readonly prefixLength: number
  /** The host's own address there, and the device that has it. */
  readonly gateway6: string
  readonly gatewayDevice: string
}

/** The firewall bridge in between, and the pair that joins it to the guest's bridge. */
export interface ProbeFirewall {
  readonly bridge: string
  readonly inner: string
  readonly outer: string
  /** Its own switches, which the kernel ORs with those of the host. */
  readonly callsIptables: boolean
  readonly callsIp6tables: boolean
}

export interface PlaceOptions {
  /** Whether a firewall bridge comes in between. Default `as-guest`. */
  readonly firewallBridge?: 'as-guest' | 'with' | 'without' | undefined
  readonly pid: number
  /** {@link RANDOM_BYTES} of them. */
  readonly random: Uint8Array
}

const CANDIDATES = 4
const TOKEN = 3
/** How many random bytes a place takes. */
export const RANDOM_BYTES = TOKEN + CANDIDATES * 8

/** Guests that play probes: nine digits leave a name of 15 bytes (IFNAMSIZ), and Proxmox counts from 100. */
const FIRST_ID = 999_990_000
const IDS = 10_000

/** Finds the place; a sentence without a full stop when there is none. */
export function placeProbe(facts: Facts, nic: GuestNic, options: PlaceOptions): ProbePlace | string {
  const links = facts.links.ok ? facts.links.value : []
  const bridge = links.find(l => l.name === nic.bridge)
  if (!bridge?.bridge) return `${nic.bridge} is no Linux bridge`
  const gateway = findGateway(facts, nic)
  if (typeof gateway === 'string') return gateway
  const id = freeId(facts, options.pid)
  if (id === null) return 'there are too many probes on this host'
  const vlan = links.find(l => l.name === gateway.device)?.vlan?.id ?? null
  if (vlan !== null && !bridge.bridge.vlanFiltering) {
    return `guests on ${nic.bridge} tag their frames for VLAN ${vlan} themselves, which a probe does not`
  }
  const candidates6 = candidates(facts, gateway.prefix, options.random.subarray(TOKEN))
  if (candidates6.length === 0) return `no unused address was found in ${formatPrefix6(gateway.prefix)}`
  const token = [...options.random.subarray(0, TOKEN)].map(byte => byte.toString(16).padStart(2, '0'))
  return {
    id,
    namespace: `nat64-probe-${token.join('')}`,
    nicDevice: `${nic.device.startsWith('veth') ? 'veth' : 'tap'}${id}i0`,
    token: token.join(':'),
    bridge: nic.bridge,
    mtu: bridge.mtu,
    guestMtu: Math.min(bridge.mtu, links.find(l => l.name === nic.device)?.mtu ?? bridge.mtu),
    vlan,
    firewall: firewallOf(facts, nic, id, options.firewallBridge ?? 'as-guest'),
    candidates6,
    prefixLength: gateway.prefix.length,
    gateway6: gateway.address,
    gatewayDevice: gateway.device,
  }
}

interface Gateway {
  readonly device: string
  readonly address: string
  readonly prefix: Prefix6
}

/** Where the host listens on the guest's bridge, and the prefix that guests have there. */
function findGateway(facts: Facts, nic: GuestNic): Gateway | string {
  const host = viewHost(facts)
  const device = host.gateway(nic.bridge, 6, host.tag(nic.device))
  if (device === null) return `this host has no IPv6 prefix on ${nic.bridge}`
  const guest = nic.address6 === null ? undefined : parseIpv6(nic.address6)
  const isOfGuest = (prefix: Prefix6) => guest !== undefined && contains6(prefix, guest)
  const addresses = (facts.addresses.ok ? facts.addresses.value : []).filter(a => a.family === 6 && a.device === device)
  const own = addresses.flatMap((a): Gateway[] => {
    const words = parseIpv6(a.address)
    if (a.scope !== 'global' || !words || a.length > LONGEST) return []
    return [{ device, address: a.address, prefix: { address: maskIpv6(words, a.length), length: a.length } }]
  })
  const routes = facts.routes.ok ? facts.routes.value : []
  const upstream = routes.filter(r => r.family === 6 && r.destination === '::/0').map(r => parseIpv6(r.gateway ?? ''))
  // Where the next router is, there are other hosts; guests are more likely elsewhere.
  const isUplink = (prefix: Prefix6) => upstream.some(u => u !== undefined && contains6(prefix, u))
  const best = own.find(g => isOfGuest(g.prefix)) ?? own.find(g => !isUplink(g.prefix)) ?? own[0]
  if (best) return best
  // Guests may be reached by a route, and the host by its link-local address.
  const local = addresses.find(a => a.scope === 'link')?.address
  const routed = routes.flatMap((r): Prefix6[] => {
    const prefix = r.family === 6 && r.device === device && r.gateway === null ? parsePrefix6(r.destination) : undefined
    const isUsual = r.type === 'unicast' && r.table === 'main' && !/^(f[ef]|::\/0)/.test(r.destination)
    return prefix && isUsual && prefix.length <= LONGEST ? [prefix] : []
  })
  const prefix = routed.find(isOfGuest) ?? routed[0]
  if (prefix && local !== undefined) return { device, address: local, prefix }
  return `guests on ${nic.bridge} have no prefix in which an unused address would be answered`
}

/** Bits; a prefix with fewer addresses is likely to have none to spare. */
const LONGEST = 120

function freeId(facts: Facts, pid: number): number | null {
  const names = (facts.links.ok ? facts.links.value : []).map(l => l.name)
  const guests = facts.proxmox.ok ? facts.proxmox.value.guests.map(g => g.id) : []
  for (let i = 0; i < IDS; i++) {
    const id = FIRST_ID + ((pid + i) % IDS)
    if (!guests.includes(String(id)) && !names.some(name => name.includes(String(id)))) return id
  }
  return null
}

function firewallOf(
  facts: Facts,
  nic: GuestNic,
  id: number,
  wanted: NonNullable<PlaceOptions['firewallBridge']>,
): ProbeFirewall | null {
  if (wanted === 'without' || (wanted === 'as-guest' && nic.firewallBridge === null)) return null
  const links = facts.links.ok ? facts.links.value : []
  const own = links.find(l => l.name === nic.firewallBridge)?.bridge ?? emulated(facts)
  return {
    bridge: `fwbr${id}i0`,
    inner: `fwln${id}i0`,
    outer: `fwpr${id}p0`,
    callsIptables: own.nfCallIptables === true,
    callsIp6tables: own.nfCallIp6tables === true,
  }
}

/** pve-firewall switches the calls on for the whole host; a bridge of its own can have them alone, if br_netfilter is there. */
function emulated(facts: Facts): Pick<NonNullable<LinkFact['bridge']>, 'nfCallIptables' | 'nfCallIp6tables'> {
  const isLoaded = facts.sysctls.ok && 'net.bridge.bridge-nf-call-ip6tables' in facts.sysctls.value
  return { nfCallIptables: isLoaded, nfCallIp6tables: isLoaded }
}

/** Random identifiers, neither universal nor group (RFC 7136 leaves these bits free), so no guest's own. */
function candidates(facts: Facts, prefix: Prefix6, random: Uint8Array): string[] {
  const known = new Set(
    [facts.neighbours, facts.addresses].flatMap(fact => (fact.ok ? fact.value.map(entry => entry.address) : [])),
  )
  const view = new DataView(Uint8Array.from(random).buffer)
  const fill = (i: number): Ipv6 => {
    const bits = [0, 0, view.getUint32(i * 8) & 0xfcffffff, view.getUint32(i * 8 + 4)]
    const word = (n: 0 | 1 | 2 | 3) =>
      (prefix.address[n] | ((bits[n] as number) & ~mask32(prefix.length - 32 * n))) >>> 0
    return [word(0), word(1), word(2), word(3)]
  }
  const all = Array.from({ length: CANDIDATES }, (_, i) => fill(i))
  // An identifier of zeros is the routers' (RFC 4291 section 2.6.1).
  const isRouters = (address: Ipv6) => formatIpv6(address) === formatIpv6(prefix.address)
  return all
    .filter(a => !isRouters(a))
    .map(formatIpv6)
    .filter(a => !known.has(a))
}
