/** The ports of one IPv4 address for one protocol: two bitmaps, and free ports counted by groups of 1024 and parity. */

const WORDS = 2048
const GROUPS = 64
/** Bytes of a block, the objects around its bitmaps included. */
export const PORT_BLOCK_BYTES = 2 * 4 * WORDS + 2 * 2 * GROUPS + 768
/** The even ports of a word. */
const EVEN = 0x55555555

function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

export class PortBlock {
  free = 0
  /** Bit set: free. A port that is neither free nor open is not ours. */
  private readonly freeBits = new Int32Array(WORDS)
  private readonly openBits = new Int32Array(WORDS)
  private readonly counts = new Uint16Array(GROUPS * 2)
  /** First and last port that is open. */
  private lowest = 65535
  private highest = 0

  /** Adds ports `first` to `last`. Ports may be added again; those in use stay so. */
  open(first: number, last: number): void {
    for (let w = first >>> 5; w <= last >>> 5; w++) {
      const from = Math.max(first - (w << 5), 0)
      const to = Math.min(last - (w << 5), 31)
      const range = (-1 << from) & (-1 >>> (31 - to))
      const added = range & ~this.openBits[w]!
      this.openBits[w]! |= added
      this.freeBits[w]! |= added
      const even = bitCount(added & EVEN)
      const odd = bitCount(added & ~EVEN)
      this.counts[(w >>> 5) << 1]! += even
      this.counts[((w >>> 5) << 1) | 1]! += odd
      this.free += even + odd
    }
    this.lowest = Math.min(this.lowest, first)
    this.highest = Math.max(this.highest, last)
  }

  isOpen(port: number): boolean {
    return (this.openBits[port >>> 5]! & (1 << port)) !== 0
  }

  /** Of an open port. */
  isUsed(port: number): boolean {
    return (this.freeBits[port >>> 5]! & (1 << port)) === 0
  }

  use(port: number): void {
    if (this.isUsed(port)) return
    this.freeBits[port >>> 5]! &= ~(1 << port)
    this.counts[((port >>> 10) << 1) | (port & 1)]!--
    this.free--
  }

  release(port: number): void {
    if (!this.isUsed(port)) return
    this.freeBits[port >>> 5]! |= 1 << port
    this.counts[((port >>> 10) << 1) | (port & 1)]!++
    this.free++
  }

  /**
   * A free port in groups `from` to `to` (of 1024 ports), of a parity (0, 1, or -1 for either): the first one at or
   * after a random port, around the end. Returns -1 when there is none.
   */
  find(from: number, to: number, parity: number, random: number): number {
    const first = Math.max(from << 10, this.lowest)
    const last = Math.min((to << 10) | 1023, this.highest)
    if (last < first) return -1
    const mask = parity < 0 ? -1 : parity === 0 ? EVEN : ~EVEN
    const start = first + ((random >>> 0) % (last - first + 1))
    const home = start >>> 10
    const atStart = this.scan(start >>> 5, (home + 1) << 5, mask, -1 << start)
    if (atStart >= 0) return atStart
    for (let group = home + 1; group <= to; group++) if (this.has(group, parity)) return this.scanGroup(group, mask)
    for (let group = from; group <= home; group++) if (this.has(group, parity)) return this.scanGroup(group, mask)
    return -1
  }

  /** The same in ports `first` to `last`, which are whole words. */
  findIn(first: number, last: number, parity: number, random: number): number {
    const mask = parity < 0 ? -1 : parity === 0 ? EVEN : ~EVEN
    const start = first + ((random >>> 0) % (last - first + 1))
    const end = (last + 1) >>> 5
    const atStart = this.scan(start >>> 5, end, mask, -1 << start)
    return atStart >= 0 ? atStart : this.scan(first >>> 5, end, mask, -1)
  }

  private has(group: number, parity: number): boolean {
    const even = parity === 1 ? 0 : this.counts[group << 1]!
    const odd = parity === 0 ? 0 : this.counts[(group << 1) | 1]!
    return even + odd > 0
  }

  private scanGroup(group: number, mask: number): number {
    return this.scan(group << 5, (group + 1) << 5, mask, -1)
  }

  /** The first free port in words `word` to `end`; `firstMask` hides bits of the first word. */
  private scan(word: number, end: number, mask: number, firstMask: number): number {
    let bits = this.freeBits[word]! & mask & firstMask
    for (let w = word; ; bits = this.freeBits[w]! & mask) {
      if (bits !== 0) return (w << 5) + 31 - Math.clz32(bits & -bits)
      if (++w === end) return -1
    }
  }
}
