// hot path
/**
 * A hash table of record numbers: buckets of one cache line, 15 slots and a counter of the entries that found this
 * bucket full and went on. A slot holds a record's number plus one and, in the bits left, a fingerprint of its hash, so
 * that a search that fails reads no record. The counter ends every search exactly; nothing decays over the weeks.
 *
 * Small at first, so that a few thousand entries stay in few pages; at {@link SMALL_ENTRIES} it takes its full size in
 * one step and never moves again. Untouched memory costs nothing: it is committed page by page, and a page fault is
 * what costs most of that step. So its pages are touched a few at a time by the insertions before it, and indexes
 * that fill together take the step in turn: no packet waits for more than one of them.
 */

const SLOTS = 15
const BUCKET = 16
const SMALL_BUCKETS = 2048
const SMALL_ENTRIES = SMALL_BUCKETS * 8
/** Entries from which on memory for the full size is touched. */
const WARM_ENTRIES = SMALL_ENTRIES / 4
const PAGE_WORDS = 1024
/** By how many entries the steps of indexes differ. */
const STAGGER = 1024
/** Entries per bucket at capacity: of 15, so that about one bucket in twenty overflows. */
const FILL = 10

/** Most records an index can number; the rest of a slot is fingerprint. */
export const MAX_RECORDS = 1 << 24

/** Buckets at full size. */
function fullBuckets(capacity: number): number {
  return Math.ceil(capacity / FILL) + 1
}

/** Bytes of an index for `capacity` records when all are used. */
export function indexBytes(capacity: number): number {
  return fullBuckets(capacity) * BUCKET * 4
}

/** Zeroed words, aligned to cache lines: the C library puts 16 bytes in front of a large block. */
export function alignedWords(count: number): Int32Array {
  return new Int32Array(new ArrayBuffer(count * 4 + 64), 48, count)
}

export class HashIndex {
  count = 0
  private slots: Int32Array
  private buckets: number
  private scale: number
  private readonly full: number
  /** Entries at which it takes its full size, and the memory for that. */
  private readonly tight: number
  private larger: Int32Array | null = null
  private warm = 0
  private readonly bits: number
  private readonly mask: number
  // Where next() goes on.
  private hash = 0
  private base = 0
  private step = 0

  /**
   * @param capacity most records, numbered from 0; at most MAX_RECORDS
   * @param turn when to take the full size, 0 to 7: different for indexes that fill together
   */
  constructor(capacity: number, turn = 0) {
    this.full = fullBuckets(capacity)
    this.bits = 32 - Math.clz32(capacity)
    this.mask = 2 ** this.bits - 1
    this.tight = SMALL_ENTRIES - STAGGER * turn
    this.buckets = Math.min(this.full, SMALL_BUCKETS)
    this.scale = this.buckets / 2 ** 32
    this.slots = alignedWords(this.buckets * BUCKET)
  }

  /** The first record whose fingerprint fits, or -1. The caller compares keys and calls next() if they differ. */
  first(hash: number): number {
    this.hash = hash
    this.base = Math.floor((hash >>> 0) * this.scale) * BUCKET
    this.step = 0
    return this.next()
  }

  next(): number {
    const slots = this.slots
    const bits = this.bits
    const mask = this.mask
    const fingerprint = this.hash << bits
    const start = (this.hash >>> bits) & 15
    let base = this.base
    let step = this.step
    for (let visited = 0; visited < this.buckets; visited++) {
      while (step < SLOTS) {
        let k = start + step
        if (k >= SLOTS) k -= SLOTS
        step++
        const slot = slots[base + k]!
        if ((slot ^ fingerprint) >>> bits === 0 && (slot & mask) !== 0) {
          this.base = base
          this.step = step
          return (slot & mask) - 1
        }
      }
      if (slots[base + SLOTS] === 0) return -1
      step = 0
      base = this.after(base)
    }
    return -1
  }

  /** Adds a record; the caller has made sure that it is not in, and has called growIfTight(). */
  insert(hash: number, record: number): void {
    const slots = this.slots
    const start = (hash >>> this.bits) & 15
    let base = Math.floor((hash >>> 0) * this.scale) * BUCKET
    for (;;) {
      for (let step = 0; step < SLOTS; step++) {
        let k = start + step
        if (k >= SLOTS) k -= SLOTS
        if (slots[base + k] === 0) {
          slots[base + k] = (hash << this.bits) | (record + 1)
          this.count++
          return
        }
      }
      slots[base + SLOTS]!++
      base = this.after(base)
    }
  }

  /** Takes a record out; it must be in, under that hash. */
  remove(hash: number, record: number): void {
    const slots = this.slots
    const wanted = (hash << this.bits) | (record + 1)
    const home = Math.floor((hash >>> 0) * this.scale) * BUCKET
    let base = home
    for (let visited = 0; visited < this.buckets; visited++) {
      for (let k = 0; k < SLOTS; k++) {
        if (slots[base + k] !== wanted) continue
        slots[base + k] = 0
        this.count--
        for (let passed = home; passed !== base; passed = this.after(passed)) slots[passed + SLOTS]!--
        return
      }
      base = this.after(base)
    }
  }

  /** Takes the full size when the small one is half full; `hashOf` gives the hash of a record that is in. */
  growIfTight(hashOf: (record: number) => number): void {
    if (this.count < WARM_ENTRIES || this.buckets === this.full) return
    const larger = this.touchLarger()
    if (this.count < this.tight) return
    const old = this.slots
    this.buckets = this.full
    this.scale = this.buckets / 2 ** 32
    this.slots = larger
    this.larger = null
    this.count = 0
    for (let o = 0; o < old.length; o++) {
      const record = (old[o]! & this.mask) - 1
      if (o % BUCKET !== SLOTS && record >= 0) this.insert(hashOf(record), record)
    }
  }

  /** The memory for the full size, a few more pages of it touched. */
  private touchLarger(): Int32Array {
    this.larger ??= alignedWords(this.full * BUCKET)
    const { larger } = this
    // All of it by the time that it is needed, whatever its size.
    const share = Math.ceil(larger.length / (SMALL_ENTRIES / 2))
    for (const end = Math.min(larger.length, this.warm + share); this.warm < end; this.warm += PAGE_WORDS)
      larger[this.warm] = 0
    return larger
  }

  /** A word of the bucket where `hash` belongs: reading it brings the bucket into the cache. */
  peek(hash: number): number {
    return this.slots[Math.floor((hash >>> 0) * this.scale) * BUCKET]!
  }

  private after(base: number): number {
    const next = base + BUCKET
    return next === this.buckets * BUCKET ? 0 : next
  }
}
