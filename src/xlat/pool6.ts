// hot path
/** pool6, the prefix that represents IPv4 (RFC 6052), without allocation; and which IPv4 addresses it may stand for. */

import { sameIpv6 } from '../addr/ipv6.js'
import { mask32 } from '../addr/prefix.js'
import { extractWords, WELL_KNOWN_PREFIX } from '../addr/rfc6052.js'
import { isGlobal4, NON_GLOBAL4 } from '../addr/special.js'
import type { XlatConfig } from './config.js'
import { PrefixSet4 } from './prefix-set.js'
import { REASON } from './reason.js'

/** First bytes under which an IPv4 address can be non-global; spares most addresses the full check. */
const SUSPECT = new Uint8Array(256)
for (const { address, length } of NON_GLOBAL4) {
  const first = address >>> 24
  SUSPECT.fill(1, first, first + (length < 8 ? 1 << (8 - length) : 1))
}

export class Pool6 {
  /** Prefix length; 0 when there is no pool6. */
  readonly length: number
  private readonly p0: number
  private readonly p1: number
  private readonly p2: number
  private readonly m0: number
  private readonly m1: number
  private readonly m2: number
  /** Refuses non-global IPv4: the prefix is the well-known one, and nobody allowed it (RFC 6052 section 3.1). */
  private readonly isStrict: boolean
  private readonly denylist4: PrefixSet4

  /** Result of {@link put}. */
  w0 = 0
  w1 = 0
  w2 = 0
  w3 = 0

  constructor(config: XlatConfig) {
    const prefix = config.pool6
    const address = prefix?.address ?? [0, 0, 0, 0]
    this.length = prefix?.length ?? 0
    this.p0 = address[0] | 0
    this.p1 = address[1] | 0
    this.p2 = address[2] | 0
    this.m0 = mask32(this.length) | 0
    this.m1 = mask32(this.length - 32) | 0
    this.m2 = mask32(this.length - 64) | 0
    this.isStrict = config.wellKnownPrefixStrict && this.length === 96 && sameIpv6(address, WELL_KNOWN_PREFIX.address)
    this.denylist4 = new PrefixSet4(config.denylist4)
  }

  /** Says whether the address is inside pool6. */
  contains(a: number, b: number, c: number): boolean {
    return this.length !== 0 && (a & this.m0) === this.p0 && (b & this.m1) === this.p1 && (c & this.m2) === this.p2
  }

  /** The IPv4 address inside; meaningful iff {@link contains}. */
  extract(b: number, c: number, d: number): number {
    return extractWords(this.length, b, c, d)
  }

  /** Represents an IPv4 address in `w0` to `w3`; u-octet and suffix are zero. */
  put(address4: number): void {
    this.w0 = this.p0 >>> 0
    this.w1 = this.p1 >>> 0
    this.w2 = this.p2 >>> 0
    this.w3 = 0
    switch (this.length) {
      case 32:
        this.w1 = address4
        break
      case 40:
        this.w1 = (this.p1 | (address4 >>> 8)) >>> 0
        this.w2 = ((address4 & 0xff) << 16) >>> 0
        break
      case 48:
        this.w1 = (this.p1 | (address4 >>> 16)) >>> 0
        this.w2 = ((address4 & 0xffff) << 8) >>> 0
        break
      case 56:
        this.w1 = (this.p1 | (address4 >>> 24)) >>> 0
        this.w2 = address4 & 0xffffff
        break
      case 64:
        this.w2 = address4 >>> 8
        this.w3 = ((address4 & 0xff) << 24) >>> 0
        break
      default:
        this.w3 = address4
    }
  }

  /** 0, or why pool6 must not stand for the address. */
  refuses(address4: number): number {
    if (this.denylist4.has(address4)) return REASON.denylist4
    return this.isStrict && SUSPECT[address4 >>> 24] !== 0 && !isGlobal4(address4) ? REASON.non_global : 0
  }
}
