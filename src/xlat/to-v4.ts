// hot path
/** IPv6 to IPv4 (RFC 7915 section 5), everything but ICMP errors. */
import { u8, u16 } from '../wire/bytes.js'
import { sum32 } from '../wire/checksum.js'
import { DF, ICMP4, ICMP6, IP6, IPV4_HEADER, MF, TCP, TCP_HEADER, UDP_HEADER } from '../wire/protocol.js'
import { GSO_NONE } from '../wire/virtio-net.js'
import { fillPieces4, reservePieces } from './fragment-out.js'
import { HEADER_DIFFERENCE } from './mtu.js'
import type { Packet } from './packet.js'
import { completeChecksum, isPartial } from './partial-checksum.js'
import { REASON } from './reason.js'
import { checkGso, moveStart, putHeader4, type RewriteContext, sumAddresses6 } from './rewrite-context.js'
import { clampMss, rewriteQuery, rewriteTransport } from './transport.js'

const { ttl_expired, fragmented_icmp, fragment_bad, icmp_type, too_big, outbox_full } = REASON

/** Longest IPv4 packet that any router may fragment: 1280 less the header difference (RFC 7915 section 5.1). */
export const MOST_WITHOUT_DF = 1260

/** Rewrites `p` in place. Returns 0, or a reason and then has changed nothing. */
export function toV4(c: RewriteContext, p: Packet, src: number, dst: number, sport: number, dport: number): number {
  const b = p.buf
  const hops = u8(b, p.start + IP6.HOPS)
  if (hops <= 1) return ttl_expired
  const isPiece = p.fragOffset !== 0 || p.moreFragments
  if (p.protocol === ICMP6) {
    if (isPiece) return fragmented_icmp
    if (p.isIcmpError) return icmp_type
  }
  if (p.gsoType !== GSO_NONE) {
    if (isPiece) return fragment_bad
    checkGso(p)
  }
  const length = p.end - p.l4
  const total = IPV4_HEADER + length
  const single = p.gsoType === GSO_NONE ? total : IPV4_HEADER + segmentHeader(p) + p.gsoSize
  const df = !p.isFragment && single > MOST_WITHOUT_DF
  let pieces = 0
  if (single > c.config.mtu || total > 0xffff) {
    p.errorParam = Math.min(c.config.mtu, 0xffff - HEADER_DIFFERENCE) + HEADER_DIFFERENCE
    if (df || p.gsoType !== GSO_NONE) return too_big
    pieces = reservePieces(c.outbox, length, IPV4_HEADER, c.config.mtu)
    if (pieces < 0) return outbox_full
  }

  const partial = isPartial(p)
  if (!partial || pieces > 0) completeChecksum(p)
  if (p.fragOffset === 0) rewritePayload(c, p, partial && pieces === 0, length, src, dst, sport, dport)
  const tos = c.config.tos ?? trafficClass(b, p.start)
  const protocol = p.protocol === ICMP6 ? ICMP4 : p.protocol
  const id = p.isFragment ? p.fragId & 0xffff : c.nextId(segments(p, length))
  if (pieces > 0) {
    putHeader4(c.header, 0, tos, IPV4_HEADER, id, 0, hops - 1, protocol, src, dst)
    fillPieces4(
      c.outbox,
      c.outbox.count - pieces,
      c.config.mtu,
      c.header,
      b,
      p.l4,
      p.end,
      p.fragOffset,
      p.moreFragments,
    )
    c.emitted = true
    return 0
  }
  const frag = (df ? DF : 0) | (p.moreFragments ? MF : 0) | (p.fragOffset >>> 3)
  const start = p.l4 - IPV4_HEADER
  putHeader4(b, start, tos, total, id, frag, hops - 1, protocol, src, dst)
  moveStart(p, start, 4)
  return 0
}

function rewritePayload(
  c: RewriteContext,
  p: Packet,
  partial: boolean,
  length: number,
  src: number,
  dst: number,
  sport: number,
  dport: number,
): void {
  const removed = sumAddresses6(p)
  if (p.protocol === ICMP6) {
    rewriteQuery(p, removed + length + ICMP6, sport)
    return
  }
  rewriteTransport(p, partial, removed, sum32(src) + sum32(dst), sport, dport)
  clampMss(p, c.config.mtu, partial)
}

/** The traffic class of the IPv6 header at `o`. */
export function trafficClass(b: Uint8Array, o: number): number {
  return (u16(b, o) >>> 4) & 0xff
}

/** Transport header of each segment of a super-packet, bytes. */
export function segmentHeader(p: Packet): number {
  if (p.protocol !== TCP) return UDP_HEADER
  return Math.max(TCP_HEADER, (u8(p.buf, p.l4 + 12) >>> 4) << 2)
}

/** How many packets a super-packet stands for; 1 for any other. */
function segments(p: Packet, length: number): number {
  if (p.gsoType === GSO_NONE) return 1
  return Math.max(1, Math.ceil((length - segmentHeader(p)) / p.gsoSize))
}
