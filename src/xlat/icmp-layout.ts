// hot path
/**
 * Where the parts of a translated ICMP error go. The quoted packet's payload stays where it is; headers are written in
 * front of it. Only in front of an extension (RFC 4884), which stays where it is instead, the payload moves, because
 * the quoted packet must keep 128 bytes and a multiple of the length attribute's unit. Where that takes more room than
 * there is, because the sender had not kept 128 bytes, the error is laid out in the outbox.
 */
import { ICMP_HEADER } from '../wire/protocol.js'
import { copy } from './fragment-out.js'
import { LEAST_QUOTE, NO_EXTENSION, splitExtension } from './icmp-extension.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'

/** How far in front of the old start the new one may lie, bytes: HEADROOM less what the device keeps in front. */
const MOST_GROWTH = 52

export class IcmpLayout {
  /** What the offsets are in: the packet's buffer, or that of the outbox. */
  buf: Uint8Array = new Uint8Array(0)
  isInOutbox = false
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
  outbox: Outbox,
  p: Packet,
  inner: Packet,
  outerHeader: number,
  innerHeader: number,
  most: number,
  unit: number,
): void {
  l.buf = p.buf
  l.isInOutbox = false
  const headers = outerHeader + ICMP_HEADER + innerHeader
  const payload = inner.end - inner.l4
  const extension = unit === 0 ? NO_EXTENSION : splitExtension(p)
  if (extension > NO_EXTENSION && keepExtension(l, outbox, p, inner, headers, innerHeader, most, unit, extension))
    return
  l.attribute = 0
  l.payload = inner.l4
  l.start = inner.l4 - headers
  l.end = inner.l4 + Math.min(payload, most - headers)
}

function keepExtension(
  l: IcmpLayout,
  outbox: Outbox,
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
  const kept = Math.min(payload, quote - innerHeader)
  let at = extension
  l.start = at - quote - (headers - innerHeader)
  if (l.start < p.start - MOST_GROWTH) {
    const start = outbox.reserve(p.end - l.start)
    if (start < 0) return false
    at += start - l.start
    l.start = start
    l.buf = outbox.buf
    l.isInOutbox = true
    copy(p.buf, extension, p.end, l.buf, at)
  }
  l.attribute = quote
  l.payload = at - quote + innerHeader
  l.end = at + p.end - extension
  if (l.isInOutbox) copy(p.buf, inner.l4, inner.l4 + kept, l.buf, l.payload)
  else if (l.payload !== inner.l4) l.buf.copyWithin(l.payload, inner.l4, inner.l4 + kept)
  l.buf.fill(0, l.payload + kept, at)
  return true
}
