/**
 * Fragments in stateful mode (RFC 6146 section 3.4). The first fragment names the session; later ones follow it at once,
 * earlier ones when it comes. What needs every byte for a checksum waits until the packet is whole: ICMP, and IPv4 UDP
 * without checksum.
 */
import { u8, u16, u32 } from '../wire/bytes.js'
import { ICMP4, ICMP6, IP4, IP6, UDP, UDP_CHECKSUM } from '../wire/protocol.js'
import { type Engine, emit } from './engine.js'
import { DEAD, type FragmentStore, RESOLVED, WAITING } from './fragment-store.js'
import { Packet } from './packet.js'
import { parse } from './parse.js'
import { REASON } from './reason.js'
import { assemble, makeAssemblyBuffer } from './reassemble.js'
import type { Stateful } from './stateful.js'
import { STAT } from './stats.js'
import { DROPPED, EMITTED, HAIRPINNED, STORED, TRANSLATED, type Verdict } from './verdict.js'

export class FragmentInput {
  /** REASON number of the last drop. */
  reason = 0
  /** The packet that the last drop is about, for an ICMP error: the fragment, or what was put together. */
  subject: Packet = new Packet()
  /** A waiting fragment on its way out. */
  private readonly waiting = new Packet()
  /** A reassembled packet. */
  private readonly assembled = new Packet()
  private readonly assembly = makeAssemblyBuffer()

  constructor(
    private readonly engine: Engine,
    private readonly store: FragmentStore,
    private readonly stateful: Stateful,
  ) {}

  /** Translates, keeps or refuses a fragment that is not a whole packet. */
  translate(p: Packet, nowMs: number): Verdict {
    this.subject = p
    const store = this.store
    const refusal = this.stateful.admit(p)
    if (refusal !== 0) return this.drop(refusal)
    const e = store.open(p, nowMs)
    if (e < 0) return this.drop(store.reason)
    if (store.state(e) === DEAD) return this.drop(store.why(e))
    const contradiction = store.accept(e, p)
    if (contradiction !== 0) return this.drop(contradiction)
    if (store.state(e) === RESOLVED) return this.closeIfComplete(e, this.follow(p, e, nowMs))
    if (store.state(e) === WAITING && p.fragOffset === 0) {
      if (!this.needsWhole(p)) return this.first(p, e, nowMs)
      store.wantWhole(e)
    }
    const full = store.keep(e, p)
    if (full !== 0) return this.drop(full)
    if (store.state(e) !== WAITING && store.isComplete(e)) return this.whole(p, e, nowMs)
    return STORED
  }

  private needsWhole(p: Packet): boolean {
    if (p.protocol === ICMP4 || p.protocol === ICMP6) return true
    const mayCompute = p.version === 4 && p.protocol === UDP && this.engine.config.udpZeroChecksum === 'compute'
    return mayCompute && u16(p.buf, p.l4 + UDP_CHECKSUM) === 0
  }

  /** The first fragment: translates it, learns how, and lets those go that waited for it. */
  private first(p: Packet, e: number, nowMs: number): Verdict {
    const stateful = this.stateful
    let verdict = stateful.step(p, nowMs)
    if (verdict !== TRANSLATED && verdict !== EMITTED) {
      if (verdict === DROPPED) this.drop(stateful.reason)
      this.store.kill(e, stateful.reason)
      return verdict
    }
    const outbox = this.engine.outbox
    if (verdict === TRANSLATED) this.learn(e, p.buf, p.start, stateful.isHairpin)
    else this.learn(e, outbox.buf, outbox.start(outbox.count - 1), stateful.isHairpin)
    if (stateful.isHairpin && verdict === TRANSLATED) verdict = this.again(p, nowMs)
    for (let node = this.store.firstNode(e); node >= 0; node = this.store.nextNode(node)) {
      this.letGo(e, node, nowMs)
    }
    this.store.release(e, 0)
    return this.closeIfComplete(e, verdict)
  }

  /** Takes the outgoing addresses from the translated header at `start`. */
  private learn(e: number, b: Uint8Array, start: number, isHairpin: boolean): void {
    if (u8(b, start) >>> 4 === 4) {
      const back = isHairpin ? 1 : 0
      this.store.resolve(e, back, 0, 0, u32(b, start + IP4.SRC), 0, 0, 0, u32(b, start + IP4.DST))
      return
    }
    const s = start + IP6.SRC
    const d = start + IP6.DST
    const word = (at: number, k: number) => u32(b, at + 4 * k)
    this.store.resolve(
      e,
      word(s, 0),
      word(s, 1),
      word(s, 2),
      word(s, 3),
      word(d, 0),
      word(d, 1),
      word(d, 2),
      word(d, 3),
    )
  }

  /** A fragment after the first one, translated as the first one was. */
  private follow(p: Packet, e: number, nowMs: number): Verdict {
    const { store, engine } = this
    const r = (word: number) => store.resolution(e, word) | 0
    const reason =
      p.version === 6
        ? engine.rewriter.toV4(p, r(3), r(7), 0, 0)
        : engine.rewriter.toV6(p, r(0), r(1), r(2), r(3), r(4), r(5), r(6), r(7), 0, 0)
    if (reason !== 0) return this.drop(reason)
    if (engine.rewriter.emitted) return EMITTED
    return u8(p.buf, p.start) >>> 4 === 4 && r(0) === 1 ? this.again(p, nowMs) : TRANSLATED
  }

  /** The way back of a hairpinned fragment. */
  private again(p: Packet, nowMs: number): Verdict {
    const reason = parse(p)
    if (reason !== 0) return this.drop(reason)
    const { isBusy } = this.store
    this.store.isBusy = true
    const verdict = this.translate(p, nowMs)
    this.store.isBusy = isBusy
    return verdict === TRANSLATED ? HAIRPINNED : verdict
  }

  /** Sends a fragment that waited for the first one. */
  private letGo(e: number, node: number, nowMs: number): void {
    const { store, engine, waiting } = this
    waiting.set(store.arena.buf, store.nodeStart(node), store.nodeEnd(node))
    const reason = parse(waiting)
    let verdict: Verdict = reason === 0 ? this.follow(waiting, e, nowMs) : this.drop(reason)
    if ((verdict === TRANSLATED || verdict === HAIRPINNED) && !emit(engine.outbox, waiting)) {
      verdict = this.drop(REASON.outbox_full)
    }
    if (verdict === DROPPED) engine.stats[STAT.drops + this.reason]! += 1
    else if (verdict !== STORED) engine.stats[STAT.translated]! += 1
  }

  private closeIfComplete(e: number, verdict: Verdict): Verdict {
    if (this.store.isComplete(e)) this.store.close(e, 0)
    return verdict
  }

  /** Every byte has come: translates the packet as one; it leaves in as many fragments as it takes. */
  private whole(p: Packet, e: number, nowMs: number): Verdict {
    const { store, engine, assembled: q } = this
    const fits = assemble(store, e, p.version, this.assembly, q)
    // The last fragment is counted by the caller, the others here.
    const others = store.release(e, 0) - 1
    store.close(e, 0)
    const verdict = fits ? this.send(q, nowMs) : this.drop(REASON.too_big)
    engine.stats[verdict === DROPPED ? STAT.drops + this.reason : STAT.translated]! += others
    return verdict
  }

  private send(q: Packet, nowMs: number): Verdict {
    const { engine, stateful } = this
    const reason = parse(q)
    if (reason !== 0) return this.drop(reason)
    this.subject = q
    const verdict = stateful.whole(q, nowMs)
    if (verdict === DROPPED) return this.drop(stateful.reason)
    if (verdict === EMITTED) return EMITTED
    return emit(engine.outbox, q) ? EMITTED : this.drop(REASON.outbox_full)
  }

  private drop(reason: number): Verdict {
    this.reason = reason
    return DROPPED
  }
}
