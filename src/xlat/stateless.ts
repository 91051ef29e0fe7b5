// hot path
/**
 * Stateless translation: siit (RFC 7915 with the mappings of RFC 7757) and pool mode (one IPv4 address a guest).
 * Both differ only in how addresses are mapped.
 */
import { isMartian4 } from '../addr/special.js'
import { ICMP4, ICMP6 } from '../wire/protocol.js'
import { Admission } from './admission.js'
import type { Engine } from './engine.js'
import type { LeaseLog } from './lease-log.js'
import { BY_EAM, BY_LEASE, BY_NOTHING, BY_POOL6, Mapping } from './mapping.js'
import { Packet } from './packet.js'
import { parse } from './parse.js'
import { parseInner } from './parse-inner.js'
import { REASON } from './reason.js'
import { DROPPED, EMITTED, HAIRPINNED, TRANSLATED, type Verdict } from './verdict.js'

export class Stateless {
  /** REASON number of the last drop. */
  reason = 0
  readonly mapping: Mapping
  private readonly admission: Admission
  /** Guests have explicit mappings: a source inside pool6 is forged, unless guests6 has it (RFC 6052 section 5.1). */
  private readonly areGuestsMapped: boolean
  private readonly inner = new Packet()
  /** The last step's result is for a guest that was addressed by pool6 (RFC 7757 section 4.2.2). */
  private isHairpin = false

  constructor(
    private readonly engine: Engine,
    log?: LeaseLog,
  ) {
    this.admission = new Admission(engine.config)
    this.areGuestsMapped = engine.config.eam.length > 0 && engine.config.guests6.length === 0
    this.mapping = new Mapping(engine.config, engine.pool6, engine.stats, log)
  }

  /** Translates a packet or fragment, there and where need be back. */
  translate(p: Packet, nowMs: number): Verdict {
    if (isFragmentedIcmp(p)) return this.drop(REASON.fragmented_icmp)
    if (p.version === 4) return p.isIcmpError ? this.errorToV6(p, false, nowMs) : this.toV6(p, false, nowMs)
    this.isHairpin = false
    const start = p.start
    const verdict = p.isIcmpError ? this.errorToV4(p, nowMs) : this.toV4(p, nowMs)
    // An ICMP error whose extension took all the room in front goes back by way of the host.
    if (!this.isHairpin || verdict !== TRANSLATED || p.start < start) return verdict
    const reason = parse(p)
    if (reason !== 0) return this.drop(reason)
    const second = p.isIcmpError ? this.errorToV6(p, true, nowMs) : this.toV6(p, true, nowMs)
    return second === TRANSLATED ? HAIRPINNED : second
  }

  private toV4(p: Packet, nowMs: number): Verdict {
    const { rewriter } = this.engine
    const mapping = this.mapping
    const dstBy = mapping.toV4(p.d0 | 0, p.d1 | 0, p.d2 | 0, p.d3 | 0, false, nowMs)
    if (dstBy === BY_NOTHING) return this.drop(mapping.reason)
    if (dstBy === BY_LEASE) return this.drop(REASON.no_mapping)
    // Signed: an unsigned number above 2^31 is boxed on its way into a function that is not inlined.
    const dst4 = mapping.address4 | 0
    if (isMartian4(dst4)) return this.drop(REASON.martian_destination)
    // An explicit mapping is the administrator's own word.
    const refusal = dstBy === BY_EAM ? 0 : this.admission.refuses(p.s0 | 0, p.s1 | 0, p.s2 | 0, p.s3 | 0, dst4)
    if (refusal !== 0) return this.drop(refusal)
    const srcBy = mapping.toV4(p.s0 | 0, p.s1 | 0, p.s2 | 0, p.s3 | 0, true, nowMs)
    if (srcBy === BY_NOTHING) return this.drop(mapping.reason)
    const src4 = mapping.address4 | 0
    if (isMartian4(src4)) return this.drop(REASON.martian_source)
    if (srcBy === BY_POOL6 && this.isForged(dstBy)) return this.drop(REASON.hairpin_loop)
    if (srcBy === BY_POOL6 && this.admission.isHost(src4)) return this.drop(REASON.host_address)
    this.isHairpin = this.mayComeBack() && dstBy === BY_POOL6 && mapping.isGuest4(dst4)
    return this.done(rewriter.toV4(p, src4, dst4, p.sport, p.dport))
  }

  /** `isBack`: the second half of hairpinning, where the source is represented by pool6. */
  private toV6(p: Packet, isBack: boolean, nowMs: number): Verdict {
    const { config, rewriter } = this.engine
    const mapping = this.mapping
    const byPool6 = isBack || this.isBetweenGuests(p.s3 | 0, p.d3 | 0)
    // In pool mode peers are never guests.
    const srcBy = mapping.toV6(p.s3 | 0, !byPool6 && config.mode === 'siit', nowMs)
    if (srcBy === BY_NOTHING) return this.drop(mapping.reason)
    const s0 = mapping.w0 | 0
    const s1 = mapping.w1 | 0
    const s2 = mapping.w2 | 0
    const s3 = mapping.w3 | 0
    const dstBy = mapping.toV6(p.d3 | 0, true, nowMs)
    if (dstBy === BY_NOTHING) return this.drop(mapping.reason)
    if (dstBy === BY_POOL6 && config.mode === 'pool') return this.drop(REASON.no_mapping)
    const { w0, w1, w2, w3 } = mapping
    return this.done(rewriter.toV6(p, s0, s1, s2, s3, w0 | 0, w1 | 0, w2 | 0, w3 | 0, p.sport, p.dport))
  }

  private errorToV4(p: Packet, nowMs: number): Verdict {
    const { config, rewriter } = this.engine
    const { mapping, inner } = this
    const dstBy = mapping.toV4(p.d0 | 0, p.d1 | 0, p.d2 | 0, p.d3 | 0, false, nowMs)
    if (dstBy === BY_NOTHING) return this.drop(mapping.reason)
    const dst4 = mapping.address4 | 0
    if (isMartian4(dst4)) return this.drop(REASON.martian_destination)
    // The host would take a forged error for one about a connection of its own.
    if (dstBy !== BY_EAM && this.admission.isHost(dst4)) return this.drop(REASON.host_address)
    // RFC 6791: a router without IPv4 address of its own speaks through ours.
    const srcBy = mapping.toV4(p.s0 | 0, p.s1 | 0, p.s2 | 0, p.s3 | 0, false, nowMs)
    const src4 = srcBy === BY_NOTHING ? (config.icmpSource4 ?? -1) : mapping.address4
    if (src4 < 0) return this.drop(mapping.reason)
    if (isMartian4(src4)) return this.drop(REASON.martian_source)
    if (srcBy === BY_POOL6 && this.isForged(dstBy)) return this.drop(REASON.hairpin_loop)
    const refusal = parseInner(p, inner)
    if (refusal !== 0) return this.drop(refusal)
    const innerSrcBy = mapping.toV4(inner.s0, inner.s1, inner.s2, inner.s3, false, nowMs)
    const innerSrc4 = mapping.address4
    const innerDstBy = mapping.toV4(inner.d0, inner.d1, inner.d2, inner.d3, false, nowMs)
    const innerDst4 = mapping.address4
    if (innerSrcBy === BY_NOTHING || innerDstBy === BY_NOTHING) return this.drop(REASON.icmp_inner)
    this.isHairpin = this.mayComeBack() && innerSrcBy === BY_POOL6 && mapping.isGuest4(innerSrc4)
    const { sport, dport } = inner
    return this.done(rewriter.errorToV4(p, src4 | 0, dst4, inner, innerSrc4 | 0, innerDst4 | 0, sport, dport))
  }

  private errorToV6(p: Packet, isBack: boolean, nowMs: number): Verdict {
    const { config, rewriter } = this.engine
    const { mapping, inner } = this
    const refusal = parseInner(p, inner)
    if (refusal !== 0) return this.drop(refusal)
    const byPool6 = isBack || this.isBetweenGuests(inner.s3, inner.d3)
    const isFromPeer = p.s3 === inner.d3
    const isSiit = config.mode === 'siit'
    const srcBy = mapping.toV6(p.s3 | 0, isSiit && !(byPool6 && isFromPeer), nowMs)
    let s0 = mapping.w0 | 0
    let s1 = mapping.w1 | 0
    let s2 = mapping.w2 | 0
    let s3 = mapping.w3 | 0
    if (srcBy === BY_NOTHING) {
      const own = config.icmpSource6
      if (own === null) return this.drop(mapping.reason)
      s0 = own[0] | 0
      s1 = own[1] | 0
      s2 = own[2] | 0
      s3 = own[3] | 0
    }
    const dstBy = mapping.toV6(p.d3 | 0, true, nowMs)
    if (dstBy === BY_NOTHING) return this.drop(mapping.reason)
    const d0 = mapping.w0 | 0
    const d1 = mapping.w1 | 0
    const d2 = mapping.w2 | 0
    const d3 = mapping.w3 | 0
    const innerSrcBy = mapping.toV6(inner.s3, true, nowMs)
    const i0 = mapping.w0 | 0
    const i1 = mapping.w1 | 0
    const i2 = mapping.w2 | 0
    const i3 = mapping.w3 | 0
    const innerDstBy = mapping.toV6(inner.d3, isSiit && !byPool6, nowMs)
    if (innerSrcBy === BY_NOTHING || innerDstBy === BY_NOTHING) return this.drop(REASON.icmp_inner)
    if (dstBy === BY_POOL6 && !isSiit) return this.drop(REASON.no_mapping)
    const { w0, w1, w2, w3 } = mapping
    const reason = rewriter.errorToV6(
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
      i0,
      i1,
      i2,
      i3,
      w0 | 0,
      w1 | 0,
      w2 | 0,
      w3 | 0,
      inner.sport,
      inner.dport,
    )
    return this.done(reason)
  }

  /** No guest sends from inside pool6 to there. Peers do, by way of another translator, to guests with mappings. */
  private isForged(dstBy: number): boolean {
    return this.engine.config.mode === 'pool' || (dstBy === BY_POOL6 && this.areGuestsMapped)
  }

  /** Pool mode always turns such packets round itself; in siit the configuration says so. */
  private mayComeBack(): boolean {
    const { mode, eamHairpin } = this.engine.config
    return eamHairpin === 'intrinsic' || (mode === 'pool' && eamHairpin !== 'off')
  }

  /** Simple hairpinning (RFC 7757 section 4.2.1): both ends have explicit mappings, so the source keeps to pool6. */
  private isBetweenGuests(src4: number, dst4: number): boolean {
    return this.engine.config.eamHairpin === 'simple' && this.mapping.isGuest4(src4) && this.mapping.isGuest4(dst4 | 0)
  }

  private done(reason: number): Verdict {
    if (reason !== 0) return this.drop(reason)
    return this.engine.rewriter.emitted ? EMITTED : TRANSLATED
  }

  private drop(reason: number): Verdict {
    this.reason = reason
    return DROPPED
  }
}

function isFragmentedIcmp(p: Packet): boolean {
  const isIcmp = p.protocol === (p.version === 4 ? ICMP4 : ICMP6)
  return isIcmp && p.isFragment && (p.fragOffset !== 0 || p.moreFragments)
}
