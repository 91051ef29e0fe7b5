// hot path
/** What reading one by one and reading in batches share: a packet in the arena is translated, results are counted. */
import { EAGAIN, EINTR, ENODEV, write } from '../host/libc.js'
import { le16, putLe16, VNET_HEADER } from '../wire/virtio-net.js'
import type { Outbox } from '../xlat/outbox.js'
import { Packet } from '../xlat/packet.js'
import { REASON } from '../xlat/reason.js'
import { STAT } from '../xlat/stats.js'
import { HAIRPINNED, TRANSLATED, type Verdict } from '../xlat/verdict.js'
import { type Arena, SLOT_PACKET } from './arena.js'
import { LOOP } from './loop-stats.js'

/** What the loop needs of a translator (see xlat/translator.ts). */
export interface PacketTranslator {
  readonly outbox: Outbox
  translate(p: Packet, nowMs: number): Verdict
  expire(nowMs: number, budget: number): number
  /** There is so much state that looking ahead over a batch pays: `note` each packet, then `touch`. */
  readonly isLarge: boolean
  note(buf: Uint8Array, start: number, end: number): void
  touch(): void
}

/** What a look at the device found, in order of importance. */
export const EMPTY = 0
export const MORE = 1
/** It cannot be read now, as it is down. */
export const DOWN = 2
/** It is gone. */
export const LOST = 3
export type Found = typeof EMPTY | typeof MORE | typeof DOWN | typeof LOST

const EBADF = 9
const EBADFD = 77

export class Mover {
  /** Set by {@link translate}: the packet to write. */
  readonly packet = new Packet()
  readonly bytes: Uint8Array
  /** Address of `bytes`. */
  readonly base: number
  /** Bytes of virtio-net header in front of each packet: 10 or 0. */
  readonly header: number
  /** How much to read at most, header included. */
  readonly readLength: number
  readonly outbox: Outbox
  /** Time of the round, ms. */
  nowMs = 0
  /** Packets read in this round. */
  round = 0
  lastErrno = 0

  constructor(
    readonly translator: PacketTranslator,
    arena: Arena,
    vnetHeader: boolean,
    private readonly stats: Float64Array,
    readonly counters: Float64Array,
  ) {
    this.outbox = translator.outbox
    this.bytes = arena.bytes
    this.base = arena.address
    this.header = vnetHeader ? VNET_HEADER : 0
    this.readLength = SLOT_PACKET + this.header
  }

  /** Translates the packet that was read to `start`, `length` bytes with its header. True when `packet` is to be written. */
  translate(start: number, length: number): boolean {
    const p = this.packet
    const b = this.bytes
    p.set(b, start, start + length - this.header)
    if (this.header !== 0) readHeader(b, start - VNET_HEADER, p)
    const verdict = this.translator.translate(p, this.nowMs)
    if (verdict !== TRANSLATED && verdict !== HAIRPINNED) return false
    if (this.header !== 0) writeHeader(b, p)
    return true
  }

  /** Tells the translator of a packet that `translate` will be given next. */
  note(start: number, length: number): void {
    this.translator.note(this.bytes, start, start + length - this.header)
  }

  /** Writes `packet`. */
  writePacket(fd: number): void {
    const at = this.packet.start - this.header
    this.wrote(write(fd, this.base + at, this.packet.end - at), 1)
  }

  /** Writes what the translator made besides, with an empty virtio-net header before each. */
  emptyOutbox(fd: number): void {
    const { outbox, header } = this
    for (let i = 0; i < outbox.count; i++) {
      const at = outbox.start(i) - header
      for (let k = 0; k < header; k++) outbox.buf[at + k] = 0
      this.wrote(write(fd, this.base + at, outbox.end(i) - at), 1)
    }
    outbox.clear()
  }

  /** Counts a write of `packets` packets that returned `result`, negative for an error. */
  wrote(result: number, packets: number): void {
    this.counters[LOOP.writes]! += packets
    if (result >= 0) return
    this.counters[LOOP.writeErrors]! += packets
    this.stats[STAT.drops + REASON.write_error]! += packets
  }

  /** Says what an error of a read means. */
  failedRead(error: number): Found {
    this.lastErrno = error
    if (error === EAGAIN || error === EINTR) {
      this.counters[LOOP.empty]!++
      return EMPTY
    }
    if (error === EBADFD || error === EBADF || error === ENODEV) return LOST
    this.counters[LOOP.readErrors]!++
    return DOWN
  }
}

function readHeader(b: Uint8Array, h: number, p: Packet): void {
  p.flags = b[h]!
  p.gsoType = b[h + 1]!
  if ((p.flags | p.gsoType) === 0) return
  p.hdrLen = le16(b, h + 2)
  p.gsoSize = le16(b, h + 4)
  p.csumStart = le16(b, h + 6)
  p.csumOffset = le16(b, h + 8)
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
