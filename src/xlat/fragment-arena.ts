/**
 * Memory for fragments that wait: one buffer, allocated once, given out in runs of blocks. Every run has
 * {@link HEADROOM} bytes before the packet, so that it can be translated where it lies.
 */
import { HEADROOM } from './packet.js'

const BLOCK = 512

export class FragmentArena {
  readonly buf: Uint8Array
  private readonly used: Uint8Array
  private cursor = 0
  /** Blocks that are free. */
  private left: number

  /** @param bytes headroom included; rounded up to whole blocks */
  constructor(bytes: number) {
    const blocks = Math.max(1, Math.ceil(bytes / BLOCK))
    this.buf = new Uint8Array(blocks * BLOCK)
    this.used = new Uint8Array(blocks)
    this.left = blocks
  }

  /** Room for a packet of `length` bytes: its offset in `buf`, or -1. */
  allocate(length: number): number {
    const need = blocksOf(length)
    const total = this.used.length
    if (need > this.left) return -1
    let from = this.cursor
    for (let seen = 0, run = 0; seen < total + need; seen++) {
      const i = (this.cursor + seen) % total
      if (i === 0) run = 0
      if (run === 0) from = i
      run = this.used[i] === 0 ? run + 1 : 0
      if (run === need) {
        this.used.fill(1, from, from + need)
        this.left -= need
        this.cursor = (from + need) % total
        return from * BLOCK + HEADROOM
      }
    }
    return -1
  }

  /** Gives back what `allocate(length)` returned. */
  free(start: number, length: number): void {
    const from = (start - HEADROOM) / BLOCK
    this.used.fill(0, from, from + blocksOf(length))
    this.left += blocksOf(length)
  }
}

function blocksOf(length: number): number {
  return Math.ceil((HEADROOM + length) / BLOCK)
}

/** What a packet of `length` bytes takes, bytes. */
export function arenaBytes(length: number): number {
  return blocksOf(length) * BLOCK
}
