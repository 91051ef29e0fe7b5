// hot path
/** ICMPv4 errors to ICMPv6, with the packet they quote (RFC 7915 sections 4.2 and 4.3). */
import { put16, put32, u8, u16 } from '../wire/bytes.js'
import { finish, pseudo6, sum, sum32 } from '../wire/checksum.js'
import { FRAGMENT, FRAGMENT_HEADER, ICMP_CHECKSUM, ICMP4, ICMP6, IP4, IP6, IPV6_HEADER } from '../wire/protocol.js'
import { hasLengthAttribute, putLengthAttribute } from './icmp-extension.js'
import { layOut } from './icmp-layout.js'
import { codeToV6, ICMP6_TYPE, NOT_TRANSLATED, pointerToV6 } from './icmp-types.js'
import { mtuToV6 } from './mtu.js'
import type { Packet } from './packet.js'
import { REASON } from './reason.js'
import { moveStart, putFragmentHeader, putHeader6, type RewriteContext, wholeChecksums } from './rewrite-context.js'
import { rewriteQuery, rewriteTransport } from './transport.js'

const { ttl_expired, fragmented_icmp, icmp_type } = REASON

/** Longest ICMPv6 error, bytes (RFC 4443 section 2.4 (c)). */
export const MOST_ERROR6 = 1280
const UNIT6 = 8
/** Unrecognised next header (RFC 4443 section 3.4) points at that field of the IPv6 header. */
const UNKNOWN_NEXT_HEADER = (ICMP6_TYPE.PARAMETER << 8) | 1

/** Rewrites ICMP error `p` in place. Returns 0, or a reason and then has changed nothing. */
export function errorToV6(
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
  inner: Packet,
  is0: number,
  is1: number,
  is2: number,
  is3: number,
  id0: number,
  id1: number,
  id2: number,
  id3: number,
  innerSport: number,
  innerDport: number,
): number {
  const b = p.buf
  const ttl = u8(b, p.start + IP4.TTL)
  if (ttl <= 1) return ttl_expired
  if (p.isFragment) return fragmented_icmp
  const type = codeToV6(p.icmpType, p.icmpCode)
  if (!p.isIcmpError || type === NOT_TRANSLATED) return icmp_type
  const rest = restOfHeader(c, p, inner, type)
  if (rest === NOT_TRANSLATED) return icmp_type

  const outerClass = c.config.resetTrafficClass ? 0 : u8(b, p.start + IP4.TOS)
  const innerClass = u8(b, inner.start + IP4.TOS)
  const innerHops = u8(b, inner.start + IP4.TTL)
  const declared = u16(b, inner.start + IP4.LENGTH) - (inner.l4 - inner.start)
  if (inner.fragOffset === 0) {
    const sum6 = sum32(is0) + sum32(is1) + sum32(is2) + sum32(is3) + sum32(id0) + sum32(id1) + sum32(id2) + sum32(id3)
    if (inner.protocol === ICMP4) rewriteQuery(inner, sum6 + declared + ICMP6, innerSport)
    else rewriteTransport(inner, false, sum32(inner.s3) + sum32(inner.d3), sum6, innerSport, innerDport)
  }

  const l = c.layout
  const fragment = inner.isFragment ? FRAGMENT_HEADER : 0
  const innerHeader = IPV6_HEADER + fragment
  layOut(l, c.outbox, p, inner, IPV6_HEADER, innerHeader, MOST_ERROR6, hasLengthAttribute(6, type >>> 8) ? UNIT6 : 0)
  const next = inner.protocol === ICMP4 ? ICMP6 : inner.protocol
  if (inner.isFragment) {
    putFragmentHeader(l.buf, l.payload - FRAGMENT_HEADER, next, inner.fragOffset, inner.moreFragments, inner.fragId)
  }
  const at = l.payload - innerHeader
  const length = Math.min(declared + fragment, 0xffff)
  const first = inner.isFragment ? FRAGMENT : next
  putHeader6(l.buf, at, innerClass, length, first, innerHops, is0, is1, is2, is3, id0, id1, id2, id3)
  const icmp = l.start + IPV6_HEADER
  const icmpLength = l.end - icmp
  putHeader6(l.buf, l.start, outerClass, icmpLength, ICMP6, ttl - 1, s0, s1, s2, s3, d0, d1, d2, d3)
  put16(l.buf, icmp, type)
  put16(l.buf, icmp + ICMP_CHECKSUM, 0)
  put32(l.buf, icmp + 4, rest)
  if (l.attribute !== 0) putLengthAttribute(l.buf, icmp, 6, l.attribute)
  const pseudo = pseudo6(l.buf, l.start + IP6.SRC, ICMP6, icmpLength)
  put16(l.buf, icmp + ICMP_CHECKSUM, finish(sum(l.buf, icmp, l.end, pseudo)))
  if (l.isInOutbox) {
    c.emitted = true
    return 0
  }
  wholeChecksums(p)
  moveStart(p, l.start, 6)
  p.end = l.end
  return 0
}

/** The second word of the ICMP header: MTU, pointer, or zero. */
function restOfHeader(c: RewriteContext, p: Packet, inner: Packet, type: number): number {
  if (type === UNKNOWN_NEXT_HEADER) return IP6.NEXT
  if (type >>> 8 === ICMP6_TYPE.PARAMETER) return pointerToV6(u8(p.buf, p.l4 + 4))
  if (type >>> 8 !== ICMP6_TYPE.TOO_BIG) return 0
  const innerLength = u16(p.buf, inner.start + IP4.LENGTH)
  return mtuToV6(u16(p.buf, p.l4 + 6), innerLength, c.config.mtu, c.config.mtuPlateaus)
}
