/**
 * Packets on their way into a capture file: each waits until its path is judged, because its verdict is written with it.
 * They leave in the order in which they came; in bounded memory, and not later than a certain time after they came.
 */
import type { Direction, Frame } from '../core/frame.js'

/** A copy of a packet that waits. */
export interface Held {
  readonly tap: number
  /** Nanoseconds since the epoch of the trace. */
  readonly time: number
  readonly direction: Direction
  /** On the wire. */
  readonly length: number
  /** The frame, its VLAN tag put back. */
  readonly frame: Uint8Array
  /** What is written with it; null: it was not judged. */
  comments: readonly string[] | null
  /** It is not wanted after all. */
  isDropped: boolean
}

export interface PacketQueue {
  /** Takes a copy of the frame, with its VLAN tag back in its place if it has an Ethernet header. Returns its ticket. */
  add(frame: Frame, isEthernet: boolean): number
  /** Sets what to write with the packet of this ticket; too late, it changes nothing. */
  judge(ticket: number, comments: readonly string[]): void
  /** Forgets the packet of this ticket: it is not to be written. */
  drop(ticket: number): void
  /** Lets all packets go. */
  drain(): void
}

export interface QueueBounds {
  readonly bytes: number
  /** How long a packet may wait, ns of the packets' time. */
  readonly age: number
}

/** A path is judged within seconds. The bytes are those of some 40,000 packets of full size, or 180,000 small ones. */
export const QUEUE_BOUNDS: QueueBounds = { bytes: 64 * 1024 * 1024, age: 30e9 }

/** Memory of a packet beside its bytes, about. */
const OVERHEAD = 256
const SLAB = 1024 * 1024
/** The largest packet that readers of capture files believe (libpcap, Wireshark). */
const MAX_CAPTURED = 262_144
const MACS = 12
const TAG = 4

export function createPacketQueue(bounds: QueueBounds, leave: (held: Held) => void): PacketQueue {
  let waiting: Held[] = []
  let head = 0
  /** Ticket of `waiting[0]`. */
  let first = 0
  let bytes = 0
  let latest = Number.NEGATIVE_INFINITY
  let slab = new Uint8Array(0)
  let used = 0

  function room(size: number): Uint8Array {
    if (used + size > slab.length) {
      slab = new Uint8Array(Math.max(size, SLAB))
      used = 0
    }
    used += size
    return slab.subarray(used - size, used)
  }

  function letGo(): void {
    const held = waiting[head] as Held
    head++
    bytes -= held.frame.length + OVERHEAD
    if (head > 4096 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      first += head
      head = 0
    }
    if (!held.isDropped) leave(held)
  }

  function leaveJudged(): void {
    while (head < waiting.length && (waiting[head] as Held).comments !== null) letGo()
  }

  return {
    add(frame, isEthernet) {
      const tag = isEthernet && lacksTag(frame) ? TAG : 0
      const captured = Math.min(frame.end - frame.start, MAX_CAPTURED - TAG)
      const copy = room(captured + tag)
      copyFrame(frame, captured, tag, copy)
      const { tap, time, direction } = frame
      waiting.push({ tap, time, direction, length: frame.length + tag, frame: copy, comments: null, isDropped: false })
      bytes += copy.length + OVERHEAD
      latest = Math.max(latest, time)
      while (head < waiting.length && (bytes > bounds.bytes || latest - (waiting[head] as Held).time > bounds.age)) {
        letGo()
      }
      leaveJudged()
      return first + waiting.length - 1
    },
    judge(ticket, comments) {
      const held = ticket - first >= head ? waiting[ticket - first] : undefined
      if (held === undefined) return
      held.comments = comments
      leaveJudged()
    },
    drop(ticket) {
      const held = ticket - first >= head ? waiting[ticket - first] : undefined
      if (held === undefined) return
      held.isDropped = true
      held.comments = []
      leaveJudged()
    },
    drain() {
      while (head < waiting.length) letGo()
    },
  }
}

/** Says whether the frame's VLAN tag was taken out of it, as the kernel does. */
function lacksTag({ vlan, bytes, start, end }: Frame): boolean {
  if (vlan === 0 || end - start < MACS + 2) return false
  const isTagged = bytes[start + MACS] === 0x81 && bytes[start + MACS + 1] === 0 && end - start >= MACS + TAG
  return !isTagged || vlan !== (((bytes[start + 14] as number) & 15) << 8) + (bytes[start + 15] as number)
}

function copyFrame({ bytes, start, vlan }: Frame, captured: number, tag: number, copy: Uint8Array): void {
  copy.set(bytes.subarray(start, start + captured), tag)
  if (tag === 0) return
  copy.copyWithin(0, TAG, TAG + MACS)
  copy.set([0x81, 0, vlan >>> 8, vlan & 255], MACS)
}
