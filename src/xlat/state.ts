// hot path
/**
 * Filtering and updating of a NAT64 (RFC 6146 section 3.5): what a packet's tuple means for BIBs and sessions, and what
 * it changes. Bounded, allocated once, deterministic for the same calls.
 *
 * Words and addresses may be passed signed or unsigned. Pass them signed (`x | 0`) and times whole, and the engine
 * boxes nothing. What is past its time is never used, collected or not.
 */
import type { BibRow, GuestRow, SessionRow } from '../run/protocol.js'
import { u8, u16, u32 } from '../wire/bytes.js'
import { ACK, IP4, RST, SYN, TCP, UDP } from '../wire/protocol.js'
import type { XlatConfig } from './config.js'
import type { ExpirySink } from './expiry.js'
import { type LeaseLog, SILENT } from './lease-log.js'
import { ICMP_INDEX, TCP_INDEX, UDP_INDEX } from './port-alloc.js'
import { REASON } from './reason.js'
import { EXPIRES, GUEST, KIND, MANY, SESSION_WORDS } from './session.js'
import { exportState, type Imported, importState } from './state-export.js'
import { reconfigureState } from './state-reconfigure.js'
import { bibRows, guestRows, sessionRows } from './state-rows.js'
import { STAT } from './stats.js'
import { StateTables } from './tables.js'
import { eventOf, FROM_V4, LIFETIME, step, TCP_STATE } from './tcp-state.js'

export { ExpirySink } from './expiry.js'

/** fromV6, fromV4: refused, see {@link State.reason}. find*: nothing there. */
export const REFUSED = -1
/** fromV4: a TCP SYN that has to wait for one from inside; hand its bytes to {@link State.storeSyn}. */
export const STORE_SYN = -2

/** Records that expire() looks at for each ending it may collect: a million in three seconds of the packet loop. */
const VISITS = 16

function protocolIndex(protocol: number): number {
  return protocol === TCP ? TCP_INDEX : protocol === UDP ? UDP_INDEX : ICMP_INDEX
}

/** Only a bare SYN opens a connection: an answer or a reset without session belongs to nothing here. */
function opens(tcpFlags: number): boolean {
  return (tcpFlags & (SYN | ACK | RST)) === SYN
}

export class State {
  /** REASON number of the last refusal. */
  reason = 0
  private readonly tables: StateTables
  private readonly stats: Float64Array

  /**
   * @param random32 where ports are chosen; any 32-bit numbers
   * @param secret of the hash tables; who knows it can make them slow
   * @param log told which guest has which ports, if these are given out in blocks
   * @throws RangeError when a limit is beyond what the tables can number
   */
  constructor(
    config: XlatConfig,
    stats: Float64Array,
    random32: () => number,
    secret: readonly [number, number, number, number],
    log: LeaseLog = SILENT,
  ) {
    this.stats = stats
    this.tables = new StateTables(config, stats, random32, secret, log)
  }

  /**
   * A packet from IPv6: finds or creates its BIB entry and session, steps the TCP state, refreshes the lifetime.
   * Returns the session, or REFUSED.
   * @param protocol TCP, UDP; anything else is an ICMP query, its identifier in `host6Port`
   */
  fromV6(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    peer4: number,
    peer4Port: number,
    tcpFlags: number,
    nowMs: number,
  ): number {
    const now = this.tables.tick(nowMs)
    const p = protocolIndex(protocol)
    if (p === ICMP_INDEX && this.tables.config.dropIcmpInfo) return this.refuse(REASON.icmp_info_off)
    // An ICMP query's peer has no port of its own (RFC 6146 section 3.5.3).
    const port = p === ICMP_INDEX ? 0 : peer4Port
    const i = this.tables.sessions.find6(p, h0, h1, h2, h3, host6Port, peer4, port)
    if (i >= 0 && this.use(i, p, p === TCP_INDEX ? eventOf(tcpFlags) : 0, now)) return i
    return this.openFromV6(p, h0, h1, h2, h3, host6Port, peer4, port, tcpFlags, now)
  }

  /** A packet from IPv4. Returns the session, REFUSED, or STORE_SYN. */
  fromV4(
    protocol: number,
    mapped4: number,
    mapped4Port: number,
    peer4: number,
    peer4Port: number,
    tcpFlags: number,
    nowMs: number,
  ): number {
    const now = this.tables.tick(nowMs)
    const p = protocolIndex(protocol)
    if (p === ICMP_INDEX && this.tables.config.dropIcmpInfo) return this.refuse(REASON.icmp_info_off)
    const port = p === ICMP_INDEX ? 0 : peer4Port
    const i = this.tables.sessions.find4(p, mapped4, mapped4Port, peer4, port)
    if (i >= 0 && this.use(i, p, p === TCP_INDEX ? FROM_V4 + eventOf(tcpFlags) : 0, now)) return i
    return this.openFromV4(p, mapped4, mapped4Port, peer4, port, tcpFlags, now)
  }

  /** The session of a packet from IPv6, changing nothing; REFUSED if none. */
  findV6(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    peer4: number,
    peer4Port: number,
    nowMs: number,
  ): number {
    const now = this.tables.tick(nowMs)
    const p = protocolIndex(protocol)
    const i = this.tables.sessions.find6(p, h0, h1, h2, h3, host6Port, peer4, p === ICMP_INDEX ? 0 : peer4Port)
    return i >= 0 && !this.tables.isOver(i, now) ? i : REFUSED
  }

  /** The session of a packet from IPv4, changing nothing; REFUSED if none. */
  findV4(
    protocol: number,
    mapped4: number,
    mapped4Port: number,
    peer4: number,
    peer4Port: number,
    nowMs: number,
  ): number {
    const now = this.tables.tick(nowMs)
    const p = protocolIndex(protocol)
    const i = this.tables.sessions.find4(p, mapped4, mapped4Port, peer4, p === ICMP_INDEX ? 0 : peer4Port)
    return i >= 0 && !this.tables.isOver(i, now) ? i : REFUSED
  }

  /** The BIB entry of a guest's transport address, or REFUSED; read it with the bib accessors. */
  findBibV6(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    nowMs: number,
  ): number {
    const now = this.tables.tick(nowMs)
    const b = this.tables.bib.find6(protocolIndex(protocol), h0, h1, h2, h3, host6Port)
    return b >= 0 && this.tables.isBibAlive(b, now) ? b : REFUSED
  }

  /** The BIB entry of an IPv4 transport address, or REFUSED; read it with the bib accessors. */
  findBibV4(protocol: number, mapped4: number, mapped4Port: number, nowMs: number): number {
    const now = this.tables.tick(nowMs)
    const b = this.tables.bib.find4(protocolIndex(protocol), mapped4, mapped4Port)
    return b >= 0 && this.tables.isBibAlive(b, now) ? b : REFUSED
  }

  // Fields of session `i`, good until the next call that takes a time.
  mapped4(i: number): number {
    return this.tables.sessions.mapped4(i)
  }
  mapped4Port(i: number): number {
    return this.tables.sessions.mapped4Port(i)
  }
  host6Word(i: number, k: number): number {
    return this.tables.sessions.host6Word(i, k)
  }
  host6Port(i: number): number {
    return this.tables.sessions.host6Port(i)
  }
  peer4(i: number): number {
    return this.tables.sessions.peer4(i)
  }
  /** 0 for ICMP: there `mapped4Port` is the identifier on the IPv4 side, `host6Port` on the IPv6 side. */
  peer4Port(i: number): number {
    return this.tables.sessions.peer4Port(i)
  }
  // Fields of BIB entry `b`, good as long.
  bibMapped4(b: number): number {
    return this.tables.bib.mapped4(b)
  }
  bibMapped4Port(b: number): number {
    return this.tables.bib.mapped4Port(b)
  }
  bibHost6Word(b: number, k: number): number {
    return this.tables.bib.host6Word(b, k)
  }
  bibHost6Port(b: number): number {
    return this.tables.bib.host6Port(b)
  }

  /** Says whether the transport address is ours: in pool4, or of a static BIB entry (RFC 6146 section 3.8). */
  isMapped(protocol: number, address4: number, port: number): boolean {
    const p = protocolIndex(protocol)
    if (this.tables.pool.covers(p, address4, port)) return true
    if (this.tables.config.staticBib.length === 0) return false
    const b = this.tables.bib.find4(p, address4, port)
    return b >= 0 && this.tables.bib.isStatic(b)
  }

  /** Keeps the TCP SYN in `buf[start, end)`, IPv4 header first, after fromV4 said STORE_SYN. False: see `reason`. */
  storeSyn(buf: Uint8Array, start: number, end: number, nowMs: number): boolean {
    const { pending, incomingSyn } = this.tables
    const now = this.tables.tick(nowMs)
    const tcp = start + ((u8(buf, start) & 15) << 2)
    const peer4 = u32(buf, start + IP4.SRC)
    const mapped4 = u32(buf, start + IP4.DST)
    // Sent again while it waits: one is enough, and does not wait longer for it.
    if (pending.find(mapped4, u16(buf, tcp + 2), peer4, u16(buf, tcp), now) >= 0) return true
    if (!pending.add(buf, start, end, now + incomingSyn)) {
      this.reason = REASON.syns_full
      return false
    }
    this.stats[STAT.storedSyns] = pending.count
    return true
  }

  /**
   * Collects what is past its time: at most `budget` endings and VISITS times as many records looked at. Returns how many
   * sessions, SYNs and probes that were. Call it every 100 ms or so.
   */
  expire(nowMs: number, budget: number, sink: ExpirySink): number {
    const { pending } = this.tables
    const now = this.tables.tick(nowMs)
    let left = budget
    sink.clear()
    sink.synBytes = pending.bytes
    while (left > 0 && sink.synCount < sink.synStart.length) {
      const slot = pending.takeDue(now)
      if (slot < 0) break
      sink.synStart[sink.synCount] = pending.start(slot)
      sink.synEnd[sink.synCount++] = pending.end(slot)
      left--
    }
    this.stats[STAT.storedSyns] = pending.count
    return budget - this.tables.sweep(now, left, left * VISITS, sink)
  }

  /** Says whether there are so many sessions that noting packets before they come is worth its time. */
  get isLarge(): boolean {
    return this.tables.sessions.count >= MANY
  }

  /** Notes the tuple of a packet from IPv6 that will come next, up to BATCH of them; see touch(). */
  noteV6(
    protocol: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    peer4: number,
    peer4Port: number,
  ): void {
    const p = protocolIndex(protocol)
    this.tables.sessions.note6(p, h0, h1, h2, h3, host6Port, peer4, p === ICMP_INDEX ? 0 : peer4Port)
  }

  /** As noteV6, from IPv4. */
  noteV4(protocol: number, mapped4: number, mapped4Port: number, peer4: number, peer4Port: number): void {
    const p = protocolIndex(protocol)
    this.tables.sessions.note4(p, mapped4, mapped4Port, peer4, p === ICMP_INDEX ? 0 : peer4Port)
  }

  /** Brings what the noted packets need into the cache, all at once instead of one wait after the other. */
  touch(): void {
    this.tables.sessions.touch()
  }

  /** Takes a new configuration; sessions stay where pool4 and pool6 still cover them. Returns how many were dropped. */
  reconfigure(config: XlatConfig, nowMs: number): number {
    this.tables.tick(nowMs)
    return reconfigureState(this.tables, config)
  }

  /** BIB and sessions as bytes, with lifetimes left. */
  export(nowMs: number): Uint8Array {
    this.tables.tick(nowMs)
    return exportState(this.tables)
  }

  /** Takes what export() made, as far as it fits; foreign or damaged bytes change nothing and count as one refusal. */
  import(bytes: Uint8Array, nowMs: number): Imported {
    this.tables.tick(nowMs)
    return importState(this.tables, bytes)
  }

  bibRows(limit: number): BibRow[] {
    return bibRows(this.tables, limit)
  }
  sessionRows(limit: number): SessionRow[] {
    return sessionRows(this.tables, limit)
  }
  guestRows(limit: number): GuestRow[] {
    return guestRows(this.tables, limit)
  }

  /** Steps a session on a packet. False: it was over and is gone. */
  private use(i: number, p: number, event: number, now: number): boolean {
    const t = this.tables
    const w = t.words
    const o = i * SESSION_WORDS
    if (w[o + EXPIRES]! <= now) {
      if (t.isOver(i, now)) {
        t.end(i)
        return false
      }
      t.ranOut(i)
    }
    t.guests.packets[w[o + GUEST]!]!++
    if (p !== TCP_INDEX) {
      w[o + EXPIRES] = now + t.lives[p]!
      return true
    }
    const next = step(w[o + KIND]! & 15, event)
    w[o + KIND] = (w[o + KIND]! & ~15) | (next & 15)
    if (next >>> 4 === LIFETIME.ESTABLISHED) w[o + EXPIRES] = now + t.lives[TCP_INDEX]!
    else if (next >>> 4 === LIFETIME.TRANSITORY) w[o + EXPIRES] = now + t.transitory
    return true
  }

  private refuse(reason: number): number {
    this.reason = reason
    return REFUSED
  }

  private openFromV6(
    p: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    peer4: number,
    peer4Port: number,
    tcpFlags: number,
    now: number,
  ): number {
    const t = this.tables
    const isTcp = p === TCP_INDEX
    const refusal = t.admission.refuses(h0, h1, h2, h3, peer4)
    if (refusal !== 0) return this.refuse(refusal)
    if (isTcp && !opens(tcpFlags)) return this.refuse(REASON.tcp_not_syn)
    if (!this.hasRoom(now)) return this.refuse(REASON.sessions_full)
    let b = t.bib.find6(p, h0, h1, h2, h3, host6Port)
    if (b >= 0 && !t.isBibAliveOrEnd(b, now)) b = -1
    if (b < 0) {
      b = this.bind(p, h0, h1, h2, h3, host6Port, isTcp ? t.pending.findFrom(peer4, peer4Port, now) : -1, now)
      if (b < 0) return REFUSED
    } else if (!this.hasGuestRoom(t.bib.guest(b), now)) return this.refuse(REASON.sessions_per_guest)
    if (!isTcp) return this.open(b, peer4, peer4Port, 0, now)
    // Simultaneous open: the SYN from outside has done its part; the one from inside goes out and is answered.
    const waiting = t.pending.find(t.bib.mapped4(b), t.bib.mapped4Port(b), peer4, peer4Port, now)
    if (waiting < 0) return this.open(b, peer4, peer4Port, TCP_STATE.V6_INIT, now)
    t.pending.remove(waiting)
    this.stats[STAT.storedSyns] = t.pending.count
    this.stats[STAT.absorbed]! += 1
    return this.open(b, peer4, peer4Port, TCP_STATE.ESTABLISHED, now)
  }

  private openFromV4(
    p: number,
    mapped4: number,
    mapped4Port: number,
    peer4: number,
    peer4Port: number,
    tcpFlags: number,
    now: number,
  ): number {
    const t = this.tables
    const isTcp = p === TCP_INDEX
    const b = t.bib.find4(p, mapped4, mapped4Port)
    const isBound = b >= 0 && t.isBibAliveOrEnd(b, now)
    if (isTcp && opens(tcpFlags)) {
      if (t.config.dropExternallyInitiatedTcp) return this.refuse(REASON.external_tcp)
      if (!isBound && t.pool.covers(p, mapped4, mapped4Port)) return STORE_SYN
    }
    if (!isBound) return this.refuse(REASON.no_bib_entry)
    if (isTcp && !opens(tcpFlags)) return this.refuse(REASON.tcp_not_syn)
    if (t.pairs && !t.isPeerKnown(p, mapped4, mapped4Port, peer4, now)) {
      return isTcp ? STORE_SYN : this.refuse(REASON.filtered)
    }
    if (!this.hasRoom(now)) return this.refuse(REASON.sessions_full)
    if (!this.hasGuestRoom(t.bib.guest(b), now)) return this.refuse(REASON.sessions_per_guest)
    return this.open(b, peer4, peer4Port, isTcp ? TCP_STATE.V4_INIT : 0, now)
  }

  private open(b: number, peer4: number, peer4Port: number, state: number, now: number): number {
    const t = this.tables
    const i = t.addSession(b, peer4, peer4Port, state, now + t.lifeOf(t.bib.protocol(b), state))
    this.stats[STAT.sessionsCreated]!++
    t.guests.packets[t.bib.guest(b)]!++
    return i
  }

  /** Makes a BIB entry; `waiting` is a stored SYN whose destination it takes if it can. REFUSED: see `reason`. */
  private bind(
    p: number,
    h0: number,
    h1: number,
    h2: number,
    h3: number,
    host6Port: number,
    waiting: number,
    now: number,
  ): number {
    const t = this.tables
    const { pool, guests } = t
    const most = t.config.limits.portsPerGuest
    if (t.bib.count >= t.config.limits.bib) t.reclaim(now)
    if (t.bib.count >= t.config.limits.bib) return this.refuse(REASON.bib_full)
    let g = guests.find(h0, h1, h2, h3)
    if (g >= 0 && most > 0 && guests.bibEntries(g) >= most) {
      t.reclaim(now)
      g = guests.find(h0, h1, h2, h3)
      if (g >= 0 && guests.bibEntries(g) >= most) return this.refuse(REASON.ports_per_guest)
    }
    if (g >= 0 && !this.hasGuestRoom(g, now)) {
      g = guests.find(h0, h1, h2, h3)
      if (g >= 0) return this.refuse(REASON.sessions_per_guest)
    }
    if (g < 0) g = guests.add(h0, h1, h2, h3)
    if (!(waiting >= 0 && this.takeAwaited(p, waiting, g)) && !this.takeFree(p, host6Port, g)) {
      t.reclaim(now)
      // That may have ended the guest's last entry, and with it the guest.
      g = guests.find(h0, h1, h2, h3)
      if (g < 0) g = guests.add(h0, h1, h2, h3)
      if (!this.takeFree(p, host6Port, g)) {
        guests.forget(g)
        return this.refuse(REASON.pool4_exhausted)
      }
    }
    if (!guests.hasAddress(g)) guests.pair(g, pool.address)
    return t.addBib(p, h0 | 0, h1 | 0, h2 | 0, h3 | 0, host6Port, pool.address, pool.port, g, false)
  }

  private takeFree(p: number, host6Port: number, g: number): boolean {
    const { pool, guests } = this.tables
    return pool.take(p, host6Port, guests.hasAddress(g), guests.address(g), guests.seed(g), g)
  }

  /** Takes the transport address that a stored SYN is for, so that the two meet. */
  private takeAwaited(p: number, waiting: number, g: number): boolean {
    const { pool, pending } = this.tables
    const address4 = pending.mapped4(waiting)
    const port = pending.mapped4Port(waiting)
    if (!pool.covers(p, address4, port) || !pool.reserve(p, address4, port, g)) return false
    pool.address = address4 | 0
    pool.port = port
    return true
  }

  /** Says whether one more session fits; at the limit it first tries to reclaim one. */
  private hasRoom(now: number): boolean {
    const t = this.tables
    const limit = Math.min(t.config.limits.sessions, t.sessions.capacity)
    if (t.sessions.count >= limit) t.reclaim(now)
    return t.sessions.count < limit
  }

  /** The same for a guest, who may be gone after it. */
  private hasGuestRoom(g: number, now: number): boolean {
    const t = this.tables
    const most = t.config.limits.sessionsPerGuest
    if (most === 0 || t.guests.sessions(g) < most) return true
    t.reclaim(now)
    return t.guests.bibEntries(g) > 0 && t.guests.sessions(g) < most
  }
}
