/** Drives whole translators in tests: bytes and a time in, verdict, reason and bytes out. */

import { type Ipv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../../src/addr/ipv6.js'
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { DEFAULT_CONFIG, type Eam, type Limits, type Timeouts, type XlatConfig } from '../../src/xlat/config.js'
import { REASON, REASONS } from '../../src/xlat/reason.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'
import { Translator } from '../../src/xlat/translator.js'
import { VERDICTS } from '../../src/xlat/verdict.js'
import { type Bytes, type Read, read } from './packets.js'
import { type Meta, packetOf } from './rewriting.js'

export const SECRET = [1, 2, 3, 4] as const

/** A small generator of 32-bit numbers (xorshift), the same for the same seed. */
export function random(seed: number): () => number {
  let x = seed | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

export const prefix4 = (text: string) => parsePrefix4(text)!
export const prefix6 = (text: string) => parsePrefix6(text)!
export const address4 = (text: string): Ipv4 => parseIpv4(text)!
export const address6 = (text: string): Ipv6 => parseIpv6(text)!
export const eam = (p6: string, p4: string): Eam => ({ prefix6: prefix6(p6), prefix4: prefix4(p4) })
const full = (text: string): string => formatIpv6(address6(text))

export type Changes = Partial<Omit<XlatConfig, 'limits' | 'timeouts'>> & {
  limits?: Partial<Limits>
  timeouts?: Partial<Timeouts>
}

/** The defaults with changes; stateful mode gets pool4 203.0.113.1. Tables are small, because tests make many. */
export function configOf(changes: Changes = {}): XlatConfig {
  const range = {
    prefix: prefix4('203.0.113.1'),
    protocols: ['tcp', 'udp', 'icmp'] as const,
    ports: [1024, 65535] as const,
  }
  const limits = { ...DEFAULT_CONFIG.limits, bib: 1000, sessions: 1000, ...changes.limits }
  const timeouts = { ...DEFAULT_CONFIG.timeouts, ...changes.timeouts }
  return { ...DEFAULT_CONFIG, pool4: [range], ...changes, limits, timeouts }
}

export interface Outcome {
  verdict: string
  reason: string
  /** What goes back to the device: first the packet in place if there is one, then the outbox. */
  out: Uint8Array[]
  /** The same, read; throws when lengths or the IPv4 header are wrong. */
  read: Read[]
}

export class Bench {
  readonly translator: Translator

  constructor(changes: Changes = {}, seed = 1, stats = makeStats()) {
    this.translator = new Translator(configOf(changes), { random32: random(seed), secret: SECRET, stats })
  }

  /** Hands in one packet. */
  in(bytes: Bytes, nowMs = 0, meta: Meta = {}): Outcome {
    const p = packetOf(bytes, meta)
    const t = this.translator
    const verdict = VERDICTS[t.translate(p, nowMs)]!
    const out: Uint8Array[] = []
    if (verdict === 'translated' || verdict === 'hairpinned') out.push(p.buf.slice(p.start, p.end))
    out.push(...this.drain())
    const isRefused = verdict === 'dropped' || verdict === 'replied'
    return { verdict, reason: isRefused ? REASONS[t.reason]!.code : '', out, read: out.map(read) }
  }

  expire(nowMs: number, budget = 10_000): Read[] {
    this.translator.expire(nowMs, budget)
    return this.drain().map(read)
  }

  private drain(): Uint8Array[] {
    const { outbox } = this.translator
    const out = Array.from({ length: outbox.count }, (_, i) => outbox.buf.slice(outbox.start(i), outbox.end(i)))
    outbox.clear()
    return out
  }

  drops(code: keyof typeof REASON & string): number {
    return this.translator.stats[STAT.drops + REASON[code]!]!
  }

  stat(name: keyof typeof STAT): number {
    return this.translator.stats[STAT[name]]!
  }
}

/** `src > dst`, IPv6 addresses in their short form. */
export const way = (r: Read | undefined): string =>
  r === undefined ? 'nothing' : [r.src, r.dst].map(a => (a.includes(':') ? full(a) : a)).join(' > ')

/** Packets in minus every place the balance of translator.ts knows; 0 when the counters are right. */
export function imbalance(stats: Float64Array): number {
  const s = (name: keyof typeof STAT) => stats[STAT[name]]!
  let drops = 0
  for (let r = 0; r < REASONS.length; r++) {
    if (r !== REASON.icmp_rate && r !== REASON.write_error) drops += stats[STAT.drops + r]!
  }
  const done = s('translated') + s('answered') + s('absorbed') + drops + s('storedFragments') + s('storedSyns')
  return stats[STAT.packetsIn]! + stats[STAT.packetsIn + 1]! - done
}
