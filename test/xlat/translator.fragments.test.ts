import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  be32,
  echo,
  filler,
  fragment,
  ip4,
  ip6,
  type Message,
  type Read,
  tcp,
  udp,
  udpWith,
  wordSum,
} from './packets.js'
import { address6, Bench, type Changes, imbalance, prefix6, way } from './translating.js'

const GUEST = '2001:db8::1'
const PEER = '198.51.100.2'
const POOL = '203.0.113.1'
const PEER6 = '2001:db8:64::c633:6402'
const BASE: Changes = { pool6: prefix6('2001:db8:64::/96') }
const CUTS = [0, 600, 1200, 1480]

/** Fragments of a message from the guest, in order; `cuts` are where they start, bytes. */
function fromGuest(m: Message, id = 7, cuts: readonly number[] = CUTS, src = GUEST, dst = PEER6): Uint8Array[] {
  return cuts.map((from, i) => {
    const to = cuts[i + 1]
    return ip6(m, { src, dst, from, ...(to && { to }), ext: [fragment(id, from, to !== undefined)] })
  })
}

/** The same from the peer. */
function fromPeer(m: Message, id = 7, cuts: readonly number[] = CUTS, src = PEER, dst = POOL): Uint8Array[] {
  return cuts.map((from, i) => {
    const to = cuts[i + 1]
    return ip4(m, { src, dst, id, from, ...(to && { to }), mf: to !== undefined })
  })
}

/** Puts fragments together and says whether the transport checksum of the whole is right. */
function whole(parts: readonly Read[]): { payload: number[]; isRight: boolean; protocol: number } {
  const sorted = [...parts].sort((x, y) => x.offset - y.offset)
  const payload: number[] = []
  for (const part of sorted) {
    expect(part.offset).toBe(payload.length)
    expect(part.mf).toBe(part !== sorted.at(-1))
    payload.push(...part.payload)
  }
  const { src, dst, protocol, version } = sorted[0]!
  const bytes = (a: string) => (version === 4 ? a.split('.').map(Number) : address6(a).flatMap(be32))
  const pseudo = protocol === 1 ? [] : [...bytes(src), ...bytes(dst), ...be32(payload.length), 0, 0, 0, protocol]
  return { payload, protocol, isRight: wordSum([...pseudo, ...payload]) === 0xffff }
}

const feed = (b: Bench, packets: readonly Uint8Array[], now = 0) => packets.map(bytes => b.in(bytes, now))

/** Opens a binding of the guest's port 5000 and returns the pool4 port. */
function bind(b: Bench, m: Message = udp(5000, 53)): number {
  const { payload } = b.in(ip6(m, { src: GUEST, dst: PEER6 })).read[0]!
  return (payload[0]! << 8) | payload[1]!
}

const orders = [
  ['in order', [0, 1, 2, 3]],
  ['backwards', [3, 2, 1, 0]],
  ['first one late', [1, 2, 0, 3]],
  ['last one first', [3, 0, 1, 2]],
] as const

describe('UDP and TCP fragments pass as they come', () => {
  it.each(orders)('from IPv6, %s', (_, order) => {
    for (const m of [udp(5000, 53, filler(2000)), tcp(5000, 80, filler(2000), { flags: 2 })]) {
      const b = new Bench(BASE)
      const parts = fromGuest(m)
      const results = feed(
        b,
        order.map(i => parts[i]!),
      )
      const first = order.indexOf(0)
      expect(results.map(r => r.verdict)).toEqual(order.map((_, i) => (i < first ? 'stored' : 'translated')))
      const read = results.flatMap(r => r.read)
      expect(read).toHaveLength(4)
      const { isRight, payload } = whole(read)
      expect([isRight, payload.length]).toEqual([true, m.bytes.length])
      expect(new Set(read.map(r => `${way(r)} ${r.id} ${r.df}`))).toEqual(new Set([`${POOL} > ${PEER} 7 false`]))
      expect([b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([0, 0])
    }
  })

  it.each(orders)('from IPv4, %s', (_, order) => {
    const b = new Bench(BASE)
    const parts = fromPeer(udp(53, bind(b), filler(2000)))
    const read = feed(
      b,
      order.map(i => parts[i]!),
    ).flatMap(r => r.read)
    const { isRight, payload } = whole(read)
    expect([isRight, payload.length]).toEqual([true, 2008])
    expect(new Set(read.map(way))).toEqual(new Set([`${PEER6} > ${GUEST}`]))
    expect((payload[2]! << 8) | payload[3]!).toBe(5000)
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it('large IPv4 fragments become smaller IPv6 ones', () => {
    const b = new Bench(BASE)
    const parts = fromPeer(udp(53, bind(b), filler(4000)), 9, [0, 1480, 2960])
    const read = feed(b, [parts[1]!, parts[0]!, parts[2]!]).flatMap(r => r.read)
    expect(Math.max(...read.map(r => r.payload.length + 48))).toBeLessThanOrEqual(1280)
    expect(whole(read).isRight).toBe(true)
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it('an atomic fragment is a whole packet (RFC 6946)', () => {
    const { verdict, read } = new Bench(BASE).in(ip6(udp(5000, 53), { src: GUEST, dst: PEER6, ext: [fragment(7)] }))
    expect(verdict).toBe('translated')
    expect([read[0]?.df, read[0]?.mf, read[0]?.checksumOk]).toEqual([false, false, true])
  })

  it('a hairpinned packet comes round in any order', () => {
    const b = new Bench(BASE)
    const { payload } = b.in(ip6(udp(7000, 53), { src: '2001:db8::2', dst: PEER6 })).read[0]!
    const m = udp(6000, (payload[0]! << 8) | payload[1]!, filler(2000))
    for (const [, order] of orders) {
      const parts = fromGuest(m, 7 + order[0], CUTS, GUEST, '2001:db8:64::cb00:7101')
      const read = feed(
        b,
        order.map(i => parts[i]!),
      ).flatMap(r => r.read)
      expect(new Set(read.map(way))).toEqual(new Set(['2001:db8:64::cb00:7101 > 2001:db8::2']))
      expect(whole(read).isRight).toBe(true)
    }
    expect([b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([0, 0])
  })
})

describe('packets that must be whole', () => {
  it.each(orders)('a large ping from the guest, %s', (_, order) => {
    const b = new Bench(BASE)
    const parts = fromGuest(echo(128, 77, filler(3000)), 0x12345, [0, 1232, 2464])
    const results = feed(
      b,
      order.filter(i => i < 3).map(i => parts[i]!),
    )
    expect(results.map(r => r.verdict)).toEqual(['stored', 'stored', 'emitted'])
    const { read } = results[2]!
    expect(read.map(r => [way(r), r.df, r.id])).toEqual(new Array(3).fill([`${POOL} > ${PEER}`, false, 0x2345]))
    const { isRight, payload } = whole(read)
    expect([isRight, payload.length, payload[0]]).toEqual([true, 3008, 8])
    expect(Math.max(...read.map(r => r.payload.length + 20))).toBeLessThanOrEqual(1500)
    expect([b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([0, 0])
  })

  it('the reply comes back in fragments of the lowest IPv6 MTU', () => {
    const b = new Bench(BASE)
    const there = feed(b, fromGuest(echo(128, 77, filler(3000)))).flatMap(r => r.read)
    const id = whole(there).payload.slice(4, 6)
    const parts = fromPeer(echo(0, (id[0]! << 8) | id[1]!, filler(3000)), 8, [0, 1480, 2960])
    const { isRight, payload } = whole(feed(b, parts).flatMap(r => r.read))
    expect([isRight, payload.length, payload[0], payload[5]]).toEqual([true, 3008, 129, 77])
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it('a ping of the largest size there is', () => {
    const b = new Bench(BASE)
    const cuts = Array.from({ length: 54 }, (_, i) => i * 1232)
    const { read } = feed(b, fromGuest(echo(128, 77, filler(65507)), 1, cuts)).at(-1)!
    const { isRight, payload } = whole(read)
    expect([isRight, payload.length]).toEqual([true, 65515])
  })

  it('one that fits IPv6 but not IPv4 is refused', () => {
    const b = new Bench(BASE)
    const cuts = Array.from({ length: 54 }, (_, i) => i * 1232)
    const last = feed(b, fromGuest(echo(128, 77, filler(65527)), 1, cuts)).at(-1)!
    expect(last.out.filter(bytes => bytes[0]! >>> 4 === 4)).toEqual([])
    expect(last.reason).toBe('too_big')
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it.each(orders)('IPv4 UDP without checksum gets one, %s', (_, order) => {
    const b = new Bench(BASE)
    const parts = fromPeer(udpWith(0, 53, bind(b), filler(2000)))
    const read = feed(
      b,
      order.map(i => parts[i]!),
    ).flatMap(r => r.read)
    const { isRight, payload } = whole(read)
    expect([isRight, payload.length]).toEqual([true, 2008])
    expect(imbalance(b.translator.stats)).toBe(0)
  })
})

describe('fragments that contradict each other', () => {
  const m = udp(5000, 53, filler(2000))
  const part = (from: number, to: number | undefined, id = 7) =>
    ip6(m, { src: GUEST, dst: PEER6, from, ...(to && { to }), ext: [fragment(id, from, to !== undefined)] })

  it('overlap kills the packet, with what waits and what will come (RFC 5722)', () => {
    const b = new Bench(BASE)
    const verdicts = feed(b, [part(600, 1200), part(1200, 1480), part(1192, 1480), part(0, 600), part(1480, undefined)])
    expect(verdicts.map(r => r.verdict)).toEqual(['stored', 'stored', 'dropped', 'dropped', 'dropped'])
    expect([b.drops('fragment_overlap'), b.stat('storedFragments')]).toEqual([5, 0])
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it.each([
    ['bytes past the last fragment', [part(1480, undefined, 7).slice(0, 40 + 8 + 400), part(1880, 2000)]],
    ['a last fragment before others', [part(1200, 1480), part(600, undefined).slice(0, 40 + 8 + 80)]],
    ['two different ends', [part(1480, undefined), part(1600, undefined)]],
  ])('%s', (_, packets) => {
    const b = new Bench(BASE)
    const fixed = packets.map(bytes => {
      const copy = Uint8Array.from(bytes)
      copy.set([(copy.length - 40) >>> 8, (copy.length - 40) & 255], 4)
      return copy
    })
    feed(b, fixed)
    expect([b.drops('fragment_overlap'), b.stat('storedFragments')]).toEqual([2, 0])
  })

  it('an exact duplicate is dropped alone', () => {
    const b = new Bench(BASE)
    const results = feed(b, [part(600, 1200), part(600, 1200), part(0, 600), part(1200, undefined)])
    expect(results.map(r => r.verdict)).toEqual(['stored', 'dropped', 'translated', 'translated'])
    expect(whole(results.flatMap(r => r.read)).isRight).toBe(true)
  })

  it('a refused first fragment takes the others with it', () => {
    const b = new Bench({ ...BASE, limits: { portsPerGuest: 1 } })
    bind(b)
    const results = feed(b, fromGuest(udp(6000, 53, filler(2000))).reverse())
    expect(results.map(r => r.verdict)).toEqual(['stored', 'stored', 'stored', 'replied'])
    expect([b.drops('ports_per_guest'), imbalance(b.translator.stats)]).toEqual([4, 0])
  })
})

describe('limits of fragments', () => {
  const later = (id: number, src = GUEST) =>
    ip6(udp(5000, 53, filler(1600)), { src, dst: PEER6, from: 600, to: 1200, ext: [fragment(id, 600, true)] })

  it('what waits too long is dropped', () => {
    const b = new Bench(BASE)
    feed(b, [later(1), later(2)], 0)
    b.expire(1999)
    expect(b.drops('fragment_timeout')).toBe(0)
    b.expire(2000)
    expect([b.drops('fragment_timeout'), b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([2, 0, 0])
  })

  it('what is past its time is not used, collected or not', () => {
    const b = new Bench(BASE)
    const parts = fromGuest(udp(5000, 53, filler(2000)))
    b.in(parts[1]!, 0)
    expect(feed(b, [parts[0]!, parts[2]!, parts[3]!], 3000).flatMap(r => r.read)).toHaveLength(3)
    expect([b.drops('fragment_timeout'), imbalance(b.translator.stats)]).toEqual([1, 0])
  })

  it('a flood from one guest leaves room for the others', () => {
    const b = new Bench({ ...BASE, limits: { fragments: 1024 } })
    for (let id = 0; id < 5000; id++) b.in(later(id))
    expect(b.drops('fragments_full')).toBeGreaterThan(4000)
    const parts = fromGuest(udp(5000, 53, filler(2000)), 1, CUTS, '2001:db8::2').reverse()
    expect(whole(feed(b, parts).flatMap(r => r.read)).isRight).toBe(true)
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it.each([
    ['packets', { fragments: 256 }],
    ['bytes', { fragments: 1024, fragmentBytes: 262_144 }],
  ])('in a flood from many guests the oldest gives way, where %s are short', (_, limits) => {
    const b = new Bench({ ...BASE, limits })
    const flood = (from: number) => {
      for (let id = from; id < from + 100; id++) b.in(later(id, `2001:db8:1::${id.toString(16)}`))
    }
    for (let n = 0; n < 50; n++) flood(n * 100)
    expect(b.drops('fragments_full')).toBeGreaterThan(4000)
    const [first, ...rest] = fromGuest(udp(5000, 53, filler(2000)), 1, CUTS, '2001:db8::2')
    const read = feed(b, rest).flatMap(r => r.read)
    flood(5000)
    read.push(...b.in(first!).read)
    expect(whole(read).isRight).toBe(true)
    b.expire(2000)
    expect([b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([0, 0])
  })

  it('nothing gives way to the way back of a hairpinned packet', () => {
    const b = new Bench({ ...BASE, limits: { fragments: 2 } })
    const server = bind(b)
    const parts = fromGuest(udp(5001, server, filler(2000)), 1, CUTS, '2001:db8::2', '2001:db8:64::cb00:7101').reverse()
    feed(b, [later(9), ...parts])
    expect(b.drops('fragments_full')).toBeGreaterThan(0)
    b.expire(2000)
    expect([b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([0, 0])
  })

  it('bytes are limited, too', () => {
    const b = new Bench({ ...BASE, limits: { fragments: 1024, fragmentBytes: 64 * 1024 } })
    for (let id = 0; id < 200; id++) b.in(later(id, `2001:db8::${id.toString(16)}`))
    expect(b.stat('storedFragments')).toBeLessThanOrEqual(64)
    expect(b.stat('storedFragments')).toBeGreaterThan(32)
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it('more than 64 fragments of one packet are refused', () => {
    const b = new Bench(BASE)
    const cuts = Array.from({ length: 70 }, (_, i) => i * 8)
    feed(b, fromGuest(udp(5000, 53, filler(560)), 1, cuts))
    expect(b.drops('fragments_full')).toBe(6)
  })
})

describe('any order of any fragments', () => {
  it('gives what the whole packet gives', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), fc.boolean(), (eights, stream, isEcho) => {
        const length = eights.reduce((x, y) => x + y, 0) * 8 + 5
        const cuts = [0, ...eights.map((_, i) => eights.slice(0, i + 1).reduce((x, y) => x + y, 0) * 8)]
        const m = isEcho ? echo(128, 5000, filler(length - 8)) : udp(5000, 53, filler(length - 8))
        const parts = fromGuest(m, 3, cuts)
        const keys = parts.map(() => stream.next().value)
        const shuffled = parts.map((_, i) => i).sort((x, y) => keys[x] - keys[y])
        const b = new Bench(BASE)
        const read = feed(
          b,
          shuffled.map(i => parts[i]!),
        ).flatMap(r => r.read)
        const { isRight, payload } = whole(read)
        expect([isRight, payload.length]).toEqual([true, length])
        expect(payload.slice(8)).toEqual(m.bytes.slice(8))
        expect([b.stat('storedFragments'), imbalance(b.translator.stats)]).toEqual([0, 0])
      }),
      { seed: 11, numRuns: 150 },
    )
  })
})
