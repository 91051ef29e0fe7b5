/** The attacks of `npm run abuse` against a translator without a device: what is established goes on, everything counted. */
import { describe, expect, it } from 'vitest'
import { IP6 } from '../../src/wire/protocol.js'
import type { Limits, StaticBib } from '../../src/xlat/config.js'
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { STAT } from '../../src/xlat/stats.js'
import { echo, filler, fragment, ip4, ip6, tcp, udp } from '../xlat/packets.js'
import { address4, address6, Bench, imbalance, prefix4, prefix6 } from '../xlat/translating.js'
import { ATTACKS, type Attack, GUEST, OPEN_PORT, packetOf } from './attacks.js'
import { FRAGMENTER, NEWCOMER, POOL4, POOL6, SETTLED } from './places.js'

const PEER4 = '192.31.196.2'
const PEER6 = `${POOL6.replace('/96', '')}${PEER4}`
/** Packets of an attack that are enough if they reach its limit, and how many of them come between two of others. */
const ENOUGH = 20_000
const BETWEEN = 1000
/** Routers before the translator in the lab. */
const ROUTERS = 2
const camel = (key: string) => key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

function translatorUnder({ limits = {}, isOpen, filtering }: Attack): Bench {
  const open: StaticBib[] = (['tcp', 'udp'] as const).map(protocol => ({
    protocol,
    host6: address6(GUEST),
    host6Port: OPEN_PORT,
    mapped4: address4(POOL4),
    mapped4Port: OPEN_PORT,
  }))
  const changed = Object.fromEntries(Object.entries(limits).map(([key, n]) => [camel(key), n])) as Partial<Limits>
  return new Bench({
    pool6: prefix6(POOL6),
    pool4: [{ prefix: prefix4(POOL4), protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65535] }],
    limits: { bib: 1_000_000, sessions: 1_000_000, ...changed },
    filtering: filtering ?? 'endpoint-independent',
    staticBib: isOpen ? open : [],
  })
}

/** Packets of what is established, each with its answer. */
const settled = (m: ReturnType<typeof udp>) => ip6(m, { src: SETTLED, dst: PEER6 })
const ESTABLISHED = [settled(tcp(5000, 80)), settled(udp(5001, 53)), settled(echo(128, 7))]
const cuts = [0, 1200, 2400]
const inFragments = (id: number) =>
  cuts.map((from, i) => {
    const to = cuts[i + 1]
    const ext = [fragment(id, from, to !== undefined)]
    return ip6(udp(5002, 53, filler(2992)), { src: FRAGMENTER, dst: PEER6, from, ...(to && { to }), ext })
  })

function establish(b: Bench): string[] {
  b.in(settled(tcp(5000, 80, [], { flags: 2 })))
  const mapped = (b.in(settled(udp(5001, 53))).read[0]?.payload ?? []).slice(0, 2)
  const port = (mapped[0]! << 8) | mapped[1]!
  expect(b.in(ip4(udp(53, port), { src: PEER4, dst: POOL4 })).verdict).toBe('translated')
  return passing(b, 0)
}

/** What becomes of established packets: the ports that they leave with, or why not. */
function passing(b: Bench, now: number): string[] {
  return ESTABLISHED.map(bytes => {
    const { verdict, reason, read } = b.in(bytes, now)
    return verdict === 'translated' ? (read[0]?.payload ?? []).slice(0, 6).join() : reason
  })
}

/** What has to be counted was, but for what takes time. */
const isFull = (b: Bench, { counts }: Attack) => counts.every(code => code === 'syn_timeout' || b.drops(code) > 0)

describe('an attack', () => {
  it.each(ATTACKS.filter(a => a.pool4 === undefined).map(a => [a.name, a] as const))('%s', (_name, attack) => {
    const b = translatorUnder(attack)
    const { limits } = b.translator.config
    const before = establish(b)
    const lost: string[] = []
    let newcomers = 0
    let refused = 0
    let now = 0
    const p = new Packet()
    const slot = new Uint8Array(2048)
    const most = attack.rate * attack.seconds
    for (let i = 0; i < most && (i < ENOUGH || i % BETWEEN > 0 || !isFull(b, attack)); i++) {
      now = Math.floor((i * 1000) / attack.rate)
      const bytes = packetOf(attack, i)
      slot.set(bytes, HEADROOM)
      if (bytes[0]! >>> 4 === 6) slot[HEADROOM + IP6.HOPS]! -= ROUTERS
      p.set(slot, HEADROOM, HEADROOM + bytes.length)
      b.translator.translate(p, now)
      b.translator.outbox.clear()
      if (i % BETWEEN > 0) continue
      lost.push(...passing(b, now).filter((what, k) => what !== before[k]))
      const parts = inFragments(i).flatMap(bytes => b.in(bytes, now).read)
      if (parts.reduce((sum, { payload }) => sum + payload.length, 0) !== 3000) lost.push('fragments')
      newcomers++
      if (b.in(ip6(udp(10_000 + newcomers, 53), { src: NEWCOMER, dst: PEER6 }), now).verdict !== 'translated') refused++
      if (i % (10 * BETWEEN) === 0) b.translator.expire(now, 2000)
      b.translator.outbox.clear()
      expect(b.stat('bibEntries')).toBeLessThanOrEqual(limits.bib + 2)
      expect(b.stat('sessions')).toBeLessThanOrEqual(limits.sessions)
      expect(b.stat('storedSyns')).toBeLessThanOrEqual(limits.storedSyns)
      expect(b.stat('storedFragments')).toBeLessThanOrEqual(limits.fragments)
    }
    b.translator.expire(now + 7000, 1e6)
    b.translator.outbox.clear()
    expect(lost).toEqual([])
    expect(refused > 0).toBe(attack.newcomers === 'refused')
    expect(attack.counts.filter(code => b.drops(code) === 0)).toEqual([])
    expect(b.translator.stats[STAT.replies]).toBeLessThanOrEqual(limits.icmpErrorsPerSecond * (now / 1000 + 2))
    expect(imbalance(b.translator.stats)).toBe(0)
  })
})
