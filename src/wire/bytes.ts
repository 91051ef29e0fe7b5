// hot path
/** Big-endian access to a Uint8Array. The only place that indexes one with `!`; callers have checked their bounds. */

export function u8(b: Uint8Array, o: number): number {
  return b[o]!
}

export function u16(b: Uint8Array, o: number): number {
  return (b[o]! << 8) | b[o + 1]!
}

/** Unsigned. */
export function u32(b: Uint8Array, o: number): number {
  return ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0
}

/** As {@link u32}, but signed: the engine never boxes it, where a call is not inlined. */
export function i32(b: Uint8Array, o: number): number {
  return (b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!
}

export function put8(b: Uint8Array, o: number, value: number): void {
  b[o] = value
}

export function put16(b: Uint8Array, o: number, value: number): void {
  b[o] = value >>> 8
  b[o + 1] = value
}

export function put32(b: Uint8Array, o: number, value: number): void {
  b[o] = value >>> 24
  b[o + 1] = value >>> 16
  b[o + 2] = value >>> 8
  b[o + 3] = value
}
