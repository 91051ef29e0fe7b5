// hot path
/**
 * Cuts what does not fit into fragments, into the outbox. Room is reserved first, so that a packet that finds none is
 * refused before anything was written.
 */
import { put8, put16, u16 } from '../wire/bytes.js'
import { writeHeaderChecksum } from '../wire/checksum.js'
import { FRAGMENT, FRAGMENT_HEADER, IP4, IP6, IPV4_HEADER, IPV6_HEADER, MF } from '../wire/protocol.js'
import type { Outbox } from './outbox.js'
import { putFragmentHeader } from './rewrite-context.js'

/** From here on a view on the bytes costs less than copying them one by one. */
const LONG = 128

/** Payload bytes of each fragment but the last, for an MTU and the headers in front. */
function chunkOf(mtu: number, headers: number): number {
  return Math.max(8, (mtu - headers) & ~7)
}

/** Reserves packets for `length` bytes in pieces behind `headers` bytes. Returns how many, or -1 and reserves none. */
export function reservePieces(outbox: Outbox, length: number, headers: number, mtu: number): number {
  const chunk = chunkOf(mtu, headers)
  let count = 0
  for (let at = 0; at < length; at += chunk) {
    if (outbox.reserve(headers + Math.min(chunk, length - at)) < 0) {
      giveBack(outbox, count)
      return -1
    }
    count++
  }
  return count
}

/** Gives back the last `count` reserved packets. */
export function giveBack(outbox: Outbox, count: number): void {
  for (let i = 0; i < count; i++) outbox.cancel()
}

/**
 * Fills pieces reserved with {@link reservePieces} from packet `first` of the outbox on: `header`, an IPv6 header
 * with the transport protocol as next header, a Fragment header, and a part of `b[from, to)` each. `offset` and `more`
 * are those of the data itself. Returns the number of the outbox packet after the last.
 */
export function fillPieces6(
  outbox: Outbox,
  first: number,
  mtu: number,
  header: Uint8Array,
  id: number,
  b: Uint8Array,
  from: number,
  to: number,
  offset: number,
  more: boolean,
): number {
  const headers = IPV6_HEADER + FRAGMENT_HEADER
  const chunk = chunkOf(mtu, headers)
  const out = outbox.buf
  const next = header[IP6.NEXT]!
  let i = first
  for (let at = from; at < to; at += chunk) {
    const length = Math.min(chunk, to - at)
    const o = outbox.start(i++)
    copy(header, 0, IPV6_HEADER, out, o)
    put8(out, o + IP6.NEXT, FRAGMENT)
    put16(out, o + IP6.LENGTH, FRAGMENT_HEADER + length)
    putFragmentHeader(out, o + IPV6_HEADER, next, offset + at - from, more || at + length < to, id)
    copy(b, at, at + length, out, o + headers)
  }
  return i
}

/** As {@link fillPieces6}, for IPv4: `header` has identification and flags other than MF. */
export function fillPieces4(
  outbox: Outbox,
  first: number,
  mtu: number,
  header: Uint8Array,
  b: Uint8Array,
  from: number,
  to: number,
  offset: number,
  more: boolean,
): number {
  const chunk = chunkOf(mtu, IPV4_HEADER)
  const out = outbox.buf
  let i = first
  for (let at = from; at < to; at += chunk) {
    const length = Math.min(chunk, to - at)
    const o = outbox.start(i++)
    copy(header, 0, IPV4_HEADER, out, o)
    put16(out, o + IP4.LENGTH, IPV4_HEADER + length)
    const isLast = !more && at + length >= to
    put16(out, o + IP4.FRAG, u16(header, IP4.FRAG) | (isLast ? 0 : MF) | ((offset + at - from) >>> 3))
    writeHeaderChecksum(out, o, IPV4_HEADER)
    copy(b, at, at + length, out, o + IPV4_HEADER)
  }
  return i
}

/** Copies `b[from, to)` to `out` at `o`. A view on long parts is garbage, but an order of magnitude faster. */
export function copy(b: Uint8Array, from: number, to: number, out: Uint8Array, o: number): void {
  if (to - from >= LONG) {
    out.set(b.subarray(from, to), o)
    return
  }
  const shift = o - from
  for (let i = from; i < to; i++) out[i + shift] = b[i]!
}
