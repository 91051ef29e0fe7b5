// hot path
/**
 * The packet loop: the only production caller of the translator. Reads packets from TUN queues, has them translated in
 * place, writes them back.
 *
 * Idle, it sleeps in poll(2). Packets are then read and written one by one, which is fastest for the first of them and
 * for super-packets, whose bytes stay in the cache. When small packets keep coming and there is a ring, they go in
 * batches: one system call submits the writes of the last batch and the reads of the next, which use the two halves of
 * the arena in turn.
 */
import { performance } from 'node:perf_hooks'
import { drainEventfd } from '../host/eventfd.js'
import type { Ring } from '../host/io-uring.js'
import { EAGAIN, EINTR, EIO, ENODEV, EOPNOTSUPP, errno, errnoName, mapMemory, poll, read, write } from '../host/libc.js'
import { le16, putLe16, VNET_HEADER } from '../wire/virtio-net.js'
import type { Outbox } from '../xlat/outbox.js'
import { Packet } from '../xlat/packet.js'
import { REASON } from '../xlat/reason.js'
import { STAT } from '../xlat/stats.js'
import { HAIRPINNED, TRANSLATED, type Verdict } from '../xlat/verdict.js'
import { type Arena, SLOT_PACKET, slotStart } from './arena.js'
import { batchBucket, LOOP, latencyBucket } from './loop-stats.js'

/** Packets of one half of the arena: the largest batch. */
export const BATCH = 32
/** Slots the loop needs. */
export const SLOTS = 2 * BATCH

/** What the loop needs of a translator (see xlat/translator.ts). */
export interface PacketTranslator {
  readonly outbox: Outbox
  translate(p: Packet, nowMs: number): Verdict
  expire(nowMs: number, budget: number): number
}

export interface LoopOptions {
  readonly translator: PacketTranslator
  /** TUN queues, non-blocking. */
  readonly fds: readonly number[]
  readonly vnetHeader: boolean
  /** Datagrams of one flow may be written as one UDP super-packet. Needs `vnetHeader`. */
  readonly uso: boolean
  /** Made by this thread, for at least twice `SLOTS` requests at once; null: one packet a call. */
  readonly ring: Ring | null
  /** At least `SLOTS` slots; the translator's outbox lies in it. */
  readonly arena: Arena
  /** An eventfd that says that `control` has something to do. */
  readonly wakeFd: number
  readonly spinUs: number
  /** The translator's counters (write errors are added) and those of the loop. */
  readonly stats: Float64Array
  readonly loop: Float64Array
  /** Handles messages; called when woken and ten times a second under load. Returns true to end the loop. */
  control(nowMs: number): boolean
}

/** Why the loop ended: it was told to, or the device is gone. */
export type LoopEnd = { readonly reason: 'stopped' } | { readonly reason: 'device-lost'; readonly errno: string }

/** What a round found. */
const EMPTY = 0
const MORE = 1
const DOWN = 2
const LOST = 3
type Found = typeof EMPTY | typeof MORE | typeof DOWN | typeof LOST

const EBADF = 9
const EBADFD = 77
const POLLIN = 1

const HOUSEKEEPING_MS = 100
const EXPIRE_BUDGET = 2_000
const DOWN_MS = 200
const IDLE_MS = 1_000
/** Packets read one by one before messages, clock and timers are looked at again. */
const ROUND = 64
/** Packets that come in a row before batches begin, and the size below which a packet is small, bytes. */
const SMALL_RUN = 3
const SMALL = 4_096
/** In the ring, requests above this tag are writes. */
const WRITE_TAG = 0x100

export class PacketLoop {
  private readonly packet = new Packet()
  private readonly bytes: Uint8Array
  private readonly base: number
  private readonly header: number
  private readonly readLength: number
  private readonly pollAddress: number
  private readonly pollEvents: Int32Array
  private ring: Ring | null
  private readonly lengths = new Int32Array(BATCH)
  private half = 0
  private wanted = 8
  /** Small packets that came without a pause. */
  private run_ = 0
  private lastErrno = 0
  private nowMs = 0
  private round = 0
  private lastHousekeeping = 0
  private moreToExpire = false
  private spinCredit = 0

  constructor(private readonly o: LoopOptions) {
    this.bytes = o.arena.bytes
    this.base = o.arena.address
    this.header = o.vnetHeader ? VNET_HEADER : 0
    this.readLength = SLOT_PACKET + this.header
    this.ring = o.ring
    const memory = mapMemory(8 * (o.fds.length + 1))
    if (memory === null) throw new Error('out of memory')
    this.pollAddress = memory.address
    this.pollEvents = new Int32Array(memory.buffer)
    for (const [i, fd] of [o.wakeFd, ...o.fds].entries()) {
      this.pollEvents[2 * i] = fd
      this.pollEvents[2 * i + 1] = POLLIN
    }
  }

  /** Moves packets until told to stop or the device is gone. Blocks the thread. */
  run(): LoopEnd {
    let found: Found = EMPTY
    for (;;) {
      if (this.sleep(found === DOWN) && this.o.control(this.nowMs)) return { reason: 'stopped' }
      do {
        found = this.drain()
        if (found === LOST) return { reason: 'device-lost', errno: errnoName(this.lastErrno) }
        if (this.nowMs - this.lastHousekeeping >= HOUSEKEEPING_MS && this.housekeeping()) return { reason: 'stopped' }
        if (found === EMPTY && this.spinCredit > 0) found = this.spin()
      } while (found === MORE)
      this.o.loop[LOOP.down] = found === DOWN ? 1 : 0
    }
  }

  /** Waits for a packet, a message, or the time for timers. Returns true when there is a message. */
  private sleep(isDown: boolean): boolean {
    const { stats, loop, fds, wakeFd, spinUs } = this.o
    let timeout = -1
    if (isDown) timeout = DOWN_MS
    else if (this.moreToExpire) timeout = 1
    else if (hasState(stats)) timeout = IDLE_MS
    const before = performance.now()
    loop[LOOP.sleeps]!++
    const ready = poll(this.pollAddress, isDown ? 1 : fds.length + 1, timeout)
    const now = performance.now()
    this.nowMs = Math.floor(now)
    this.roundBegan = now
    if (ready <= 0) {
      if (timeout > 0 && this.nowMs - this.lastHousekeeping >= HOUSEKEEPING_MS) this.expire()
      return false
    }
    loop[LOOP.wakeups]!++
    // A sleep that a spin would have bridged earns another try at spinning.
    if (spinUs > 0 && (now - before) * 1000 < spinUs && this.spinCredit < 8) this.spinCredit++
    if (this.pollEvents[1]! >>> 16 === 0) return false
    drainEventfd(wakeFd)
    return true
  }

  private roundBegan = 0

  /** One round over all queues. */
  private drain(): Found {
    const fds = this.o.fds
    let found: Found = EMPTY
    this.round = 0
    for (let i = 0; i < fds.length; i++) {
      const f = this.ring !== null && this.run_ >= SMALL_RUN ? this.batch(this.ring, fds[i]!) : this.oneByOne(fds[i]!)
      if (f > found) found = f
    }
    if (this.round > 0) this.account()
    return found
  }

  private account(): void {
    const loop = this.o.loop
    const now = performance.now()
    loop[LOOP.batches]!++
    loop[LOOP.batchSize + batchBucket(this.round)]!++
    loop[LOOP.latency + latencyBucket((now - this.roundBegan) * 1000)]!++
    loop[LOOP.lastActivity] = performance.timeOrigin + now
    this.roundBegan = now
    this.nowMs = Math.floor(now)
  }

  /** Reads, translates and writes packet by packet, up to `ROUND` of them or until a row of small ones. */
  private oneByOne(fd: number): Found {
    const loop = this.o.loop
    const start = slotStart(0)
    const address = this.base + start - this.header
    for (let i = 0; i < ROUND; i++) {
      const length = read(fd, address, this.readLength)
      if (length <= 0) return this.failedRead(length === 0 ? EAGAIN : errno())
      loop[LOOP.reads]!++
      this.round++
      if (this.translate(start, length)) {
        const at = this.packet.start - this.header
        this.wrote(write(fd, this.base + at, this.packet.end - at))
      }
      if (this.o.translator.outbox.count > 0) this.emptyOutbox(fd)
      if (length >= SMALL) this.run_ = 0
      else if (++this.run_ >= SMALL_RUN && this.ring !== null) return MORE
    }
    return MORE
  }

  /** One call for the writes of the batch before and the reads of this one; then translates this one. */
  private batch(ring: Ring, fd: number): Found {
    const { loop, translator } = this.o
    const { lengths, half } = this
    const wanted = this.wanted
    for (let i = 0; i < wanted; i++) {
      lengths[i] = 0
      ring.read(fd, this.base + slotStart(half + i) - this.header, this.readLength, i)
    }
    if (!this.submit(ring)) return MORE
    let read = 0
    let bytes = 0
    let error = 0
    for (let i = 0; i < wanted; i++) {
      const length = lengths[i]!
      if (length <= 0) {
        error = -length
        continue
      }
      read++
      bytes += length
      const start = slotStart(half + i)
      if (this.translate(start, length)) {
        const at = this.packet.start - this.header
        ring.write(fd, this.base + at, this.packet.end - at, WRITE_TAG)
      }
      if (translator.outbox.count > 0) {
        this.submit(ring)
        this.emptyOutbox(fd)
      }
    }
    loop[LOOP.reads]! += read
    this.round += read
    this.half = BATCH - half
    if (read === wanted) this.wanted = Math.min(BATCH, wanted * 2)
    else this.wanted = Math.min(BATCH, read + (read >> 1) + 2)
    if (read === 0) {
      this.run_ = 0
      return this.failedRead(error)
    }
    if (bytes > read * SMALL) {
      this.submit(ring)
      this.run_ = 0
    }
    return MORE
  }

  /** Submits what is prepared and takes the completions. False when the ring is of no use any more. */
  private submit(ring: Ring): boolean {
    const loop = this.o.loop
    while (ring.prepared > 0) {
      loop[LOOP.ringCalls]!++
      const error = ring.enter()
      if (error !== 0 && error !== EINTR) {
        this.ring = null
        return false
      }
    }
    while (ring.next()) {
      if (ring.tag >= WRITE_TAG) this.wrote(ring.result)
      else this.lengths[ring.tag] = ring.result
    }
    return true
  }

  /** Translates the packet read into the arena at `start`. True when it is to be written: `packet` describes it. */
  private translate(start: number, length: number): boolean {
    const p = this.packet
    const b = this.bytes
    const h = start - VNET_HEADER
    p.set(b, start, start + length - this.header)
    if (this.header !== 0) {
      p.flags = b[h]!
      p.gsoType = b[h + 1]!
      if ((p.flags | p.gsoType) !== 0) {
        p.hdrLen = le16(b, h + 2)
        p.gsoSize = le16(b, h + 4)
        p.csumStart = le16(b, h + 6)
        p.csumOffset = le16(b, h + 8)
      }
    }
    const verdict = this.o.translator.translate(p, this.nowMs)
    if (verdict !== TRANSLATED && verdict !== HAIRPINNED) return false
    if (this.header !== 0) writeHeader(b, p)
    return true
  }

  /** Writes what the translator made besides, with an empty virtio-net header before each. */
  private emptyOutbox(fd: number): void {
    const outbox = this.o.translator.outbox
    for (let i = 0; i < outbox.count; i++) {
      const at = outbox.start(i) - this.header
      if (this.header !== 0) outbox.buf.fill(0, at, at + VNET_HEADER)
      this.wrote(write(fd, this.base + at, outbox.end(i) - at))
    }
    outbox.clear()
  }

  private wrote(result: number): void {
    const { loop, stats } = this.o
    loop[LOOP.writes]!++
    if (result >= 0) return
    loop[LOOP.writeErrors]!++
    stats[STAT.drops + REASON.write_error]!++
  }

  private failedRead(error: number): Found {
    const loop = this.o.loop
    this.lastErrno = error
    if (error === EAGAIN || error === EINTR) {
      loop[LOOP.empty]!++
      return EMPTY
    }
    if (error === EBADFD || error === EBADF || error === ENODEV) return LOST
    loop[LOOP.readErrors]!++
    if (error === EOPNOTSUPP && this.ring !== null) {
      // A kernel whose TUN driver does not know reads that must not wait.
      this.ring = null
      return MORE
    }
    return error === EIO ? DOWN : DOWN
  }

  /** Looks for packets without sleeping for a while, as long as that pays. */
  private spin(): Found {
    const loop = this.o.loop
    const until = performance.now() + this.o.spinUs / 1000
    loop[LOOP.spins]!++
    do {
      this.roundBegan = performance.now()
      const found = this.drain()
      if (found !== EMPTY || this.round > 0) {
        loop[LOOP.spinHits]!++
        if (this.spinCredit < 8) this.spinCredit++
        return found === EMPTY ? MORE : found
      }
    } while (this.roundBegan < until)
    this.spinCredit -= 2
    return EMPTY
  }

  /** Messages and timers. True to end the loop. */
  private housekeeping(): boolean {
    this.expire()
    return this.o.control(this.nowMs)
  }

  private expire(): void {
    const { translator, fds } = this.o
    this.lastHousekeeping = this.nowMs
    this.moreToExpire = translator.expire(this.nowMs, EXPIRE_BUDGET) >= EXPIRE_BUDGET
    if (this.moreToExpire) this.lastHousekeeping = this.nowMs - HOUSEKEEPING_MS
    if (translator.outbox.count > 0) this.emptyOutbox(fds[0]!)
  }
}

/** Is there anything that could expire? */
function hasState(stats: Float64Array): boolean {
  return (
    stats[STAT.bibEntries]! + stats[STAT.sessions]! + stats[STAT.storedSyns]! + stats[STAT.storedFragments]! > 0 ||
    stats[STAT.guests]! > 0
  )
}

function writeHeader(b: Uint8Array, p: Packet): void {
  const h = p.start - VNET_HEADER
  b[h] = p.flags
  b[h + 1] = p.gsoType
  putLe16(b, h + 2, p.hdrLen)
  putLe16(b, h + 4, p.gsoSize)
  putLe16(b, h + 6, p.csumStart)
  putLe16(b, h + 8, p.csumOffset)
}
