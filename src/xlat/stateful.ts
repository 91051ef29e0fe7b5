// hot path
/**
 * Stateful translation, in the order of RFC 6146 section 3: the incoming tuple was read by parsing (3.4), here follow
 * filtering and updating (3.5), computing the outgoing tuple (3.6), translating (3.7), and hairpinning (3.8).
 */
import { isMartian4 } from '../addr/special.js'
import { u8 } from '../wire/bytes.js'
import { ICMP4, ICMP6, IP6, TCP, UDP } from '../wire/protocol.js'
import type { Engine } from './engine.js'
import { Packet } from './packet.js'
import { parse } from './parse.js'
import { parseInner } from './parse-inner.js'
import { REASON } from './reason.js'
import { STORE_SYN, type State } from './state.js'
import { STAT } from './stats.js'
import { DROPPED, EMITTED, HAIRPINNED, STORED, TRANSLATED, type Verdict } from './verdict.js'

const ECHO_REPLY4 = 0
const ECHO_REQUEST4 = 8
const ECHO_REQUEST6 = 128
const ECHO_REPLY6 = 129

export class Stateful {
  /** REASON number of the last drop. */
  reason = 0
  /** The last step led to an address of our own: the packet has to go back to IPv6. */
  isHairpin = false
  private readonly inner = new Packet()

  constructor(
    private readonly engine: Engine,
    readonly state: State,
  ) {}

  /** Translates a whole packet, or the first fragment of one, there and where need be back. */
  whole(p: Packet, nowMs: number): Verdict {
    const start = p.start
    const verdict = this.step(p, nowMs)
    // An ICMP error whose extension took all the room in front goes back by way of the host.
    if (!this.isHairpin || verdict !== TRANSLATED || p.start < start) return verdict
    const reason = parse(p)
    if (reason !== 0) return this.drop(reason)
    const second = this.step(p, nowMs)
    return second === TRANSLATED ? HAIRPINNED : second
  }

  /** Translates once, to the other family. `isHairpin` says whether the result comes back to us. */
  step(p: Packet, nowMs: number): Verdict {
    this.isHairpin = false
    const refusal = this.admit(p)
    if (refusal !== 0) return this.drop(refusal)
    if (p.isIcmpError) return p.version === 6 ? this.errorToV4(p, nowMs) : this.errorToV6(p, nowMs)
    return p.version === 6 ? this.toV4(p, nowMs) : this.toV6(p, nowMs)
  }

  /** Which packets are ours to translate, by addresses and protocol alone (section 3.5). 0 or a reason. */
  admit(p: Packet): number {
    if (p.version === 6) {
      const pool6 = this.engine.pool6
      if (!pool6.contains(p.d0, p.d1, p.d2)) return REASON.pool6_mismatch
      if (pool6.contains(p.s0, p.s1, p.s2)) return REASON.hairpin_loop
      const peer4 = pool6.extract(p.d1, p.d2, p.d3)
      if (isMartian4(peer4)) return REASON.martian_destination
      const refusal = pool6.refuses(peer4)
      if (refusal !== 0) return refusal
      return p.protocol === TCP || p.protocol === UDP || p.protocol === ICMP6 ? 0 : REASON.protocol
    }
    if (!this.engine.pool4.has(p.d3 | 0)) return REASON.pool4_mismatch
    // A router may report an error from an address that cannot be represented; see errorToV6.
    const refusal = this.engine.pool6.refuses(p.s3 | 0)
    if (refusal !== 0 && (refusal !== REASON.non_global || !p.isIcmpError)) return refusal
    return p.protocol === TCP || p.protocol === UDP || p.protocol === ICMP4 ? 0 : REASON.protocol
  }

  private toV4(p: Packet, nowMs: number): Verdict {
    const { pool6, rewriter } = this.engine
    const state = this.state
    const isIcmp = p.protocol === ICMP6
    if (isIcmp && p.icmpType !== ECHO_REQUEST6 && p.icmpType !== ECHO_REPLY6) return this.drop(REASON.icmp_type)
    // What ends here takes no port.
    if (u8(p.buf, p.start + IP6.HOPS) <= 1) return this.drop(REASON.ttl_expired)
    const peer4 = pool6.extract(p.d1, p.d2, p.d3) | 0
    const peer4Port = isIcmp ? 0 : p.dport
    const host = p.s0 | 0
    const s = state.fromV6(p.protocol, host, p.s1 | 0, p.s2 | 0, p.s3 | 0, p.sport, peer4, peer4Port, p.tcpFlags, nowMs)
    if (s < 0) return this.drop(state.reason)
    const mapped4Port = state.mapped4Port(s)
    this.isHairpin = this.isOurs(p.protocol, peer4, isIcmp ? mapped4Port : p.dport)
    return this.done(rewriter.toV4(p, state.mapped4(s) | 0, peer4, mapped4Port, isIcmp ? mapped4Port : p.dport))
  }

  private toV6(p: Packet, nowMs: number): Verdict {
    const { pool6, rewriter } = this.engine
    const state = this.state
    const isIcmp = p.protocol === ICMP4
    if (isIcmp && p.icmpType !== ECHO_REQUEST4 && p.icmpType !== ECHO_REPLY4) return this.drop(REASON.icmp_type)
    const peer4 = p.s3 | 0
    const peer4Port = isIcmp ? 0 : p.sport
    const s = state.fromV4(p.protocol, p.d3 | 0, p.dport, peer4, peer4Port, p.tcpFlags, nowMs)
    if (s === STORE_SYN) return this.storeSyn(p, nowMs)
    if (s < 0) return this.drop(state.reason)
    const host6Port = state.host6Port(s)
    pool6.put(p.s3 | 0)
    const reason = rewriter.toV6(
      p,
      pool6.w0 | 0,
      pool6.w1 | 0,
      pool6.w2 | 0,
      pool6.w3 | 0,
      state.host6Word(s, 0) | 0,
      state.host6Word(s, 1) | 0,
      state.host6Word(s, 2) | 0,
      state.host6Word(s, 3) | 0,
      isIcmp ? host6Port : p.sport,
      host6Port,
    )
    return this.done(reason)
  }

  private storeSyn(p: Packet, nowMs: number): Verdict {
    // What follows such a fragment could not be answered.
    if (p.moreFragments) return this.drop(REASON.no_bib_entry)
    const stats = this.engine.stats
    const before = stats[STAT.storedSyns]!
    if (!this.state.storeSyn(p.buf, p.start, p.end, nowMs)) return this.drop(this.state.reason)
    // Sent again while it waits: the first one stands for both.
    if (stats[STAT.storedSyns] === before) stats[STAT.absorbed]! += 1
    return STORED
  }

  /** An ICMPv6 error about a packet that went to a guest; its session is that of the packet inside. */
  private errorToV4(p: Packet, nowMs: number): Verdict {
    const { pool6, rewriter } = this.engine
    const state = this.state
    const inner = this.inner
    const refusal = parseInner(p, inner) || refuseInner(inner)
    if (refusal !== 0) return this.drop(refusal)
    const dst4 = pool6.extract(p.d1, p.d2, p.d3)
    const isOneWay = pool6.contains(inner.s0, inner.s1, inner.s2)
    if (!isOneWay || pool6.extract(inner.s1, inner.s2, inner.s3) !== dst4) return this.drop(REASON.icmp_inner)
    const isIcmp = inner.protocol === ICMP6
    const peer4Port = isIcmp ? 0 : inner.sport
    const h0 = inner.d0 | 0
    const h1 = inner.d1 | 0
    const h2 = inner.d2 | 0
    const s = state.findV6(inner.protocol, h0, h1, h2, inner.d3 | 0, inner.dport, dst4 | 0, peer4Port, nowMs)
    if (s < 0) return this.drop(REASON.no_session)
    const mapped4 = state.mapped4(s) | 0
    const mapped4Port = state.mapped4Port(s)
    const innerSport = isIcmp ? mapped4Port : inner.sport
    this.isHairpin = this.isOurs(inner.protocol, dst4 | 0, innerSport)
    return this.done(rewriter.errorToV4(p, mapped4, dst4 | 0, inner, dst4 | 0, mapped4, innerSport, mapped4Port))
  }

  /** An ICMPv4 error about a packet that a guest sent. */
  private errorToV6(p: Packet, nowMs: number): Verdict {
    const { pool6, rewriter } = this.engine
    const state = this.state
    const inner = this.inner
    const refusal = parseInner(p, inner) || refuseInner(inner)
    if (refusal !== 0) return this.drop(refusal)
    if (inner.s3 !== p.d3) return this.drop(REASON.icmp_inner)
    const isIcmp = inner.protocol === ICMP4
    const peer4Port = isIcmp ? 0 : inner.dport
    const s = state.findV4(inner.protocol, inner.s3 | 0, inner.sport, inner.d3 | 0, peer4Port, nowMs)
    if (s < 0) return this.drop(REASON.no_session)
    const host6Port = state.host6Port(s)
    const h0 = state.host6Word(s, 0) | 0
    const h1 = state.host6Word(s, 1) | 0
    const h2 = state.host6Word(s, 2) | 0
    const h3 = state.host6Word(s, 3) | 0
    pool6.put(inner.d3)
    const y0 = pool6.w0 | 0
    const y1 = pool6.w1 | 0
    const y2 = pool6.w2 | 0
    const y3 = pool6.w3 | 0
    // A router that pool6 must not represent speaks in the name of the peer (RFC 6052 section 3.1).
    if (pool6.refuses(p.s3) === 0) pool6.put(p.s3)
    const reason = rewriter.errorToV6(
      p,
      pool6.w0 | 0,
      pool6.w1 | 0,
      pool6.w2 | 0,
      pool6.w3 | 0,
      h0,
      h1,
      h2,
      h3,
      inner,
      h0,
      h1,
      h2,
      h3,
      y0,
      y1,
      y2,
      y3,
      host6Port,
      isIcmp ? host6Port : inner.dport,
    )
    return this.done(reason)
  }

  private isOurs(protocol: number, address4: number, port: number): boolean {
    return this.engine.pool4.has(address4) && this.state.isMapped(protocol, address4, port)
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

/** The packet inside an error must have what its session is found by. 0 or a reason. */
function refuseInner(inner: Packet): number {
  const p = inner.protocol
  const isKnown = p === TCP || p === UDP || p === (inner.version === 6 ? ICMP6 : ICMP4)
  return isKnown && inner.fragOffset === 0 && !inner.isIcmpError ? 0 : REASON.icmp_inner
}
