// hot path
/**
 * Where the parts of a translated ICMP error go. The quoted packet's payload stays where it is; headers are written in
 * front of it. Only in front of an extension (RFC 4884), which stays where it is instead, the payload moves, because
 * the quoted packet must keep 128 bytes and a multiple of the length attribute's unit.
 */
import { ICMP_HEADER } from '../wire/protocol.js'
import { LEAST_QUOTE, NO_EXTENSION, splitExtension } from './icmp-extension.js'
import type { Packet } from './packet.js'

/** How far in front of the old start the new one may lie, bytes: HEADROOM less what the device keeps in front. */
const MOST_GROWTH = 52

export class IcmpLayout {
  /** Offset of the outer IP header, and past the last byte. */
  start = 0
  end = 0
  /** Offset of the quoted packet's payload. */
  payload = 0
  /** The length attribute's value in bytes, padding included; 0 without extension. */
  attribute = 0
}

/**
 * Lays out the error that `p`, quoting `inner`, becomes. `outerHeader` and `innerHeader`: bytes of the new headers.
 * `most`: longest packet allowed. `unit`: of the new length attribute, bytes; 0 when the new type has none.
 * Moves and pads the quoted payload; the space for the headers is left to the caller.
 */
export function layOut(
  l: IcmpLayout,
  p: Packet,
  inner: Packet,
  outerHeader: number,
  innerHeader: number,
  most: number,
  unit: number,
): void {
  const headers = outerHeader + ICMP_HEADER + innerHeader
  const payload = inner.end - inner.l4
  const extension = unit === 0 ? NO_EXTENSION : splitExtension(p)
  if (extension > NO_EXTENSION && keepExtension(l, p, inner, headers, innerHeader, most, unit, extension)) return
  l.attribute = 0
  l.payload = inner.l4
  l.start = inner.l4 - headers
  l.end = inner.l4 + Math.min(payload, most - headers)
}

function keepExtension(
  l: IcmpLayout,
  p: Packet,
  inner: Packet,
  headers: number,
  innerHeader: number,
  most: number,
  unit: number,
  extension: number,
): boolean {
  const payload = inner.end - inner.l4
  const room = (most - (headers - innerHeader) - (p.end - extension)) & -unit
  if (room < LEAST_QUOTE) return false
  const padded = (innerHeader + payload + unit - 1) & -unit
  const quote = Math.min(room, Math.max(LEAST_QUOTE, padded))
  const start = extension - quote - (headers - innerHeader)
  if (start < p.start - MOST_GROWTH) return false
  const kept = Math.min(payload, quote - innerHeader)
  const to = extension - quote + innerHeader
  if (to !== inner.l4) p.buf.copyWithin(to, inner.l4, inner.l4 + kept)
  p.buf.fill(0, to + kept, extension)
  l.attribute = quote
  l.payload = to
  l.start = start
  l.end = p.end
  return true
}
