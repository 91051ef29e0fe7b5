/**
 * Packets that arrive in fragments: what has come so far, what waits, and how the rest is to be translated
 * (RFC 6146 section 3.4). Fragments come in any order. Bounded in packets, fragments, bytes, time, and per source, so
 * that a flood from one host leaves room for the others. In a flood from many the oldest packet gives way: an honest
 * one is whole long before it is the oldest. Overlap kills the packet (RFC 5722).
 */
import type { Limits } from './config.js'
import { arenaBytes, FragmentArena } from './fragment-arena.js'
import type { Packet } from './packet.js'
import { REASON } from './reason.js'
import { STAT } from './stats.js'

/** No first fragment yet: nobody knows the ports. */
export const WAITING = 0
/** The first fragment was translated; the others follow it at once. */
export const RESOLVED = 1
/** All fragments wait until the packet is whole. */
export const WHOLE = 2
/** Refused; the rest is dropped for the same reason. */
export const DEAD = 3

/** Fragments of one packet; more is an attack. */
export const MAX_FRAGMENTS = 64

/** Fields of a packet's record. */
const HASH_NEXT = 0
const OLDER = 1
const NEWER = 2
const STATE = 3
const KEY = 4
const TOTAL = 14
const RECEIVED = 15
const RANGES = 16
const FIRST_NODE = 17
const BUCKET = 18
const WHY = 19
const RESOLUTION = 20
const STRIDE = 28
const KEY_WORDS = 10

/** Fields of a waiting fragment's record. */
const NEXT = 0
const START = 1
const LENGTH = 2
const PAYLOAD = 3
const OFFSET = 4
const NODE_STRIDE = 5

const BUCKETS = 256
const NONE = -1
/** Packets that give way, at most, for room for one fragment. */
const EVICTIONS = 4

/** Bytes of a packet's record, a waiting fragment's, and their places in the hash table. */
const BYTES_EACH = 4 * STRIDE + 8 + 2 * 2 * MAX_FRAGMENTS + 4 * NODE_STRIDE + 2 * 4

/** Bytes that a store takes. */
export function fragmentStoreBytes({ fragments, fragmentBytes }: Limits): number {
  return fragments * BYTES_EACH + fragmentBytes + Math.ceil(fragmentBytes / 512)
}

export class FragmentStore {
  /** Why the last `open`, `accept` or `keep` refused. */
  reason = 0
  /** The caller is busy with a packet: none gives way to another one. */
  isBusy = false
  readonly arena: FragmentArena
  private readonly packets: Int32Array
  private readonly deadlines: Float64Array
  private readonly ranges: Uint16Array
  private readonly nodes: Int32Array
  private readonly heads: Int32Array
  private readonly key = new Int32Array(KEY_WORDS)
  /** What each source holds: packets and fragments, bytes. */
  private readonly held = new Int32Array(BUCKETS)
  private readonly heldBytes = new Int32Array(BUCKETS)
  private readonly maxHeld: number
  private readonly maxHeldBytes: number
  private freePacket = 0
  private freeNode = 0
  private oldest = NONE
  private newest = NONE

  constructor(
    limits: Limits,
    private readonly timeoutMs: number,
    private readonly stats: Float64Array,
    private readonly secret: readonly [number, number, number, number],
  ) {
    const count = Math.max(1, limits.fragments)
    this.arena = new FragmentArena(limits.fragmentBytes)
    this.packets = new Int32Array(count * STRIDE)
    this.deadlines = new Float64Array(count)
    this.ranges = new Uint16Array(count * MAX_FRAGMENTS * 2)
    this.nodes = new Int32Array(count * NODE_STRIDE)
    let heads = 16
    while (heads < count) heads *= 2
    this.heads = new Int32Array(heads).fill(NONE)
    for (let i = 0; i < count; i++) {
      this.packets[i * STRIDE + HASH_NEXT] = i + 1 < count ? i + 1 : NONE
      this.nodes[i * NODE_STRIDE + NEXT] = i + 1 < count ? i + 1 : NONE
    }
    this.maxHeld = Math.max(MAX_FRAGMENTS + 1, count >>> 2)
    this.maxHeldBytes = Math.max(2 * arenaBytes(65535), limits.fragmentBytes >>> 2)
  }

  /** The packet that fragment `p` belongs to, a new one if need be; -1 with `reason` at a limit. */
  open(p: Packet, nowMs: number): number {
    this.expire(nowMs, 4)
    this.readKey(p)
    const head = this.hash(0, KEY_WORDS) & (this.heads.length - 1)
    for (let e = this.heads[head]!; e !== NONE; e = this.packets[e * STRIDE + HASH_NEXT]!) {
      if (!this.hasKey(e)) continue
      if (this.deadlines[e]! > nowMs) return e
      this.close(e, REASON.fragment_timeout)
      break
    }
    const bucket = this.hash(1, 5) & (BUCKETS - 1)
    const mayHold = this.held[bucket]! < this.maxHeld
    if (mayHold && this.freePacket === NONE && !this.isBusy) this.close(this.oldest, REASON.fragments_full)
    if (!mayHold || this.freePacket === NONE) {
      this.reason = REASON.fragments_full
      return NONE
    }
    this.readKey(p)
    return this.create(head, bucket, nowMs)
  }

  private create(head: number, bucket: number, nowMs: number): number {
    const e = this.freePacket
    const r = e * STRIDE
    const w = this.packets
    this.freePacket = w[r + HASH_NEXT]!
    w[r + HASH_NEXT] = this.heads[head]!
    this.heads[head] = e
    w[r + OLDER] = this.newest
    w[r + NEWER] = NONE
    if (this.newest === NONE) this.oldest = e
    else w[this.newest * STRIDE + NEWER] = e
    this.newest = e
    w[r + STATE] = WAITING
    for (let i = 0; i < KEY_WORDS; i++) w[r + KEY + i] = this.key[i]!
    w[r + TOTAL] = NONE
    w[r + RECEIVED] = 0
    w[r + RANGES] = 0
    w[r + FIRST_NODE] = NONE
    w[r + BUCKET] = bucket
    w[r + WHY] = 0
    this.held[bucket]! += 1
    this.deadlines[e] = nowMs + this.timeoutMs
    return e
  }

  state(e: number): number {
    return this.packets[e * STRIDE + STATE]!
  }

  /** Why a DEAD packet was refused. */
  why(e: number): number {
    return this.packets[e * STRIDE + WHY]!
  }

  /**
   * Notes that fragment `p` has come. 0, or a reason: an exact duplicate is refused alone, whatever contradicts the
   * fragments before it kills the packet with all that waits for it.
   */
  accept(e: number, p: Packet): number {
    const r = e * STRIDE
    const w = this.packets
    const start = p.fragOffset
    const end = start + p.end - p.l4
    const total = w[r + TOTAL]!
    const count = w[r + RANGES]!
    for (let i = 0, o = e * MAX_FRAGMENTS * 2; i < count; i++, o += 2) {
      const from = this.ranges[o]!
      const to = this.ranges[o + 1]!
      if (from === start && to === end) return REASON.fragment_overlap
      if (from < end && start < to) return this.kill(e, REASON.fragment_overlap)
    }
    const isLast = !p.moreFragments
    const isOdd = end <= start || end > 65535 || (!isLast && ((end - start) & 7) !== 0)
    const contradicts = total !== NONE && (isLast || end > total)
    if (isOdd || contradicts || (isLast && this.reaches(e, count, end))) return this.kill(e, REASON.fragment_overlap)
    if (count === MAX_FRAGMENTS) return this.kill(e, REASON.fragments_full)
    const o = (e * MAX_FRAGMENTS + count) * 2
    this.ranges[o] = start
    this.ranges[o + 1] = end
    w[r + RANGES] = count + 1
    w[r + RECEIVED]! += end - start
    if (isLast) w[r + TOTAL] = end
    return 0
  }

  /** Says whether a fragment that has come goes past `end`. */
  private reaches(e: number, count: number, end: number): boolean {
    for (let i = 0, o = e * MAX_FRAGMENTS * 2 + 1; i < count; i++, o += 2) if (this.ranges[o]! > end) return true
    return false
  }

  /** Says whether every byte of the packet has come. */
  isComplete(e: number): boolean {
    const r = e * STRIDE
    return this.packets[r + RECEIVED] === this.packets[r + TOTAL]
  }

  /** Keeps a copy of `p`. 0, or a reason when it finds no room; the packet is dead then. */
  keep(e: number, p: Packet): number {
    const r = e * STRIDE
    const length = p.end - p.start
    const bucket = this.packets[r + BUCKET]!
    const bytes = arenaBytes(length)
    const mayHold = this.held[bucket]! < this.maxHeld && this.heldBytes[bucket]! + bytes <= this.maxHeldBytes
    const start = mayHold ? this.findRoom(e, length) : NONE
    if (start < 0) return this.kill(e, REASON.fragments_full)
    const node = this.freeNode
    const n = node * NODE_STRIDE
    const w = this.nodes
    this.freeNode = w[n + NEXT]!
    this.arena.buf.set(p.buf.subarray(p.start, p.end), start)
    w[n + NEXT] = this.packets[r + FIRST_NODE]!
    w[n + START] = start
    w[n + LENGTH] = length
    w[n + PAYLOAD] = p.l4 - p.start
    w[n + OFFSET] = p.fragOffset
    this.packets[r + FIRST_NODE] = node
    this.held[bucket]! += 1
    this.heldBytes[bucket]! += bytes
    this.stats[STAT.storedFragments]! += 1
    return 0
  }

  /** Room in the arena for a fragment of packet `e`, which a record is free for; -1: not even if others give way. */
  private findRoom(e: number, length: number): number {
    for (let n = 0; ; n++) {
      const start = this.freeNode === NONE ? NONE : this.arena.allocate(length)
      if (start >= 0 || n === EVICTIONS || this.oldest === e || this.isBusy) return start
      this.close(this.oldest, REASON.fragments_full)
    }
  }

  /** The first of the waiting fragments, or -1; and the one after it. */
  firstNode(e: number): number {
    return this.packets[e * STRIDE + FIRST_NODE]!
  }

  nextNode(node: number): number {
    return this.nodes[node * NODE_STRIDE + NEXT]!
  }

  nodeStart(node: number): number {
    return this.nodes[node * NODE_STRIDE + START]!
  }

  nodeEnd(node: number): number {
    return this.nodes[node * NODE_STRIDE + START]! + this.nodes[node * NODE_STRIDE + LENGTH]!
  }

  /** Where the payload of a waiting fragment starts in the arena, and where it belongs in the packet. */
  nodePayload(node: number): number {
    return this.nodes[node * NODE_STRIDE + START]! + this.nodes[node * NODE_STRIDE + PAYLOAD]!
  }

  nodeOffset(node: number): number {
    return this.nodes[node * NODE_STRIDE + OFFSET]!
  }

  /** Payload bytes of the whole packet; valid when {@link isComplete}. */
  total(e: number): number {
    return this.packets[e * STRIDE + TOTAL]!
  }

  /** All fragments wait from now on. */
  wantWhole(e: number): void {
    this.packets[e * STRIDE + STATE] = WHOLE
  }

  /** The others follow at once, with these addresses (IPv4: in the fourth word of each). */
  resolve(
    e: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    d0: number,
    d1: number,
    d2: number,
    d3: number,
  ): void {
    const w = this.packets
    const r = e * STRIDE + RESOLUTION
    w[e * STRIDE + STATE] = RESOLVED
    w[r] = s0
    w[r + 1] = s1
    w[r + 2] = s2
    w[r + 3] = s3
    w[r + 4] = d0
    w[r + 5] = d1
    w[r + 6] = d2
    w[r + 7] = d3
  }

  /** Word 0 to 7 of what {@link resolve} was told. */
  resolution(e: number, word: number): number {
    return this.packets[e * STRIDE + RESOLUTION + word]! >>> 0
  }

  /** Refuses the packet: drops what waits, and what will come until the time is up. Returns `reason`. */
  kill(e: number, reason: number): number {
    this.release(e, reason)
    this.packets[e * STRIDE + STATE] = DEAD
    this.packets[e * STRIDE + WHY] = reason
    return reason
  }

  /** Frees all waiting fragments; a reason counts them as dropped. Returns how many they were. */
  release(e: number, reason: number): number {
    const r = e * STRIDE
    const bucket = this.packets[r + BUCKET]!
    let count = 0
    for (let node = this.packets[r + FIRST_NODE]!; node !== NONE; count++) {
      const n = node * NODE_STRIDE
      const next = this.nodes[n + NEXT]!
      const length = this.nodes[n + LENGTH]!
      this.arena.free(this.nodes[n + START]!, length)
      this.heldBytes[bucket]! -= arenaBytes(length)
      this.nodes[n + NEXT] = this.freeNode
      this.freeNode = node
      node = next
    }
    this.packets[r + FIRST_NODE] = NONE
    this.held[bucket]! -= count
    this.stats[STAT.storedFragments]! -= count
    if (reason !== 0) this.stats[STAT.drops + reason]! += count
    return count
  }

  /** Forgets the packet; what still waits is counted as dropped for `reason`. */
  close(e: number, reason: number): void {
    this.release(e, reason)
    const r = e * STRIDE
    const w = this.packets
    for (let i = 0; i < KEY_WORDS; i++) this.key[i] = w[r + KEY + i]!
    const head = this.hash(0, KEY_WORDS) & (this.heads.length - 1)
    if (this.heads[head] === e) this.heads[head] = w[r + HASH_NEXT]!
    else {
      let before = this.heads[head]!
      while (w[before * STRIDE + HASH_NEXT] !== e) before = w[before * STRIDE + HASH_NEXT]!
      w[before * STRIDE + HASH_NEXT] = w[r + HASH_NEXT]!
    }
    const older = w[r + OLDER]!
    const newer = w[r + NEWER]!
    if (older === NONE) this.oldest = newer
    else w[older * STRIDE + NEWER] = newer
    if (newer === NONE) this.newest = older
    else w[newer * STRIDE + OLDER] = older
    this.held[w[r + BUCKET]!]! -= 1
    w[r + HASH_NEXT] = this.freePacket
    this.freePacket = e
  }

  /** Forgets packets whose time is up, at most `budget`; returns how many. */
  expire(nowMs: number, budget: number): number {
    let done = 0
    while (done < budget && this.oldest !== NONE && this.deadlines[this.oldest]! <= nowMs) {
      this.close(this.oldest, REASON.fragment_timeout)
      done++
    }
    return done
  }

  /** Forgets everything. */
  clear(): void {
    while (this.oldest !== NONE) this.close(this.oldest, REASON.fragment_timeout)
  }

  private readKey(p: Packet): void {
    const k = this.key
    // In IPv6 only the first fragment's next header counts (RFC 8200 section 4.5), so it is no part of the key.
    k[0] = p.version === 4 ? (4 << 8) | p.protocol : 6 << 8
    k[1] = p.version === 4 ? 0 : p.s0
    k[2] = p.version === 4 ? 0 : p.s1
    k[3] = p.version === 4 ? 0 : p.s2
    k[4] = p.s3
    k[5] = p.version === 4 ? 0 : p.d0
    k[6] = p.version === 4 ? 0 : p.d1
    k[7] = p.version === 4 ? 0 : p.d2
    k[8] = p.d3
    k[9] = p.fragId
  }

  private hasKey(e: number): boolean {
    const o = e * STRIDE + KEY
    for (let i = 0; i < KEY_WORDS; i++) if (this.packets[o + i] !== this.key[i]) return false
    return true
  }

  private hash(from: number, to: number): number {
    let h = this.secret[0] | 0
    for (let i = from; i < to; i++) {
      h = Math.imul(h ^ this.key[i]! ^ (this.secret[1] + i), 0x85ebca6b)
      h ^= (h >>> 15) ^ (this.secret[2] | 0)
      h = Math.imul(h, 0xc2b2ae35)
      h ^= h >>> 13
    }
    h = Math.imul(h ^ this.secret[3], 0x27d4eb2f)
    return (h ^ (h >>> 16)) >>> 0
  }
}
