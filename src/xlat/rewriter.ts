// hot path
/**
 * Rewriting of packets in place (RFC 7915): the entry for the pipeline, which has chosen the addresses.
 *
 * Every method takes a packet fresh from `parse` (or `parseInner`), returns 0 or a reason, and in the latter case has
 * left the packet fit to be quoted in an ICMP error. Addresses are 32-bit words, signed or unsigned. Ports are those to
 * write; an ICMP query wants its identifier as both. After 0, `p` describes the new packet by `start`, `end` and the
 * virtio metadata only; what parsing had found is stale.
 */
import type { XlatConfig } from './config.js'
import { errorToV4 } from './icmp-to-v4.js'
import { errorToV6 } from './icmp-to-v6.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'
import { RewriteContext } from './rewrite-context.js'
import { toV4 } from './to-v4.js'
import { toV6 } from './to-v6.js'

export class Rewriter {
  private readonly c: RewriteContext

  /** @param idSeed first IPv4 identification this translator makes up, 16 bits */
  constructor(config: XlatConfig, outbox: Outbox, idSeed: number) {
    this.c = new RewriteContext(config, outbox, idSeed)
  }

  /** The last call returned 0, but its result stands in the outbox as fragments; the packet itself is used up. */
  get emitted(): boolean {
    return this.c.emitted
  }

  /** Rewrites an IPv6 packet that is no ICMP error. */
  toV4(p: Packet, src4: number, dst4: number, sport: number, dport: number): number {
    this.c.emitted = false
    return toV4(this.c, p, src4, dst4, sport, dport)
  }

  /** Rewrites an IPv4 packet that is no ICMP error. */
  toV6(
    p: Packet,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    d0: number,
    d1: number,
    d2: number,
    d3: number,
    sport: number,
    dport: number,
  ): number {
    this.c.emitted = false
    return toV6(this.c, p, s0, s1, s2, s3, d0, d1, d2, d3, sport, dport)
  }

  /** Rewrites an ICMPv6 error and the packet it quotes, parsed into `inner`. */
  errorToV4(
    p: Packet,
    src4: number,
    dst4: number,
    inner: Packet,
    innerSrc4: number,
    innerDst4: number,
    innerSport: number,
    innerDport: number,
  ): number {
    this.c.emitted = false
    return errorToV4(this.c, p, src4, dst4, inner, innerSrc4, innerDst4, innerSport, innerDport)
  }

  /** Rewrites an ICMPv4 error and the packet it quotes, parsed into `inner`. */
  errorToV6(
    p: Packet,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    d0: number,
    d1: number,
    d2: number,
    d3: number,
    inner: Packet,
    is0: number,
    is1: number,
    is2: number,
    is3: number,
    id0: number,
    id1: number,
    id2: number,
    id3: number,
    innerSport: number,
    innerDport: number,
  ): number {
    const c = this.c
    c.emitted = false
    return errorToV6(
      c,
      p,
      s0,
      s1,
      s2,
      s3,
      d0,
      d1,
      d2,
      d3,
      inner,
      is0,
      is1,
      is2,
      is3,
      id0,
      id1,
      id2,
      id3,
      innerSport,
      innerDport,
    )
  }
}
