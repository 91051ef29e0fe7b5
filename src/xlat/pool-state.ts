/**
 * The address map of pool mode as bytes, for restart and hand-over. Big-endian:
 *
 *     magic "N64P"(4) version(4) entries(4) sum(4), then for each: guest(16) address(4) idle seconds(4)
 *
 * `sum` is an FNV-1a hash of everything after it; foreign or damaged bytes are refused as a whole.
 */
import { ipv4 } from '../addr/ipv4.js'
import { put32, u32 } from '../wire/bytes.js'
import type { PoolEntry } from './dynamic-pool.js'

const MAGIC = 0x4e363450
const VERSION = 1
const HEADER = 16
const ENTRY = 24

/** The most bytes of a map of so many guests. */
export function poolMapBytes(guests: number): number {
  return HEADER + guests * ENTRY
}

export function encodePool(entries: readonly PoolEntry[]): Uint8Array {
  const bytes = new Uint8Array(HEADER + entries.length * ENTRY)
  for (const [i, { host6, address4, idleMs }] of entries.entries()) {
    const o = HEADER + i * ENTRY
    for (const [k, word] of host6.entries()) put32(bytes, o + 4 * k, word)
    put32(bytes, o + 16, address4)
    put32(bytes, o + 20, Math.min(0xffffffff, Math.floor(idleMs / 1000)))
  }
  put32(bytes, 0, MAGIC)
  put32(bytes, 4, VERSION)
  put32(bytes, 8, entries.length)
  put32(bytes, 12, checkSum(bytes))
  return bytes
}

/** Reads what {@link encodePool} wrote; undefined when the bytes are anything else. */
export function decodePool(bytes: Uint8Array): PoolEntry[] | undefined {
  if (bytes.length < HEADER || u32(bytes, 0) !== MAGIC || u32(bytes, 4) !== VERSION) return undefined
  const count = u32(bytes, 8)
  if (bytes.length !== HEADER + count * ENTRY || u32(bytes, 12) !== checkSum(bytes)) return undefined
  return Array.from({ length: count }, (_, i) => {
    const o = HEADER + i * ENTRY
    return {
      host6: [u32(bytes, o), u32(bytes, o + 4), u32(bytes, o + 8), u32(bytes, o + 12)],
      address4: ipv4(u32(bytes, o + 16)),
      idleMs: u32(bytes, o + 20) * 1000,
    }
  })
}

function checkSum(bytes: Uint8Array): number {
  let h = 0x811c9dc5
  for (let i = HEADER; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
  return h >>> 0
}
