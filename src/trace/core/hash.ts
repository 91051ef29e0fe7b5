// hot path
/** Hashes of packets and connections. Not against malice: who forges packets that collide confuses a trace, no more. */

/** Where to begin a hash: another number for another kind of thing. */
export const seed = (domain: number): number => Math.imul(domain + 1, 0x9e3779b1)

/** Takes 32 more bits into a hash of 32 bits. */
export function mix(h: number, value: number): number {
  let x = Math.imul(h ^ value, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return (x ^ (x >>> 16)) | 0
}

/** 53 bits out of two hashes: a number that Map takes without boxing surprises, and that does not collide by chance. */
export function combine(a: number, b: number): number {
  return (a >>> 0) * 0x200000 + (b & 0x1fffff)
}

/** The two hashes of {@link combine}, as far as it keeps them. */
export const hi = (key: number): number => Math.floor(key / 0x200000) | 0
export const lo = (key: number): number => (key % 0x200000) | 0
