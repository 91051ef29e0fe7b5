// hot path
/**
 * Parsing of whole packets and fragments as they come from the device. What parses without a reason can be rewritten:
 * every header that rewriting touches lies inside the packet. IPv4: RFC 791; IPv6: RFC 8200 section 4.
 */
import { i32, u8, u16, u32 } from '../wire/bytes.js'
import { isHeaderValid } from '../wire/checksum.js'
import {
  AH,
  DF,
  DSTOPTS,
  FRAG_OFFSET_MASK,
  FRAGMENT,
  HIP,
  HOPOPT,
  IP4,
  IP6,
  IPV4_HEADER,
  IPV6_HEADER,
  MF,
  MOBILITY,
  ROUTING,
  SHIM6,
} from '../wire/protocol.js'
import type { Packet } from './packet.js'
import { parseTransport } from './parse-transport.js'
import { REASON } from './reason.js'

const { not_ip, truncated, header4_checksum, source_route, segments_left } = REASON
const { extension_after_fragment, extension_headers, fragment_bad } = REASON

/** Most IPv6 extension headers that are walked. */
const MAX_EXTENSIONS = 8
/** Loose and strict source route (RFC 791 section 3.1), end of options, no operation. */
const LSRR = 131
const SSRR = 137
const END_OF_OPTIONS = 0
const NO_OPERATION = 1

/** Fills in what `p` is. Returns 0 or a reason. Never throws, never reads past `p.end`. */
export function parse(p: Packet): number {
  p.version = 0
  if (p.end - p.start < IPV4_HEADER) return p.end > p.start && isIp(p) ? truncated : not_ip
  const version = u8(p.buf, p.start) >>> 4
  return version === 6 ? parse6(p) : version === 4 ? parse4(p) : not_ip
}

function isIp(p: Packet): boolean {
  const version = u8(p.buf, p.start) >>> 4
  return version === 4 || version === 6
}

/** Parses an IPv4 packet. Bytes past its total length are cut off by lowering `p.end`. */
export function parse4(p: Packet): number {
  const b = p.buf
  const o = p.start
  p.version = 4
  if (p.end - o < IPV4_HEADER) return truncated
  const header = (u8(b, o) & 15) << 2
  const total = u16(b, o + IP4.LENGTH)
  if (header < IPV4_HEADER || total < header || o + total > p.end) return truncated
  if (!isHeaderValid(b, o, header)) return header4_checksum
  p.end = o + total
  readHeader4(p, header)
  const refusal = header > IPV4_HEADER ? checkOptions(b, o + IPV4_HEADER, p.l4) : 0
  if (refusal === truncated || (p.isFragment && !isFragmentSound(p))) return refusal || fragment_bad
  const broken = parseTransport(p, true)
  return refusal || broken
}

/** Reads the fields of an IPv4 header of `header` bytes, all inside the packet. */
export function readHeader4(p: Packet, header: number): void {
  const b = p.buf
  const o = p.start
  const frag = u16(b, o + IP4.FRAG)
  p.version = 4
  p.protocol = u8(b, o + IP4.PROTOCOL)
  p.l4 = o + header
  p.fragOffset = (frag & FRAG_OFFSET_MASK) << 3
  p.moreFragments = (frag & MF) !== 0
  p.isFragment = (frag & (MF | FRAG_OFFSET_MASK)) !== 0
  p.fragId = u16(b, o + IP4.ID)
  p.df = (frag & DF) !== 0
  p.s0 = p.s1 = p.s2 = 0
  p.d0 = p.d1 = p.d2 = 0
  p.s3 = i32(b, o + IP4.SRC) >>> 0
  p.d3 = i32(b, o + IP4.DST) >>> 0
}

/** Looks for a source route that has not been used up: its pointer is not past its length. */
function checkOptions(b: Uint8Array, from: number, to: number): number {
  let o = from
  while (o < to) {
    const kind = u8(b, o)
    if (kind === END_OF_OPTIONS) return 0
    if (kind === NO_OPERATION) {
      o++
      continue
    }
    if (o + 2 > to) return truncated
    const length = u8(b, o + 1)
    if (length < 2 || o + length > to) return truncated
    if ((kind === LSRR || kind === SSRR) && (length < 3 || u8(b, o + 2) <= length)) return source_route
    o += length
  }
  return 0
}

/** Parses an IPv6 packet, walking its extension headers. Bytes past its length are cut off by lowering `p.end`. */
export function parse6(p: Packet): number {
  const b = p.buf
  const o = p.start
  p.version = 6
  if (p.end - o < IPV6_HEADER) return truncated
  const end = o + IPV6_HEADER + u16(b, o + IP6.LENGTH)
  if (end > p.end) return truncated
  p.end = end
  readHeader6(p)
  const refusal = walkExtensions(p)
  if (refusal === truncated || refusal === extension_headers) return refusal
  if (p.isFragment && !isFragmentSound(p)) return fragment_bad
  const broken = parseTransport(p, true)
  return refusal || broken
}

/** Reads the fields of an IPv6 header that is inside the packet. */
export function readHeader6(p: Packet): void {
  const b = p.buf
  const o = p.start
  p.version = 6
  p.protocol = u8(b, o + IP6.NEXT)
  p.l4 = o + IPV6_HEADER
  p.fragOffset = 0
  p.moreFragments = false
  p.isFragment = false
  p.fragId = 0
  p.df = false
  p.s0 = i32(b, o + IP6.SRC) >>> 0
  p.s1 = i32(b, o + IP6.SRC + 4) >>> 0
  p.s2 = i32(b, o + IP6.SRC + 8) >>> 0
  p.s3 = i32(b, o + IP6.SRC + 12) >>> 0
  p.d0 = i32(b, o + IP6.DST) >>> 0
  p.d1 = i32(b, o + IP6.DST + 4) >>> 0
  p.d2 = i32(b, o + IP6.DST + 8) >>> 0
  p.d3 = i32(b, o + IP6.DST + 12) >>> 0
}

/**
 * Moves `p.l4` and `p.protocol` past the extension headers. Goes on after the first refusal, because whether it may be
 * answered depends on the transport header.
 */
export function walkExtensions(p: Packet): number {
  const b = p.buf
  let next = p.protocol
  if (!isExtension(next)) return 0
  let o = p.l4
  let refusal = 0
  for (let i = 0; isWalked(next) && p.fragOffset === 0; i++) {
    if (i === MAX_EXTENSIONS || (next === HOPOPT && i > 0)) return extension_headers
    if (o + 8 > p.end) return truncated
    if (p.isFragment && refusal === 0) refusal = extension_after_fragment
    if (next === FRAGMENT) {
      if (p.isFragment) return extension_headers
      const field = u16(b, o + 2)
      p.isFragment = true
      p.fragOffset = field & 0xfff8
      p.moreFragments = (field & 1) !== 0
      p.fragId = u32(b, o + 4)
      next = u8(b, o)
      o += 8
      continue
    }
    if (next === ROUTING && u8(b, o + 3) !== 0 && refusal === 0) {
      refusal = segments_left
      p.errorParam = o + 3 - p.start
    }
    next = u8(b, o)
    o += (u8(b, o + 1) + 1) << 3
    if (o > p.end) return truncated
  }
  if (p.isFragment && refusal === 0 && isExtension(next)) refusal = extension_after_fragment
  p.protocol = next
  p.l4 = o
  return refusal
}

/** Extension headers that are skipped; others go over as if they were a transport protocol. */
function isWalked(next: number): boolean {
  return next === HOPOPT || next === ROUTING || next === DSTOPTS || next === FRAGMENT
}

/** Extension headers that must not follow a Fragment header: all but ESP (RFC 7915 section 5.1.1). */
function isExtension(next: number): boolean {
  return isWalked(next) || next === AH || next === MOBILITY || next === HIP || next === SHIM6
}

/** All fragments but the last are multiples of 8 bytes, and none ends past what an IP packet can hold. */
function isFragmentSound(p: Packet): boolean {
  const length = p.end - p.l4
  if (p.moreFragments && (length === 0 || (length & 7) !== 0)) return false
  return p.fragOffset + length <= 0xffff
}
