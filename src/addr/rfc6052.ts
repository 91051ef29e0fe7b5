/**
 * IPv4 addresses embedded in IPv6 ones (RFC 6052 section 2.2). Bits 64 to 71 (the "u-octet") are skipped.
 *
 *     length  bytes that hold the IPv4 address
 *       32    4 5 6 7
 *       40    5 6 7 9
 *       48    6 7 9 10
 *       56    7 9 10 11
 *       64    9 10 11 12
 *       96    12 13 14 15
 */
import { type Ipv4, ipv4 } from './ipv4.js'
import type { Ipv6 } from './ipv6.js'
import { contains6, type Prefix6 } from './prefix.js'

/** The prefix lengths RFC 6052 allows, in bits. */
export const POOL6_LENGTHS = [32, 40, 48, 56, 64, 96] as const

/** 64:ff9b::/96, the well-known prefix (RFC 6052 section 2.1). */
export const WELL_KNOWN_PREFIX: Prefix6 = { address: [0x0064ff9b, 0, 0, 0], length: 96 }

/** Puts `address` into `prefix`; u-octet and suffix are zero. `prefix.length` must be one of {@link POOL6_LENGTHS}. */
export function embed(prefix: Prefix6, address: number): Ipv6 {
  const [a, b, c] = prefix.address
  switch (prefix.length) {
    case 32:
      return [a, address >>> 0, 0, 0]
    case 40:
      return [a, (b | (address >>> 8)) >>> 0, (address & 0xff) << 16, 0]
    case 48:
      return [a, (b | (address >>> 16)) >>> 0, (address & 0xffff) << 8, 0]
    case 56:
      return [a, (b | (address >>> 24)) >>> 0, address & 0xffffff, 0]
    case 64:
      return [a, b, address >>> 8, ((address & 0xff) << 24) >>> 0]
    default:
      return [a, b, c, address >>> 0]
  }
}

/** Takes the IPv4 address out of the words of an address under a prefix of that length; u-octet and suffix are ignored. */
export function extractWords(length: number, b: number, c: number, d: number): Ipv4 {
  switch (length) {
    case 32:
      return ipv4(b)
    case 40:
      return ipv4((b << 8) | ((c >>> 16) & 0xff))
    case 48:
      return ipv4((b << 16) | ((c >>> 8) & 0xffff))
    case 56:
      return ipv4((b << 24) | (c & 0xffffff))
    case 64:
      return ipv4((c << 8) | (d >>> 24))
    default:
      return ipv4(d)
  }
}

/** Takes the IPv4 address out of `address`, or returns undefined when it is outside `prefix`. */
export function extract(prefix: Prefix6, address: Ipv6): Ipv4 | undefined {
  return contains6(prefix, address) ? extractWords(prefix.length, address[1], address[2], address[3]) : undefined
}
