// hot path
/**
 * The packet loop: the only production caller of the translator. Reads packets from TUN queues, has them translated in
 * place, writes them back.
 *
 * Idle, it sleeps in poll(2). Packets are then read and written one by one, which is fastest for the first of them and
 * for super-packets, whose bytes stay in the cache. When small packets keep coming, they go in batches (batch.ts).
 */
import { performance } from 'node:perf_hooks'
import { drainEventfd } from '../host/eventfd.js'
import type { Ring } from '../host/io-uring.js'
import { EAGAIN, errno, errnoName, type Memory, mapMemory, poll, read, unmapMemory } from '../host/libc.js'
import { STAT } from '../xlat/stats.js'
import { type Arena, slotStart } from './arena.js'
import { Batch, IOVEC_BYTES, LARGE } from './batch.js'
import { batchBucket, LOOP, latencyBucket, monotonicMs } from './loop-stats.js'
import { DOWN, EMPTY, type Found, LOST, MORE, Mover, type PacketTranslator } from './mover.js'

export interface LoopOptions {
  readonly translator: PacketTranslator
  /** TUN queues, non-blocking. */
  readonly fds: readonly number[]
  readonly vnetHeader: boolean
  /** Datagrams of one flow may be written as one UDP super-packet. Needs `vnetHeader`. */
  readonly uso: boolean
  /** Made by this thread, for RING_ENTRIES requests; null: read(2) and write(2). */
  readonly ring: Ring | null
  /** At least SLOTS slots; the translator's outbox lies in it. */
  readonly arena: Arena
  /** An eventfd that says that `control` has something to do. */
  readonly wakeFd: number
  /** How long to look for packets before sleeping, where that pays, microseconds. */
  readonly spinUs: number
  /** The translator's counters (write errors are added) and those of the loop. */
  readonly stats: Float64Array
  readonly loop: Float64Array
  /** Handles messages; called when woken and ten times a second under load. Returns true to end the loop. */
  control(): boolean
}

/** Why the loop ended: it was told to, or the device is gone. */
export type LoopEnd = { readonly reason: 'stopped' } | { readonly reason: 'device-lost'; readonly errno: string }

const POLLIN = 1
const HOUSEKEEPING_MS = 100
const EXPIRE_BUDGET = 2_000
const DOWN_MS = 200
const IDLE_MS = 1_000
/** Nothing to do for so long: time for timers. */
const QUIET_MS = 2
/** Packets read one by one before clock, messages and timers are looked at again. */
const ROUND = 64
/** Small packets that come in a row before batches begin; and while large ones are about, as with TCP and its ACKs. */
const SMALL_RUN = 3
const SMALL_RUN_AMONG_LARGE = 32
const LARGE_MS = 20
const MAX_SPIN_CREDIT = 8
/** Lone packets after which the next is taken for one. */
const SINGLES = 16

export class PacketLoop {
  private readonly m: Mover
  private readonly batch: Batch
  private readonly iovecs: Memory
  private readonly pollSet: Memory
  private readonly pollWords: Int32Array
  private smallRun = 0
  private runNeeded = SMALL_RUN
  private lastLarge = -LARGE_MS
  private roundBegan = 0
  private lastHousekeeping = 0
  private moreToExpire = false
  /** The last sleep ended because its time was up. */
  private isQuiet = false
  private spinCredit = 0
  /** What this thread's clock is behind the one that all share, ms. */
  private readonly origin = monotonicMs() - performance.now()
  /** Rounds in a row that found one packet and then nothing: requests and responses. */
  private singles = 0

  constructor(private readonly o: LoopOptions) {
    const iovecs = mapMemory(IOVEC_BYTES)
    const pollSet = mapMemory(8 * (o.fds.length + 1))
    if (iovecs === null || pollSet === null) throw new Error('out of memory')
    this.m = new Mover(o.translator, o.arena, o.vnetHeader, o.stats, o.loop)
    this.batch = new Batch(this.m, o.arena, iovecs, o.ring, o.uso)
    this.iovecs = iovecs
    this.pollSet = pollSet
    this.pollWords = new Int32Array(pollSet.buffer)
    for (const [i, fd] of [o.wakeFd, ...o.fds].entries()) {
      this.pollWords[2 * i] = fd
      this.pollWords[2 * i + 1] = POLLIN
    }
  }

  /** Moves packets until told to stop or the device is gone. Blocks the thread. */
  run(): LoopEnd {
    const { m, o } = this
    let found: Found = EMPTY
    for (;;) {
      if (this.sleep(found === DOWN) && o.control()) return { reason: 'stopped' }
      do {
        found = this.drain()
        if (found === LOST) return { reason: 'device-lost', errno: errnoName(m.lastErrno) }
        if (this.isDue(found) && this.housekeeping()) return { reason: 'stopped' }
        if (found === EMPTY && this.spinCredit > 0) found = this.spin()
      } while (found === MORE)
      o.loop[LOOP.down] = found === DOWN ? 1 : 0
    }
  }

  /** Gives its memory back, once it has run. */
  close(): void {
    unmapMemory(this.iovecs)
    unmapMemory(this.pollSet)
  }

  /** Timers wait for a quiet moment, lest the answer to the packet just written waits for them; but not for ever. */
  private isDue(found: Found): boolean {
    const since = this.m.nowMs - this.lastHousekeeping
    return since >= (this.isQuiet || found === MORE ? HOUSEKEEPING_MS : IDLE_MS)
  }

  /** Waits for a packet, a message, or the time for timers. Returns true when there is a message. */
  private sleep(isDown: boolean): boolean {
    const { stats, loop, fds, wakeFd, spinUs } = this.o
    let timeout = -1
    if (isDown) timeout = DOWN_MS
    else if (this.moreToExpire) timeout = 1
    else if (hasState(stats)) timeout = this.m.nowMs - this.lastHousekeeping >= HOUSEKEEPING_MS ? QUIET_MS : IDLE_MS
    const before = spinUs > 0 ? performance.now() : 0
    loop[LOOP.sleeps]!++
    const ready = poll(this.pollSet.address, isDown ? 1 : fds.length + 1, timeout)
    const now = performance.now()
    this.m.nowMs = Math.floor(now)
    this.roundBegan = now
    this.isQuiet = ready <= 0
    if (ready <= 0) return false
    loop[LOOP.wakeups]!++
    // A sleep that a spin would have bridged earns another try at spinning.
    if (spinUs > 0 && (now - before) * 1000 < spinUs && this.spinCredit < MAX_SPIN_CREDIT) this.spinCredit++
    if (this.pollWords[1]! >>> 16 === 0) return false
    drainEventfd(wakeFd)
    return true
  }

  /** One round over all queues. */
  private drain(): Found {
    const { m } = this
    const { fds } = this.o
    let found: Found = EMPTY
    m.round = 0
    this.runNeeded = m.nowMs - this.lastLarge < LARGE_MS ? SMALL_RUN_AMONG_LARGE : SMALL_RUN
    for (let i = 0; i < fds.length; i++) {
      const f = this.smallRun >= this.runNeeded ? this.moveBatch(fds[i]!) : this.oneByOne(fds[i]!)
      if (f > found) found = f
    }
    if (m.round > 0) this.account()
    return found
  }

  private moveBatch(fd: number): Found {
    const found = this.batch.move(fd)
    if (found !== MORE || this.batch.isLarge) this.smallRun = 0
    if (this.batch.isLarge) this.lastLarge = this.m.nowMs
    return found
  }

  /** Reads, translates and writes packet by packet, up to ROUND of them or until a row of small ones. */
  private oneByOne(fd: number): Found {
    const { m } = this
    const start = slotStart(0)
    const address = m.base + start - m.header
    for (let i = 0; i < ROUND; i++) {
      const length = read(fd, address, m.readLength)
      if (length <= 0) {
        this.smallRun = 0
        this.singles = i === 1 ? this.singles + 1 : 0
        return m.failedRead(length === 0 ? EAGAIN : errno())
      }
      m.counters[LOOP.reads]!++
      m.round++
      if (m.translate(start, length)) m.writePacket(fd)
      if (m.outbox.count > 0) m.emptyOutbox(fd)
      // The next would be one too many: poll() finds out as well. Every so often that is checked.
      if (this.singles >= SINGLES && i === 0) {
        this.singles = this.singles >= 2 * SINGLES ? 0 : this.singles + 1
        this.smallRun = 0
        return EMPTY
      }
      if (length >= LARGE) {
        this.smallRun = 0
        this.lastLarge = m.nowMs
      } else if (++this.smallRun >= this.runNeeded) return MORE
    }
    return MORE
  }

  private account(): void {
    const { loop } = this.o
    const { m } = this
    const now = performance.now()
    const us = (now - this.roundBegan) * 1000
    loop[LOOP.batches]!++
    loop[LOOP.batchSize + batchBucket(m.round)]!++
    loop[LOOP.latency + latencyBucket(us)]!++
    loop[LOOP.latencySum]! += us
    loop[LOOP.lastActivity] = this.origin + now
    this.roundBegan = now
    m.nowMs = Math.floor(now)
  }

  /** Looks for packets without sleeping for a while, as long as that pays. */
  private spin(): Found {
    const { loop, spinUs } = this.o
    const until = performance.now() + spinUs / 1000
    loop[LOOP.spins]!++
    do {
      this.roundBegan = performance.now()
      this.m.nowMs = Math.floor(this.roundBegan)
      const found = this.drain()
      if (found !== EMPTY || this.m.round > 0) {
        loop[LOOP.spinHits]!++
        if (this.spinCredit < MAX_SPIN_CREDIT) this.spinCredit++
        return found === EMPTY ? MORE : found
      }
    } while (this.roundBegan < until)
    this.spinCredit -= 2
    return EMPTY
  }

  /** Timers and messages. True to end the loop. */
  private housekeeping(): boolean {
    const { translator, fds } = this.o
    const { m } = this
    this.moreToExpire = translator.expire(m.nowMs, EXPIRE_BUDGET) >= EXPIRE_BUDGET
    this.lastHousekeeping = this.moreToExpire ? m.nowMs - HOUSEKEEPING_MS : m.nowMs
    if (m.outbox.count > 0) m.emptyOutbox(fds[0]!)
    return this.o.control()
  }
}

/** Is there anything that could expire? */
function hasState(stats: Float64Array): boolean {
  return (
    stats[STAT.bibEntries]! + stats[STAT.sessions]! + stats[STAT.guests]! > 0 ||
    stats[STAT.storedSyns]! + stats[STAT.storedFragments]! > 0
  )
}
