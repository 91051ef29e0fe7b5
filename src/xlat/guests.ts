// hot path
/** Who holds how many BIB entries: one record a guest, a guest being a prefix of `guestPrefixLength` bits. */
import { mask32 } from '../addr/prefix.js'
import type { KeyedHash } from './hash.js'
import { alignedWords, HashIndex } from './hash-index.js'

const WORDS = 8
/** Words of a record; 0 to 3 are the prefix. */
const COUNT = 4
const ADDRESS = 5
const HAS_ADDRESS = 6
/** In a record that is not in use, the next such one. */
const SESSIONS = 7
const NEXT_FREE = SESSIONS

const DOMAIN = 0x30

/** Bytes of a record and its packet counter. */
export const GUEST_BYTES = WORDS * 4 + 8

export class GuestTable {
  count = 0
  /** Records ever used; those below that are in use have bibEntries() > 0. */
  high = 0
  /** Packets of each guest, both directions. */
  readonly packets: Float64Array
  private readonly words: Int32Array
  private readonly index: HashIndex
  private readonly mask: readonly [number, number, number, number]
  private free = -1
  // Made once, for growIfTight().
  private readonly rehash = (record: number) => this.hashOf(record)

  constructor(
    capacity: number,
    prefixLength: number,
    private readonly hash: KeyedHash,
  ) {
    this.words = alignedWords(capacity * WORDS)
    this.packets = new Float64Array(capacity)
    this.index = new HashIndex(capacity, 5)
    this.mask = [
      mask32(prefixLength) | 0,
      mask32(prefixLength - 32) | 0,
      mask32(prefixLength - 64) | 0,
      mask32(prefixLength - 96) | 0,
    ]
  }

  /** The guest of an address, or -1. */
  find(h0: number, h1: number, h2: number, h3: number): number {
    const w = this.words
    const a = h0 & this.mask[0]
    const b = h1 & this.mask[1]
    const c = h2 & this.mask[2]
    const d = h3 & this.mask[3]
    for (let g = this.index.first(this.hash.of6(DOMAIN, a, b, c, d, 0, 0)); g >= 0; g = this.index.next()) {
      const o = g * WORDS
      if (w[o] === a && w[o + 1] === b && w[o + 2] === c && w[o + 3] === d) return g
    }
    return -1
  }

  /** Adds the guest of an address, without entries yet. There is a record for each BIB entry that can be. */
  add(h0: number, h1: number, h2: number, h3: number): number {
    const g = this.free >= 0 ? this.free : this.high++
    const o = g * WORDS
    const w = this.words
    if (g === this.free) this.free = w[o + NEXT_FREE]!
    w[o] = h0 & this.mask[0]
    w[o + 1] = h1 & this.mask[1]
    w[o + 2] = h2 & this.mask[2]
    w[o + 3] = h3 & this.mask[3]
    w[o + COUNT] = 0
    w[o + HAS_ADDRESS] = 0
    w[o + SESSIONS] = 0
    this.packets[g] = 0
    this.index.growIfTight(this.rehash)
    this.index.insert(this.hashOf(g), g)
    this.count++
    return g
  }

  /** A BIB entry more. */
  hold(g: number): void {
    this.words[g * WORDS + COUNT]!++
  }

  /** A BIB entry less; without any the guest is forgotten. */
  drop(g: number): void {
    const o = g * WORDS + COUNT
    if (--this.words[o]! <= 0) this.forget(g)
  }

  /** Forgets a guest without entries. */
  forget(g: number): void {
    if (this.words[g * WORDS + COUNT]! > 0) return
    this.index.remove(this.hashOf(g), g)
    this.words[g * WORDS + NEXT_FREE] = this.free
    this.free = g
    this.count--
  }

  bibEntries(g: number): number {
    return this.words[g * WORDS + COUNT]!
  }

  sessions(g: number): number {
    return this.words[g * WORDS + SESSIONS]!
  }

  /** So many sessions more, or less. */
  countSessions(g: number, by: number): void {
    this.words[g * WORDS + SESSIONS]! += by
  }

  /** The IPv4 address that the guest's entries use (RFC 4787 REQ-2); valid if hasAddress(). */
  address(g: number): number {
    return this.words[g * WORDS + ADDRESS]!
  }

  hasAddress(g: number): boolean {
    return this.words[g * WORDS + HAS_ADDRESS] !== 0
  }

  pair(g: number, address4: number): void {
    this.words[g * WORDS + ADDRESS] = address4
    this.words[g * WORDS + HAS_ADDRESS] = 1
  }

  /** Forgets which address the guest uses. */
  unpair(g: number): void {
    this.words[g * WORDS + HAS_ADDRESS] = 0
  }

  prefixWord(g: number, k: number): number {
    return this.words[g * WORDS + k]! >>> 0
  }

  /** A number that is the guest's own for as long as the secret stays. */
  seed(g: number): number {
    return this.hashOf(g) >>> 0
  }

  private hashOf(g: number): number {
    const o = g * WORDS
    const w = this.words
    return this.hash.of6(DOMAIN, w[o]!, w[o + 1]!, w[o + 2]!, w[o + 3]!, 0, 0)
  }
}
