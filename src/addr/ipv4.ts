/**
 * IPv4 addresses as unsigned 32-bit numbers in host order: 192.0.2.1 is 0xc0000201.
 * Pure: no I/O, nothing but numbers and text.
 */

declare const brand: unique symbol
/** An IPv4 address, 0 to 2^32 - 1. */
export type Ipv4 = number & { readonly [brand]: 'Ipv4' }

/** Parses dotted-quad text. Returns undefined for anything else, leading zeros and short forms included. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let value = 0
  for (let i = 1; i <= 4; i++) {
    const part = match[i] as string
    const byte = Number(part)
    if (byte > 255 || (part.length > 1 && part.startsWith('0'))) return undefined
    value = value * 256 + byte
  }
  return value as Ipv4
}

/** Formats an address as dotted quad. */
export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

/** Makes an address out of a number, keeping its low 32 bits. */
export function ipv4(value: number): Ipv4 {
  return (value >>> 0) as Ipv4
}
