/**
 * Packets for tests, built and read by code that shares nothing with what is tested: plain arrays, whole sums.
 */
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { parseIpv6 } from '../../src/addr/ipv6.js'

export type Bytes = readonly number[] | Uint8Array

/** Numbers of the bytes of a hex text; white space is ignored. */
export function hex(text: string): number[] {
  return (text.replace(/\s+/g, '').match(/../g) ?? []).map(x => Number.parseInt(x, 16))
}

/** Hex text, four bytes a group. */
export function toHex(bytes: Bytes): string {
  return Array.from(bytes, x => x.toString(16).padStart(2, '0'))
    .join('')
    .replace(/(.{8})(?=.)/g, '$1 ')
}

export const be16 = (n: number): number[] => [(n >>> 8) & 255, n & 255]
export const be32 = (n: number): number[] => [...be16(n >>> 16), ...be16(n & 0xffff)]

/** `length` bytes that differ from their neighbours. */
export const filler = (length: number): number[] => Array.from({ length }, (_, i) => (i * 7 + 3) & 255)

/** The ones' complement sum of all words, folded: 0xffff (or 0) for data with a right checksum inside. */
export function wordSum(bytes: Bytes): number {
  let total = 0
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 65536)
  return total
}

const complement = (sum: number): number => ~sum & 0xffff

export const v4 = (text: string): number => parseIpv4(text) as number
export const v6 = (text: string): readonly [number, number, number, number] => {
  const address = parseIpv6(text)
  if (!address) throw new Error(`no IPv6 address: ${text}`)
  return address
}
const bytes6 = (text: string): number[] => v6(text).flatMap(be32)
const bytes4 = (text: string): number[] => be32(v4(text))

/** A transport message: its protocol in IPv4 and IPv6, bytes with a zero checksum, and where that stands. */
export interface Message {
  readonly protocol4: number
  readonly protocol6: number
  readonly bytes: readonly number[]
  readonly checksumAt: number
  /** none: left as it is. icmp: with a pseudo-header in IPv6 only. */
  readonly kind: 'transport' | 'icmp' | 'none'
}

export function udp(sport: number, dport: number, data: Bytes = [], length = 8 + data.length): Message {
  const bytes = [...be16(sport), ...be16(dport), ...be16(length), 0, 0, ...data]
  return { protocol4: 17, protocol6: 17, bytes, checksumAt: 6, kind: 'transport' }
}

/** A UDP datagram whose checksum field is `checksum`. */
export function udpWith(checksum: number, sport: number, dport: number, data: Bytes = []): Message {
  const m = udp(sport, dport, data)
  return { ...m, bytes: [...m.bytes.slice(0, 6), ...be16(checksum), ...m.bytes.slice(8)], kind: 'none' }
}

export function tcp(
  sport: number,
  dport: number,
  data: Bytes = [],
  { flags = 0x10, options = [] as Bytes, seq = 0x01020304, ack = 0x0a0b0c0d } = {},
): Message {
  const offset = ((20 + options.length) / 4) << 4
  const head = [...be16(sport), ...be16(dport), ...be32(seq), ...be32(ack), offset, flags, 0x20, 0]
  return {
    protocol4: 6,
    protocol6: 6,
    bytes: [...head, 0, 0, 0, 0, ...options, ...data],
    checksumAt: 16,
    kind: 'transport',
  }
}

/** An ICMP message: `rest` is the second word of its header. */
export function icmp(type: number, code: number, rest: Bytes, data: Bytes = []): Message {
  return { protocol4: 1, protocol6: 58, bytes: [type, code, 0, 0, ...rest, ...data], checksumAt: 2, kind: 'icmp' }
}

export const echo = (type: number, id: number, data: Bytes = filler(8), seq = 1): Message =>
  icmp(type, 0, [...be16(id), ...be16(seq)], data)

/** Any other payload. */
export const raw = (protocol: number, bytes: Bytes): Message => ({
  protocol4: protocol,
  protocol6: protocol,
  bytes: [...bytes],
  checksumAt: 0,
  kind: 'none',
})

function withChecksum(m: Message, pseudo: readonly number[]): number[] {
  const out = [...m.bytes]
  if (m.kind === 'none') return out
  const c = complement(wordSum([...pseudo, ...out]))
  out.splice(m.checksumAt, 2, ...be16(c === 0 ? 0xffff : c))
  return out
}

export interface Ip4 {
  src?: string
  dst?: string
  tos?: number
  ttl?: number
  id?: number
  df?: boolean
  mf?: boolean
  /** Fragment offset, bytes. */
  offset?: number
  options?: Bytes
  /** Replaces the total length. */
  total?: number
  /** Keeps only so many bytes of the payload, after the checksum was made. */
  from?: number
  to?: number
}

/** An IPv4 packet; 192.0.2.1 to 198.51.100.2 unless told. With `from` and `to` it is a part of the whole message. */
export function ip4(m: Message, o: Ip4 = {}): Uint8Array {
  const src = bytes4(o.src ?? '192.0.2.1')
  const dst = bytes4(o.dst ?? '198.51.100.2')
  const pseudo = m.kind === 'icmp' ? [] : [...src, ...dst, 0, m.protocol4, ...be16(m.bytes.length)]
  const payload = withChecksum(m, pseudo).slice(o.from ?? 0, o.to)
  const options = o.options ?? []
  const header = 20 + options.length
  const frag = (o.df ? 0x4000 : 0) | (o.mf ? 0x2000 : 0) | ((o.offset ?? o.from ?? 0) >>> 3)
  const head = [
    ...[
      0x40 | (header / 4),
      o.tos ?? 0,
      ...be16(o.total ?? header + payload.length),
      ...be16(o.id ?? 0),
      ...be16(frag),
    ],
    ...[o.ttl ?? 64, m.protocol4, 0, 0, ...src, ...dst, ...options],
  ]
  head.splice(10, 2, ...be16(complement(wordSum(head))))
  return Uint8Array.from([...head, ...payload])
}

export interface Ip6 {
  src?: string
  dst?: string
  tc?: number
  flow?: number
  hops?: number
  /** Extension headers, each with a placeholder first byte that becomes the next header. */
  ext?: readonly { readonly type: number; readonly bytes: readonly number[] }[]
  from?: number
  to?: number
  length?: number
}

/** An IPv6 packet; 2001:db8::1 to 64:ff9b::198.51.100.2 unless told. */
export function ip6(m: Message, o: Ip6 = {}): Uint8Array {
  const src = bytes6(o.src ?? '2001:db8::1')
  const dst = bytes6(o.dst ?? '64:ff9b::198.51.100.2')
  const pseudo = [...src, ...dst, ...be32(m.bytes.length), 0, 0, 0, m.protocol6]
  const payload = withChecksum(m, pseudo).slice(o.from ?? 0, o.to)
  const ext = o.ext ?? []
  const chain = [...ext.map(e => e.type), m.protocol6]
  const extensions = ext.flatMap((e, i) => [chain[i + 1] as number, ...e.bytes.slice(1)])
  return Uint8Array.from([
    ...be32((0x60000000 | ((o.tc ?? 0) << 20) | (o.flow ?? 0)) >>> 0),
    ...be16(o.length ?? extensions.length + payload.length),
    ...[chain[0] as number, o.hops ?? 64, ...src, ...dst, ...extensions, ...payload],
  ])
}

/** Extension headers for {@link ip6}. */
export const hopByHop = { type: 0, bytes: [0, 0, 1, 4, 0, 0, 0, 0] }
export const destination = { type: 60, bytes: [0, 1, 1, 12, ...new Array<number>(12).fill(0)] }
export const routing = (segmentsLeft: number) => ({ type: 43, bytes: [0, 0, 253, segmentsLeft, 0, 0, 0, 0] })
export const fragment = (id: number, offset = 0, more = false) => ({
  type: 44,
  bytes: [0, 0, ...be16(offset | (more ? 1 : 0)), ...be32(id)],
})

/** A packet as read by the independent reader. */
export interface Read {
  version: 4 | 6
  src: string
  dst: string
  tos: number
  ttl: number
  /** Transport protocol. */
  protocol: number
  id?: number
  df?: boolean
  mf: boolean
  offset: number
  /** There is a Fragment header (IPv6). */
  fragmentHeader: boolean
  flow?: number
  payload: number[]
  /** Transport checksum is right; undefined where there is none to check (fragment, unknown protocol, zero UDP). */
  checksumOk?: boolean
}

const addressOf = (b: Bytes): string =>
  b.length === 4
    ? Array.from(b).join('.')
    : [0, 2, 4, 6, 8, 10, 12, 14].map(i => ((b[i]! << 8) | b[i + 1]!).toString(16)).join(':')

/** Reads a packet and insists that lengths and the IPv4 header checksum are right. */
export function read(b: Uint8Array): Read {
  const version = b[0]! >>> 4
  if (version !== 4 && version !== 6) throw new Error(`version ${version}`)
  return version === 4 ? read4(b) : read6(b)
}

function read4(b: Uint8Array): Read {
  if (b[0] !== 0x45) throw new Error('options written')
  const total = (b[2]! << 8) | b[3]!
  if (total !== b.length) throw new Error(`total length ${total}, packet ${b.length}`)
  if (wordSum(b.slice(0, 20)) !== 0xffff) throw new Error('header checksum')
  const frag = (b[6]! << 8) | b[7]!
  const r: Read = {
    version: 4,
    src: addressOf(b.slice(12, 16)),
    dst: addressOf(b.slice(16, 20)),
    tos: b[1]!,
    ttl: b[8]!,
    protocol: b[9]!,
    id: (b[4]! << 8) | b[5]!,
    df: (frag & 0x4000) !== 0,
    mf: (frag & 0x2000) !== 0,
    offset: (frag & 0x1fff) * 8,
    fragmentHeader: false,
    payload: Array.from(b.slice(20)),
  }
  const pseudo = [...b.slice(12, 20), 0, r.protocol, ...be16(r.payload.length)]
  return check(r, r.protocol === 1 ? [] : pseudo)
}

function read6(b: Uint8Array): Read {
  const length = (b[4]! << 8) | b[5]!
  if (length !== b.length - 40) throw new Error(`payload length ${length}, packet ${b.length}`)
  const hasFragment = b[6] === 44
  const frag = hasFragment ? (b[42]! << 8) | b[43]! : 0
  const r: Read = {
    version: 6,
    src: addressOf(b.slice(8, 24)),
    dst: addressOf(b.slice(24, 40)),
    tos: ((b[0]! << 4) | (b[1]! >>> 4)) & 255,
    ttl: b[7]!,
    protocol: hasFragment ? b[40]! : b[6]!,
    mf: (frag & 1) !== 0,
    offset: frag & 0xfff8,
    fragmentHeader: hasFragment,
    flow: ((b[1]! & 15) << 16) | (b[2]! << 8) | b[3]!,
    payload: Array.from(b.slice(hasFragment ? 48 : 40)),
  }
  if (hasFragment) r.id = ((b[44]! << 24) | (b[45]! << 16) | (b[46]! << 8) | b[47]!) >>> 0
  return check(r, [...b.slice(8, 40), ...be32(r.payload.length), 0, 0, 0, r.protocol])
}

function check(r: Read, pseudo: readonly number[]): Read {
  if (r.mf || r.offset !== 0) return r
  const hasChecksum = [1, 6, 17, 33, 58, 136].includes(r.protocol)
  if (!hasChecksum || (r.protocol === 17 && r.payload[6] === 0 && r.payload[7] === 0)) return r
  const sum = wordSum([...pseudo, ...r.payload])
  return { ...r, checksumOk: sum === 0xffff || sum === 0 }
}
