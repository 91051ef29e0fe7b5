/**
 * Mutated packets through translators of every mode. Whatever comes in: no exception, nothing written outside the
 * packet's room, counters that balance, and no packet out whose lengths or checksums are wrong.
 */
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { REASON, REASONS } from '../../src/xlat/reason.js'
import { STAT } from '../../src/xlat/stats.js'
import { Translator } from '../../src/xlat/translator.js'
import { DROPPED, EMITTED, HAIRPINNED, REPLIED, TRANSLATED, VERDICTS } from '../../src/xlat/verdict.js'
import {
  address4,
  address6,
  type Changes,
  configOf,
  eam,
  imbalance,
  prefix4,
  prefix6,
  random,
  SECRET,
} from '../xlat/translating.js'
import { CORPUS } from './corpus.js'
import { declaresLength, fault, locate, place, RIGHT, repair, transport, UNKNOWN, WRONG } from './judge.js'
import { Mutator } from './mutate.js'

const OWN: Changes = { icmpSource4: address4('192.168.255.1'), icmpSource6: address6('2001:db8::64') }
/** Limits that are reached all the time. */
const SMALL = { bib: 300, sessions: 30, storedSyns: 1, fragments: 2, portsPerGuest: 1, fragmentBytes: 40_000 }
const TIGHT = { ...SMALL, bib: 40, sessions: 400, portsPerGuest: 0, icmpErrorsPerSecond: 2 }
const FEW_PORTS = {
  prefix: prefix4('203.0.113.1'),
  protocols: ['tcp', 'udp', 'icmp'] as const,
  ports: [1024, 1039] as const,
}
const POOL6 = prefix6('2001:db8:64::/96')
const EAMT = [
  eam('2001:db8::/120', '192.0.2.0/24'),
  eam('2001:db8:a::1', '192.0.2.1'),
  eam('2001:db8:b::/64', '198.18.0.0/16'),
]

export const MODES: readonly Changes[] = [
  { ...OWN, pool6: POOL6, mtu: 1500 },
  {
    pool6: POOL6,
    limits: SMALL,
    filtering: 'address-dependent',
    mtu: 9000,
    denylist4: [prefix4('198.51.100.99')],
  },
  { pool6: POOL6, limits: TIGHT, mtu: 1280, udpZeroChecksum: 'drop-with-icmp' },
  { pool6: POOL6, limits: { portsPerGuest: 0 }, pool4: [FEW_PORTS], dropExternallyInitiatedTcp: true },
  { mtu: 1500 },
  { ...OWN, mode: 'siit', pool6: POOL6, eam: EAMT },
  { mode: 'siit', pool6: prefix6('2001:db8::/32'), eam: EAMT, eamHairpin: 'simple', mtu: 1400 },
  { ...OWN, mode: 'pool', pool6: POOL6, dynamicPool: prefix4('192.168.255.0/28'), udpZeroChecksum: 'drop' },
]

/** How many outgoing packets are remembered, to answer them. */
const MEMORY = 64
/** Filled behind the packet, and found again. */
const CANARY = 0x5a

export class Fuzzer {
  /** Packets by verdict, then drops by reason. */
  readonly seen = new Map<string, number>()
  private readonly mutator: Mutator
  private readonly translators: Translator[]
  private readonly p = new Packet()
  private readonly memory: Uint8Array[] = []
  private readonly met = new Set<string>()
  private now = 0
  private mode = 0
  private count = 0

  constructor(readonly seed: number) {
    this.mutator = new Mutator(seed)
    this.translators = MODES.map((m, i) => new Translator(configOf(m), { random32: random(seed + i), secret: SECRET }))
  }

  /** Runs `packets` packets; throws with what it takes to repeat the failure. */
  run(packets: number): void {
    for (let i = 0; i < packets; i++) {
      const input = this.prepare()
      try {
        this.one(input)
      } catch (error) {
        const hex = Buffer.from(input.bytes).toString('hex')
        throw new Error(`seed ${this.seed}, packet ${this.count}, mode ${this.mode}, in ${hex}: ${error}`, {
          cause: error,
        })
      }
      this.count++
      if (this.count % 1024 === 0) this.between()
    }
    for (const t of this.translators) this.balance(t)
  }

  /** Reasons for which packets were dropped, also after they had waited, by any translator. */
  reasons(): string[] {
    for (const t of this.translators) this.noteReasons(t)
    return [...this.met]
  }

  private noteReasons(t: Translator): void {
    for (const [r, { code }] of REASONS.entries()) if (t.stats[STAT.drops + r]! > 0) this.met.add(code)
  }

  /** Chooses and changes the next packet; says what is known of its checksum. */
  private prepare(): { bytes: Uint8Array; judged: number; isMetaSound: boolean } {
    const m = this.mutator
    const p = this.p
    this.mode = m.below(MODES.length)
    this.now += m.below(20)
    p.set(m.buf, HEADROOM, HEADROOM)
    let isMetaSound = true
    const kind = m.below(8)
    if (kind < 5 || this.memory.length < 4) {
      const seed = CORPUS[m.below(CORPUS.length)]!
      m.load(seed.bytes)
      Object.assign(p, seed.meta)
      if (p.flags !== 0) repair(m.buf, HEADROOM, m.end, true)
      if (m.below(2) === 0) m.scatter(p.flags !== 0)
    } else {
      const known = this.memory[m.below(this.memory.length)]!
      if (kind === 5) m.load(known)
      else if (kind === 6) m.loadReply(known)
      else m.loadError(known)
    }
    const changes = m.below(4)
    for (let i = 0; i < changes; i++) m.mutate()
    if (changes > 0 && m.below(4) !== 0) repair(m.buf, HEADROOM, m.end, p.flags !== 0)
    if (p.flags !== 0 && m.below(16) === 0) {
      isMetaSound = false
      const value = m.below(70)
      const which = m.below(3)
      if (which === 0) p.csumStart = value
      else if (which === 1) p.gsoSize = m.below(3000)
      else p.hdrLen = value
    }
    if (p.flags !== 0 && changes > 0) isMetaSound = false
    p.end = m.end
    m.buf.fill(CANARY, m.end, m.end + 16)
    const isJudged = isMetaSound && declaresLength(m.buf, HEADROOM, m.end)
    const judged = isJudged ? transport(m.buf, HEADROOM, m.end, p.flags !== 0) : UNKNOWN
    return { bytes: m.buf.slice(HEADROOM, m.end), judged, isMetaSound }
  }

  private one(input: { bytes: Uint8Array; judged: number; isMetaSound: boolean }): void {
    const t = this.translators[this.mode]!
    const p = this.p
    const end = p.end
    const isSuper = p.gsoType !== 0
    const isWhole = !(locate(p.buf, p.start, p.end) && place.isPiece)
    const verdict = t.translate(p, this.now)
    this.tally(VERDICTS[verdict]!)
    if (p.buf[end] !== CANARY || p.buf[end + 15] !== CANARY) throw new Error('wrote behind the packet')
    const outbox = t.outbox
    if (verdict === TRANSLATED || verdict === HAIRPINNED) {
      if (p.start < 0 || p.end > end) throw new Error(`moved to [${p.start}, ${p.end})`)
      this.inspect(p.buf, p.start, p.end, isWhole ? input.judged : UNKNOWN, p.flags !== 0, input.isMetaSound)
      if (p.gsoType !== 0) this.inspectGso(p)
      if (p.end - p.start < 2000 && this.mutator.below(4) === 0) this.remember(p.buf.slice(p.start, p.end))
    } else if (verdict === DROPPED || verdict === REPLIED) {
      this.tally(REASONS[t.reason]!.code)
    }
    // An ICMP error is ours and right; a ping's answer is as right as the ping.
    const isError = verdict === REPLIED && t.reason !== REASON.own_address
    for (let i = 0; i < outbox.count; i++) {
      const isRight = isError && i === outbox.count - 1 ? RIGHT : UNKNOWN
      this.inspect(outbox.buf, outbox.start(i), outbox.end(i), isRight, false, true)
      if (i === 0 && this.mutator.below(4) === 0) this.remember(outbox.buf.slice(outbox.start(0), outbox.end(0)))
    }
    if (verdict === EMITTED && isWhole && !isSuper && input.judged === RIGHT && outbox.count > 1) this.inspectPieces(t)
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

  private tally(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }
}

const hexOf = (b: Uint8Array, start: number, end: number): string => Buffer.from(b.subarray(start, end)).toString('hex')
