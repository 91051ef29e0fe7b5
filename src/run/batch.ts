// hot path
/**
 * Batches of small packets. With a ring, one system call submits the writes of the last batch and the reads of the next,
 * which use the two halves of the arena in turn; without, packets are read until none is left, then written. Either way
 * datagrams of one flow are written together (coalesce.ts).
 */
import type { Ring } from '../host/io-uring.js'
import { EAGAIN, EINTR, EOPNOTSUPP, errno, type Memory, read, writev } from '../host/libc.js'
import { type Arena, slotStart } from './arena.js'
import { Coalescer } from './coalesce.js'
import { LOOP } from './loop-stats.js'
import { type Found, MORE, type Mover } from './mover.js'

/** The largest batch; half of the arena. */
export const BATCH = 32
/** Slots that batches need, and requests that the ring must hold. */
export const SLOTS = 2 * BATCH
export const RING_ENTRIES = 2 * SLOTS
/** Memory for the pieces of a batch, bytes: a struct iovec for each packet. */
export const IOVEC_BYTES = BATCH * 16

/** The size from which a packet is large, bytes: it fares better alone, while it is in the cache. */
export const LARGE = 4_096

/** In the ring, requests from this tag on are writes. */
const WRITE_TAG = 0x100
const EINVAL = 22

export class Batch {
  private readonly lengths = new Int32Array(BATCH)
  private readonly coalescer: Coalescer
  private half = 0
  private wanted = 8

  constructor(
    private readonly m: Mover,
    arena: Arena,
    iovecs: Memory,
    /** null: read(2) and writev(2). */
    private ring: Ring | null,
    uso: boolean,
  ) {
    this.coalescer = new Coalescer(arena, BATCH, m.header, iovecs)
    this.coalescer.isOn = uso
  }

  /** Moves one batch. MORE while packets of this kind keep coming; `isLarge` says that they are not of this kind. */
  move(fd: number): Found {
    const { m, lengths, half, wanted, coalescer } = this
    const error = this.ring === null ? this.readPlain(fd, wanted) : this.readRing(this.ring, fd, wanted)
    coalescer.clear()
    let packets = 0
    let isLarge = false
    let failure = error
    if (m.translator.isLarge) this.lookAhead(wanted)
    for (let i = 0; i < wanted; i++) {
      const length = lengths[i]!
      if (length <= 0) {
        if (length < 0) failure = -length
        continue
      }
      packets++
      if (length >= LARGE) isLarge = true
      if (m.translate(slotStart(half + i), length)) coalescer.add(m.packet)
      if (m.outbox.count > 0) {
        this.write(fd)
        this.flush()
        m.emptyOutbox(fd)
      }
    }
    this.write(fd)
    m.counters[LOOP.reads]! += packets
    m.round += packets
    this.isLarge = isLarge
    if (packets === wanted) this.wanted = Math.min(BATCH, wanted * 2)
    else this.wanted = Math.min(BATCH, packets + (packets >> 1) + 2)
    if (this.ring !== null) this.half = BATCH - half
    if (packets > 0 && !this.isLarge) return MORE
    this.flush()
    if (packets > 0) return MORE
    if (failure === EOPNOTSUPP && this.ring !== null) {
      // A TUN driver that does not know reads that must not wait.
      this.ring = null
      return MORE
    }
    return m.failedRead(failure)
  }

  /** Loads what the lookups of a batch will need all at once: with very many sessions each is a cache miss by itself. */
  private lookAhead(wanted: number): void {
    const { m, lengths, half } = this
    for (let i = 0; i < wanted; i++) if (lengths[i]! > m.header) m.note(slotStart(half + i), lengths[i]!)
    m.translator.touch()
  }

  /** There was a large packet in the last batch. */
  isLarge = false

  private readPlain(fd: number, wanted: number): number {
    const { m, lengths, half } = this
    lengths.fill(0)
    for (let i = 0; i < wanted; i++) {
      const length = read(fd, m.base + slotStart(half + i) - m.header, m.readLength)
      if (length <= 0) return errno()
      lengths[i] = length
      if (length >= LARGE) break
    }
    return EAGAIN
  }

  private readRing(ring: Ring, fd: number, wanted: number): number {
    const { m, lengths, half } = this
    for (let i = 0; i < wanted; i++) {
      lengths[i] = 0
      ring.read(fd, m.base + slotStart(half + i) - m.header, m.readLength, i)
    }
    this.flush()
    return EAGAIN
  }

  /** Writes what was collected; with a ring, prepares it for the next call. */
  private write(fd: number): void {
    const { coalescer, ring } = this
    let piece = 0
    for (let w = 0; w < coalescer.writes; w++) {
      const pieces = coalescer.seal(w, piece)
      const address = coalescer.pieceAddress(piece)
      if (ring !== null) ring.writev(fd, address, pieces, WRITE_TAG + w)
      else {
        const result = writev(fd, address, pieces)
        this.wrote(w, result < 0 ? -errno() : result)
      }
      piece += pieces
    }
    if (ring === null) coalescer.clear()
  }

  private wrote(w: number, result: number): void {
    const packets = this.coalescer.members(w)
    this.m.wrote(result, packets)
    // A kernel that does not take super-packets after all.
    if (result === -EINVAL && packets > 1) this.coalescer.isOn = false
  }

  /** Submits what is prepared and takes the completions. */
  private flush(): void {
    const { ring, m, lengths, coalescer } = this
    if (ring === null) return
    while (ring.prepared > 0) {
      m.counters[LOOP.ringCalls]!++
      const error = ring.enter()
      if (error !== 0 && error !== EINTR) {
        this.ring = null
        break
      }
    }
    while (ring.next()) {
      if (ring.tag >= WRITE_TAG) this.wrote(ring.tag - WRITE_TAG, ring.result)
      else lengths[ring.tag] = ring.result
    }
    coalescer.clear()
  }
}
