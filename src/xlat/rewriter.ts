// hot path
import type { XlatConfig } from './config.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'

/**
 * Rewrites parsed packets in place (RFC 7915). Every method returns 0, or a reason and then has changed nothing.
 * Addresses are 32-bit words, signed or unsigned.
 */
export class Rewriter {
  /** The last call succeeded, but its result stands in the outbox (fragments); the packet itself is used up. */
  emitted = false

  /** @param idSeed first IPv4 identification this translator makes up */
  constructor(
    readonly config: XlatConfig,
    readonly outbox: Outbox,
    readonly idSeed: number,
  ) {}

  /** `sport` and `dport`: ports to write; an ICMP query takes its identifier from `sport`. */
  toV4(_p: Packet, _src4: number, _dst4: number, _sport: number, _dport: number): number {
    return 0
  }

  toV6(
    _p: Packet,
    _s0: number,
    _s1: number,
    _s2: number,
    _s3: number,
    _d0: number,
    _d1: number,
    _d2: number,
    _d3: number,
    _sport: number,
    _dport: number,
  ): number {
    return 0
  }

  errorToV4(
    _p: Packet,
    _src4: number,
    _dst4: number,
    _inner: Packet,
    _innerSrc4: number,
    _innerDst4: number,
    _innerSport: number,
    _innerDport: number,
  ): number {
    return 0
  }

  errorToV6(
    _p: Packet,
    _s0: number,
    _s1: number,
    _s2: number,
    _s3: number,
    _d0: number,
    _d1: number,
    _d2: number,
    _d3: number,
    _inner: Packet,
    _is0: number,
    _is1: number,
    _is2: number,
    _is3: number,
    _id0: number,
    _id1: number,
    _id2: number,
    _id3: number,
    _innerSport: number,
    _innerDport: number,
  ): number {
    return 0
  }
}
