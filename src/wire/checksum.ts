// hot path
/**
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * A *sum* here is an unfolded total of 16-bit words, below 2^32 for up to 64 KiB of data and more; `fold` brings it to
 * 16 bits, and the complement of that is what stands in a header.
 */
import { u16 } from './bytes.js'

/** Adds the 16-bit words of `b[from, to)` to `initial`; an odd last byte counts as the high half of a word. */
export function sum(b: Uint8Array, from: number, to: number, initial = 0): number {
  let total = initial
  let o = from
  const even = to - ((to - from) & 1)
  for (; o < even; o += 2) total += (b[o]! << 8) | b[o + 1]!
  if (o < to) total += b[o]! << 8
  return total
}

/** Folds a sum, below 2^32, into 16 bits with end-around carry. */
export function fold(total: number): number {
  const t = (total & 0xffff) + (total >>> 16)
  return (t & 0xffff) + (t >>> 16)
}

/** The two halves of a 32-bit word, added: what an address contributes to a sum. */
export function sum32(word: number): number {
  return (word >>> 16) + (word & 0xffff)
}

/** The checksum field for a sum: its folded complement. */
export function finish(total: number): number {
  return ~fold(total) & 0xffff
}

/**
 * The new checksum field after words summing to `removed` were replaced by words summing to `added`
 * (RFC 1624 eqn. 3). Both sums unfolded and non-negative. Never turns a valid 0xffff into 0x0000 or back by itself.
 */
export function update(checksum: number, removed: number, added: number): number {
  return ~fold((~checksum & 0xffff) + (~fold(removed) & 0xffff) + added) & 0xffff
}

/**
 * As {@link update} for a field that holds a *partial* sum: the pseudo-header alone, not complemented, as the kernel
 * hands it over with VIRTIO_NET_HDR_F_NEEDS_CSUM.
 */
export function updatePartial(partial: number, removed: number, added: number): number {
  return fold(partial + (~fold(removed) & 0xffff) + added)
}

/** The sum of the IPv4 pseudo-header (RFC 793 section 3.1). `length` is that of transport header and payload, bytes. */
export function pseudo4(source: number, destination: number, protocol: number, length: number): number {
  return sum32(source) + sum32(destination) + protocol + length
}

/** The sum of the IPv6 pseudo-header (RFC 8200 section 8.1), addresses read at `o` (source, then destination). */
export function pseudo6(b: Uint8Array, o: number, nextHeader: number, length: number): number {
  return sum(b, o, o + 32) + sum32(length) + nextHeader
}

/** Says whether the IPv4 header of `length` bytes at `o` sums up to all ones. */
export function isHeaderValid(b: Uint8Array, o: number, length: number): boolean {
  return fold(sum(b, o, o + length)) === 0xffff
}

/** Writes the checksum of the IPv4 header of `length` bytes at `o`. */
export function writeHeaderChecksum(b: Uint8Array, o: number, length: number): void {
  b[o + 10] = 0
  b[o + 11] = 0
  const c = finish(sum(b, o, o + length))
  b[o + 10] = c >>> 8
  b[o + 11] = c
}

/** Reads a checksum field. */
export const field = u16
