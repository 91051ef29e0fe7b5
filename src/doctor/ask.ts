/** What several checks ask of the model and of facts. Pure. */
import { formatIpv4, type Ipv4, parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6 } from '../addr/ipv6.js'
import {
  contains4,
  contains6,
  formatPrefix4,
  formatPrefix6,
  mask32,
  maskIpv6,
  overlaps4,
  overlaps6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from '../addr/prefix.js'
import type { AddressFact, LinkFact } from '../facts/facts.js'
import type { EngineInfo, GuestNic, Model } from '../path/inventory.js'
import type { Evidence } from './check.js'

/** Translators that take packets now. */
export function activeEngines(model: Model): EngineInfo[] {
  return model.engines.filter(e => e.active)
}

/** The TUN device of a translator; null for Jool. */
export function tunOf(engine: EngineInfo): string | null {
  return 'device' in engine.engine ? engine.engine.device : null
}

/** Packets have to be routed to it: a TUN device, or Jool in a network namespace of its own. */
export function isRouted(engine: EngineInfo): boolean {
  return engine.engine.kind !== 'jool' || engine.engine.netns !== null
}

/** Jool hooked into this network namespace. */
export function isHooked(engine: EngineInfo): boolean {
  return engine.engine.kind === 'jool' && engine.engine.netns === null
}

/** `10.0.0.7/24` as the network it is in: `10.0.0.0/24`. undefined: no address. */
export function networkOf(address: string, length: number): string | undefined {
  const four = parseIpv4(address)
  if (four !== undefined) return formatPrefix4({ address: ((four & mask32(length)) >>> 0) as Ipv4, length })
  const six = parseIpv6(address)
  return six && formatPrefix6({ address: maskIpv6(six, length), length })
}

/** Reads a prefix of either family; bits past its length do not matter. */
function prefixOf(text: string): { four: Prefix4 } | { six: Prefix6 } | undefined {
  const [address = '', length] = text.split('/')
  const isSix = address.includes(':')
  const network = networkOf(address, length === undefined ? (isSix ? 128 : 32) : Number(length))
  if (network === undefined) return undefined
  const six = isSix ? parsePrefix6(network) : undefined
  const four = isSix ? undefined : parsePrefix4(network)
  return six ? { six } : four ? { four } : undefined
}

/** Says whether an address, given as text, lies in a prefix of the same family. */
export function inside(prefix: string, address: string): boolean {
  const p = prefixOf(prefix)
  if (!p) return false
  if ('four' in p) {
    const a = parseIpv4(address)
    return a !== undefined && contains4(p.four, a)
  }
  const a = parseIpv6(address)
  return a !== undefined && contains6(p.six, a)
}

/** Says whether two prefixes of one family share an address. */
export function overlap(a: string, b: string): boolean {
  const x = prefixOf(a)
  const y = prefixOf(b)
  if (!x || !y) return false
  if ('four' in x) return 'four' in y && overlaps4(x.four, y.four)
  return 'six' in y && overlaps6(x.six, y.six)
}

/** Length of a prefix given as text. */
export function lengthOf(prefix: string): number {
  return Number(prefix.split('/')[1] ?? (prefix.includes(':') ? 128 : 32))
}

/** First address of an IPv4 prefix plus `offset`; null when the text is none. */
export function addressIn(prefix: string, offset: number): string | null {
  const p = prefixOf(prefix)
  return p && 'four' in p ? formatIpv4((p.four.address + offset) >>> 0) : null
}

/** The name of a device's setting, as sysctl(8) takes it: dots of the device become slashes. */
export function settingOf(family: 4 | 6, device: string, key: string): string {
  return `net.ipv${family}.conf.${device.replaceAll('.', '/')}.${key}`
}

/** A setting as evidence. */
export function settingEvidence(name: string, value: string): Evidence {
  return { source: `sysctl ${name}`, text: `${name} = ${value}`, mark: value }
}

/** An address as `ip address` shows it. */
export function addressEvidence(a: AddressFact): Evidence {
  const family = a.family === 6 ? 'inet6' : 'inet'
  const text = `${family} ${a.address}/${a.length} scope ${a.scope}`
  return { source: `ip -${a.family} address show dev ${a.device}`, text, mark: `${a.address}/${a.length}` }
}

/** Where the host listens to guests behind a bridge: the bridge, or VLAN interfaces on it, that have an IPv6 address. */
export function gatewaysOf(nic: GuestNic, links: readonly LinkFact[], addresses: readonly AddressFact[]): string[] {
  const candidates = [nic.bridge, ...links.filter(l => l.vlan?.parent === nic.bridge).map(l => l.name)]
  return candidates.filter(d => addresses.some(a => a.device === d && a.family === 6 && a.scope === 'global'))
}

/** As {@link gatewaysOf}, of all guests. */
export function guestDevices(model: Model, links: readonly LinkFact[], addresses: readonly AddressFact[]): string[] {
  return [...new Set(model.nics.flatMap(n => gatewaysOf(n, links, addresses)))]
}

/** Guest NICs that reach the host through one of `devices`. */
export function nicsBehind(
  model: Model,
  devices: readonly string[],
  links: readonly LinkFact[],
  addresses: readonly AddressFact[],
): string[] {
  return model.nics.filter(n => gatewaysOf(n, links, addresses).some(d => devices.includes(d))).map(n => n.device)
}

/** `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
