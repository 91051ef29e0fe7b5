/** Kinds of values that hold addresses: prefixes, pools, bindings, mappings. */
import { formatIpv4, type Ipv4, parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../addr/ipv6.js'
import {
  formatPrefix4,
  formatPrefix6,
  mask32,
  maskIpv6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from '../addr/prefix.js'
import { POOL6_LENGTHS } from '../addr/rfc6052.js'
import type { BibProtocol, Eam, Pool4Range, StaticBib } from '../xlat/config.js'
import { type Kind, listOf, oneOf, quote, text } from './kinds.js'
import { Refused } from './problems.js'
import type { Prefix4Host, Prefix6Host } from './run-config.js'

export const BIB_PROTOCOLS: readonly BibProtocol[] = ['tcp', 'udp', 'icmp']

export const address4: Kind<Ipv4> = text('an IPv4 address such as "192.0.2.1"', parseIpv4, formatIpv4)
export const address6: Kind<Ipv6> = text('an IPv6 address such as "2001:db8::1"', parseIpv6, formatIpv6)
export const prefix4: Kind<Prefix4> = text('an IPv4 prefix such as "192.0.2.0/24"', readPrefix4, formatPrefix4)
export const prefix6: Kind<Prefix6> = text('an IPv6 prefix such as "2001:db8::/64"', readPrefix6, formatPrefix6)

/** `address/length` where the address may have bits past the length. */
export const hostPrefix4: Kind<Prefix4Host> = text(
  'an IPv4 address with length such as "192.0.2.1/24"',
  t => {
    const parts = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(t)
    const address = parts ? parseIpv4(parts[1] as string) : undefined
    const length = Number(parts?.[2] ?? 32)
    return address === undefined || length > 32 ? undefined : { address, length }
  },
  formatPrefix4,
)

export const hostPrefix6: Kind<Prefix6Host> = text(
  'an IPv6 address with length such as "2001:db8::1/64"',
  t => {
    const parts = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(t)
    const address = parts ? parseIpv6(parts[1] as string) : undefined
    const length = Number(parts?.[2] ?? 128)
    return address === undefined || length > 128 ? undefined : { address, length }
  },
  formatPrefix6,
)

/** A prefix of either family. */
export const anyPrefix: Kind<Prefix4 | Prefix6> = {
  allowed: 'an IPv4 or IPv6 prefix such as "192.0.2.0/24"',
  read: value => (typeof value === 'string' && value.includes(':') ? prefix6.read(value) : prefix4.read(value)),
  write: p => (typeof p.address === 'number' ? prefix4.write(p as Prefix4) : prefix6.write(p as Prefix6)),
}

/** A prefix that represents IPv4 (RFC 6052 section 2.2): one of six lengths, bits 64 to 71 zero. */
export const pool6: Kind<Prefix6> = text(
  `an IPv6 prefix of ${POOL6_LENGTHS.slice(0, -1).join(', ')} or 96 bits such as "64:ff9b::/96"`,
  t => {
    const prefix = readPrefix6(t)
    if (prefix === undefined || prefix instanceof Refused) return prefix
    if (!POOL6_LENGTHS.some(length => length === prefix.length)) return new Refused(t)
    if (prefix.address[2] >>> 24 !== 0)
      return new Refused(t, { why: 'bits 64 to 71 must be zero, RFC 6052 section 2.2' })
    return prefix
  },
  formatPrefix6,
)

function readPrefix4(t: string): Prefix4 | Refused | undefined {
  const loose = hostPrefix4.read(t)
  if (loose instanceof Refused) return undefined
  const network = { address: ((loose.address & mask32(loose.length)) >>> 0) as Ipv4, length: loose.length }
  return (
    parsePrefix4(t) ?? new Refused(t, { why: `bits past the length are set; the network is ${formatPrefix4(network)}` })
  )
}

function readPrefix6(t: string): Prefix6 | Refused | undefined {
  const loose = hostPrefix6.read(t)
  if (loose instanceof Refused) return undefined
  const network = { address: maskIpv6(loose.address, loose.length), length: loose.length }
  return (
    parsePrefix6(t) ?? new Refused(t, { why: `bits past the length are set; the network is ${formatPrefix6(network)}` })
  )
}

/** "1024-65535" or "80". */
export const ports: Kind<readonly [number, number]> = {
  allowed: 'a port or a range such as "1024-65535"',
  read(value) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(
      typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '',
    )
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (!match || last > 65535) return new Refused(value)
    return first <= last ? [first, last] : new Refused(value, { why: 'the first port is above the last' })
  },
  write: ([first, last]) => quote(first === last ? String(first) : `${first}-${last}`),
}

export const protocol: Kind<BibProtocol> = oneOf(...BIB_PROTOCOLS)
const protocols = listOf(protocol, 3)

/** Used where a pool4 entry names none: everything but the well-known ports. */
export const DEFAULT_PORTS: readonly [number, number] = [1024, 65535]

/** A pool4 entry: a table, or "address[/length][:ports][,protocol…]". */
export const pool4Entry: Kind<Pool4Range> = {
  allowed:
    '"address[/length][:ports][,protocols]" such as "192.0.2.1:1024-65535,tcp,udp", or { prefix, ports, protocols }',
  read(value) {
    const parts = typeof value === 'string' ? splitPool4(value) : value
    const table = fields(parts, ['prefix', 'ports', 'protocols'], ['prefix'])
    if (table instanceof Refused) return typeof value === 'string' ? new Refused(value) : table
    const at = typeof value === 'string' ? (_: string) => '' : (key: string) => `.${key}`
    const prefix = prefix4.read(table.prefix)
    if (prefix instanceof Refused) return prefix.under(at('prefix'), prefix4.allowed)
    const range = table.ports === undefined ? DEFAULT_PORTS : ports.read(table.ports)
    if (range instanceof Refused) return range.under(at('ports'), ports.allowed)
    const list = table.protocols === undefined ? BIB_PROTOCOLS : protocols.read(table.protocols)
    if (list instanceof Refused) return list.under(at('protocols'), protocols.allowed)
    if (list.length === 0 || new Set(list).size !== list.length)
      return new Refused(table.protocols, {
        path: at('protocols'),
        allowed: 'each of "tcp", "udp", "icmp" at most once',
      })
    return { prefix, ports: range, protocols: BIB_PROTOCOLS.filter(p => list.includes(p)) }
  },
  write: e =>
    `{ prefix = ${prefix4.write(e.prefix)}, ports = ${ports.write(e.ports)}, protocols = ${protocols.write(e.protocols)} }`,
}

function splitPool4(value: string): unknown {
  const [head, ...names] = value.split(',').map(part => part.trim())
  const [prefix, range, ...rest] = (head as string).split(':')
  if (rest.length > 0) return undefined
  return {
    prefix,
    ...(range === undefined ? {} : { ports: range }),
    ...(names.length === 0 ? {} : { protocols: names }),
  }
}

/** An EAM: a table, or "prefix6,prefix4" in either order. */
export const eamEntry: Kind<Eam> = {
  allowed: '{ prefix6, prefix4 } such as { prefix6 = "2001:db8::/120", prefix4 = "192.0.2.0/24" }, or both in one text',
  read(value) {
    const parts = typeof value === 'string' ? splitEam(value) : value
    const table = fields(parts, ['prefix6', 'prefix4'], ['prefix6', 'prefix4'])
    if (table instanceof Refused) return typeof value === 'string' ? new Refused(value) : table
    const six = prefix6.read(table.prefix6)
    if (six instanceof Refused) return six.under(typeof value === 'string' ? '' : '.prefix6', prefix6.allowed)
    const four = prefix4.read(table.prefix4)
    if (four instanceof Refused) return four.under(typeof value === 'string' ? '' : '.prefix4', prefix4.allowed)
    if (128 - six.length < 32 - four.length)
      return new Refused(`${formatPrefix6(six)} for ${formatPrefix4(four)}`, {
        allowed: `an IPv6 prefix of at most ${96 + four.length} bits`,
        why: 'the IPv4 suffix does not fit, RFC 7757 section 3.1',
      })
    return { prefix6: six, prefix4: four }
  },
  write: e => `{ prefix6 = ${prefix6.write(e.prefix6)}, prefix4 = ${prefix4.write(e.prefix4)} }`,
}

function splitEam(value: string): unknown {
  const parts = value.split(/[\s,=]+/).filter(part => part !== '')
  if (parts.length !== 2) return undefined
  const [a, b] = parts as [string, string]
  return a.includes(':') ? { prefix6: a, prefix4: b } : { prefix6: b, prefix4: a }
}

/** A static binding: a table, or "protocol,address6#port,address4#port". */
export const bibEntry: Kind<StaticBib> = {
  allowed:
    '{ protocol, host6, mapped4 } such as { protocol = "tcp", host6 = "2001:db8::8#80", mapped4 = "192.0.2.1#80" }, or these in one text',
  read(value) {
    const parts = typeof value === 'string' ? splitBib(value) : value
    const table = fields(parts, ['protocol', 'host6', 'mapped4'], ['protocol', 'host6', 'mapped4'])
    if (table instanceof Refused) return typeof value === 'string' ? new Refused(value) : table
    const at = (key: string) => (typeof value === 'string' ? '' : `.${key}`)
    const proto = protocol.read(table.protocol)
    if (proto instanceof Refused) return proto.under(at('protocol'), protocol.allowed)
    const inside = transport6(table.host6, proto)
    if (inside instanceof Refused) return inside.under(at('host6'))
    const outside = transport4(table.mapped4, proto)
    if (outside instanceof Refused) return outside.under(at('mapped4'))
    return { protocol: proto, host6: inside[0], host6Port: inside[1], mapped4: outside[0], mapped4Port: outside[1] }
  },
  write: e =>
    `{ protocol = "${e.protocol}", host6 = "${formatIpv6(e.host6)}#${e.host6Port}", mapped4 = "${formatIpv4(e.mapped4)}#${e.mapped4Port}" }`,
}

function splitBib(value: string): unknown {
  const parts = value.split(/[\s,]+/).filter(part => part !== '')
  return parts.length === 3 ? { protocol: parts[0]?.toLowerCase(), host6: parts[1], mapped4: parts[2] } : undefined
}

/** "2001:db8::8#80" or "[2001:db8::8]:80". */
export function transport6(value: unknown, proto: BibProtocol): readonly [Ipv6, number] | Refused {
  const allowed = `${address6Port} such as "2001:db8::8#80"`
  const match = typeof value === 'string' ? /^(?:\[([^\]]+)\]:|([^#[\]]+)#)(\d{1,5})$/.exec(value) : null
  const address = match ? parseIpv6((match[1] ?? match[2]) as string) : undefined
  return address === undefined ? new Refused(value, { allowed }) : withPort(value, address, Number(match?.[3]), proto)
}

/** "192.0.2.1#80" or "192.0.2.1:80". */
export function transport4(value: unknown, proto: BibProtocol): readonly [Ipv4, number] | Refused {
  const allowed = 'an IPv4 address and a port such as "192.0.2.1#80"'
  const match = typeof value === 'string' ? /^([^#:]+)[#:](\d{1,5})$/.exec(value) : null
  const address = match ? parseIpv4(match[1] as string) : undefined
  return address === undefined ? new Refused(value, { allowed }) : withPort(value, address, Number(match?.[2]), proto)
}

const address6Port = 'an IPv6 address and a port'

function withPort<T>(value: unknown, address: T, port: number, proto: BibProtocol): readonly [T, number] | Refused {
  const first = proto === 'icmp' ? 0 : 1
  const what = proto === 'icmp' ? 'an ICMP identifier' : 'a port'
  return port >= first && port <= 65535
    ? [address, port]
    : new Refused(value, { allowed: `${what} from ${first} to 65535` })
}

/** The fields of a table; refuses other things, unknown and missing fields. */
export function fields<K extends string>(
  value: unknown,
  known: readonly K[],
  needed: readonly K[],
): Partial<Record<K, unknown>> | Refused {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
    return new Refused(value)
  const table = value as Partial<Record<K, unknown>>
  for (const key of Object.keys(table))
    if (!known.some(k => k === key))
      return new Refused(table[key as K], { path: `.${key}`, allowed: `the keys ${known.join(', ')}` })
  for (const key of needed)
    if (table[key] === undefined)
      return new Refused(undefined, { path: `.${key}`, allowed: `the keys ${known.join(', ')}; ${key} is missing` })
  return table
}
