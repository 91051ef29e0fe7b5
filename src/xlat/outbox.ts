/**
 * Packets that the translator makes beside the one it rewrites in place: ICMP errors, fragments, released fragments,
 * TCP probes. Each is whole and fully checksummed (no virtio metadata). Bounded; the owner drains it after every call.
 */
import { HEADROOM } from './packet.js'

/** Most packets it holds. */
export const OUTBOX_PACKETS = 256
/** Bytes it holds unless told otherwise. */
export const OUTBOX_BYTES = 512 * 1024

export class Outbox {
  readonly buf: Uint8Array
  /** Packets inside. */
  count = 0
  private used = 0
  private readonly starts = new Int32Array(OUTBOX_PACKETS)
  private readonly ends = new Int32Array(OUTBOX_PACKETS)

  /** @param room how many bytes all packets together may take, headroom included; or the memory for them */
  constructor(room: number | Uint8Array = OUTBOX_BYTES) {
    this.buf = typeof room === 'number' ? new Uint8Array(room) : room
  }

  /**
   * Adds an uninitialised packet of `length` bytes, with HEADROOM before it, 4-byte aligned.
   * Returns its offset in `buf`, or -1 when there is no room.
   */
  reserve(length: number): number {
    const start = this.used + HEADROOM
    const end = start + length
    if (this.count === OUTBOX_PACKETS || end > this.buf.length) return -1
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.count++
    this.used = (end + 3) & ~3
    return start
  }

  /** Moves the bounds of packet `i`, after it was translated in place. */
  resize(i: number, start: number, end: number): void {
    this.starts[i] = start
    this.ends[i] = end
  }

  /** Drops the packet that was reserved last. */
  cancel(): void {
    if (this.count > 0) this.count--
    this.used = this.count === 0 ? 0 : (this.ends[this.count - 1]! + 3) & ~3
  }

  start(i: number): number {
    return this.starts[i]!
  }

  end(i: number): number {
    return this.ends[i]!
  }

  clear(): void {
    this.count = 0
    this.used = 0
  }
}
