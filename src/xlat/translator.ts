// hot path: translate
/**
 * The translator: bytes and a time in, bytes and a verdict out. Deterministic: the same configuration, secret, random
 * numbers, packets and times give the same bytes.
 *
 * The counters balance at every moment. Each packet handed in is counted once under `packetsIn` and in exactly one of
 *
 *     translated   its translation left, in place or through the outbox, alone or as part of a reassembled packet
 *     answered     an echo request to an address of our own
 *     absorbed     a stored SYN that met one from inside, or a SYN like one that is stored
 *     drops[r]     refused, now or after it had waited; r is every reason but icmp_rate and write_error
 *     storedFragments, storedSyns (gauges)   still waiting
 *
 * `icmp_rate` is counted in addition to the reason that asked for an error; `write_error` belongs to the device.
 */
import { formatIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import { isMartian4, isMartian6 } from '../addr/special.js'
import type { BibRow, GuestRow, SessionRow } from '../run/protocol.js'
import { u32 } from '../wire/bytes.js'
import { IP4 } from '../wire/protocol.js'
import type { XlatConfig } from './config.js'
import type { PoolEntry } from './dynamic-pool.js'
import { type Engine, makeEngine } from './engine.js'
import { FragmentInput } from './fragment-in.js'
import { FragmentStore } from './fragment-store.js'
import type { LeaseLog } from './lease-log.js'
import { noteTuple } from './note-tuple.js'
import { Outbox } from './outbox.js'
import { answerEcho } from './own-echo.js'
import { Packet, TO_V4, TO_V6 } from './packet.js'
import { parse } from './parse.js'
import { decodePool, encodePool } from './pool-state.js'
import { emitProbe } from './probe.js'
import { REASON } from './reason.js'
import { ExpirySink, State } from './state.js'
import { Stateful } from './stateful.js'
import { Stateless } from './stateless.js'
import { makeStats, STAT } from './stats.js'
import { DROPPED, EMITTED, HAIRPINNED, REPLIED, STORED, type Verdict } from './verdict.js'

export interface TranslatorOptions {
  /** Uniform numbers of 32 bits, unsigned; for port choice. */
  readonly random32: () => number
  /** Key of the hash functions, so that nobody outside can aim at collisions. */
  readonly secret: readonly [number, number, number, number]
  /** Counters to use, see stats.ts. */
  readonly stats?: Float64Array
  /** Outbox to use. */
  readonly outbox?: Outbox
  /** Told which guest has which address and ports. */
  readonly leaseLog?: LeaseLog
}

/** Fragments whose time is up, looked at per call of `expire`. */
const FRAGMENT_BUDGET = 256

export class Translator {
  /** REASON number of the last drop. */
  reason = 0
  /** Packets made beside the one translated in place. The caller drains and clears it after every call. */
  readonly outbox: Outbox
  readonly stats: Float64Array
  private engine: Engine
  private state: State | null = null
  private stateful: Stateful | null = null
  private stateless: Stateless | null = null
  private fragments: FragmentStore | null = null
  private fragmentInput: FragmentInput | null = null
  private readonly sink = new ExpirySink()
  private readonly stored = new Packet()
  private own4 = -1
  private own6: readonly number[] = []

  constructor(
    config: XlatConfig,
    private readonly options: TranslatorOptions,
  ) {
    this.outbox = options.outbox ?? new Outbox()
    this.stats = options.stats ?? makeStats()
    this.engine = makeEngine(config, this.stats, this.outbox, options.random32())
    this.build(config)
  }

  get config(): XlatConfig {
    return this.engine.config
  }

  private build(config: XlatConfig): void {
    this.stateful = null
    this.stateless = null
    this.fragmentInput = null
    if (config.mode === 'stateful') {
      this.state ??= new State(config, this.stats, this.options.random32, this.options.secret, this.options.leaseLog)
      this.stateful = new Stateful(this.engine, this.state)
      this.fragments = new FragmentStore(config.limits, config.timeouts.fragment, this.stats, this.options.secret)
      this.fragmentInput = new FragmentInput(this.engine, this.fragments, this.stateful)
    } else this.stateless = new Stateless(this.engine, this.options.leaseLog)
    // An address that guests share is not ours alone: its packets belong to sessions.
    const own4 = config.icmpSource4
    this.own4 = own4 === null || this.engine.pool4.has(own4) ? -1 : own4
    this.own6 = config.icmpSource6 ?? []
  }

  /**
   * Translates `p` in place. The verdict says what became of it, `reason` why it was dropped. Packets made beside it
   * stand in the outbox.
   */
  translate(p: Packet, nowMs: number): Verdict {
    const stats = this.stats
    const before = this.outbox.count
    const reason = parse(p)
    const to = p.version === 6 ? TO_V4 : TO_V6
    stats[STAT.packetsIn + to]! += 1
    stats[STAT.bytesIn + to]! += p.end - p.start
    // The kernel itself talks on the link, of multicast groups and routers: that is no malformed packet.
    if (reason !== 0) return this.refuse(p, p.version === 6 && isLinkLocal(p) ? REASON.link_local : reason, nowMs)

    const refusal = this.check(p)
    if (refusal !== 0) {
      if (refusal === REASON.own_address && answerEcho(this.engine, p)) return this.answered()
      return this.refuse(p, refusal, nowMs)
    }
    let verdict: Verdict
    if (this.stateful === null) {
      verdict = this.stateless!.translate(p, nowMs)
      if (verdict === DROPPED) return this.refuse(p, this.stateless!.reason, nowMs)
    } else if (p.isFragment && (p.fragOffset !== 0 || p.moreFragments)) {
      const input = this.fragmentInput!
      verdict = input.translate(p, nowMs)
      this.countOutbox(before)
      if (verdict === DROPPED) return this.refuse(input.subject, input.reason, nowMs)
      return this.count(p, verdict)
    } else {
      verdict = this.stateful.whole(p, nowMs)
      if (verdict === DROPPED) return this.refuse(p, this.stateful.reason, nowMs)
    }
    if (verdict === EMITTED) this.countOutbox(before)
    return this.count(p, verdict)
  }

  /**
   * Optional, before translating a batch of up to 32: notes a packet that will come next. After the last one, `touch`
   * loads what their lookups will need all at once, which is worth it when there are very many sessions.
   */
  note(buf: Uint8Array, start: number, end: number): void {
    if (this.state !== null && this.isLarge) noteTuple(this.state, this.engine.pool6, buf, start, end)
  }

  /** Looking ahead with {@link note} pays. */
  get isLarge(): boolean {
    return this.state?.isLarge ?? false
  }

  /** See {@link note}. */
  touch(): void {
    this.state?.touch()
  }

  /** What no mode translates: addresses of nobody, and of ourselves. 0 or a reason. */
  private check(p: Packet): number {
    if (p.version === 4) {
      if (isMartian4(p.s3 | 0)) return REASON.martian_source
      if (isMartian4(p.d3 | 0)) return REASON.martian_destination
      return p.d3 === this.own4 ? REASON.own_address : 0
    }
    if (isLinkLocal(p)) return REASON.link_local
    if (isMartian6(p.s0 | 0, p.s1 | 0, p.s2 | 0, p.s3 | 0)) return REASON.martian_source
    if (isMartian6(p.d0 | 0, p.d1 | 0, p.d2 | 0, p.d3 | 0)) return REASON.martian_destination
    const own = this.own6
    return p.d3 === own[3] && p.d2 === own[2] && p.d1 === own[1] && p.d0 === own[0] ? REASON.own_address : 0
  }

  private count(p: Packet, verdict: Verdict): Verdict {
    const stats = this.stats
    if (verdict === STORED) {
      stats[STAT.stored]! += 1
      return verdict
    }
    stats[STAT.translated]! += 1
    if (verdict === EMITTED) return verdict
    if (verdict === HAIRPINNED) stats[STAT.hairpinned]! += 1
    const to = (p.buf[p.start]! & 0xf0) === 0x40 ? TO_V4 : TO_V6
    stats[STAT.packetsOut + to]! += 1
    stats[STAT.bytesOut + to]! += p.end - p.start
    stats[STAT.segmentsOut + to]! += p.gsoSize === 0 ? 1 : Math.ceil((p.end - p.start - p.hdrLen) / p.gsoSize)
    return verdict
  }

  /** Counts translations that went to the outbox. */
  private countOutbox(from: number): void {
    const { outbox, stats } = this
    for (let i = from; i < outbox.count; i++) {
      const start = outbox.start(i)
      const to = outbox.buf[start]! >>> 4 === 4 ? TO_V4 : TO_V6
      stats[STAT.packetsOut + to]! += 1
      stats[STAT.bytesOut + to]! += outbox.end(i) - start
      stats[STAT.segmentsOut + to]! += 1
      stats[STAT.emitted]! += 1
    }
  }

  private refuse(p: Packet, reason: number, nowMs: number): Verdict {
    this.reason = reason
    this.stats[STAT.drops + reason]! += 1
    return this.reply(p, reason, nowMs) ? REPLIED : DROPPED
  }

  private reply(p: Packet, reason: number, nowMs: number): boolean {
    const { replies } = this.engine
    const held = replies.held
    const isSent = replies.replyWithError(p, reason, nowMs)
    if (isSent) {
      this.stats[STAT.replies]! += 1
      this.stats[STAT.emitted]! += 1
    }
    this.stats[STAT.drops + REASON.icmp_rate]! += replies.held - held
    return isSent
  }

  private answered(): Verdict {
    this.reason = REASON.own_address
    this.stats[STAT.answered]! += 1
    this.stats[STAT.emitted]! += 1
    return REPLIED
  }

  /**
   * Ends what is past its time, at most `budget` sessions and bindings; returns how many. May fill the outbox: TCP
   * probes, ICMP errors for SYNs that nobody answered. Call it every 100 ms or so.
   */
  expire(nowMs: number, budget: number): number {
    this.fragments?.expire(nowMs, FRAGMENT_BUDGET)
    const { state, sink } = this
    if (state === null) return 0
    const ended = state.expire(nowMs, budget, sink)
    for (let i = 0; i < sink.probeCount; i++) {
      if (!emitProbe(this.engine, state, sink.probes[i]!)) continue
      this.stats[STAT.probes]! += 1
      this.stats[STAT.emitted]! += 1
    }
    for (let i = 0; i < sink.synCount; i++) this.endSyn(i, nowMs)
    return ended
  }

  private endSyn(i: number, nowMs: number): void {
    const { stored, sink } = this
    // Parsing would object: only the headers were kept.
    stored.set(sink.synBytes, sink.synStart[i]!, sink.synEnd[i]!)
    stored.version = 4
    stored.s3 = u32(stored.buf, stored.start + IP4.SRC)
    stored.d3 = u32(stored.buf, stored.start + IP4.DST)
    this.stats[STAT.drops + REASON.syn_timeout]! += 1
    this.reply(stored, REASON.syn_timeout, nowMs)
  }

  /** Swaps the configuration. Sessions and leases stay where it still covers them; returns how many sessions went. */
  reconfigure(config: XlatConfig, nowMs: number): number {
    const leases = this.poolEntries(nowMs)
    let dropped = 0
    this.fragments?.clear()
    this.fragments = null
    const syns = this.stats[STAT.storedSyns]!
    if (config.mode === 'stateful') {
      dropped = this.state?.reconfigure(config, nowMs) ?? 0
      this.stats[STAT.drops + REASON.syn_timeout]! += syns - this.stats[STAT.storedSyns]!
    } else if (this.state !== null) {
      dropped = this.stats[STAT.sessions]!
      this.forgetState()
    }
    this.engine = makeEngine(config, this.stats, this.outbox, this.options.random32())
    this.build(config)
    this.loadPoolEntries(leases, nowMs)
    return dropped
  }

  private forgetState(): void {
    const stats = this.stats
    this.state = null
    stats[STAT.drops + REASON.syn_timeout]! += stats[STAT.storedSyns]!
    for (const gauge of [STAT.storedSyns, STAT.sessions, STAT.bibEntries, STAT.guests]) stats[gauge] = 0
    for (const gauge of [STAT.bibTcp, STAT.bibUdp, STAT.bibIcmp]) stats[gauge] = 0
  }

  /** Everything worth keeping across a restart, as bytes: sessions and bindings, or the addresses of pool mode. */
  exportState(nowMs: number): Uint8Array {
    return this.state?.export(nowMs) ?? encodePool(this.poolEntries(nowMs))
  }

  /** Takes over what `exportState` made, as far as it fits; foreign or damaged bytes are refused. */
  importState(bytes: Uint8Array, nowMs: number): { bib: number; sessions: number; refused: number } {
    if (this.state !== null) return this.state.import(bytes, nowMs)
    const entries = decodePool(bytes)
    if (entries === undefined) return { bib: 0, sessions: 0, refused: 1 }
    const refused = this.loadPoolEntries(entries, nowMs)
    return { bib: entries.length - refused, sessions: 0, refused }
  }

  /** Pool mode: who has which address. */
  poolEntries(nowMs: number): PoolEntry[] {
    return this.stateless?.mapping.pool?.entries(nowMs) ?? []
  }

  /** Pool mode: takes over addresses of an earlier run; returns how many did not fit. */
  loadPoolEntries(entries: readonly PoolEntry[], nowMs: number): number {
    const pool = this.stateless?.mapping.pool
    if (!pool) return entries.length
    return pool.load(entries, nowMs)
  }

  bibRows(limit: number): BibRow[] {
    return this.state?.bibRows(limit) ?? []
  }

  sessionRows(limit: number): SessionRow[] {
    return this.state?.sessionRows(limit) ?? []
  }

  guestRows(limit: number): GuestRow[] {
    if (this.state !== null) return this.state.guestRows(limit)
    const pool = this.stateless?.mapping.pool
    if (!pool) return []
    return pool
      .entries(0)
      .map(({ host6, address4 }) => ({
        host6: formatIpv6(host6),
        address4: formatIpv4(address4),
        bibEntries: 0,
        sessions: 0,
        packets: pool.packets(address4),
      }))
      .sort((x, y) => y.packets - x.packets)
      .slice(0, limit)
  }
}

/** The destination is multicast, or either end link-local: such packets never leave their link. */
function isLinkLocal(p: Packet): boolean {
  return p.d0 >>> 24 === 0xff || p.d0 >>> 22 === 0x3fa || p.s0 >>> 22 === 0x3fa
}
