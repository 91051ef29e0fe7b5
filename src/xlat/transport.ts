// hot path
/**
 * Transport headers under new addresses and ports (RFC 7915 sections 4.5 and 5.5). Checksums are updated by the
 * difference (RFC 1624), so a wrong one stays wrong and is left to the receiver.
 *
 * `removed` and `added` are sums of what the pseudo-header loses and gains. Nothing here can fail.
 */
import { put8, put16, u8, u16 } from '../wire/bytes.js'
import { update, updatePartial } from '../wire/checksum.js'
import {
  DCCP,
  ICMP_CHECKSUM,
  ICMP4,
  ICMP6,
  SYN,
  TCP,
  TCP_CHECKSUM,
  TCP_HEADER,
  UDP,
  UDP_CHECKSUM,
  UDPLITE,
} from '../wire/protocol.js'
import { queryToV4, queryToV6 } from './icmp-types.js'
import type { Packet } from './packet.js'

/** TCP option kinds (RFC 9293 section 3.2). */
const END_OF_OPTIONS = 0
const NO_OPERATION = 1
const MSS = 2
/** IPv6 and TCP header: what a segment on the IPv6 side is longer than its MSS, bytes. */
const HEADERS6 = 60

/**
 * Rewrites the transport header of a whole packet, a first fragment or the packet inside an ICMP error.
 * `partial`: the checksum holds the pseudo-header sum only. ICMP is left alone, see {@link rewriteQuery}.
 */
export function rewriteTransport(
  p: Packet,
  partial: boolean,
  removed: number,
  added: number,
  sport: number,
  dport: number,
): void {
  const b = p.buf
  const o = p.l4
  switch (p.protocol) {
    case TCP:
      put16(b, o, sport)
      put16(b, o + 2, dport)
      updateAt(p, o + TCP_CHECKSUM, partial, removed, added, sport, dport)
      return
    case UDP:
      put16(b, o, sport)
      put16(b, o + 2, dport)
      if (!partial && u16(b, o + UDP_CHECKSUM) === 0) return
      updateAt(p, o + UDP_CHECKSUM, partial, removed, added, sport, dport)
      if (!partial && u16(b, o + UDP_CHECKSUM) === 0) put16(b, o + UDP_CHECKSUM, 0xffff)
      return
    case UDPLITE:
    case DCCP:
      // Both have their checksum where UDP has it. Their ports are never mapped.
      updateAt(p, o + UDP_CHECKSUM, false, removed, added, p.sport, p.dport)
  }
}

function updateAt(
  p: Packet,
  at: number,
  partial: boolean,
  removed: number,
  added: number,
  sport: number,
  dport: number,
): void {
  if (at + 2 > p.end) return
  const b = p.buf
  const old = u16(b, at)
  put16(
    b,
    at,
    partial ? updatePartial(old, removed, added) : update(old, removed + p.sport + p.dport, added + sport + dport),
  )
}

/**
 * Turns an echo or echo reply into that of the other family. `pseudo` is the sum of the ICMPv6 pseudo-header,
 * which comes or goes: ICMPv4 has none.
 */
export function rewriteQuery(p: Packet, pseudo: number, id: number): void {
  const b = p.buf
  const o = p.l4
  const type = p.protocol === ICMP4 ? queryToV6(p.icmpType) : queryToV4(p.icmpType)
  const removed = (p.icmpType << 8) + p.sport + (p.protocol === ICMP6 ? pseudo : 0)
  const added = (type << 8) + id + (p.protocol === ICMP4 ? pseudo : 0)
  put8(b, o, type)
  put16(b, o + 4, id)
  put16(b, o + ICMP_CHECKSUM, update(u16(b, o + ICMP_CHECKSUM), removed, added))
}

/** Lowers the MSS option of a SYN, so that segments of either direction fit `mtu` on the IPv6 side. */
export function clampMss(p: Packet, mtu: number, partial: boolean): void {
  if (p.protocol !== TCP || (p.tcpFlags & SYN) === 0) return
  const b = p.buf
  let o = p.l4 + TCP_HEADER
  const end = Math.min(p.end, p.l4 + ((u8(b, p.l4 + 12) >>> 4) << 2))
  while (o < end) {
    const kind = u8(b, o)
    if (kind === NO_OPERATION) {
      o++
      continue
    }
    if (kind === END_OF_OPTIONS || o + 2 > end) return
    const length = u8(b, o + 1)
    if (length < 2 || o + length > end) return
    if (kind === MSS && length === 4) {
      lowerMss(p, o + 2, mtu - HEADERS6, partial)
      return
    }
    o += length
  }
}

function lowerMss(p: Packet, at: number, most: number, partial: boolean): void {
  const b = p.buf
  const old = u16(b, at)
  if (old <= most) return
  put16(b, at, most)
  if (partial) return
  const field = p.l4 + TCP_CHECKSUM
  const odd = ((at - p.l4) & 1) !== 0
  put16(b, field, update(u16(b, field), odd ? swap(old) : old, odd ? swap(most) : most))
}

/** A word at an odd offset counts with its bytes the other way round. */
function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8)
}
