// hot path
/** IPv4 to IPv6 (RFC 7915 section 4), everything but ICMP errors. */
import { put16, u8, u16 } from '../wire/bytes.js'
import { finish, fold, sum, sum32 } from '../wire/checksum.js'
import { FRAGMENT, FRAGMENT_HEADER, ICMP4, ICMP6, IP4, IPV6_HEADER, TCP, UDP, UDP_CHECKSUM } from '../wire/protocol.js'
import { GSO_NONE, NEEDS_CSUM } from '../wire/virtio-net.js'
import { fillPieces6, reservePieces } from './fragment-out.js'
import { HEADER_DIFFERENCE } from './mtu.js'
import type { Packet } from './packet.js'
import { completeChecksum, isPartial } from './partial-checksum.js'
import { REASON } from './reason.js'
import { checkGso, moveStart, putFragmentHeader, putHeader6, type RewriteContext } from './rewrite-context.js'
import { emitSegments, reserveSegments } from './segment-out.js'
import { segmentHeader } from './to-v4.js'
import { clampMss, rewriteQuery, rewriteTransport } from './transport.js'

const { ttl_expired, fragmented_icmp, fragment_bad, icmp_type, too_big, outbox_full, udp_checksum_zero } = REASON

/** What {@link makeFit} says of packets with DF. */
const MUST_NOT_FRAGMENT = -2

/** Rewrites `p` in place, or into fragments in the outbox. Returns 0, or a reason and then has changed nothing. */
export function toV6(
  c: RewriteContext,
  p: Packet,
  s0: number,
  s1: number,
  s2: number,
  s3: number,
  d0: number,
  d1: number,
  d2: number,
  d3: number,
  sport: number,
  dport: number,
): number {
  const b = p.buf
  const config = c.config
  const ttl = u8(b, p.start + IP4.TTL)
  if (ttl <= 1) return ttl_expired
  if (p.protocol === ICMP4) {
    if (p.isFragment) return fragmented_icmp
    if (p.isIcmpError) return icmp_type
  }
  if (p.gsoType !== GSO_NONE) {
    if (p.isFragment) return fragment_bad
    checkGso(p)
  }
  const isZero = p.protocol === UDP && p.fragOffset === 0 && lacksChecksum(p)
  if (isZero && config.udpZeroChecksum !== 'forward') {
    if (config.udpZeroChecksum !== 'compute' || p.isFragment) return udp_checksum_zero
  }

  const length = p.end - p.l4
  const headers = p.isFragment ? IPV6_HEADER + FRAGMENT_HEADER : IPV6_HEADER
  const limit = p.df ? config.mtu : Math.min(config.mtu, config.lowestIpv6Mtu)
  const pieces = makeFit(c, p, length, headers, limit)
  if (pieces === MUST_NOT_FRAGMENT) return too_big
  if (pieces < 0) return outbox_full

  const partial = isPartial(p)
  if (pieces > 0 && p.gsoType !== GSO_NONE) p.flags = 0
  else if (!partial || pieces > 0) completeChecksum(p)
  const added = sum32(s0) + sum32(s1) + sum32(s2) + sum32(s3) + sum32(d0) + sum32(d1) + sum32(d2) + sum32(d3)
  if (p.fragOffset === 0) {
    if (p.protocol === ICMP4) {
      rewriteQuery(p, added + length + ICMP6, dport)
    } else {
      const stillPartial = partial && pieces === 0
      rewriteTransport(p, stillPartial, sum32(p.s3) + sum32(p.d3), added, sport, dport)
      if (isZero && config.udpZeroChecksum === 'compute') computeChecksum(p, added, pieces > 0)
      clampMss(p, config.mtu, stillPartial)
    }
  }
  const tc = config.resetTrafficClass ? 0 : u8(b, p.start + IP4.TOS)
  const next = p.protocol === ICMP4 ? ICMP6 : p.protocol
  if (pieces > 0) {
    putHeader6(c.header, 0, tc, 0, next, ttl - 1, s0, s1, s2, s3, d0, d1, d2, d3)
    if (p.gsoType !== GSO_NONE) emitSegments(c.outbox, c.outbox.count - pieces, limit, c.header, p)
    else {
      const first = c.outbox.count - pieces
      fillPieces6(c.outbox, first, limit, c.header, p.fragId, b, p.l4, p.end, p.fragOffset, p.moreFragments)
    }
    c.emitted = true
    return 0
  }
  const start = p.l4 - headers
  if (p.isFragment) putFragmentHeader(b, start + IPV6_HEADER, next, p.fragOffset, p.moreFragments, p.fragId)
  const first = p.isFragment ? FRAGMENT : next
  putHeader6(b, start, tc, p.end - start - IPV6_HEADER, first, ttl - 1, s0, s1, s2, s3, d0, d1, d2, d3)
  moveStart(p, start, 6)
  return 0
}

/**
 * Makes the packet fit `limit`: TCP segments get shorter, anything else is to become fragments, for which room is
 * reserved. Returns how many, 0 to rewrite in place, MUST_NOT_FRAGMENT, or -1 without room in the outbox.
 */
function makeFit(c: RewriteContext, p: Packet, length: number, headers: number, limit: number): number {
  const isSuper = p.gsoType !== GSO_NONE
  const single = headers + (isSuper ? segmentHeader(p) + p.gsoSize : length)
  if (single <= limit) return 0
  if (isSuper && p.protocol === TCP) {
    p.gsoSize -= single - limit
    return 0
  }
  if (p.df) {
    p.errorParam = c.config.mtu - HEADER_DIFFERENCE - (headers - IPV6_HEADER)
    return MUST_NOT_FRAGMENT
  }
  if (isSuper) return reserveSegments(c.outbox, p, limit)
  return reservePieces(c.outbox, length, IPV6_HEADER + FRAGMENT_HEADER, limit)
}

function lacksChecksum(p: Packet): boolean {
  return u16(p.buf, p.l4 + UDP_CHECKSUM) === 0 && !isPartial(p)
}

/** Gives a UDP packet its missing checksum. `pseudo`: sum of its addresses. Super-packets leave it to the kernel. */
function computeChecksum(p: Packet, pseudo: number, inSoftware: boolean): void {
  const b = p.buf
  const length = Math.min(u16(b, p.l4 + 4), p.end - p.l4)
  const total = pseudo + length + UDP
  if (p.gsoType !== GSO_NONE && !inSoftware) {
    put16(b, p.l4 + UDP_CHECKSUM, fold(total))
    p.flags = NEEDS_CSUM
    p.csumStart = p.l4 - p.start
    p.csumOffset = UDP_CHECKSUM
    return
  }
  const checksum = finish(sum(b, p.l4, p.l4 + length, total))
  put16(b, p.l4 + UDP_CHECKSUM, checksum === 0 ? 0xffff : checksum)
}
