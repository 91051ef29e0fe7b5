/** Which packets are wanted, and the kernel filter that lets no more than needed through. */
import type { Ipv4 } from '../../addr/ipv4.js'
import { parseIpv4 } from '../../addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../../addr/ipv6.js'
import type { Prefix4, Prefix6 } from '../../addr/prefix.js'
import { overlaps4, parsePrefix4 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import { snatSources } from '../../path/snat-sources.js'
import type { CaptureFilter, PairRule } from '../../wire/bpf.js'
import type { HostModel } from './host-model.js'
import { farV4, mappedV6 } from './identity.js'
import type { OpenPath } from './open-path.js'
import type { TracedPath, TraceProtocol } from './traced.js'

export interface Wanted {
  /** In words, for the header. */
  readonly text: string
  /** IPv4 hosts at the far end; null: any. */
  readonly peers4: readonly number[] | null
  /** Addresses of guests; empty: any. With `nics` and `guests` one of all is enough. */
  readonly guests6: readonly string[]
  /** Devices of guests on this host; empty: any. */
  readonly nics: readonly string[]
  /** Ids of guests, also of those whose devices appear later; empty: any. */
  readonly guests: readonly string[]
  readonly protocols: readonly TraceProtocol[]
  /** At either end. */
  readonly ports: readonly number[]
  /** Only packets that were seen on one of these. */
  readonly devices: readonly string[]
}

export const EVERYTHING: Wanted = {
  text: 'all translated packets',
  peers4: null,
  guests6: [],
  nics: [],
  guests: [],
  protocols: [],
  ports: [],
  devices: [],
}

export function accepts(wanted: Wanted, traced: TracedPath, path: OpenPath): boolean {
  const { peers4, protocols, ports, devices } = wanted
  if (peers4 !== null && !peers4.includes(path.target4)) return false
  if (isOfGuest(wanted) && !isGuest(wanted, traced)) return false
  if (protocols.length > 0 && !protocols.includes(traced.protocol)) return false
  if (ports.length > 0 && !ports.includes(traced.targetPort) && !ports.includes(traced.guestPort)) return false
  return devices.length === 0 || traced.hops.some(h => devices.includes(h.device))
}

const isOfGuest = ({ guests6, nics, guests }: Wanted) => guests6.length + nics.length + guests.length > 0

function isGuest({ guests6, nics, guests }: Wanted, { guest6, nic, guest }: TracedPath): boolean {
  const is = (list: readonly string[], value: string | null) => value !== null && list.includes(value)
  return is(guests6, guest6) || is(nics, nic) || is(guests, guest)
}

/**
 * What the kernel has to let through. Of IPv6, what goes to the translator's prefixes or comes from there; of IPv4, what
 * is to or from the far ends, or where these are not known yet, the translator's addresses and those of the host.
 */
export function filterFor(wanted: Wanted, model: HostModel, snapLength: number): CaptureFilter {
  const peers = wanted.peers4?.map(a => ({ address: a as Ipv4, length: 32 })) ?? null
  const guests = wanted.guests6.map(t => parseIpv6(t)).filter(a => a !== undefined)
  // Who is only known by device or id may have more addresses than anybody tells.
  const near6: (Prefix6 | null)[] =
    wanted.nics.length + wanted.guests.length > 0 || guests.length === 0
      ? [null]
      : guests.map(address => ({ address, length: 128 }))
  const far6 = peers === null ? farOf(model) : peers.flatMap(p => behind(model, p.address))
  return {
    four: (peers ?? nearAddresses(model)).map((a): PairRule<Prefix4> => ({ a, b: null })),
    six: far6.flatMap(a => near6.map((b): PairRule<Prefix6> => ({ a, b }))),
    errors: true,
    snapLength,
  }
}

const farOf = ({ realm }: HostModel): Prefix6[] => [...realm.pool6, ...realm.eam.map(e => e.six)]

/** IPv6 addresses that stand for an IPv4 one. */
function behind({ realm }: HostModel, address: number): Prefix6[] {
  const pools = realm.pool6.map((p): Prefix6 => ({ address: embed(p, address), length: 128 }))
  // The pair's whole range: suffixes of any length are rare, and the tracer looks closer.
  return [...pools, ...realm.eam.map((e): Prefix6 => e.six)]
}

/** Where translated packets come from on IPv4: pools of the translators, addresses of the host, and of SNAT rules. */
function nearAddresses({ facts, engines, own4 }: HostModel): Prefix4[] {
  const own = (facts.addresses.ok ? facts.addresses.value : [])
    .filter(a => a.family === 4 && a.scope !== 'host')
    .map(a => a.address)
  const mapped = engines.flatMap(e => (e.mapped4 === null ? [] : [e.mapped4]))
  const named = [...new Set([...own, ...mapped])].map(t => parsePrefix4(t)).filter(p => p !== undefined)
  const more = [...named, ...snatSources(facts)]
  return [...own4, ...more.filter(m => !own4.some(p => overlaps4(p, m) && p.length <= m.length))]
}

/** An address that a user typed, as the far end or the guest's; null: it is no address. An explicit mapping is a guest's. */
export function addressWanted(text: string, { realm }: HostModel): Partial<Wanted> | null {
  const four = parseIpv4(text)
  const six = four === undefined ? parseIpv6(text) : (mappedV6(realm, four) as Ipv6 | null)
  if (!six) return four === undefined ? null : { peers4: [four] }
  const far = farV4(realm, six)
  return far >= 0 ? { peers4: [far] } : { guests6: [formatIpv6(six)] }
}
