/**
 * Who has which address and ports, from the packet worker to the main thread: a ring in shared memory with one writer and
 * one reader. The writer never waits. When the ring is full, events are lost, and counted.
 */
import { type Ipv4, ipv4 } from '../addr/ipv4.js'
import type { Ipv6 } from '../addr/ipv6.js'
import type { LeaseLog } from '../xlat/lease-log.js'

/** Records it holds: the blocks of 130 addresses that are full, at 128 ports a block. */
const CAPACITY = 65_536
/** Words of the header: next record to write, next to read, events lost; the first two count on and on. */
const WRITTEN = 0
const READ = 1
const LOST = 2
const HEADER = 4
/** Words of a record: time (a double) kind | protocol << 8, host6 (4), address4, first << 16 | last. */
const RECORD = 10

/** Bytes of the ring. */
export const LEASE_RING_BYTES = (HEADER + CAPACITY * RECORD) * 4

const KINDS = ['start', 'create', 'release', 'static'] as const

export interface LeaseEvent {
  /** start: all that was before is over. static: a binding of one port. */
  readonly kind: (typeof KINDS)[number]
  /** Wall time, ms since the epoch. */
  readonly atMs: number
  readonly guest: Ipv6
  readonly address4: Ipv4
  readonly first: number
  readonly last: number
  /** Number of the protocol of a static binding. */
  readonly protocol: number
}

/** The writer's side. `clock`: wall time, ms. */
export function makeLeaseLog(ring: SharedArrayBuffer, clock: () => number = Date.now): LeaseLog {
  const words = new Int32Array(ring)
  const view = new DataView(ring)
  const note = (
    kind: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    address4: number,
    first: number,
    last: number,
  ) => {
    const written = Atomics.load(words, WRITTEN)
    if ((written - Atomics.load(words, READ)) >>> 0 >= CAPACITY) {
      Atomics.add(words, LOST, 1)
      return
    }
    const o = recordAt(written)
    view.setFloat64(o * 4, clock())
    words[o + 2] = kind
    words[o + 3] = h0
    words[o + 4] = h1
    words[o + 5] = h2
    words[o + 6] = h3
    words[o + 7] = address4
    words[o + 8] = (first << 16) | last
    Atomics.store(words, WRITTEN, (written + 1) | 0)
  }
  return {
    reset: () => note(0, 0, 0, 0, 0, 0, 0, 0),
    begin: (h0, h1, h2, h3, address4, first, last) => note(1, h0, h1, h2, h3, address4, first, last),
    end: (h0, h1, h2, h3, address4, first, last) => note(2, h0, h1, h2, h3, address4, first, last),
    fixed: (h0, h1, h2, h3, address4, port, p) => note(3 | (p << 8), h0, h1, h2, h3, address4, port, port),
  }
}

/** The reader's side: takes the oldest events, at most `most`. */
export function takeLeases(ring: SharedArrayBuffer, most: number): LeaseEvent[] {
  const words = new Int32Array(ring)
  const view = new DataView(ring)
  const read = Atomics.load(words, READ)
  const count = Math.min(most, (Atomics.load(words, WRITTEN) - read) >>> 0)
  const events = Array.from({ length: count }, (_, i): LeaseEvent => {
    const o = recordAt(read + i)
    const word = (k: number) => words[o + k]! >>> 0
    return {
      kind: KINDS[word(2) & 0xff]!,
      protocol: word(2) >>> 8,
      atMs: view.getFloat64(o * 4),
      guest: [word(3), word(4), word(5), word(6)],
      address4: ipv4(word(7)),
      first: word(8) >>> 16,
      last: word(8) & 0xffff,
    }
  })
  Atomics.store(words, READ, (read + count) | 0)
  return events
}

/** How many events were lost since the last call. */
export function takeLost(ring: SharedArrayBuffer): number {
  return Atomics.exchange(new Int32Array(ring), LOST, 0)
}

const recordAt = (count: number) => HEADER + (count & (CAPACITY - 1)) * RECORD
