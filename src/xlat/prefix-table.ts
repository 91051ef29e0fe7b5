// hot path: find
/**
 * Longest-prefix match over addresses of four words. One hash probe for each prefix length in use, longest first:
 * tables have many prefixes but few lengths. Built once, never changed.
 */
import { mask32 } from '../addr/prefix.js'

/** A prefix and the non-negative number that is found under it. IPv4 prefixes stand in word `a`. */
export interface PrefixEntry {
  readonly words: readonly [number, number, number, number]
  readonly length: number
  readonly value: number
}

const STRIDE = 6

export class PrefixTable {
  private readonly lengths: readonly number[]
  /** Four words of mask for each length. */
  private readonly masks: Int32Array
  /** Records of four words, index of the length, value + 1 (0: empty). */
  private readonly slots: Int32Array
  private readonly slotMask: number

  /** Of equal prefixes the first wins. */
  constructor(entries: readonly PrefixEntry[]) {
    this.lengths = [...new Set(entries.map(e => e.length))].sort((x, y) => y - x)
    this.masks = Int32Array.from(this.lengths.flatMap(n => [0, 32, 64, 96].map(bit => mask32(n - bit))))
    let size = 4
    while (size < entries.length * 2) size *= 2
    this.slotMask = size - 1
    this.slots = new Int32Array(size * STRIDE)
    for (const entry of entries) this.add(entry)
  }

  private add(entry: PrefixEntry): void {
    const level = this.lengths.indexOf(entry.length)
    const m = this.masks
    const words = entry.words.map((w, i) => w & m[level * 4 + i]!)
    const [a, b, c, d] = words as [number, number, number, number]
    const s = this.slots
    let i = mix(a, b, c, d, level) & this.slotMask
    for (; s[i * STRIDE + 5] !== 0; i = (i + 1) & this.slotMask) {
      if (this.holds(i * STRIDE, a, b, c, d, level)) return
    }
    s.set([a, b, c, d, level, entry.value + 1], i * STRIDE)
  }

  private holds(o: number, a: number, b: number, c: number, d: number, level: number): boolean {
    const s = this.slots
    return s[o] === a && s[o + 1] === b && s[o + 2] === c && s[o + 3] === d && s[o + 4] === level
  }

  /** The value of the longest prefix that covers the address, or -1. */
  find(a: number, b: number, c: number, d: number): number {
    const m = this.masks
    const s = this.slots
    for (let level = 0; level < this.lengths.length; level++) {
      const o = level * 4
      const wa = a & m[o]!
      const wb = b & m[o + 1]!
      const wc = c & m[o + 2]!
      const wd = d & m[o + 3]!
      let i = mix(wa, wb, wc, wd, level) & this.slotMask
      for (;;) {
        const r = i * STRIDE
        const value = s[r + 5]!
        if (value === 0) break
        if (this.holds(r, wa, wb, wc, wd, level)) return value - 1
        i = (i + 1) & this.slotMask
      }
    }
    return -1
  }
}

/** No secret: the keys come from the configuration, not from the network. */
function mix(a: number, b: number, c: number, d: number, level: number): number {
  let h = Math.imul(a ^ Math.imul(level, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + c, 0x27d4eb2f)
  h = Math.imul((h ^ (h >>> 16)) + d, 0x85ebca6b)
  return h ^ (h >>> 15)
}
