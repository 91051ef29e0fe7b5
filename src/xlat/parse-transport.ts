// hot path
/** Parsing of the transport header: ports, TCP flags, ICMP type and identifier; what ICMP cannot go over. */
import { u8, u16 } from '../wire/bytes.js'
import { fold, pseudo6, sum } from '../wire/checksum.js'
import {
  DSTOPTS,
  FRAGMENT,
  HOPOPT,
  ICMP_HEADER,
  ICMP4,
  ICMP6,
  IGMP,
  IP6,
  ROUTING,
  TCP,
  TCP_HEADER,
  UDP,
  UDP_HEADER,
} from '../wire/protocol.js'
import { NEEDS_CSUM } from '../wire/virtio-net.js'
import { codeToV4, codeToV6, isError4, isQuery4, isQuery6, NOT_TRANSLATED } from './icmp-types.js'
import type { Packet } from './packet.js'
import { REASON } from './reason.js'

const { truncated, icmp_checksum, icmp_type, protocol: not_translated } = REASON

/**
 * Reads the header at `p.l4`, none in a later fragment. A `whole` packet must hold the length its header declares and,
 * as an ICMP error, be correct; the packet inside an ICMP error may be cut off.
 */
export function parseTransport(p: Packet, whole: boolean): number {
  p.sport = 0
  p.dport = 0
  p.tcpFlags = 0
  p.icmpType = 0
  p.icmpCode = 0
  p.isIcmpError = false
  const protocol = p.protocol
  if (protocol === TCP || protocol === UDP) {
    if (p.fragOffset !== 0) return 0
    const refusal = whole ? checkLengths(p) : p.end - p.l4 < 8 ? truncated : 0
    if (refusal !== 0) return refusal
    p.sport = u16(p.buf, p.l4)
    p.dport = u16(p.buf, p.l4 + 2)
    if (protocol === TCP && p.end - p.l4 > 13) p.tcpFlags = u8(p.buf, p.l4 + 13)
    return 0
  }
  if (protocol === ICMP4 || protocol === ICMP6) {
    if ((protocol === ICMP4) !== (p.version === 4)) return not_translated
    return p.fragOffset !== 0 ? 0 : parseIcmp(p, whole)
  }
  return isOneFamilyOnly(p.version, protocol) ? not_translated : 0
}

/** TCP and UDP headers of packets that are not cut off. */
function checkLengths(p: Packet): number {
  const length = p.end - p.l4
  if (p.protocol === TCP) {
    if (length < TCP_HEADER) return truncated
    const header = (u8(p.buf, p.l4 + 12) >>> 4) << 2
    return header < TCP_HEADER || (header > length && !p.isFragment) ? truncated : 0
  }
  if (length < UDP_HEADER) return truncated
  const declared = u16(p.buf, p.l4 + 4)
  return declared < UDP_HEADER || (declared > length && !p.moreFragments) ? truncated : 0
}

function parseIcmp(p: Packet, whole: boolean): number {
  const b = p.buf
  const o = p.l4
  if (p.end - o < ICMP_HEADER) return truncated
  const type = u8(b, o)
  const code = u8(b, o + 1)
  p.icmpType = type
  p.icmpCode = code
  if (p.version === 4 ? isQuery4(type) : isQuery6(type)) {
    p.sport = p.dport = u16(b, o + 4)
    return 0
  }
  p.isIcmpError = p.version === 4 ? isError4(type) : type < 128
  if (!p.isIcmpError || (p.version === 4 ? codeToV6(type, code) : codeToV4(type, code)) === NOT_TRANSLATED) {
    return icmp_type
  }
  const isWholeHere = whole && !p.moreFragments && (p.flags & NEEDS_CSUM) === 0
  return isWholeHere && !isIcmpValid(p) ? icmp_checksum : 0
}

function isIcmpValid(p: Packet): boolean {
  const length = p.end - p.l4
  const pseudo = p.version === 6 ? pseudo6(p.buf, p.start + IP6.SRC, ICMP6, length) : 0
  return fold(sum(p.buf, p.l4, p.end, pseudo)) === 0xffff
}

/**
 * Protocols that are not carried over: IGMP (RFC 7915 section 4.2), and numbers of IPv6 extension headers in IPv4, for
 * there the payload would become a header. All others are (section 4.5), even if nobody over there knows them.
 */
function isOneFamilyOnly(version: number, protocol: number): boolean {
  if (protocol === IGMP) return true
  if (version === 6) return false
  return protocol === HOPOPT || protocol === ROUTING || protocol === FRAGMENT || protocol === DSTOPTS
}
