// hot path
/** ICMPv6 errors to ICMPv4, with the packet they quote (RFC 7915 sections 5.2 and 5.3). */
import { put16, put32, u8, u16, u32 } from '../wire/bytes.js'
import { finish, sum, sum32 } from '../wire/checksum.js'
import { DF, ICMP_CHECKSUM, ICMP4, ICMP6, IP6, IPV4_HEADER, IPV6_HEADER, MF } from '../wire/protocol.js'
import { hasLengthAttribute, putLengthAttribute } from './icmp-extension.js'
import { layOut } from './icmp-layout.js'
import { codeToV4, ICMP4_TYPE, ICMP6_TYPE, NOT_TRANSLATED, pointerToV4 } from './icmp-types.js'
import { mtuToV4 } from './mtu.js'
import type { Packet } from './packet.js'
import { REASON } from './reason.js'
import { moveStart, putHeader4, type RewriteContext, sumAddresses6, wholeChecksums } from './rewrite-context.js'
import { MOST_WITHOUT_DF, trafficClass } from './to-v4.js'
import { rewriteQuery, rewriteTransport } from './transport.js'

const { ttl_expired, fragmented_icmp, icmp_type } = REASON

/** Longest ICMPv4 error, bytes (RFC 1812 section 4.3.2.3). */
export const MOST_ERROR4 = 576
const UNIT4 = 4

/** Rewrites ICMP error `p` in place. Returns 0, or a reason and then has changed nothing. */
export function errorToV4(
  c: RewriteContext,
  p: Packet,
  src: number,
  dst: number,
  inner: Packet,
  innerSrc: number,
  innerDst: number,
  innerSport: number,
  innerDport: number,
): number {
  const b = p.buf
  const hops = u8(b, p.start + IP6.HOPS)
  if (hops <= 1) return ttl_expired
  if (p.fragOffset !== 0 || p.moreFragments) return fragmented_icmp
  const type = codeToV4(p.icmpType, p.icmpCode)
  if (!p.isIcmpError || type === NOT_TRANSLATED) return icmp_type
  const rest = restOfHeader(c, p, inner, type >>> 8)
  if (rest === NOT_TRANSLATED) return icmp_type

  const outerTos = c.config.tos ?? trafficClass(b, p.start)
  const id = p.isFragment ? p.fragId & 0xffff : c.nextId(1)
  const innerTos = trafficClass(b, inner.start)
  const innerTtl = u8(b, inner.start + IP6.HOPS)
  const declared = u16(b, inner.start + IP6.LENGTH) - (inner.l4 - inner.start - IPV6_HEADER)
  if (inner.fragOffset === 0) rewriteInner(inner, declared, innerSrc, innerDst, innerSport, innerDport)

  const l = c.layout
  layOut(l, c.outbox, p, inner, IPV4_HEADER, IPV4_HEADER, MOST_ERROR4, hasLengthAttribute(4, type >>> 8) ? UNIT4 : 0)
  const protocol = inner.protocol === ICMP6 ? ICMP4 : inner.protocol
  const total = Math.min(IPV4_HEADER + declared, 0xffff)
  putHeader4(
    l.buf,
    l.payload - IPV4_HEADER,
    innerTos,
    total,
    inner.fragId & 0xffff,
    innerFlags(inner, total),
    innerTtl,
    protocol,
    innerSrc,
    innerDst,
  )
  const icmp = l.start + IPV4_HEADER
  put16(l.buf, icmp, type)
  put16(l.buf, icmp + ICMP_CHECKSUM, 0)
  put32(l.buf, icmp + 4, rest)
  if (l.attribute !== 0) putLengthAttribute(l.buf, icmp, 4, l.attribute)
  put16(l.buf, icmp + ICMP_CHECKSUM, finish(sum(l.buf, icmp, l.end)))
  putHeader4(l.buf, l.start, outerTos, l.end - l.start, id, 0, hops - 1, ICMP4, src, dst)
  if (l.isInOutbox) {
    c.emitted = true
    return 0
  }
  wholeChecksums(p)
  moveStart(p, l.start, 4)
  p.end = l.end
  return 0
}

/** The second word of the ICMP header: MTU, pointer, or zero. */
function restOfHeader(c: RewriteContext, p: Packet, inner: Packet, type: number): number {
  const word = u32(p.buf, p.l4 + 4)
  if (p.icmpType === ICMP6_TYPE.TOO_BIG) return Math.min(mtuToV4(word, inner.isFragment, c.config.mtu), 0xffff)
  if (type !== ICMP4_TYPE.PARAMETER) return 0
  const pointer = pointerToV4(word)
  return pointer === NOT_TRANSLATED ? NOT_TRANSLATED : (pointer << 24) >>> 0
}

function innerFlags(inner: Packet, total: number): number {
  if (inner.isFragment) return (inner.moreFragments ? MF : 0) | (inner.fragOffset >>> 3)
  return total > MOST_WITHOUT_DF ? DF : 0
}

function rewriteInner(inner: Packet, length: number, src: number, dst: number, sport: number, dport: number): void {
  const removed = sumAddresses6(inner)
  if (inner.protocol === ICMP6) rewriteQuery(inner, removed + length + ICMP6, dport)
  else rewriteTransport(inner, false, removed, sum32(src) + sum32(dst), sport, dport)
}
