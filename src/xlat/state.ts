/**
 * The state of a NAT64 (RFC 6146 section 3): BIBs, sessions, stored SYNs. Signatures first, bodies follow.
 * Words and addresses may be passed signed or unsigned; signed ones (`x | 0`) are never boxed by the engine.
 */
import type { BibRow, GuestRow, SessionRow } from '../run/protocol.js'
import type { XlatConfig } from './config.js'

/** fromV4 and fromV6: refused, see {@link State.reason}. find*: nothing there. */
export const REFUSED = -1
/** fromV4: a TCP SYN that has to wait for one from inside; hand its bytes to {@link State.storeSyn}. */
export const STORE_SYN = -2

/** What expire() found for its caller to do. Preallocate one; expire() clears it first. */
export class ExpirySink {
  /** Sessions (TCP, ESTABLISHED timed out, now TRANS) whose guest gets a probe. */
  readonly probes = new Int32Array(64)
  probeCount = 0
  /** Bytes of SYNs from outside whose time is over, each answered with ICMPv4 port unreachable. */
  readonly synBytes: Uint8Array = new Uint8Array(0)
  readonly synStart = new Int32Array(64)
  readonly synEnd = new Int32Array(64)
  synCount = 0
}

export class State {
  /** REASON number of the last refusal. */
  reason = 0

  constructor(
    _config: XlatConfig,
    _stats: Float64Array,
    _random32: () => number,
    _secret: readonly [number, number, number, number],
  ) {}

  /** A packet from IPv6. Finds or creates; returns the session, or REFUSED. */
  fromV6(
    _protocol: number,
    _h0: number,
    _h1: number,
    _h2: number,
    _h3: number,
    _host6Port: number,
    _peer4: number,
    _peer4Port: number,
    _tcpFlags: number,
    _nowMs: number,
  ): number {
    return REFUSED
  }

  /** A packet from IPv4. Returns the session, REFUSED, or STORE_SYN. */
  fromV4(
    _protocol: number,
    _mapped4: number,
    _mapped4Port: number,
    _peer4: number,
    _peer4Port: number,
    _tcpFlags: number,
    _nowMs: number,
  ): number {
    return REFUSED
  }

  /** The session of a packet from IPv6, changing nothing; REFUSED if none. */
  findV6(
    _protocol: number,
    _h0: number,
    _h1: number,
    _h2: number,
    _h3: number,
    _host6Port: number,
    _peer4: number,
    _peer4Port: number,
    _nowMs: number,
  ): number {
    return REFUSED
  }

  /** The session of a packet from IPv4, changing nothing; REFUSED if none. */
  findV4(
    _protocol: number,
    _mapped4: number,
    _mapped4Port: number,
    _peer4: number,
    _peer4Port: number,
    _nowMs: number,
  ): number {
    return REFUSED
  }

  /** The BIB entry of a guest's transport address; REFUSED if none. Read it with bibMapped4() and bibMapped4Port(). */
  findBibV6(
    _protocol: number,
    _h0: number,
    _h1: number,
    _h2: number,
    _h3: number,
    _host6Port: number,
    _nowMs: number,
  ): number {
    return REFUSED
  }

  /** The BIB entry of an IPv4 transport address; REFUSED if none. Read it with bibHost6Word() and bibHost6Port(). */
  findBibV4(_protocol: number, _mapped4: number, _mapped4Port: number, _nowMs: number): number {
    return REFUSED
  }

  // Fields of session `i`, valid until the next call that takes a time.
  mapped4(_i: number): number {
    return 0
  }
  mapped4Port(_i: number): number {
    return 0
  }
  host6Word(_i: number, _k: number): number {
    return 0
  }
  host6Port(_i: number): number {
    return 0
  }
  peer4(_i: number): number {
    return 0
  }
  peer4Port(_i: number): number {
    return 0
  }
  // Fields of BIB entry `b`.
  bibMapped4(_b: number): number {
    return 0
  }
  bibMapped4Port(_b: number): number {
    return 0
  }
  bibHost6Word(_b: number, _k: number): number {
    return 0
  }
  bibHost6Port(_b: number): number {
    return 0
  }

  /** Says whether the transport address is ours: inside pool4, or of a static BIB entry (RFC 6146 section 3.8). */
  isMapped(_protocol: number, _address4: number, _port: number): boolean {
    return false
  }

  /** Keeps the SYN in `buf[start, end)` (from the IPv4 header) after fromV4 said STORE_SYN. False: refused, see reason. */
  storeSyn(_buf: Uint8Array, _start: number, _end: number, _nowMs: number): boolean {
    return false
  }

  /** Collects what is past its time; at most `budget` entries end per call. Returns how many did. */
  expire(_nowMs: number, _budget: number, _sink: ExpirySink): number {
    return 0
  }

  // Batches: note the keys of up to 64 packets, then touch() loads what their lookups will need, all at once.
  noteV6(
    _protocol: number,
    _h0: number,
    _h1: number,
    _h2: number,
    _h3: number,
    _host6Port: number,
    _peer4: number,
    _peer4Port: number,
  ): void {}
  noteV4(_protocol: number, _mapped4: number, _mapped4Port: number, _peer4: number, _peer4Port: number): void {}
  touch(): void {}

  /** Takes a new configuration; sessions stay where pool4 and pool6 still cover them. Returns how many were dropped. */
  reconfigure(_config: XlatConfig, _nowMs: number): number {
    return 0
  }

  /** All of it as bytes, with lifetimes left. */
  export(_nowMs: number): Uint8Array {
    return new Uint8Array(0)
  }

  /** Takes what export() made, as far as it fits this configuration; refuses foreign or damaged bytes whole. */
  import(_bytes: Uint8Array, _nowMs: number): { bib: number; sessions: number; refused: number } {
    return { bib: 0, sessions: 0, refused: 0 }
  }

  bibRows(_limit: number): BibRow[] {
    return []
  }
  sessionRows(_limit: number): SessionRow[] {
    return []
  }
  guestRows(_limit: number): GuestRow[] {
    return []
  }
}
