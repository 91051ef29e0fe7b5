// hot path
/** What all rewriting shares: configuration, where extra packets go, the counter of made-up identifications. */
import { put8, put16, put32 } from '../wire/bytes.js'
import { finish, sum32 } from '../wire/checksum.js'
import { IP4, IP6, IPV6_HEADER, TCP, UDP } from '../wire/protocol.js'
import { GSO_ECN, GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4 } from '../wire/virtio-net.js'
import type { XlatConfig } from './config.js'
import { IcmpLayout } from './icmp-layout.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'

export class RewriteContext {
  /** The result of the last call stands in the outbox. */
  emitted = false
  /** Room for an IP header that fragments share. */
  readonly header = new Uint8Array(IPV6_HEADER)
  readonly layout = new IcmpLayout()
  private id: number

  constructor(
    readonly config: XlatConfig,
    readonly outbox: Outbox,
    idSeed: number,
  ) {
    this.id = idSeed & 0xffff
  }

  /** An IPv4 identification of our own; the next `count` - 1 after it are taken, too. */
  nextId(count: number): number {
    const id = this.id
    this.id = (id + count) & 0xffff
    return id
  }
}

/** Writes an IPv4 header without options, checksum included. `frag` is the field of flags and fragment offset. */
export function putHeader4(
  b: Uint8Array,
  o: number,
  tos: number,
  total: number,
  id: number,
  frag: number,
  ttl: number,
  protocol: number,
  src: number,
  dst: number,
): void {
  const ttlAndProtocol = (ttl << 8) | protocol
  b[o] = 0x45
  put8(b, o + IP4.TOS, tos)
  put16(b, o + IP4.LENGTH, total)
  put16(b, o + IP4.ID, id)
  put16(b, o + IP4.FRAG, frag)
  put16(b, o + IP4.TTL, ttlAndProtocol)
  put16(b, o + IP4.CHECKSUM, finish(0x4500 + tos + total + id + frag + ttlAndProtocol + sum32(src) + sum32(dst)))
  put32(b, o + IP4.SRC, src)
  put32(b, o + IP4.DST, dst)
}

/** Writes an IPv6 header; the flow label is zero (RFC 7915 section 4.1). `length` is what follows the header. */
export function putHeader6(
  b: Uint8Array,
  o: number,
  trafficClass: number,
  length: number,
  next: number,
  hops: number,
  s0: number,
  s1: number,
  s2: number,
  s3: number,
  d0: number,
  d1: number,
  d2: number,
  d3: number,
): void {
  put32(b, o, 0x60000000 | (trafficClass << 20))
  put16(b, o + IP6.LENGTH, length)
  b[o + IP6.NEXT] = next
  b[o + IP6.HOPS] = hops
  put32(b, o + IP6.SRC, s0)
  put32(b, o + IP6.SRC + 4, s1)
  put32(b, o + IP6.SRC + 8, s2)
  put32(b, o + IP6.SRC + 12, s3)
  put32(b, o + IP6.DST, d0)
  put32(b, o + IP6.DST + 4, d1)
  put32(b, o + IP6.DST + 8, d2)
  put32(b, o + IP6.DST + 12, d3)
}

/** Writes a Fragment header (RFC 8200 section 4.5). `offset` in bytes. */
export function putFragmentHeader(
  b: Uint8Array,
  o: number,
  next: number,
  offset: number,
  more: boolean,
  id: number,
): void {
  b[o] = next
  b[o + 1] = 0
  put16(b, o + 2, offset | (more ? 1 : 0))
  put32(b, o + 4, id)
}

/** What the source and destination of an IPv6 packet contribute to a sum. */
export function sumAddresses6(p: Packet): number {
  return sum32(p.s0) + sum32(p.s1) + sum32(p.s2) + sum32(p.s3) + sum32(p.d0) + sum32(p.d1) + sum32(p.d2) + sum32(p.d3)
}

/** Forgets a segmentation that does not fit the transport protocol: no kernel would have meant it. */
export function checkGso(p: Packet): void {
  const type = p.gsoType & ~GSO_ECN
  const fits =
    (p.protocol === TCP && (type === GSO_TCPV4 || type === GSO_TCPV6)) || (p.protocol === UDP && type === GSO_UDP_L4)
  if (fits && p.gsoSize !== 0) return
  p.gsoType = GSO_NONE
  p.gsoSize = 0
}

/** Says that the packet is a single one and its checksums are complete. */
export function wholeChecksums(p: Packet): void {
  p.flags = 0
  p.gsoType = GSO_NONE
  p.gsoSize = 0
  p.hdrLen = 0
  p.csumStart = 0
  p.csumOffset = 0
}

/** Moves the packet's start; what counts from there moves along. `version` is the new family. */
export function moveStart(p: Packet, start: number, version: number): void {
  const by = p.start - start
  p.start = start
  if (p.csumStart !== 0) p.csumStart = Math.max(0, p.csumStart + by)
  if (p.hdrLen !== 0) p.hdrLen = Math.max(0, p.hdrLen + by)
  const type = p.gsoType & ~GSO_ECN
  if (type === GSO_TCPV4 || type === GSO_TCPV6) {
    p.gsoType = (version === 4 ? GSO_TCPV4 : GSO_TCPV6) | (p.gsoType & GSO_ECN)
  }
}
