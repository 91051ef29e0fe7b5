/**
 * Counters of the packet loop, in one Float64Array over shared memory: the worker writes, any thread reads.
 * What happens to packets is counted elsewhere (xlat/stats.ts); this says how the loop gets its work done.
 */

/** Where each counter stands. */
export const LOOP = {
  /** Rounds in which at least one packet was read. */
  batches: 0,
  /** Packets read, and packets written (or refused by the kernel). */
  reads: 1,
  writes: 2,
  writeErrors: 3,
  readErrors: 4,
  /** Reads that found the device empty. */
  empty: 5,
  /** Calls of io_uring_enter. */
  ringCalls: 6,
  sleeps: 7,
  /** Sleeps that ended with something to do: a packet or a message. */
  wakeups: 8,
  /** Spins, and those that met a packet. */
  spins: 9,
  spinHits: 10,
  /** Last packet, by {@link monotonicMs}; 0 before the first. */
  lastActivity: 11,
  /** 1 while the device is down or refuses to be read. */
  down: 12,
  /** Sum of what `latency` counts, microseconds. */
  latencySum: 13,
  /** Packets in a batch: 1, 2-3, 4-7, … 64 and more. */
  batchSize: 16,
  /** From waking (or from the last batch, under load) to the last write, microseconds: below 1, 1, 2-3, 4-7, … */
  latency: 24,
} as const

export const BATCH_BUCKETS = 7
export const LATENCY_BUCKETS = 24
const LOOP_COUNT = LOOP.latency + LATENCY_BUCKETS

/** Bytes of the array. */
export const LOOP_BYTES = LOOP_COUNT * 8

/** Zeroed counters over `buffer`, at least {@link LOOP_BYTES}. */
export function makeLoopStats(buffer: ArrayBufferLike = new ArrayBuffer(LOOP_BYTES)): Float64Array {
  return new Float64Array(buffer, 0, LOOP_COUNT)
}

/** A clock that all threads share and nobody sets, ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** Time since the last packet, ms; null before the first. */
export function idleMs(loop: Float64Array): number | null {
  const last = loop[LOOP.lastActivity]!
  return last === 0 ? null : Math.max(0, monotonicMs() - last)
}

/** Bucket of a number of packets, at least 1. */
export function batchBucket(packets: number): number {
  return Math.min(31 - Math.clz32(packets), BATCH_BUCKETS - 1)
}

/** Bucket of a time, microseconds. */
export function latencyBucket(us: number): number {
  return Math.min(32 - Math.clz32(us), LATENCY_BUCKETS - 1)
}

/** The time, microseconds, below which a share (0 to 1) of the rounds lay; the upper bound of its bucket. 0: none yet. */
export function latencyQuantile(loop: Float64Array, share: number): number {
  const buckets = loop.subarray(LOOP.latency, LOOP.latency + LATENCY_BUCKETS)
  const total = buckets.reduce((a, b) => a + b, 0)
  let seen = 0
  for (let i = 0; i < LATENCY_BUCKETS && total > 0; i++) {
    seen += buckets[i]!
    if (seen >= total * share) return 2 ** i
  }
  return 0
}
