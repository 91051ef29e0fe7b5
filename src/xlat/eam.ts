// hot path: toV4, toV6, contains4
/**
 * The Explicit Address Mapping table (RFC 7757 section 3): longest prefix match in both directions. Suffixes may differ
 * in length; an IPv6 suffix that is longer is cut (towards IPv4) or padded with zeros (towards IPv6), section 3.3.
 */
import { mask32 } from '../addr/prefix.js'
import type { Eam } from './config.js'
import { PrefixTable } from './prefix-table.js'

export class EamTable {
  private readonly by6: PrefixTable
  private readonly by4: PrefixTable
  /** Words of each entry: four of the IPv6 prefix, its length, the IPv4 prefix, its length. */
  private readonly entries: Uint32Array
  readonly size: number

  /** Result of {@link toV4}. */
  address4 = 0
  /** Result of {@link toV6}. */
  w0 = 0
  w1 = 0
  w2 = 0
  w3 = 0

  constructor(eam: readonly Eam[]) {
    this.size = eam.length
    this.by6 = new PrefixTable(eam.map((e, i) => ({ words: e.prefix6.address, length: e.prefix6.length, value: i })))
    this.by4 = new PrefixTable(
      eam.map((e, i) => ({ words: [e.prefix4.address, 0, 0, 0], length: e.prefix4.length, value: i })),
    )
    this.entries = Uint32Array.from(
      eam.flatMap(e => [...e.prefix6.address, e.prefix6.length, e.prefix4.address, e.prefix4.length]),
    )
  }

  /** Maps an IPv6 address into `address4`; false when no entry covers it. */
  toV4(a: number, b: number, c: number, d: number): boolean {
    if (this.size === 0) return false
    const i = this.by6.find(a, b, c, d)
    if (i < 0) return false
    const e = this.entries
    const o = i * 7
    const suffix = takeBits(a, b, c, d, e[o + 4]!, 32 - e[o + 6]!)
    this.address4 = (e[o + 5]! | suffix) >>> 0
    return true
  }

  /** Maps an IPv4 address into `w0` to `w3`; false when no entry covers it. */
  toV6(address4: number): boolean {
    if (this.size === 0) return false
    const i = this.by4.find(address4, 0, 0, 0)
    if (i < 0) return false
    const e = this.entries
    const o = i * 7
    const count = 32 - e[o + 6]!
    const at = e[o + 4]!
    const suffix = (address4 & ~mask32(32 - count)) >>> 0
    this.w0 = (e[o]! | wordOf(suffix, count, at, 0)) >>> 0
    this.w1 = (e[o + 1]! | wordOf(suffix, count, at, 32)) >>> 0
    this.w2 = (e[o + 2]! | wordOf(suffix, count, at, 64)) >>> 0
    this.w3 = (e[o + 3]! | wordOf(suffix, count, at, 96)) >>> 0
    return true
  }

  /** Says whether an entry covers the IPv4 address. */
  contains4(address4: number): boolean {
    return this.size !== 0 && this.by4.find(address4, 0, 0, 0) >= 0
  }
}

/** `count` bits of the address, 0 to 32, from bit `at` on (0 is the first), right-aligned. */
function takeBits(a: number, b: number, c: number, d: number, at: number, count: number): number {
  if (count === 0) return 0
  const first = at >>> 5
  const shift = at & 31
  const high = word(a, b, c, d, first)
  const low = word(a, b, c, d, first + 1)
  const joined = shift === 0 ? high : (high << shift) | (low >>> (32 - shift))
  return joined >>> (32 - count)
}

function word(a: number, b: number, c: number, d: number, i: number): number {
  return i === 0 ? a : i === 1 ? b : i === 2 ? c : i === 3 ? d : 0
}

/** The word that starts at bit `base`, when `count` right-aligned bits are put at bit `at`. */
function wordOf(bits: number, count: number, at: number, base: number): number {
  const shift = base + 32 - (at + count)
  if (count === 0 || shift >= 32 || shift <= -32) return 0
  return shift >= 0 ? bits << shift : bits >>> -shift
}
