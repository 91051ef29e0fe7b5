/** Cuts an IPv4 packet into fragments (RFC 791 section 3.2), into the outbox. */
import { put16, u16 } from '../wire/bytes.js'
import { writeHeaderChecksum } from '../wire/checksum.js'
import { IP4, IPV4_HEADER, MF } from '../wire/protocol.js'
import type { Outbox } from './outbox.js'

/**
 * Fragments `buf[start, end)`, a packet without options, so that each fits `mtu` bytes; a packet that fits goes whole.
 * DF is cleared and `id` set, for the source has let the packet be fragmented. False when the outbox is full: then it
 * got none of them.
 */
export function emitFragments4(outbox: Outbox, buf: Uint8Array, start: number, end: number, mtu: number, id: number) {
  const payload = end - start - IPV4_HEADER
  const fits = end - start <= mtu
  const step = fits ? payload : (mtu - IPV4_HEADER) & ~7
  const before = outbox.count
  for (let offset = 0; offset < payload; offset += step) {
    const length = Math.min(step, payload - offset)
    const at = outbox.reserve(IPV4_HEADER + length)
    if (at < 0) {
      while (outbox.count > before) outbox.cancel()
      return false
    }
    const from = start + IPV4_HEADER + offset
    outbox.buf.set(buf.subarray(start, start + IPV4_HEADER), at)
    outbox.buf.set(buf.subarray(from, from + length), at + IPV4_HEADER)
    put16(outbox.buf, at + IP4.LENGTH, IPV4_HEADER + length)
    put16(outbox.buf, at + IP4.ID, id)
    put16(outbox.buf, at + IP4.FRAG, (offset >>> 3) | (offset + length < payload ? MF : 0))
    writeHeaderChecksum(outbox.buf, at, IPV4_HEADER)
  }
  return true
}

/** Clears DF of the IPv4 packet at `start`. */
export function clearDf(buf: Uint8Array, start: number): void {
  const frag = u16(buf, start + IP4.FRAG)
  put16(buf, start + IP4.FRAG, frag & ~0x4000)
  writeHeaderChecksum(buf, start, IPV4_HEADER)
}
