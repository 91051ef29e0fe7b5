// hot path
/**
 * The session tables (RFC 6146 section 3.2), one table for the three protocols. A record is one cache line and tells
 * all that a packet of an established session needs, in either direction: a lookup reads one bucket and one record.
 */
import type { BibTable } from './bib.js'
import type { KeyedHash } from './hash.js'
import { alignedWords, HashIndex } from './hash-index.js'

export const SESSION_WORDS = 16
/** Words of a record; 0 to 3 are host6. */
const PORTS = 4 // host6Port << 16 | peer4Port
const PEER4 = 5
const MAPPED4 = 6
/** mapped4Port << 16 | in use << 15 | protocol << 8 | TCP state */
export const KIND = 7
/** When it ends, ms on the clock of the tables. */
export const EXPIRES = 8
export const BIB = 9
export const GUEST = 10
/** Neighbours among the sessions of its BIB entry; in a free record, NEXT is the next free one. */
export const NEXT = 11
export const PREVIOUS = 12
/** Neighbours among those of them that have the same peer4. */
export const PAIR_NEXT = 13
export const PAIR_PREVIOUS = 14

const USED = 0x8000
/** In KIND: what is equal whenever the protocol is. */
const KIND_MASK = 0x8300
const STATE_MASK = 15
/** How many packets that have no use for their hint, one after the other, a batch may have. */
const STRAY = 4
const DOMAIN6 = 0x40
const DOMAIN4 = 0x50

/** Bytes of a record. */
export const SESSION_BYTES = SESSION_WORDS * 4
/** Most packets of a batch. */
export const BATCH = 64
/** Fewer sessions than this stay in the cache by themselves. */
export const MANY = 8192

export class SessionTable {
  count = 0
  /** Records ever used. */
  high = 0
  readonly words: Int32Array
  private readonly by6: HashIndex
  private readonly by4: HashIndex
  private free = -1
  // Made once, for growIfTight().
  private readonly rehash6 = (record: number) => this.hash6(record)
  private readonly rehash4 = (record: number) => this.hash4(record)
  // The batch that was noted: hashes and sides, then the sessions found for them that no packet has used yet.
  private readonly noted = new Int32Array(BATCH)
  private readonly notedSide = new Uint8Array(BATCH)
  private notes = 0
  private readonly hints = new Int32Array(BATCH)
  private hintAt = 0
  private hintEnd = 0
  /** Keeps the loads of touch() from being optimised away. */
  sink = 0

  constructor(
    readonly capacity: number,
    private readonly hash: KeyedHash,
  ) {
    this.words = alignedWords(capacity * SESSION_WORDS)
    this.by6 = new HashIndex(capacity, 1)
    this.by4 = new HashIndex(capacity, 2)
  }

  find6(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    peer4: number,
    peer4Port: number,
  ): number {
    const w = this.words
    const a = h0 | 0
    const b = h1 | 0
    const c = h2 | 0
    const d = h3 | 0
    const peer = peer4 | 0
    const ports = (host6Port << 16) | peer4Port
    const kind = USED | (protocol << 8)
    for (let k = this.hintAt; k < this.hintEnd && k < this.hintAt + STRAY; k++) {
      const i = this.hints[k]!
      const o = i * SESSION_WORDS
      if (w[o + PORTS] !== ports || w[o + PEER4] !== peer || w[o + 3] !== d) continue
      if (w[o + 2] !== c || w[o + 1] !== b || w[o] !== a || (w[o + KIND]! & KIND_MASK) !== kind) continue
      this.hintAt = k + 1
      return i
    }
    const hash = this.hash.of6(DOMAIN6 + protocol, a, b, c, d, ports, peer)
    for (let i = this.by6.first(hash); i >= 0; i = this.by6.next()) {
      const o = i * SESSION_WORDS
      if (w[o + PORTS] !== ports || w[o + PEER4] !== peer || w[o + 3] !== d) continue
      if (w[o + 2] !== c || w[o + 1] !== b || w[o] !== a || (w[o + KIND]! & KIND_MASK) !== kind) continue
      return i
    }
    return -1
  }

  find4(protocol: number, mapped4: number, mapped4Port: number, peer4: number, peer4Port: number): number {
    const w = this.words
    const mapped = mapped4 | 0
    const peer = peer4 | 0
    const kind = (mapped4Port << 16) | USED | (protocol << 8)
    for (let k = this.hintAt; k < this.hintEnd && k < this.hintAt + STRAY; k++) {
      const i = this.hints[k]!
      const o = i * SESSION_WORDS
      if (w[o + PEER4] !== peer || w[o + MAPPED4] !== mapped || (w[o + PORTS]! & 0xffff) !== peer4Port) continue
      if ((w[o + KIND]! & ~STATE_MASK) !== kind) continue
      this.hintAt = k + 1
      return i
    }
    const hash = this.hash.of3(DOMAIN4 + protocol, mapped, peer, (mapped4Port << 16) | peer4Port)
    for (let i = this.by4.first(hash); i >= 0; i = this.by4.next()) {
      const o = i * SESSION_WORDS
      if (w[o + PEER4] !== peer || w[o + MAPPED4] !== mapped || (w[o + PORTS]! & 0xffff) !== peer4Port) continue
      if ((w[o + KIND]! & ~STATE_MASK) === kind) return i
    }
    return -1
  }

  /** Adds a session of BIB entry `b`; the caller has looked that it is not in and that there is room. */
  add(bib: BibTable, b: number, peer4: number, peer4Port: number, state: number): number {
    const w = this.words
    let i = this.free
    if (i >= 0) this.free = w[i * SESSION_WORDS + NEXT]!
    else i = this.high++
    const o = i * SESSION_WORDS
    w[o] = bib.host6Word(b, 0)
    w[o + 1] = bib.host6Word(b, 1)
    w[o + 2] = bib.host6Word(b, 2)
    w[o + 3] = bib.host6Word(b, 3)
    w[o + PORTS] = (bib.host6Port(b) << 16) | peer4Port
    w[o + PEER4] = peer4
    w[o + MAPPED4] = bib.mapped4(b)
    w[o + KIND] = (bib.mapped4Port(b) << 16) | USED | (bib.protocol(b) << 8) | state
    w[o + BIB] = b
    w[o + GUEST] = bib.guest(b)
    w[o + NEXT] = -1
    w[o + PREVIOUS] = -1
    w[o + PAIR_NEXT] = -1
    w[o + PAIR_PREVIOUS] = -1
    this.by6.growIfTight(this.rehash6)
    this.by4.growIfTight(this.rehash4)
    this.by6.insert(this.hash6(i), i)
    this.by4.insert(this.hash4(i), i)
    this.count++
    return i
  }

  /** Takes a session out, already unlinked from its BIB entry. */
  remove(i: number): void {
    const o = i * SESSION_WORDS
    this.by6.remove(this.hash6(i), i)
    this.by4.remove(this.hash4(i), i)
    this.words[o + KIND] = 0
    this.words[o + NEXT] = this.free
    this.free = i
    this.count--
    if (this.count > 0) return
    this.free = -1
    this.high = 0
  }

  isUsed(i: number): boolean {
    return (this.words[i * SESSION_WORDS + KIND]! & USED) !== 0
  }
  protocol(i: number): number {
    return (this.words[i * SESSION_WORDS + KIND]! >>> 8) & 3
  }
  state(i: number): number {
    return this.words[i * SESSION_WORDS + KIND]! & 15
  }
  setState(i: number, state: number): void {
    const o = i * SESSION_WORDS + KIND
    this.words[o] = (this.words[o]! & ~15) | state
  }
  bib(i: number): number {
    return this.words[i * SESSION_WORDS + BIB]!
  }
  host6Word(i: number, k: number): number {
    return this.words[i * SESSION_WORDS + k]! >>> 0
  }
  host6Port(i: number): number {
    return this.words[i * SESSION_WORDS + PORTS]! >>> 16
  }
  peer4(i: number): number {
    return this.words[i * SESSION_WORDS + PEER4]! >>> 0
  }
  peer4Port(i: number): number {
    return this.words[i * SESSION_WORDS + PORTS]! & 0xffff
  }
  mapped4(i: number): number {
    return this.words[i * SESSION_WORDS + MAPPED4]! >>> 0
  }
  mapped4Port(i: number): number {
    return this.words[i * SESSION_WORDS + KIND]! >>> 16
  }

  /** Notes the key of a packet from IPv6 for touch(). */
  note6(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    peer4: number,
    peer4Port: number,
  ): void {
    if (this.notes === BATCH || this.count < MANY) return
    this.notedSide[this.notes] = 0
    this.noted[this.notes++] = this.hash.of6(DOMAIN6 + protocol, h0, h1, h2, h3, (host6Port << 16) | peer4Port, peer4)
  }

  /** Notes the key of a packet from IPv4 for touch(). */
  note4(protocol: number, mapped4: number, mapped4Port: number, peer4: number, peer4Port: number): void {
    if (this.notes === BATCH || this.count < MANY) return
    this.notedSide[this.notes] = 1
    this.noted[this.notes++] = this.hash.of3(DOMAIN4 + protocol, mapped4, peer4, (mapped4Port << 16) | peer4Port)
  }

  /**
   * Loads what the lookups of the noted packets will read: all buckets, then all records, so that the waits overlap.
   * The lookups that follow look at what was found here first, in the order it was noted.
   */
  touch(): void {
    const { noted, notedSide, notes, hints, by6, by4, words } = this
    let seen = 0
    for (let k = 0; k < notes; k++) seen ^= notedSide[k] === 0 ? by6.peek(noted[k]!) : by4.peek(noted[k]!)
    let end = 0
    for (let k = 0; k < notes; k++) {
      const i = notedSide[k] === 0 ? by6.first(noted[k]!) : by4.first(noted[k]!)
      hints[end] = i
      end += i >= 0 ? 1 : 0
    }
    for (let k = 0; k < end; k++) seen ^= words[hints[k]! * SESSION_WORDS]!
    this.sink = seen
    this.notes = 0
    this.hintAt = 0
    this.hintEnd = end
  }

  private hash6(i: number): number {
    const o = i * SESSION_WORDS
    const w = this.words
    return this.hash.of6(
      DOMAIN6 + this.protocol(i),
      w[o]!,
      w[o + 1]!,
      w[o + 2]!,
      w[o + 3]!,
      w[o + PORTS]!,
      w[o + PEER4]!,
    )
  }

  private hash4(i: number): number {
    const o = i * SESSION_WORDS
    const w = this.words
    const ports = (w[o + KIND]! & 0xffff0000) | (w[o + PORTS]! & 0xffff)
    return this.hash.of3(DOMAIN4 + this.protocol(i), w[o + MAPPED4]!, w[o + PEER4]!, ports)
  }
}
