// hot path: find4, find6, assign of a known guest
/**
 * Pool mode: one IPv4 address a guest, out of a range. An address is kept while there is traffic, for the lease after
 * it, and beyond that until somebody else needs it. A guest's preferred address follows from its own address, so that
 * it tends to get the same one again even when nothing was saved.
 */
import { type Ipv4, ipv4 } from '../addr/ipv4.js'
import type { Ipv6 } from '../addr/ipv6.js'
import { type Prefix4, size4 } from '../addr/prefix.js'
import { type LeaseLog, SILENT } from './lease-log.js'
import { STAT } from './stats.js'

/** What is kept across restarts. */
export interface PoolEntry {
  readonly host6: Ipv6
  readonly address4: Ipv4
  /** Time since the last packet, ms. */
  readonly idleMs: number
}

/** Of larger ranges only the first addresses are used. */
const MAX_SIZE = 1 << 20
/** Addresses looked at, in search of an expired lease, for one newcomer. */
const EVICTION_STEPS = 1024
/** Added to stored times, so that 0 can mean "nobody has the address" whatever the clock says, ms. */
const EPOCH = 1e13

/** Bytes for the leases of a range. */
export function poolBytes(range: Prefix4): number {
  return Math.min(size4(range), MAX_SIZE) * (4 * 4 + 2 * 8 + 4 * 4 + 1)
}

export class DynamicPool {
  private readonly base: number
  private readonly size: number
  private readonly leaseMs: number
  /** By offset from `base`: four words of the guest. */
  private readonly guests: Int32Array
  private readonly lastSeen: Float64Array
  private readonly packetCounts: Float64Array
  /** One bit an address: in use, or never to be given away. */
  private readonly taken: Int32Array
  /** Open addressing by guest: offset + 1; 0 is empty. */
  private readonly slots: Int32Array
  private readonly slotMask: number
  private hand = 0
  /** Result of {@link find4}. */
  w0 = 0
  w1 = 0
  w2 = 0
  w3 = 0

  /**
   * @param stats counts the guests that have an address
   * @param log told which guest has which address
   * @param isReserved addresses that no guest may get, beside the first and the last of the range
   */
  constructor(
    range: Prefix4,
    leaseMs: number,
    private readonly stats: Float64Array,
    isReserved: (address4: number) => boolean,
    private readonly log: LeaseLog = SILENT,
  ) {
    log.reset()
    this.base = range.address
    stats[STAT.guests] = 0
    this.size = Math.min(size4(range), MAX_SIZE)
    this.leaseMs = leaseMs
    this.guests = new Int32Array(this.size * 4)
    this.lastSeen = new Float64Array(this.size)
    this.packetCounts = new Float64Array(this.size)
    let slots = 8
    while (slots < this.size * 2) slots *= 2
    this.slots = new Int32Array(slots)
    this.slotMask = slots - 1
    this.taken = new Int32Array((this.size + 31) >>> 5)
    for (let i = this.size; i < this.taken.length * 32; i++) this.take(i)
    const hasEnds = range.length < 31
    for (let i = 0; i < this.size; i++) {
      const isEnd = hasEnds && (i === 0 || i === size4(range) - 1)
      if (isEnd || isReserved((this.base + i) >>> 0)) this.take(i)
    }
  }

  private take(offset: number): void {
    this.taken[offset >>> 5]! |= 1 << (offset & 31)
  }

  private isTaken(offset: number): boolean {
    return (this.taken[offset >>> 5]! & (1 << (offset & 31))) !== 0
  }

  /** Puts the guest that has `address4` into `w0` to `w3`; false when nobody has it. Counts as use of the lease. */
  find4(address4: number, nowMs: number): boolean {
    const offset = (address4 - this.base) >>> 0
    if (offset >= this.size || this.lastSeen[offset] === 0) return false
    const g = this.guests
    this.w0 = g[offset * 4]! >>> 0
    this.w1 = g[offset * 4 + 1]! >>> 0
    this.w2 = g[offset * 4 + 2]! >>> 0
    this.w3 = g[offset * 4 + 3]! >>> 0
    this.touch(offset, nowMs)
    return true
  }

  /** Says whether the range holds the address, in use or not. */
  contains4(address4: number): boolean {
    return (address4 - this.base) >>> 0 < this.size
  }

  /** The guest's address, signed, or -1 when it has none. Counts as use of the lease. */
  find6(a: number, b: number, c: number, d: number, nowMs: number): number {
    const offset = this.slots[this.slotOf(a, b, c, d)]! - 1
    if (offset < 0) return -1
    this.touch(offset, nowMs)
    return (this.base + offset) | 0
  }

  /** As {@link find6}, giving a new guest an address; -1 when none is left. */
  assign(a: number, b: number, c: number, d: number, nowMs: number): number {
    const known = this.find6(a, b, c, d, nowMs)
    if (known !== -1) return known
    const offset = this.freeOffset(mix(a, b, c, d) % this.size, nowMs)
    if (offset < 0) return -1
    this.bind(offset, a, b, c, d, nowMs)
    return (this.base + offset) | 0
  }

  private touch(offset: number, nowMs: number): void {
    this.lastSeen[offset] = nowMs + EPOCH
    this.packetCounts[offset]! += 1
  }

  private bind(offset: number, a: number, b: number, c: number, d: number, seenMs: number): void {
    this.take(offset)
    this.guests[offset * 4] = a
    this.guests[offset * 4 + 1] = b
    this.guests[offset * 4 + 2] = c
    this.guests[offset * 4 + 3] = d
    this.packetCounts[offset] = 0
    this.lastSeen[offset] = seenMs + EPOCH
    this.slots[this.slotOf(a, b, c, d)] = offset + 1
    this.stats[STAT.guests]! += 1
    this.log.begin(a, b, c, d, this.base + offset, 0, 65535)
  }

  /** The guest's slot, or the empty one where it belongs. */
  private slotOf(a: number, b: number, c: number, d: number): number {
    const g = this.guests
    let i = mix(a, b, c, d) & this.slotMask
    for (;;) {
      const offset = this.slots[i]! - 1
      if (offset < 0) return i
      const o = offset * 4
      if (g[o] === (a | 0) && g[o + 1] === (b | 0) && g[o + 2] === (c | 0) && g[o + 3] === (d | 0)) return i
      i = (i + 1) & this.slotMask
    }
  }

  /** A free offset, the first from `preferred` on; else one whose lease ran out; else -1. */
  private freeOffset(preferred: number, nowMs: number): number {
    if (!this.isTaken(preferred)) return preferred
    const words = this.taken.length
    const from = preferred >>> 5
    for (let n = 0; n <= words; n++) {
      const i = (from + n) % words
      // The first word counts from the preferred bit on, and once more whole at the end.
      const free = ~this.taken[i]! & (n === 0 ? -1 << (preferred & 31) : -1)
      if (free !== 0) return i * 32 + (31 - Math.clz32(free & -free))
    }
    return this.evict(nowMs)
  }

  private evict(nowMs: number): number {
    for (let n = Math.min(EVICTION_STEPS, this.size); n > 0; n--) {
      this.hand = (this.hand + 1) % this.size
      const seen = this.lastSeen[this.hand]!
      if (seen !== 0 && seen - EPOCH + this.leaseMs <= nowMs) {
        this.release(this.hand)
        return this.hand
      }
    }
    return -1
  }

  private release(offset: number): void {
    const g = this.guests
    const o = offset * 4
    this.log.end(g[o]!, g[o + 1]!, g[o + 2]!, g[o + 3]!, this.base + offset, 0, 65535)
    this.vacate(this.slotOf(g[o]!, g[o + 1]!, g[o + 2]!, g[o + 3]!))
    this.lastSeen[offset] = 0
    this.taken[offset >>> 5]! &= ~(1 << (offset & 31))
    this.stats[STAT.guests]! -= 1
  }

  /** Empties a slot and closes the gap behind it, so that no guest becomes unreachable. */
  private vacate(slot: number): void {
    let gap = slot
    this.slots[gap] = 0
    for (let i = (gap + 1) & this.slotMask; this.slots[i] !== 0; i = (i + 1) & this.slotMask) {
      const o = (this.slots[i]! - 1) * 4
      const g = this.guests
      const home = mix(g[o]!, g[o + 1]!, g[o + 2]!, g[o + 3]!) & this.slotMask
      if (((i - home) & this.slotMask) >= ((i - gap) & this.slotMask)) {
        this.slots[gap] = this.slots[i]!
        this.slots[i] = 0
        gap = i
      }
    }
  }

  /** Who has which address. */
  entries(nowMs: number): PoolEntry[] {
    const out: PoolEntry[] = []
    for (let i = 0; i < this.size; i++) {
      if (this.lastSeen[i] === 0) continue
      const word = (k: number) => this.guests[i * 4 + k]! >>> 0
      out.push({
        host6: [word(0), word(1), word(2), word(3)],
        address4: ipv4(this.base + i),
        idleMs: Math.max(0, nowMs - (this.lastSeen[i]! - EPOCH)),
      })
    }
    return out
  }

  /** Packets from and to the guest that has `address4`. */
  packets(address4: number): number {
    return this.packetCounts[(address4 - this.base) >>> 0] ?? 0
  }

  /** Takes over entries of an earlier run; returns how many did not fit (outside the range, reserved, taken twice). */
  load(entries: readonly PoolEntry[], nowMs: number): number {
    let refused = 0
    for (const { host6, address4, idleMs } of entries) {
      const offset = (address4 - this.base) >>> 0
      const [a, b, c, d] = host6
      const isKnown = this.slots[this.slotOf(a, b, c, d)] !== 0
      if (offset >= this.size || this.isTaken(offset) || isKnown) refused++
      else this.bind(offset, a, b, c, d, nowMs - Math.max(0, idleMs))
    }
    return refused
  }
}

/** No secret: a guest that picks its address to collide harms only its own chance of a preferred one. */
function mix(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9e3779b1, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + c, 0x27d4eb2f)
  h = Math.imul((h ^ (h >>> 16)) + d, 0x85ebca6b)
  return (h ^ (h >>> 15)) >>> 0
}
