/**
 * What a running translator says about itself. Plain JSON: it crosses the control socket, feeds the live screen
 * and is what `nat64 status --json` prints under `"schema": "nat64.status/1"`. Only ever added to.
 */
import type { Mode } from '../xlat/config.js'
import type { GuestRow, IoKind } from './protocol.js'

export const STATUS_SCHEMA = 'nat64.status/1'

/** Traffic of one direction, counted as translated packets leave. */
export interface DirectionStatus {
  readonly packetsIn: number
  readonly bytesIn: number
  readonly packetsOut: number
  readonly bytesOut: number
  /** Segments that the packets stand for: a super-packet counts each of its segments. */
  readonly segmentsOut: number
  /** Over the last second. */
  readonly packetsPerSecond: number
  readonly bitsPerSecond: number
}

export interface DropStatus {
  /** Number of the reason in xlat/reason.ts. */
  readonly reason: number
  readonly code: string
  readonly explanation: string
  readonly reference: string
  readonly count: number
  readonly perSecond: number
}

/** A table and its bound; limit 0: none. */
export interface Fill {
  readonly count: number
  readonly limit: number
}

export interface LoopStatus {
  readonly batches: number
  readonly sleeps: number
  /** Sleeps that ended with something to do. */
  readonly wakeups: number
  readonly reads: number
  readonly writes: number
  /** Packets a batch: entry i counts batches of 2^i to 2^(i+1) - 1 packets. */
  readonly batchSizes: readonly number[]
  /** From waking to the last write: entry 0 counts rounds below 1 µs, entry i those of 2^(i-1) to 2^i - 1 µs. */
  readonly latencyUs: readonly number[]
  /** Since the loop last moved a packet, ms; null before the first one. */
  readonly idleMs: number | null
  /** The device is down, or refuses to be read. */
  readonly down: boolean
  /** Round times that 50 % and 99 % of the rounds stayed below, microseconds. */
  readonly p50Us: number
  readonly p99Us: number
}

export interface StatusSnapshot {
  /** Wall time, ISO 8601. */
  readonly at: string
  readonly version: string
  readonly pid: number
  readonly uptimeMs: number
  readonly state: 'starting' | 'running' | 'reloading' | 'stopping'
  readonly mode: Mode
  readonly tun: { readonly name: string; readonly mtu: number; readonly queues: number; readonly made: boolean }
  readonly pool6: string | null
  /** `address/length ports first-last`, one a range; in pool mode the dynamic pool. */
  readonly pool4: readonly string[]
  /** The private prefix that the host masquerades; null: none. */
  readonly masquerade: string | null
  /** IPv4 prefixes that this host takes as its own, and which of them guests may reach through pool6. */
  readonly host4: { readonly own: readonly string[]; readonly allowed: readonly string[] }
  readonly config: { readonly file: string | null; readonly format: string }
  readonly io: IoKind
  readonly toV4: DirectionStatus
  readonly toV6: DirectionStatus
  /** Reasons that occurred, most frequent lately first. */
  readonly drops: readonly DropStatus[]
  readonly dropped: { readonly count: number; readonly perSecond: number }
  readonly bib: Fill & { readonly tcp: number; readonly udp: number; readonly icmp: number }
  readonly sessions: Fill & { readonly created: number; readonly expired: number; readonly createdPerSecond: number }
  readonly storedSyns: Fill
  readonly fragments: Fill
  readonly hairpinned: number
  /**
   * What became of the packets that came in, so that sums can be made: all that came in is in exactly one of these, among
   * the drops (`icmp_rate` and `write_error` come on top of them), or still stored.
   */
  readonly translated: number
  readonly answered: number
  readonly absorbed: number
  readonly icmpErrorsSent: number
  /** Guests with state, and those that hold the most, most first. */
  readonly guests: { readonly count: number; readonly top: readonly GuestRow[] }
  readonly loop: LoopStatus
  readonly memory: {
    readonly rssBytes: number
    /** What rssBytes never exceeds, with all tables full. */
    readonly boundBytes: number
    readonly heapUsedBytes: number
    readonly externalBytes: number
  }
}
