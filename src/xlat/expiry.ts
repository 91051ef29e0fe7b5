// hot path
/**
 * Time in the state tables: milliseconds in 31 bits, counted from a base that moves along, so that lifetimes can be
 * compared as small integers for as long as the process lives. Time never runs backwards here.
 *
 * Lifetimes end in the record itself; collecting what has ended is a hand that sweeps over the records in memory order.
 * Unlike in a timer wheel, a refresh writes one word of a record at hand, a new session touches no neighbour, and a
 * record needs no links; sweeping a million records in use costs 14 to 22 ns each, spread over many calls.
 */

/** When the base moves, ms. */
const REBASE_AFTER = 2 ** 30
/** Longest lifetime that fits, ms: twelve days. Longer ones are cut to it. */
export const MAX_LIFETIME = 2 ** 30 - 1
/** What is over for longer than this is as over as it gets, ms. */
export const LONG_OVER = -(2 ** 30)

export class Clock {
  /** Milliseconds since the base, 0 to 2^30. */
  now = 0
  private base = 0

  /** Brings `now` up to date. Returns by how much the base moved, ms: stored times must move back by that. */
  advance(nowMs: number): number {
    const since = nowMs - this.base
    if (since < REBASE_AFTER) {
      if (since > this.now) this.now = since | 0
      return 0
    }
    const by = Math.floor(since)
    this.base += by
    this.now = 0
    return by
  }
}

/** What expire() found for its caller to do. Make one and keep it; expire() empties it first. */
export class ExpirySink {
  /** Sessions whose guest gets a probe: TCP, ESTABLISHED ran out, TRANS now (RFC 6146 section 3.5.2.2). */
  readonly probes = new Int32Array(128)
  probeCount = 0
  /** Stored SYNs that nobody answered in `synBytes[synStart[k], synEnd[k])`; good until the next packet. */
  synBytes: Uint8Array = new Uint8Array(0)
  readonly synStart = new Int32Array(128)
  readonly synEnd = new Int32Array(128)
  synCount = 0

  clear(): void {
    this.probeCount = 0
    this.synCount = 0
  }
}
