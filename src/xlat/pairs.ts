// hot path
/**
 * Who wrote to whom, for address-dependent filtering (RFC 6146 section 3.5.1): from (T,t) and Z to the sessions that
 * have both, whatever the peer's port. Only kept when that filtering is on.
 */
import type { KeyedHash } from './hash.js'
import { HashIndex } from './hash-index.js'
import { KIND, PAIR_NEXT, PAIR_PREVIOUS, SESSION_WORDS, type SessionTable } from './session.js'

const DOMAIN = 0x60

export class AddressPairs {
  private readonly index: HashIndex
  // Made once, for growIfTight().
  private readonly rehash = (record: number) => this.hashOf(record)

  constructor(
    private readonly sessions: SessionTable,
    private readonly hash: KeyedHash,
  ) {
    this.index = new HashIndex(sessions.capacity)
    for (let i = 0; i < sessions.high; i++) if (sessions.isUsed(i)) this.add(i)
  }

  /** The first session between (T,t) and Z, or -1; the others follow over PAIR_NEXT. */
  head(protocol: number, mapped4: number, mapped4Port: number, peer4: number): number {
    const s = this.sessions
    const mapped = mapped4 >>> 0
    const peer = peer4 >>> 0
    const hash = this.hash.of3(DOMAIN + protocol, mapped, mapped4Port, peer)
    for (let i = this.index.first(hash); i >= 0; i = this.index.next()) {
      if (s.mapped4(i) === mapped && s.peer4(i) === peer && s.mapped4Port(i) === mapped4Port) {
        if (s.protocol(i) === protocol) return i
      }
    }
    return -1
  }

  add(i: number): void {
    const s = this.sessions
    const w = s.words
    const o = i * SESSION_WORDS
    const head = this.head(s.protocol(i), s.mapped4(i), s.mapped4Port(i), s.peer4(i))
    w[o + PAIR_NEXT] = -1
    w[o + PAIR_PREVIOUS] = head
    if (head < 0) {
      this.index.growIfTight(this.rehash)
      this.index.insert(this.hashOf(i), i)
      return
    }
    // Second in the list, so that the index keeps pointing at the head.
    const second = w[head * SESSION_WORDS + PAIR_NEXT]!
    w[o + PAIR_NEXT] = second
    if (second >= 0) w[second * SESSION_WORDS + PAIR_PREVIOUS] = i
    w[head * SESSION_WORDS + PAIR_NEXT] = i
  }

  remove(i: number): void {
    const w = this.sessions.words
    const o = i * SESSION_WORDS
    const next = w[o + PAIR_NEXT]!
    const previous = w[o + PAIR_PREVIOUS]!
    if (next >= 0) w[next * SESSION_WORDS + PAIR_PREVIOUS] = previous
    if (previous >= 0) {
      w[previous * SESSION_WORDS + PAIR_NEXT] = next
      return
    }
    this.index.remove(this.hashOf(i), i)
    if (next >= 0) this.index.insert(this.hashOf(next), next)
  }

  private hashOf(i: number): number {
    const s = this.sessions
    const port = s.words[i * SESSION_WORDS + KIND]! >>> 16
    return this.hash.of3(DOMAIN + s.protocol(i), s.mapped4(i), port, s.peer4(i))
  }
}
