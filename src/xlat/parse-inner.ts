// hot path
/** Parsing of the packet inside an ICMP error, which may be cut off anywhere past its first transport bytes. */
import { u8, u16 } from '../wire/bytes.js'
import { ICMP_HEADER, IP4, IP6, IPV4_HEADER, IPV6_HEADER } from '../wire/protocol.js'
import { NO_EXTENSION, splitExtension } from './icmp-extension.js'
import type { Packet } from './packet.js'
import { readHeader4, readHeader6, walkExtensions } from './parse.js'
import { parseTransport } from './parse-transport.js'
import { REASON } from './reason.js'

const { icmp_inner, icmp_extension } = REASON

/**
 * Parses the packet inside ICMP error `p`, which must be parsed, into `inner`, which then shares its buffer.
 * `inner.end` is where the quoted packet ends, without padding and RFC 4884 extensions. Its checksums are not
 * checked: routers change headers before they quote them. Returns 0 or a reason.
 */
export function parseInner(p: Packet, inner: Packet): number {
  const split = splitExtension(p)
  if (split < NO_EXTENSION) return icmp_extension
  const end = split === NO_EXTENSION ? p.end : split
  inner.set(p.buf, p.l4 + ICMP_HEADER, end)
  const refusal = p.version === 4 ? parseInner4(inner) : parseInner6(inner)
  return refusal !== 0 || inner.isIcmpError ? icmp_inner : 0
}

function parseInner4(inner: Packet): number {
  const b = inner.buf
  const o = inner.start
  if (inner.end - o < IPV4_HEADER || u8(b, o) >>> 4 !== 4) return icmp_inner
  const header = (u8(b, o) & 15) << 2
  const total = u16(b, o + IP4.LENGTH)
  if (header < IPV4_HEADER || o + header > inner.end || total < header) return icmp_inner
  if (o + total < inner.end) inner.end = o + total
  readHeader4(inner, header)
  return parseTransport(inner, false)
}

function parseInner6(inner: Packet): number {
  const b = inner.buf
  const o = inner.start
  if (inner.end - o < IPV6_HEADER || u8(b, o) >>> 4 !== 6) return icmp_inner
  const end = o + IPV6_HEADER + u16(b, o + IP6.LENGTH)
  if (end < inner.end) inner.end = end
  readHeader6(inner)
  return walkExtensions(inner) || parseTransport(inner, false)
}
