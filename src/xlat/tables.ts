// hot path
/**
 * The tables of a NAT64 and what keeps them consistent with each other: a session is in its BIB entry's list, an entry
 * without sessions is gone unless static, a guest without entries is forgotten, a port is used by exactly one entry.
 * What a packet means for them stands in state.ts.
 */

import { Admission } from './admission.js'
import { BibTable } from './bib.js'
import type { Limits, StaticBib, XlatConfig } from './config.js'
import { Clock, type ExpirySink, LONG_OVER, MAX_LIFETIME } from './expiry.js'
import { GuestBlocks } from './guest-blocks.js'
import { GuestTable } from './guests.js'
import { KeyedHash } from './hash.js'
import { MAX_RECORDS } from './hash-index.js'
import { type LeaseLog, SILENT } from './lease-log.js'
import { AddressPairs } from './pairs.js'
import { PendingSyns } from './pending.js'
import { ICMP_INDEX, NOBODY, Pool4, PROTOCOLS, TCP_INDEX, UDP_INDEX } from './port-alloc.js'
import { BIB, EXPIRES, GUEST, KIND, NEXT, PAIR_NEXT, PREVIOUS, SESSION_WORDS, SessionTable } from './session.js'
import { STAT } from './stats.js'
import { TCP_STATE } from './tcp-state.js'

/** How many records a newcomer may have looked at, for one to reclaim, before it is refused at a limit. */
const RECLAIM = 256

/**
 * Refuses what the tables cannot number.
 * @throws RangeError
 */
export function checkLimits(limits: Limits): void {
  for (const name of ['bib', 'sessions', 'storedSyns'] as const) {
    if (!(limits[name] >= 1 && limits[name] < MAX_RECORDS)) {
      throw new RangeError(`limits.${name} must be between 1 and ${MAX_RECORDS - 1}`)
    }
  }
}

const lifetime = (ms: number): number => Math.max(1, Math.min(MAX_LIFETIME, Math.floor(ms)))

export class StateTables {
  readonly clock = new Clock()
  readonly hash: KeyedHash
  config!: XlatConfig
  sessions!: SessionTable
  bib!: BibTable
  guests!: GuestTable
  pool!: Pool4
  pending!: PendingSyns
  admission!: Admission
  /** Only with address-dependent filtering. */
  pairs: AddressPairs | null = null
  /** The records of `sessions`. */
  words!: Int32Array
  /** Lifetimes by protocol, ms; TCP: ESTABLISHED. */
  readonly lives = new Int32Array(3)
  transitory = 0
  incomingSyn = 0
  private hand = 0

  constructor(
    config: XlatConfig,
    readonly stats: Float64Array,
    readonly random32: () => number,
    secret: readonly [number, number, number, number],
    private readonly log: LeaseLog = SILENT,
  ) {
    this.hash = new KeyedHash(secret)
    this.allocate(config)
    this.adopt(config)
    this.addStaticBib()
  }

  /**
   * Makes empty tables.
   * @throws RangeError when a limit is beyond what the tables can number
   */
  allocate(config: XlatConfig): void {
    const { limits } = config
    checkLimits(limits)
    const entries = limits.bib + config.staticBib.length
    // All of it or nothing: memory may be refused.
    const sessions = new SessionTable(limits.sessions, this.hash)
    const bib = new BibTable(entries, this.hash)
    const guests = new GuestTable(entries, limits.guestPrefixLength, this.hash)
    this.pending = new PendingSyns(limits.storedSyns, this.hash)
    this.sessions = sessions
    this.words = sessions.words
    this.bib = bib
    this.guests = guests
    this.pool = this.openPool(config)
    this.pairs = null
    this.hand = 0
    this.stats.fill(0, STAT.bibTcp, STAT.bibIcmp + 1)
    this.count()
  }

  /** A pool that nobody has taken anything of, for the guests that there are. */
  openPool(config: XlatConfig): Pool4 {
    const { pool4, portBlock } = config
    const blocks = portBlock > 0 ? new GuestBlocks(portBlock, pool4, this.guests, this.log) : null
    const pool = new Pool4(pool4, this.random32, blocks)
    if (blocks === null) return pool
    this.log.reset()
    for (const { protocol, host6, mapped4, mapped4Port } of config.staticBib) {
      const p = PROTOCOLS.indexOf(protocol)
      pool.withdraw(p, mapped4, mapped4Port)
      this.log.fixed(...host6, mapped4, mapped4Port, p)
    }
    return pool
  }

  /** Takes over a configuration's lifetimes, limits and filtering. */
  adopt(config: XlatConfig): void {
    const { timeouts } = config
    this.config = config
    this.admission = new Admission(config)
    this.lives[TCP_INDEX] = lifetime(timeouts.tcpEstablished)
    this.lives[UDP_INDEX] = lifetime(timeouts.udp)
    this.lives[ICMP_INDEX] = lifetime(timeouts.icmp)
    this.transitory = lifetime(timeouts.tcpTransitory)
    this.incomingSyn = lifetime(timeouts.tcpIncomingSyn)
    if (config.filtering === 'endpoint-independent') this.pairs = null
    else this.pairs ??= new AddressPairs(this.sessions, this.hash)
  }

  /** Brings the clock up to date; moves all times when its base moves. Returns now. */
  tick(nowMs: number): number {
    const by = this.clock.advance(nowMs)
    if (by > 0) {
      const w = this.words
      for (let o = EXPIRES; o < this.sessions.high * SESSION_WORDS; o += SESSION_WORDS) {
        w[o] = Math.max(w[o]! - by, LONG_OVER)
      }
      this.pending.shift(by)
    }
    return this.clock.now
  }

  /**
   * Says whether a session is over. ESTABLISHED that ran out is TRANS from that moment on, whenever the hand comes by
   * (RFC 6146 section 3.5.2.2), so it is over only TCP_TRANS later.
   */
  isOver(i: number, now: number): boolean {
    return this.expiresNow(i, now) <= now
  }

  /** When a session ends, seen from now. */
  expiresNow(i: number, now: number): number {
    const expires = this.words[i * SESSION_WORDS + EXPIRES]!
    return expires <= now && this.isEstablished(i) ? expires + this.transitory : expires
  }

  /** The TCP state of a session, seen from now. */
  stateNow(i: number, now: number): number {
    const ranOut = this.words[i * SESSION_WORDS + EXPIRES]! <= now && this.isEstablished(i)
    return ranOut ? TCP_STATE.TRANS : this.sessions.state(i)
  }

  private isEstablished(i: number): boolean {
    return (this.words[i * SESSION_WORDS + KIND]! & 0x30f) === TCP_STATE.ESTABLISHED
  }

  /** ESTABLISHED to TRANS, at the moment its time was over. */
  ranOut(i: number): void {
    this.sessions.setState(i, TCP_STATE.TRANS)
    this.words[i * SESSION_WORDS + EXPIRES]! += this.transitory
  }

  /** How long a session in that state lives without packets, ms. */
  lifeOf(protocol: number, state: number): number {
    if (protocol !== TCP_INDEX) return this.lives[protocol]!
    const isLong = state === TCP_STATE.ESTABLISHED || state === TCP_STATE.V4_FIN_RCV || state === TCP_STATE.V6_FIN_RCV
    return isLong ? this.lives[TCP_INDEX]! : this.transitory
  }

  /** Adds a BIB entry whose transport address is reserved already. */
  addBib(
    p: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    mapped4: number,
    mapped4Port: number,
    guest: number,
    isStatic: boolean,
  ): number {
    const b = this.bib.add(p, h0, h1, h2, h3, host6Port, mapped4, mapped4Port, guest, isStatic)
    this.guests.hold(guest)
    this.stats[STAT.bibTcp + p]!++
    this.count()
    return b
  }

  /** Removes a BIB entry without sessions and frees its transport address. */
  removeBib(b: number): void {
    const p = this.bib.protocol(b)
    this.pool.release(p, this.bib.mapped4(b), this.bib.mapped4Port(b))
    this.guests.drop(this.bib.guest(b))
    this.bib.remove(b)
    this.stats[STAT.bibTcp + p]!--
    this.count()
  }

  /** Adds a session that ends at `expires`. */
  addSession(b: number, peer4: number, peer4Port: number, state: number, expires: number): number {
    const i = this.sessions.add(this.bib, b, peer4 | 0, peer4Port, state)
    const w = this.words
    const o = i * SESSION_WORDS
    w[o + EXPIRES] = expires
    const head = this.bib.head(b)
    w[o + NEXT] = head
    if (head >= 0) w[head * SESSION_WORDS + PREVIOUS] = i
    this.bib.setHead(b, i)
    if (this.pairs) this.pairs.add(i)
    this.guests.countSessions(w[o + GUEST]!, 1)
    this.stats[STAT.sessions] = this.sessions.count
    return i
  }

  /** Removes a session, and its BIB entry if that was the last one. */
  removeSession(i: number): void {
    const w = this.words
    const o = i * SESSION_WORDS
    const next = w[o + NEXT]!
    const previous = w[o + PREVIOUS]!
    const b = w[o + BIB]!
    if (this.pairs) this.pairs.remove(i)
    this.guests.countSessions(w[o + GUEST]!, -1)
    if (next >= 0) w[next * SESSION_WORDS + PREVIOUS] = previous
    if (previous >= 0) w[previous * SESSION_WORDS + NEXT] = next
    else this.bib.setHead(b, next)
    this.sessions.remove(i)
    this.stats[STAT.sessions] = this.sessions.count
    if (this.bib.head(b) < 0 && !this.bib.isStatic(b)) this.removeBib(b)
  }

  /** Removes a session whose time is over. */
  end(i: number): void {
    this.removeSession(i)
    this.stats[STAT.sessionsExpired]!++
  }

  /** Says whether a BIB entry is static or has a session that lives. */
  isBibAlive(b: number, now: number): boolean {
    if (this.bib.isStatic(b)) return true
    let i = this.bib.head(b)
    while (i >= 0 && this.isOver(i, now)) i = this.words[i * SESSION_WORDS + NEXT]!
    return i >= 0
  }

  /** As isBibAlive(), and ends the sessions that it finds to be over; the entry is gone if that says false. */
  isBibAliveOrEnd(b: number, now: number): boolean {
    const isStatic = this.bib.isStatic(b)
    let i = this.bib.head(b)
    while (i >= 0 && this.isOver(i, now)) {
      const next = this.words[i * SESSION_WORDS + NEXT]!
      this.end(i)
      i = next
    }
    return isStatic || i >= 0
  }

  /** Says whether a session of (T,t) with that peer address lives; for address-dependent filtering. */
  isPeerKnown(p: number, mapped4: number, mapped4Port: number, peer4: number, now: number): boolean {
    let i = this.pairs!.head(p, mapped4, mapped4Port, peer4)
    while (i >= 0 && this.isOver(i, now)) i = this.words[i * SESSION_WORDS + PAIR_NEXT]!
    return i >= 0
  }

  /** How many sessions a BIB entry has, those that are over but not collected included. */
  sessionsOf(b: number): number {
    let n = 0
    for (let i = this.bib.head(b); i >= 0; i = this.words[i * SESSION_WORDS + NEXT]!) n++
    return n
  }

  /** Looks at some records for ones that are over, for a newcomer at a limit. */
  reclaim(now: number): void {
    this.sweep(now, RECLAIM, RECLAIM, null)
  }

  /** Moves the hand: at most `budget` endings and `visits` records. Returns what is left of the budget. */
  sweep(now: number, budget: number, visits: number, sink: ExpirySink | null): number {
    const w = this.words
    let left = budget
    for (let n = Math.min(visits, this.sessions.high); n > 0 && left > 0; n--) {
      if (this.hand >= this.sessions.high) this.hand = 0
      const i = this.hand++
      const o = i * SESSION_WORDS
      if (w[o + EXPIRES]! > now || w[o + KIND] === 0) continue
      if (this.isOver(i, now)) {
        this.end(i)
        left--
      } else if (sink && sink.probeCount < sink.probes.length) {
        this.ranOut(i)
        sink.probes[sink.probeCount++] = i
        left--
      }
    }
    return left
  }

  /** Adds the configuration's static entries that are not in; one that contradicts another is left out. */
  addStaticBib(): void {
    for (const s of this.config.staticBib) {
      const p = PROTOCOLS.indexOf(s.protocol)
      const [h0, h1, h2, h3] = s.host6
      if (this.bib.find6(p, h0, h1, h2, h3, s.host6Port) >= 0) continue
      if (this.bib.find4(p, s.mapped4, s.mapped4Port) >= 0) continue
      this.pool.reserve(p, s.mapped4, s.mapped4Port, NOBODY)
      let g = this.guests.find(h0, h1, h2, h3)
      if (g < 0) g = this.guests.add(h0, h1, h2, h3)
      this.addBib(p, h0 | 0, h1 | 0, h2 | 0, h3 | 0, s.host6Port, s.mapped4 | 0, s.mapped4Port, g, true)
    }
  }

  /** The BIB entry that a static one is, exactly; -1 if there is none. */
  findStatic(s: StaticBib): number {
    const p = PROTOCOLS.indexOf(s.protocol)
    const b = this.bib.find6(p, s.host6[0], s.host6[1], s.host6[2], s.host6[3], s.host6Port)
    return b >= 0 && b === this.bib.find4(p, s.mapped4, s.mapped4Port) ? b : -1
  }

  private count(): void {
    this.stats[STAT.bibEntries] = this.bib.count
    this.stats[STAT.guests] = this.guests.count
    this.stats[STAT.sessions] = this.sessions.count
    this.stats[STAT.storedSyns] = this.pending.count
  }
}
