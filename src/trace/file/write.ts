/**
 * Writes what a trace sees as pcapng: an interface for every tap, nanoseconds, directions, and on each packet what became
 * of it. Wireshark shows all of that, and read.ts reads it back to the same frames. (tcpdump reads files of one link type
 * alone; where there is a TUN device, there are two.)
 */
import { machine, release, type } from 'node:os'
import type { UserError } from '../../errors.js'
import type { Facts } from '../../facts/facts.js'
import { LINK } from '../../wire/link.js'
import {
  emitInterface,
  emitSection,
  emitStatistics,
  packetOptions,
  packetSize,
  putPacket,
} from '../../wire/pcapng-write.js'
import type { Direction, Frame, Tap } from '../core/frame.js'
import { type CaptureExtent, ownComments } from './embedded-facts.js'
import { openOutputFile } from './output-file.js'
import { createPacketQueue, type Held, QUEUE_BOUNDS, type QueueBounds } from './packet-queue.js'
import { describeIndex } from './taps.js'

export interface TraceWriterOptions {
  readonly path: string
  /** What is traced, in words. */
  readonly target: string
  /** Default: `described`. */
  readonly extent?: CaptureExtent
  /** Written into the file, so that it can be analysed without another. null: none. */
  readonly facts: Facts | null
  /** The program's name and version: `nat64 1.0.0`. */
  readonly application: string
  /** Files that are being read. */
  readonly inputs?: readonly string[]
  /** Called once, when the file can no longer be written; the trace goes on without it. */
  readonly onProblem: (error: UserError) => void
  readonly bounds?: QueueBounds
}

export interface WriteSummary {
  readonly packets: number
  /** Of these, packets that had to leave before they were judged. */
  readonly unjudged: number
}

export interface TraceWriter {
  /** Before all frames: milliseconds since 1970 at the epoch of the trace. */
  start(epochMs: number): void
  /** Before the first frame of the tap; becomes an interface of the file at once. */
  tap(tap: Tap): void
  /** Takes a copy of the frame. Returns its ticket; -1: it is not written. */
  see(frame: Frame): number
  /** Says what became of the packet of this ticket, in comments to be written with it; none: it belongs to no path. */
  judge(ticket: number, comments: readonly string[]): void
  /** The packet of this ticket is not wanted after all. */
  drop(ticket: number): void
  /** Between these times, ns since the epoch, the capture itself lost packets. */
  loss(count: number, from: number, to: number): void
  /** Writes what is judged; to be called some times a second, so that others can read along. */
  flush(): void
  /** Lets all packets go, and completes the file. `end`: until when packets were captured, ns; null: not known. */
  close(end: number | null): WriteSummary
}

/** The comment on a packet that had to leave before its path was known. */
export const NOT_JUDGED = 'not judged: the trace had to let this packet go before its path was settled'

/** Packet flags by direction. */
const FLAGS: Readonly<Record<Direction, number>> = { in: 1, out: 2, unknown: -1 }
const NOTHING = new Uint8Array(0)

/**
 * Opens the file. Writing takes no longer than the system needs to accept some 256 KiB.
 * @throws UserError exit status 3: it cannot be opened; 2: it is a file that is being read
 */
export function openTraceWriter(options: TraceWriterOptions): TraceWriter {
  const { path, inputs = [], bounds = QUEUE_BOUNDS } = options
  let isBroken = false
  const file = openOutputFile(path, inputs, error => {
    isBroken = true
    options.onProblem(error)
  })
  /** By number: the link type, and which interface of the file it is. */
  const taps = new Map<number, { readonly linkType: number; readonly interfaceId: number }>()
  const plain = { in: packetOptions(1, []), out: packetOptions(2, []), unknown: NOTHING }
  let epoch = 0
  let packets = 0
  let unjudged = 0
  let lost = 0

  function put(block: Uint8Array): void {
    const { buffer, at } = file.reserve(block.length)
    buffer.set(block, at)
  }

  function clockOf(time: number): { seconds: number; nanoseconds: number } {
    const seconds = Math.floor(time / 1e9)
    return { seconds: epoch + seconds, nanoseconds: Math.floor(time - seconds * 1e9) }
  }

  /** Counts of the capture as a whole stand with the first interface: it has one queue for all of them. */
  function count(time: number, isEnd: boolean): void {
    const { seconds, nanoseconds } = clockOf(time)
    if (taps.size > 0) put(emitStatistics(0, seconds, nanoseconds, lost, isEnd))
  }

  function write({ tap, time, direction, length, frame, comments }: Held): void {
    const interfaceId = taps.get(tap)?.interfaceId ?? 0
    const says = comments ?? [NOT_JUDGED]
    const packet = says.length === 0 ? plain[direction] : packetOptions(FLAGS[direction], says)
    const meta = { interfaceId, ...clockOf(time), length }
    const { buffer, at } = file.reserve(packetSize(frame.length, packet))
    putPacket(buffer, at, meta, packet, NOTHING, frame)
    packets++
    if (comments === null) unjudged++
  }

  const queue = createPacketQueue(bounds, held => {
    if (!isBroken) write(held)
  })
  put(sectionOf(options))
  return {
    start(epochMs) {
      epoch = Math.floor(epochMs / 1000)
    },
    tap({ id, linkType, device, netns, ifindex }) {
      if (taps.has(id)) return
      put(emitInterface(linkType, netns === null ? device : `${device}@${netns}`, describeIndex(ifindex)))
      taps.set(id, { linkType, interfaceId: taps.size })
    },
    see(frame) {
      const tap = taps.get(frame.tap)
      return isBroken || tap === undefined ? -1 : queue.add(frame, tap.linkType === LINK.ETHERNET)
    },
    judge: queue.judge,
    drop: queue.drop,
    loss(more, from, to) {
      count(from, false)
      lost += more
      count(to, false)
    },
    flush: file.flush,
    close(end) {
      queue.drain()
      if (end !== null) count(end, true)
      file.close()
      return { packets, unjudged }
    },
  }
}

function sectionOf({ application, target, extent = 'described', facts }: TraceWriterOptions): Uint8Array {
  // Facts may be of another host than the one that writes.
  const kernel = facts?.kernel.ok ? facts.kernel.value : { release: release(), machine: machine() }
  return emitSection(application, {
    hardware: kernel.machine,
    os: `${type()} ${kernel.release}`,
    comments: ownComments({ target, extent, facts }),
  })
}
