/**
 * Mutated packets through translators of every mode. Whatever comes in: no exception, nothing written outside the
 * packet's room, counters that balance, and no packet out whose lengths or checksums are wrong.
 */
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { REASON, REASONS } from '../../src/xlat/reason.js'
import { STAT } from '../../src/xlat/stats.js'
import { Translator } from '../../src/xlat/translator.js'
import { DROPPED, EMITTED, HAIRPINNED, REPLIED, TRANSLATED, VERDICTS } from '../../src/xlat/verdict.js'
import { imbalance, random, SECRET } from '../xlat/translating.js'
import { CAPTURED } from './captured.js'
import { CORPUS, type Seed } from './corpus.js'
import { declaresLength, fault, locate, place, RIGHT, repair, transport, UNKNOWN, WRONG } from './judge.js'
import { MODES } from './modes.js'
import { Mutator, ROOM } from './mutate.js'

/** How many outgoing packets are remembered, to answer them. */
const MEMORY = 64
/** Filled behind the packet, and found again. */
const CANARY = 0x5a
/** Those that exist, two with the ECN bit, and two that do not. */
const GSO_TYPES = [0, 1, 3, 4, 5, 0x81, 0x84, 2, 6]
/** Seeds longer than this are taken more rarely: their bytes cost time, and few of them decide anything. */
const LONG = 400

/** What is known of a packet before it is translated. */
interface Known {
  judged: number
  isMetaSound: boolean
}

export class Fuzzer {
  /** Packets by verdict, drops by reason. */
  private readonly verdicts = new Float64Array(VERDICTS.length)
  private readonly drops = new Float64Array(REASONS.length)
  /** Drops by reason in the counters of any translator: also of what had waited. */
  private readonly late = new Float64Array(REASONS.length)
  /** The packet before it was translated, to be shown. */
  private readonly input = Buffer.alloc(HEADROOM + ROOM)
  private inputEnd = 0
  private readonly known: Known = { judged: UNKNOWN, isMetaSound: true }
  private readonly mutator: Mutator
  private readonly translators: Translator[]
  private readonly p = new Packet()
  private readonly memory: Uint8Array[] = []
  private now = 0
  private mode = 0
  private count = 0

  constructor(readonly seed: number) {
    this.mutator = new Mutator(seed)
    this.translators = MODES.map((m, i) => new Translator(m, { random32: random(seed + i), secret: SECRET }))
  }

  /** Runs `packets` packets; throws with what it takes to repeat the failure. */
  run(packets: number): void {
    for (let i = 0; i < packets; i++) {
      this.prepare()
      try {
        this.one()
      } catch (error) {
        const hex = this.input.toString('hex', HEADROOM, this.inputEnd)
        const again = `npm run fuzz -- --seed ${this.seed} --packets ${this.count + 1}`
        throw new Error(`${again}\nmode ${this.mode}, packet ${hex}: ${error}`, { cause: error })
      }
      this.count++
      if (this.count % 1024 === 0) this.between()
    }
    for (const t of this.translators) this.balance(t)
  }

  /** Packets by verdict, and drops by reason, also after they had waited. */
  met(): [string, number][] {
    for (const t of this.translators) this.noteReasons(t)
    const named = [
      ...VERDICTS.map((name, i): [string, number] => [name, this.verdicts[i]!]),
      ...REASONS.map(({ code }, i): [string, number] => [code, Math.max(this.drops[i]!, this.late[i]!)]),
    ]
    return named.filter(([, count]) => count > 0)
  }

  private noteReasons(t: Translator): void {
    for (let r = 0; r < REASONS.length; r++) this.late[r] = Math.max(this.late[r]!, t.stats[STAT.drops + r]!)
  }

  /** Chooses and changes the next packet; notes what is known of its checksum. */
  private prepare(): void {
    const m = this.mutator
    const p = this.p
    this.now += m.below(20)
    p.set(m.buf, HEADROOM, HEADROOM)
    let isMetaSound = true
    this.load(m.below(8))
    const changes = m.below(4)
    for (let i = 0; i < changes; i++) m.mutate()
    if (changes > 0 && m.below(4) !== 0) repair(m.buf, HEADROOM, m.end, p.flags !== 0)
    if (p.flags !== 0 && m.below(16) === 0) {
      isMetaSound = false
      const which = m.below(6)
      if (which === 0) p.csumStart = m.below(70)
      else if (which === 1) p.gsoSize = m.below(3000)
      else if (which === 2) p.gsoSize = 0
      else if (which === 3) p.gsoType = GSO_TYPES[m.below(GSO_TYPES.length)]!
      else if (which === 4) p.csumOffset = m.below(20)
      else p.hdrLen = m.below(70)
    }
    if (p.flags !== 0 && changes > 0) isMetaSound = false
    p.end = m.end
    for (let i = m.end; i < m.end + 16; i++) m.buf[i] = CANARY
    this.inputEnd = Math.min(m.end, this.input.length)
    m.bytes.copy(this.input, HEADROOM, HEADROOM, this.inputEnd)
    const isJudged = isMetaSound && declaresLength(m.buf, HEADROOM, m.end)
    this.known.judged = isJudged ? transport(m.buf, HEADROOM, m.end, p.flags !== 0) : UNKNOWN
    this.known.isMetaSound = isMetaSound
  }

  /** Puts a packet into place: a seed, one that came out before, its answer, or an error about it; chooses who gets it. */
  private load(kind: number): void {
    const m = this.mutator
    this.mode = m.below(MODES.length)
    if (kind >= 5 && this.memory.length >= 4) {
      const known = this.memory[m.below(this.memory.length)]!
      if (kind === 5) m.load(known)
      else if (kind === 6) m.loadReply(known)
      else m.loadError(known)
      return
    }
    const seed = this.chooseSeed()
    if (m.below(8) !== 0) this.mode = seed.modes[m.below(seed.modes.length)]!
    // Of a captured packet that came out of a translator, the answer is what goes in.
    if (seed.isCaptured && m.below(3) === 0) m.loadReply(seed.bytes)
    else m.load(seed.bytes)
    this.setMeta(seed)
    if (this.p.flags !== 0) repair(m.buf, HEADROOM, m.end, true)
    if (m.below(2) === 0) m.scatter(this.p.flags !== 0)
  }

  private chooseSeed(): Seed {
    const m = this.mutator
    const from = m.below(2) === 0 ? CORPUS : CAPTURED
    const seed = from[m.below(from.length)]!
    return seed.bytes.length > LONG && m.below(4) !== 0 ? from[m.below(from.length)]! : seed
  }

  private setMeta({ meta }: Seed): void {
    const p = this.p
    p.flags = meta.flags ?? 0
    p.gsoType = meta.gsoType ?? 0
    p.gsoSize = meta.gsoSize ?? 0
    p.hdrLen = meta.hdrLen ?? 0
    p.csumStart = meta.csumStart ?? 0
    p.csumOffset = meta.csumOffset ?? 0
  }

  private one(): void {
    const { judged, isMetaSound } = this.known
    const t = this.translators[this.mode]!
    const p = this.p
    const end = p.end
    const isSuper = p.gsoType !== 0
    const isWhole = !(locate(p.buf, p.start, p.end) && place.isPiece)
    const verdict = t.translate(p, this.now)
    this.verdicts[verdict]!++
    if (p.buf[end] !== CANARY || p.buf[end + 15] !== CANARY) throw new Error('wrote behind the packet')
    const outbox = t.outbox
    if (verdict === TRANSLATED || verdict === HAIRPINNED) {
      if (p.start < 0 || p.end > end) throw new Error(`moved to [${p.start}, ${p.end})`)
      this.inspect(p.buf, p.start, p.end, isWhole ? judged : UNKNOWN, p.flags !== 0, isMetaSound)
      if (p.gsoType !== 0) this.inspectGso(p)
      if (p.end - p.start < 2000 && this.mutator.below(4) === 0) this.remember(p.buf.slice(p.start, p.end))
    } else if (verdict === DROPPED || verdict === REPLIED) {
      this.drops[t.reason]!++
    }
    // An ICMP error is ours and right; a ping's answer is as right as the ping.
    const isError = verdict === REPLIED && t.reason !== REASON.own_address
    for (let i = 0; i < outbox.count; i++) {
      const isRight = isError && i === outbox.count - 1 ? RIGHT : UNKNOWN
      this.inspect(outbox.buf, outbox.start(i), outbox.end(i), isRight, false, true)
      if (i === 0 && this.mutator.below(4) === 0) this.remember(outbox.buf.slice(outbox.start(0), outbox.end(0)))
    }
    if (verdict === EMITTED && isWhole && !isSuper && judged === RIGHT && outbox.count > 1) this.inspectPieces(t)
    outbox.clear()
  }

  private inspect(
    b: Uint8Array,
    start: number,
    end: number,
    judged: number,
    isPartial: boolean,
    isMetaSound: boolean,
  ): void {
    const problem = fault(b, start, end)
    if (problem !== '') throw new Error(`${problem}: out ${hexOf(b, start, end)}`)
    if (isMetaSound && judged === RIGHT && transport(b, start, end, isPartial) === WRONG) {
      throw new Error(`transport checksum: out ${hexOf(b, start, end)}`)
    }
  }

  /** Fragments of one packet whose checksum was right must have a right one when put together. */
  private inspectPieces({ outbox }: Translator): void {
    const start = outbox.start(0)
    if (!locate(outbox.buf, start, outbox.end(0)) || !place.isPiece) return
    const { l4, version, protocol, pseudo } = { ...place }
    const whole = new Uint8Array(66_000)
    const base = pseudo - (outbox.end(0) - l4)
    let length = 0
    for (let i = 0; i < outbox.count; i++) {
      locate(outbox.buf, outbox.start(i), outbox.end(i))
      if (place.offset !== length) throw new Error(`a piece at ${place.offset} instead of ${length}`)
      whole.set(outbox.buf.subarray(place.l4, outbox.end(i)), length)
      length += outbox.end(i) - place.l4
    }
    if (place.more) throw new Error('the last piece is missing')
    if (protocol !== 6 && protocol !== 17 && protocol !== (version === 4 ? 1 : 58)) return
    let total = base + (version === 4 && protocol === 1 ? -base : length)
    for (let i = 0; i < length; i += 2) total += (whole[i]! << 8) | whole[i + 1]!
    if (total % 0xffff !== 0) throw new Error(`checksum of ${outbox.count} pieces together`)
  }

  private inspectGso(p: Packet): void {
    locate(p.buf, p.start, p.end)
    const type = p.gsoType & 0x7f
    const expected = place.protocol === 17 ? 5 : place.version === 4 ? 1 : 4
    if (type !== expected) throw new Error(`gso_type ${p.gsoType} on protocol ${place.protocol} of IPv${place.version}`)
    if (p.gsoSize <= 0) throw new Error(`gso_size ${p.gsoSize}`)
  }

  private remember(bytes: Uint8Array): void {
    if (this.memory.length < MEMORY) this.memory.push(bytes)
    else this.memory[this.mutator.below(MEMORY)] = bytes
  }

  /** What happens between packets: time passes, things expire, configurations change, the process restarts. */
  private between(): void {
    const m = this.mutator
    this.now += m.below(4) === 0 ? m.below(400_000) : m.below(3000)
    for (const [i, t] of this.translators.entries()) {
      t.expire(this.now, 200)
      for (let k = 0; k < t.outbox.count; k++) {
        this.inspect(t.outbox.buf, t.outbox.start(k), t.outbox.end(k), RIGHT, false, true)
      }
      t.outbox.clear()
      this.balance(t)
      if (m.below(64) === 0) t.reconfigure({ ...t.config, mtu: [1280, 1400, 1500, 9000][m.below(4)]! }, this.now)
      if (m.below(64) === 0) {
        const next = new Translator(t.config, { random32: random(m.next()), secret: SECRET })
        next.importState(t.exportState(this.now), this.now)
        this.noteReasons(t)
        this.translators[i] = next
      }
    }
  }

  private balance(t: Translator): void {
    const off = imbalance(t.stats)
    if (off !== 0) throw new Error(`counters are off by ${off}`)
    for (const [name, i] of Object.entries(STAT)) {
      if (t.stats[i]! < 0) throw new Error(`${name} is ${t.stats[i]}`)
    }
  }
}

const hexOf = (b: Uint8Array, start: number, end: number): string => Buffer.from(b.subarray(start, end)).toString('hex')
