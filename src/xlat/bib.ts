// hot path
/**
 * The Binding Information Bases (RFC 6146 section 3.1), one table for the three protocols: (X',x) <-> (T,t).
 * A record is half a cache line; unused ones cost no memory.
 */
import type { KeyedHash } from './hash.js'
import { alignedWords, HashIndex } from './hash-index.js'

const WORDS = 8
/** Words of a record; 0 to 3 are host6. */
const PORTS = 4 // host6Port << 16 | mapped4Port
const MAPPED4 = 5
const HEAD = 6 // first of its sessions, -1 for none; in a free record, the next free one
const KIND = 7 // bit 31 in use, 30 static, 28-29 protocol, 0-27 guest

const USED = 1 << 31
const STATIC = 1 << 30
const GUEST = 0x0fffffff

const DOMAIN6 = 0x10
const DOMAIN4 = 0x20

/** Bytes of a record. */
export const BIB_BYTES = WORDS * 4

export class BibTable {
  count = 0
  /** Records ever used. */
  high = 0
  private readonly words: Int32Array
  private readonly by6: HashIndex
  private readonly by4: HashIndex
  private free = -1
  // Made once, for growIfTight().
  private readonly rehash6 = (record: number) => this.hash6(record)
  private readonly rehash4 = (record: number) => this.hash4(record)

  constructor(
    readonly capacity: number,
    private readonly hash: KeyedHash,
  ) {
    this.words = alignedWords(capacity * WORDS)
    this.by6 = new HashIndex(capacity, 3)
    this.by4 = new HashIndex(capacity, 4)
  }

  find6(protocol: number, h0: number, h1: number, h2: number, h3: number, port: number): number {
    const w = this.words
    const a = h0 | 0
    const b = h1 | 0
    const c = h2 | 0
    const d = h3 | 0
    const hash = this.hash.of6(DOMAIN6 + protocol, a, b, c, d, port, 0)
    for (let r = this.by6.first(hash); r >= 0; r = this.by6.next()) {
      const o = r * WORDS
      if (w[o + 3] === d && w[o + 2] === c && w[o + 1] === b && w[o] === a) {
        if (w[o + PORTS]! >>> 16 === port && this.protocol(r) === protocol) return r
      }
    }
    return -1
  }

  find4(protocol: number, address4: number, port: number): number {
    const w = this.words
    const address = address4 | 0
    const hash = this.hash.of3(DOMAIN4 + protocol, address, port, 0)
    for (let r = this.by4.first(hash); r >= 0; r = this.by4.next()) {
      const o = r * WORDS
      if (w[o + MAPPED4] === address && (w[o + PORTS]! & 0xffff) === port && this.protocol(r) === protocol) return r
    }
    return -1
  }

  /** Adds an entry without sessions; the caller has looked that neither side is in and that there is room. */
  add(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    mapped4: number,
    mapped4Port: number,
    guest: number,
    isStatic: boolean,
  ): number {
    const w = this.words
    let r = this.free
    if (r >= 0) this.free = w[r * WORDS + HEAD]!
    else r = this.high++
    const o = r * WORDS
    w[o] = h0
    w[o + 1] = h1
    w[o + 2] = h2
    w[o + 3] = h3
    w[o + PORTS] = (host6Port << 16) | mapped4Port
    w[o + MAPPED4] = mapped4
    w[o + HEAD] = -1
    w[o + KIND] = USED | (isStatic ? STATIC : 0) | (protocol << 28) | guest
    this.by6.growIfTight(this.rehash6)
    this.by4.growIfTight(this.rehash4)
    this.by6.insert(this.hash6(r), r)
    this.by4.insert(this.hash4(r), r)
    this.count++
    return r
  }

  /** Takes out an entry without sessions. */
  remove(r: number): void {
    const o = r * WORDS
    this.by6.remove(this.hash6(r), r)
    this.by4.remove(this.hash4(r), r)
    this.words[o + KIND] = 0
    this.words[o + HEAD] = this.free
    this.free = r
    this.count--
  }

  isUsed(r: number): boolean {
    return (this.words[r * WORDS + KIND]! & USED) !== 0
  }
  isStatic(r: number): boolean {
    return (this.words[r * WORDS + KIND]! & STATIC) !== 0
  }
  setStatic(r: number, isStatic: boolean): void {
    const o = r * WORDS + KIND
    this.words[o] = isStatic ? this.words[o]! | STATIC : this.words[o]! & ~STATIC
  }
  protocol(r: number): number {
    return (this.words[r * WORDS + KIND]! >>> 28) & 3
  }
  guest(r: number): number {
    return this.words[r * WORDS + KIND]! & GUEST
  }
  setGuest(r: number, guest: number): void {
    const o = r * WORDS + KIND
    this.words[o] = (this.words[o]! & ~GUEST) | guest
  }
  host6Word(r: number, k: number): number {
    return this.words[r * WORDS + k]! >>> 0
  }
  host6Port(r: number): number {
    return this.words[r * WORDS + PORTS]! >>> 16
  }
  mapped4(r: number): number {
    return this.words[r * WORDS + MAPPED4]! >>> 0
  }
  mapped4Port(r: number): number {
    return this.words[r * WORDS + PORTS]! & 0xffff
  }
  /** The first of its sessions, or -1. */
  head(r: number): number {
    return this.words[r * WORDS + HEAD]!
  }
  setHead(r: number, session: number): void {
    this.words[r * WORDS + HEAD] = session
  }

  private hash6(r: number): number {
    const o = r * WORDS
    const w = this.words
    const port = w[o + PORTS]! >>> 16
    return this.hash.of6(DOMAIN6 + this.protocol(r), w[o]!, w[o + 1]!, w[o + 2]!, w[o + 3]!, port, 0)
  }

  private hash4(r: number): number {
    const o = r * WORDS
    return this.hash.of3(DOMAIN4 + this.protocol(r), this.words[o + MAPPED4]!, this.mapped4Port(r), 0)
  }
}
