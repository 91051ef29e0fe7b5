/**
 * Packets that a capture cut short (snap length): which can still be translated. The missing payload is only counted in
 * lengths and covered by checksums that are updated, not recomputed, so for most packets their headers are enough.
 */
import { u8, u16 } from '../wire/bytes.js'
import * as P from '../wire/protocol.js'

/** Extension headers that are skipped to find the transport header. */
const EXTENSIONS: readonly number[] = [P.HOPOPT, P.ROUTING, P.DSTOPTS]

/**
 * Says whether the packet whose first bytes are `b[start, end)` can be translated without the rest: the headers are
 * there, and neither reassembly nor a checksum over the whole packet is called for.
 */
export function isEnoughCaptured(b: Uint8Array, start: number, end: number): boolean {
  const version = start < end ? u8(b, start) >>> 4 : 0
  return version === 4 ? isEnough4(b, start, end) : version === 6 && isEnough6(b, start, end)
}

/** The length that the IP header at `start` declares, bytes; 0 when the header itself is cut short. */
export function declaredLength(b: Uint8Array, start: number, end: number): number {
  if (end - start < P.IPV4_HEADER) return 0
  if (u8(b, start) >>> 4 === 4) return u16(b, start + P.IP4.LENGTH)
  return P.IPV6_HEADER + u16(b, start + P.IP6.LENGTH)
}

function isEnough4(b: Uint8Array, start: number, end: number): boolean {
  if (end - start < P.IPV4_HEADER) return false
  if (u16(b, start + P.IP4.FRAG) & (P.MF | P.FRAG_OFFSET_MASK)) return false
  return isEnoughTransport(b, start + (u8(b, start) & 15) * 4, end, u8(b, start + P.IP4.PROTOCOL))
}

function isEnough6(b: Uint8Array, start: number, end: number): boolean {
  if (end - start < P.IPV6_HEADER) return false
  let next = u8(b, start + P.IP6.NEXT)
  let o = start + P.IPV6_HEADER
  while (EXTENSIONS.includes(next)) {
    if (o + 2 > end) return false
    next = u8(b, o)
    o += 8 + 8 * u8(b, o + 1)
  }
  return next !== P.FRAGMENT && isEnoughTransport(b, o, end, next)
}

function isEnoughTransport(b: Uint8Array, o: number, end: number, protocol: number): boolean {
  switch (protocol) {
    case P.TCP:
      // Missing options read as zeros, the end of options.
      return end - o >= P.TCP_HEADER
    case P.UDP:
      return end - o >= P.UDP_HEADER && u16(b, o + P.UDP_CHECKSUM) !== 0
    case P.ICMP4:
      return end - o >= P.ICMP_HEADER && (u8(b, o) === 8 || u8(b, o) === 0)
    case P.ICMP6:
      return end - o >= P.ICMP_HEADER && (u8(b, o) === 128 || u8(b, o) === 129)
    default:
      return end > o
  }
}
