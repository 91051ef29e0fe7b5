/** Prefixes of both families: a network address and a length in bits. */
import { formatIpv4, type Ipv4, parseIpv4 } from './ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from './ipv6.js'

/** An IPv4 prefix; bits of `address` past `length` are zero. `length` 0 to 32. */
export interface Prefix4 {
  readonly address: Ipv4
  readonly length: number
}

/** An IPv6 prefix; bits of `address` past `length` are zero. `length` 0 to 128. */
export interface Prefix6 {
  readonly address: Ipv6
  readonly length: number
}

/** The mask of a 32-bit word for a prefix length; lengths outside 0..32 are clamped. */
export function mask32(length: number): number {
  return length <= 0 ? 0 : length >= 32 ? 0xffffffff : (0xffffffff << (32 - length)) >>> 0
}

/** Clears the bits of an IPv6 address past `length`. */
export function maskIpv6(address: Ipv6, length: number): Ipv6 {
  const word = (i: 0 | 1 | 2 | 3) => (address[i] & mask32(length - 32 * i)) >>> 0
  return [word(0), word(1), word(2), word(3)]
}

/**
 * Parses `address/length`, or a bare address as a full-length prefix. Returns undefined when it is no prefix
 * or has bits set past its length: a typing error more often than an intention.
 */
export function parsePrefix4(text: string): Prefix4 | undefined {
  const [addressText, length] = split(text, 32)
  const address = parseIpv4(addressText)
  if (address === undefined || length === undefined || (address & ~mask32(length)) !== 0) return undefined
  return { address, length }
}

/** As {@link parsePrefix4}, for IPv6. */
export function parsePrefix6(text: string): Prefix6 | undefined {
  const [addressText, length] = split(text, 128)
  const address = parseIpv6(addressText)
  if (address === undefined || length === undefined) return undefined
  const masked = maskIpv6(address, length)
  return masked.some((w, i) => w !== address[i]) ? undefined : { address, length }
}

function split(text: string, full: number): [string, number | undefined] {
  const slash = text.indexOf('/')
  if (slash < 0) return [text, full]
  const digits = text.slice(slash + 1)
  const length = /^\d{1,3}$/.test(digits) ? Number(digits) : undefined
  return [text.slice(0, slash), length !== undefined && length <= full ? length : undefined]
}

/** Formats a prefix as `address/length`. */
export function formatPrefix4(prefix: Prefix4): string {
  return `${formatIpv4(prefix.address)}/${prefix.length}`
}

/** Formats a prefix as `address/length`. */
export function formatPrefix6(prefix: Prefix6): string {
  return `${formatIpv6(prefix.address)}/${prefix.length}`
}

/** Says whether `address` is inside `prefix`. */
export function contains4(prefix: Prefix4, address: number): boolean {
  return ((address ^ prefix.address) & mask32(prefix.length)) === 0
}

/** Says whether `address` is inside `prefix`. */
export function contains6(prefix: Prefix6, address: Ipv6): boolean {
  for (let i = 0; i < 4; i++) {
    const mask = mask32(prefix.length - 32 * i)
    if (((address[i as 0] ^ prefix.address[i as 0]) & mask) !== 0) return false
  }
  return true
}

/** Says whether the two prefixes share an address. */
export function overlaps4(a: Prefix4, b: Prefix4): boolean {
  return a.length <= b.length ? contains4(a, b.address) : contains4(b, a.address)
}

/** Says whether the two prefixes share an address. */
export function overlaps6(a: Prefix6, b: Prefix6): boolean {
  return a.length <= b.length ? contains6(a, b.address) : contains6(b, a.address)
}

/** How many addresses an IPv4 prefix holds, 1 to 2^32. */
export function size4(prefix: Prefix4): number {
  return 2 ** (32 - prefix.length)
}
