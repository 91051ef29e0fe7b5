// hot path
/**
 * Decodes a captured packet as far as joining needs: addresses, transport, and what a translation leaves as it is.
 * One reused object; a packet that cannot be read is `readable: false`, nothing throws.
 */
import { u8, u16, u32 } from '../../wire/bytes.js'
import * as P from '../../wire/protocol.js'

/** Protocol of both families: 1 for ICMP and ICMPv6, else the IP protocol number. */
export const ICMP = 1

/** What an ICMP message is about, the same word in both families. 0: no ICMP. */
export const ICMP_KIND = {
  none: 0,
  request: 1,
  reply: 2,
  tooBig: 3,
  unreachable: 4,
  expired: 5,
  parameter: 6,
  other: 7,
} as const

/** How much of the payload is compared, bytes. Short, so that a first fragment or segment compares like the whole. */
export const SAMPLE = 32
const MAX_EXTENSIONS = 8
/** Bytes of a transport header that an ICMP error quotes at least (RFC 792). */
const QUOTED = 8

export interface Packet {
  readable: boolean
  family: 4 | 6
  /** Addresses as words; IPv4 in the first. */
  readonly source: [number, number, number, number]
  readonly destination: [number, number, number, number]
  protocol: number
  ttl: number
  /** Bytes of IP as the header says. */
  length: number
  /** whole; first fragment; later fragment (no transport header). */
  piece: 'whole' | 'first' | 'later'
  fragmentId: number
  /** Ports; of an echo the identifier, in both. 0: none. */
  sourcePort: number
  destinationPort: number
  icmpKind: number
  icmpType: number
  icmpCode: number
  /** TCP sequence number, or an echo's. */
  sequence: number
  acknowledge: number
  flags: number
  /** TCP: the sender's timestamp (RFC 7323), which tells a segment that was sent again from the first; 0: none. */
  stamp: number
  /** MTU that an ICMP error `tooBig` names; 0: none. */
  mtu: number
  /** Bytes of transport payload in this piece. */
  payload: number
  /** UDP: where the payload begins. */
  payloadAt: number
  /** UDP: the length its header says. */
  udpLength: number
  /** Hash of the first bytes of the payload. */
  sample: number
  /** The packet inside an ICMP error; read with its own offsets. */
  inner: Packet | null
}

/** Makes one to be filled by {@link readPacket}; with room for the packet in an error. */
export function makePacket(withInner = true): Packet {
  return {
    readable: false,
    family: 4,
    source: [0, 0, 0, 0],
    destination: [0, 0, 0, 0],
    protocol: 0,
    ttl: 0,
    length: 0,
    piece: 'whole',
    fragmentId: 0,
    sourcePort: 0,
    destinationPort: 0,
    icmpKind: 0,
    icmpType: 0,
    icmpCode: 0,
    sequence: 0,
    acknowledge: 0,
    flags: 0,
    stamp: 0,
    mtu: 0,
    payload: 0,
    payloadAt: 0,
    udpLength: 0,
    sample: 0,
    inner: withInner ? makePacket(false) : null,
  }
}

/**
 * Reads the IP packet `b[o, end)` into `p`. Bytes past `end` were not captured; `onWire` is its length with them, which
 * counts where its header cannot say it.
 */
export function readPacket(p: Packet, b: Uint8Array, o: number, end: number, onWire = end - o): void {
  p.readable = false
  p.piece = 'whole'
  p.fragmentId = 0
  p.sourcePort = 0
  p.destinationPort = 0
  p.icmpKind = 0
  p.icmpType = 0
  p.icmpCode = 0
  p.sequence = 0
  p.acknowledge = 0
  p.flags = 0
  p.stamp = 0
  p.mtu = 0
  p.payload = 0
  p.udpLength = 0
  p.sample = 0
  if (p.inner) p.inner.readable = false
  if (o < 0 || o >= end) return
  const version = u8(b, o) >>> 4
  if (version === 4) read4(p, b, o, end, onWire)
  else if (version === 6) read6(p, b, o, end, onWire)
}

function read4(p: Packet, b: Uint8Array, o: number, end: number, onWire: number): void {
  const header = (u8(b, o) & 15) * 4
  if (end - o < P.IPV4_HEADER || header < P.IPV4_HEADER) return
  p.family = 4
  p.source[0] = u32(b, o + P.IP4.SRC)
  p.destination[0] = u32(b, o + P.IP4.DST)
  p.source[1] = p.source[2] = p.source[3] = 0
  p.destination[1] = p.destination[2] = p.destination[3] = 0
  p.protocol = u8(b, o + P.IP4.PROTOCOL)
  p.ttl = u8(b, o + P.IP4.TTL)
  // A super-packet above 64 KB says 0; so does a jumbogram of IPv6.
  p.length = u16(b, o + P.IP4.LENGTH) || onWire
  const fragment = u16(b, o + P.IP4.FRAG)
  if (fragment & (P.MF | P.FRAG_OFFSET_MASK)) {
    p.piece = fragment & P.FRAG_OFFSET_MASK ? 'later' : 'first'
    p.fragmentId = u16(b, o + P.IP4.ID)
  }
  readTransport(p, b, o + header, end, o + p.length)
}

function read6(p: Packet, b: Uint8Array, o: number, end: number, onWire: number): void {
  if (end - o < P.IPV6_HEADER) return
  p.family = 6
  for (let i = 0; i < 4; i++) {
    p.source[i] = u32(b, o + P.IP6.SRC + 4 * i)
    p.destination[i] = u32(b, o + P.IP6.DST + 4 * i)
  }
  p.ttl = u8(b, o + P.IP6.HOPS)
  const said = u16(b, o + P.IP6.LENGTH)
  p.length = said === 0 ? onWire : P.IPV6_HEADER + said
  let next = u8(b, o + P.IP6.NEXT)
  let at = o + P.IPV6_HEADER
  for (let i = 0; i < MAX_EXTENSIONS; i++) {
    if (next === P.FRAGMENT) {
      if (at + P.FRAGMENT_HEADER > end) return
      const field = u16(b, at + 2)
      p.fragmentId = u32(b, at + 4)
      // An atomic fragment (RFC 6946) is whole.
      if ((field & 0xfff9) !== 0) p.piece = field & 0xfff8 ? 'later' : 'first'
      next = u8(b, at)
      at += P.FRAGMENT_HEADER
      if (p.piece === 'later') break
    } else if (next === P.HOPOPT || next === P.ROUTING || next === P.DSTOPTS) {
      if (at + 8 > end) return
      next = u8(b, at)
      at += 8 + 8 * u8(b, at + 1)
    } else break
  }
  p.protocol = next
  readTransport(p, b, at, end, o + p.length)
}

function readTransport(p: Packet, b: Uint8Array, o: number, end: number, packetEnd: number): void {
  const isIcmp = p.protocol === (p.family === 6 ? P.ICMP6 : P.ICMP4)
  if (isIcmp) p.protocol = ICMP
  p.payload = Math.max(0, packetEnd - o)
  p.readable = true
  if (p.piece === 'later') return
  if (isIcmp) {
    if (o + P.ICMP_HEADER <= end) readIcmp(p, b, o, end, packetEnd)
    else p.readable = false
  } else if (p.protocol === P.TCP) readTcp(p, b, o, end, packetEnd)
  else if (p.protocol === P.UDP) {
    p.readable = o + P.UDP_HEADER <= end
    if (!p.readable) return
    p.sourcePort = u16(b, o)
    p.destinationPort = u16(b, o + 2)
    p.udpLength = u16(b, o + 4)
    p.payload = Math.max(0, packetEnd - o - P.UDP_HEADER)
    p.payloadAt = o + P.UDP_HEADER
    p.sample = sampleOf(b, o + P.UDP_HEADER, Math.min(end, packetEnd))
  } else {
    // Their checksum covers addresses (RFC 7915 section 4.5), and stands before the first eight bytes end.
    const skipped = p.protocol === P.UDPLITE || p.protocol === P.DCCP ? 8 : 0
    p.sample = sampleOf(b, o + skipped, Math.min(end, packetEnd))
  }
}

/** An ICMP error quotes no more than the first eight bytes, if its sender holds on to RFC 792. */
function readTcp(p: Packet, b: Uint8Array, o: number, end: number, packetEnd: number): void {
  const isQuoted = p.inner === null
  p.readable = o + (isQuoted ? QUOTED : P.TCP_HEADER) <= end
  if (!p.readable) return
  p.sourcePort = u16(b, o)
  p.destinationPort = u16(b, o + 2)
  p.sequence = u32(b, o + 4)
  if (o + P.TCP_HEADER > end) return
  const header = (u8(b, o + 12) >>> 4) * 4
  p.acknowledge = u32(b, o + 8)
  p.flags = u8(b, o + 13) & 0x3f
  p.payload = Math.max(0, packetEnd - o - header)
  p.stamp = stampOf(b, o + P.TCP_HEADER, Math.min(end, o + header))
}

const NO_OPERATION = 1
const TIMESTAMPS = 8

function stampOf(b: Uint8Array, o: number, end: number): number {
  for (let at = o; at < end; ) {
    const kind = u8(b, at)
    if (kind === NO_OPERATION) {
      at++
      continue
    }
    if (kind === 0 || at + 1 >= end) return 0
    if (kind === TIMESTAMPS) return at + 6 <= end ? u32(b, at + 2) : 0
    at += Math.max(2, u8(b, at + 1))
  }
  return 0
}

function readIcmp(p: Packet, b: Uint8Array, o: number, end: number, packetEnd: number): void {
  p.icmpType = u8(b, o)
  p.icmpCode = u8(b, o + 1)
  p.icmpKind = p.family === 6 ? kind6(p.icmpType) : kind4(p.icmpType, p.icmpCode)
  p.payload = Math.max(0, packetEnd - o - P.ICMP_HEADER)
  if (p.icmpKind === ICMP_KIND.request || p.icmpKind === ICMP_KIND.reply) {
    p.sourcePort = p.destinationPort = u16(b, o + 4)
    p.sequence = u16(b, o + 6)
    p.sample = sampleOf(b, o + P.ICMP_HEADER, Math.min(end, packetEnd))
    return
  }
  // RFC 4443 section 3.2; RFC 1191 section 4.
  if (p.icmpKind === ICMP_KIND.tooBig) p.mtu = p.family === 6 ? u32(b, o + 4) : u16(b, o + 6)
  if (isError(p.icmpKind) && p.inner) readPacket(p.inner, b, o + P.ICMP_HEADER, Math.min(end, packetEnd))
}

/** Says whether an ICMP kind is an error about another packet. */
export function isError(kind: number): boolean {
  return kind >= ICMP_KIND.tooBig && kind <= ICMP_KIND.parameter
}

/** RFC 7915 sections 4.2 and 5.2: types that are translated into each other have one kind. */
function kind6(type: number): number {
  if (type === 128) return ICMP_KIND.request
  if (type === 129) return ICMP_KIND.reply
  if (type === 2) return ICMP_KIND.tooBig
  if (type === 1) return ICMP_KIND.unreachable
  if (type === 3) return ICMP_KIND.expired
  return type === 4 ? ICMP_KIND.parameter : ICMP_KIND.other
}

function kind4(type: number, code: number): number {
  if (type === 8) return ICMP_KIND.request
  if (type === 0) return ICMP_KIND.reply
  // An unknown protocol is a parameter problem in IPv6.
  if (type === 3) return code === 4 ? ICMP_KIND.tooBig : code === 2 ? ICMP_KIND.parameter : ICMP_KIND.unreachable
  if (type === 11) return ICMP_KIND.expired
  return type === 12 ? ICMP_KIND.parameter : ICMP_KIND.other
}

/** FNV-1a over the first bytes of `b[o, end)`; 0 when there are none. */
export function sampleOf(b: Uint8Array, o: number, end: number): number {
  const last = Math.min(end, o + SAMPLE)
  if (o >= last) return 0
  let h = 0x811c9dc5 | 0
  for (let i = o; i < last; i++) h = Math.imul(h ^ u8(b, i), 0x01000193)
  return h
}
