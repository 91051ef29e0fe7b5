// hot path
/**
 * SYNs from outside that wait for one from inside (RFC 6146 section 3.5.2.2). All wait equally long, so they end in the
 * order they came: a ring. Only as much of a packet is kept as an answer to it quotes.
 */
import { u8, u16, u32 } from '../wire/bytes.js'
import { IP4 } from '../wire/protocol.js'
import type { KeyedHash } from './hash.js'
import { HashIndex, indexBytes } from './hash-index.js'

/** Bytes kept of each: the longest IPv4 and TCP headers, and some. */
export const SYN_BYTES = 128
const DOMAIN = 0x70
const DOMAIN_PEER = 0x71

/** Bytes for `count` of them. */
export function pendingBytes(count: number): number {
  return count * (SYN_BYTES + 6) + 2 * indexBytes(count)
}

export class PendingSyns {
  /** Those that wait. */
  count = 0
  /** The packets; `start(slot)` says where. */
  readonly bytes: Uint8Array
  private readonly lengths: Uint8Array
  private readonly deadlines: Int32Array
  /** 0: answered from inside, its place in the ring is passed over; 1: waits; 2: and is found by its peer. */
  private readonly waits: Uint8Array
  private readonly byKey: HashIndex
  private readonly byPeer: HashIndex
  private head = 0
  // Made once, for growIfTight().
  private readonly rehash = (slot: number) => this.hashOf(slot)
  private readonly rehashPeer = (slot: number) => this.hashOfPeer(slot)
  private used = 0

  constructor(
    readonly capacity: number,
    private readonly hash: KeyedHash,
  ) {
    this.bytes = new Uint8Array(capacity * SYN_BYTES)
    this.lengths = new Uint8Array(capacity)
    this.deadlines = new Int32Array(capacity)
    this.waits = new Uint8Array(capacity)
    this.byKey = new HashIndex(capacity)
    this.byPeer = new HashIndex(capacity)
  }

  start(slot: number): number {
    return slot * SYN_BYTES
  }
  end(slot: number): number {
    return slot * SYN_BYTES + this.lengths[slot]!
  }
  mapped4(slot: number): number {
    return u32(this.bytes, slot * SYN_BYTES + IP4.DST)
  }
  mapped4Port(slot: number): number {
    return u16(this.bytes, this.tcp(slot) + 2)
  }

  /** The SYN from a peer to a transport address of ours, or -1. */
  find(mapped4: number, mapped4Port: number, peer4: number, peer4Port: number, now: number): number {
    const hash = this.hash.of3(DOMAIN, mapped4, peer4, (mapped4Port << 16) | peer4Port)
    for (let slot = this.byKey.first(hash); slot >= 0; slot = this.byKey.next()) {
      if (this.mapped4(slot) !== mapped4 >>> 0 || this.mapped4Port(slot) !== mapped4Port) continue
      if (this.isFrom(slot, peer4, peer4Port) && this.deadlines[slot]! > now) return slot
    }
    return -1
  }

  /** A SYN from a peer to any transport address of ours, or -1. */
  findFrom(peer4: number, peer4Port: number, now: number): number {
    if (this.count === 0) return -1
    const hash = this.hash.of3(DOMAIN_PEER, peer4, peer4Port, 0)
    for (let slot = this.byPeer.first(hash); slot >= 0; slot = this.byPeer.next()) {
      if (this.isFrom(slot, peer4, peer4Port) && this.deadlines[slot]! > now) return slot
    }
    return -1
  }

  /** Keeps the IPv4 TCP packet in `buf[start, end)`; false when there is no room. */
  add(buf: Uint8Array, start: number, end: number, deadline: number): boolean {
    if (this.used === this.capacity) return false
    const slot = (this.head + this.used) % this.capacity
    const length = Math.min(end - start, SYN_BYTES)
    const o = slot * SYN_BYTES
    for (let k = 0; k < length; k++) this.bytes[o + k] = buf[start + k]!
    this.lengths[slot] = length
    this.deadlines[slot] = deadline
    this.waits[slot] = 1
    this.byKey.growIfTight(this.rehash)
    this.byKey.insert(this.hashOf(slot), slot)
    // One a peer, or a peer that tries all our ports would make long chains.
    const tcp = this.tcp(slot)
    if (this.findFrom(u32(this.bytes, o + IP4.SRC), u16(this.bytes, tcp), -(2 ** 31)) < 0) {
      this.waits[slot] = 2
      this.byPeer.growIfTight(this.rehashPeer)
      this.byPeer.insert(this.hashOfPeer(slot), slot)
    }
    this.used++
    this.count++
    return true
  }

  /** Lets go of a SYN that was found. */
  remove(slot: number): void {
    if (this.waits[slot] === 0) return
    this.byKey.remove(this.hashOf(slot), slot)
    if (this.waits[slot] === 2) this.byPeer.remove(this.hashOfPeer(slot), slot)
    this.waits[slot] = 0
    this.count--
    this.compact()
  }

  /** Takes out the oldest SYN if its time is over; its bytes stay until the next add(). -1: none. */
  takeDue(now: number): number {
    this.compact()
    if (this.used === 0 || this.deadlines[this.head]! > now) return -1
    const slot = this.head
    this.remove(slot)
    return slot
  }

  /** Moves all deadlines when the clock's origin moves. */
  shift(by: number): void {
    for (let slot = 0; slot < this.capacity; slot++) {
      this.deadlines[slot] = Math.max(this.deadlines[slot]! - by, -(2 ** 30))
    }
  }

  private compact(): void {
    while (this.used > 0 && this.waits[this.head] === 0) {
      this.head = (this.head + 1) % this.capacity
      this.used--
    }
  }

  private tcp(slot: number): number {
    const o = slot * SYN_BYTES
    return o + ((u8(this.bytes, o) & 15) << 2)
  }

  private isFrom(slot: number, peer4: number, peer4Port: number): boolean {
    return u32(this.bytes, slot * SYN_BYTES + IP4.SRC) === peer4 >>> 0 && u16(this.bytes, this.tcp(slot)) === peer4Port
  }

  private hashOf(slot: number): number {
    const tcp = this.tcp(slot)
    const source = u32(this.bytes, slot * SYN_BYTES + IP4.SRC)
    return this.hash.of3(
      DOMAIN,
      this.mapped4(slot),
      source,
      (u32(this.bytes, tcp) >>> 16) | (u16(this.bytes, tcp + 2) << 16),
    )
  }

  private hashOfPeer(slot: number): number {
    return this.hash.of3(DOMAIN_PEER, u32(this.bytes, slot * SYN_BYTES + IP4.SRC), u16(this.bytes, this.tcp(slot)), 0)
  }
}
