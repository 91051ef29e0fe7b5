/**
 * Counters of a translator, in one Float64Array so that another thread can read them while they grow
 * (give it a SharedArrayBuffer). Exact up to 2^53.
 */
import { REASONS } from './reason.js'

/** Where each counter stands. Directions: +0 toV4, +1 toV6. */
export const STAT = {
  packetsIn: 0,
  bytesIn: 2,
  packetsOut: 4,
  bytesOut: 6,
  /** Segments that super-packets stand for, in the direction they were translated to. */
  segmentsOut: 8,
  hairpinned: 10,
  /** ICMP errors of our own. */
  replies: 11,
  stored: 12,
  bibEntries: 13,
  sessions: 14,
  sessionsCreated: 15,
  sessionsExpired: 16,
  bibTcp: 17,
  bibUdp: 18,
  bibIcmp: 19,
  storedSyns: 20,
  storedFragments: 21,
  guests: 22,
  /** Packets that came out of the outbox, any kind. */
  emitted: 23,
  probes: 24,
  /** Packets and fragments that came in and whose translation left, now or later, alone or put together. */
  translated: 25,
  /** Echo requests to addresses of our own, answered. */
  answered: 26,
  /** SYNs from outside for which another one stands: one from inside (RFC 6146 section 3.5.2.2), or their own first. */
  absorbed: 27,
  /** Drops by reason: this plus the reason's number. */
  drops: 32,
} as const

/** How many counters there are, with room for reasons that are added later. */
export const STAT_COUNT = STAT.drops + Math.max(64, REASONS.length)

/** Bytes of the array. */
export const STAT_BYTES = STAT_COUNT * 8

/** Makes a zeroed set of counters, over `buffer` when one is given (at least {@link STAT_BYTES}). */
export function makeStats(buffer: ArrayBufferLike = new ArrayBuffer(STAT_BYTES)): Float64Array {
  return new Float64Array(buffer, 0, STAT_COUNT)
}
