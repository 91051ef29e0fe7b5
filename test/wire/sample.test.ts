/** Packets are chosen alike wherever they are seen: our own translator makes the other half. */
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { compileFilter } from '../../src/wire/bpf.js'
import { MOST_SHIFT, rankOf } from '../../src/wire/sample.js'
import * as p from '../xlat/packets.js'
import { Bench, prefix6 } from '../xlat/translating.js'
import { readProgram, runProgram, type Skb } from './bpf-machine.js'

const PEER = '198.51.100.2'
const PEER6 = `2001:db8:64::${PEER}`
const GUEST = '2001:db8::1'
const POOL4 = '203.0.113.1'
const BASE = { pool6: prefix6('2001:db8:64::/96') }

const rank = (bytes: Uint8Array) => rankOf(bytes, 0, bytes.length)
const port = fc.integer({ min: 1, max: 0xffff })
const word = fc.nat(0xffffffff)
const data = fc.uint8Array({ maxLength: 60 }).map(x => Array.from(x))
const flags = fc.constantFrom(0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14)
const message: fc.Arbitrary<p.Message> = fc.oneof(
  fc.tuple(port, port, data).map(([s, d, x]) => p.udp(s, d, x)),
  fc
    .tuple(port, port, data, word, word, flags)
    .map(([s, d, x, seq, ack, f]) => p.tcp(s, d, x, { seq: seq >>> 0, ack: ack >>> 0, flags: f })),
)
const ping = fc.tuple(port, data, port).map(([id, x, seq]) => ({ id, x, seq }))
const check = <T>(property: fc.IProperty<T>, numRuns = 300) => fc.assert(property, { seed: 20260404, numRuns })

/** A guest's packet and what the translator makes of it. */
function request(m: p.Message): [Uint8Array, Uint8Array] {
  const six = p.ip6(m, { src: GUEST, dst: PEER6 })
  const { out, reason } = new Bench(BASE).in(six)
  expect(reason).toBe('')
  return [six, out[0]!]
}

describe('a rank', () => {
  it('is the same on both sides of the translator', () => {
    const ranks = new Set<number>()
    let translated = 0
    check(
      fc.property(message, m => {
        const bench = new Bench(BASE)
        const six = p.ip6(m, { src: GUEST, dst: PEER6 })
        const { out } = bench.in(six)
        if (out[0] === undefined) return
        ranks.add(rank(six))
        translated++
        expect(rank(out[0])).toBe(rank(six))
      }),
    )
    expect(ranks.size).toBeGreaterThan(5)
    expect(translated).toBeGreaterThan(150)
    check(
      fc.property(ping, ({ id, x, seq }) => {
        const [six, four] = request(p.echo(128, id, x, seq))
        expect(rank(four)).toBe(rank(six))
      }),
    )
  })

  it('is the same for a reply, in both families', () => {
    check(
      fc.property(port, port, data, data, (s, d, x, y) => {
        const bench = new Bench(BASE)
        const { out } = bench.in(p.ip6(p.udp(s, d, x), { src: GUEST, dst: PEER6 }))
        const near = (out[0]![20]! << 8) | out[0]![21]!
        const four = p.ip4(p.udp(d, near, y), { src: PEER, dst: POOL4 })
        const back = bench.in(four).out[0]!
        expect(back[0]! >>> 4).toBe(6)
        expect(rank(back)).toBe(rank(four))
      }),
    )
  })

  it('is the same for a first fragment, and later ones have none', () => {
    const bench = new Bench(BASE)
    const { out } = bench.in(p.ip6(p.udp(4000, 53, p.filler(8)), { src: GUEST, dst: PEER6 }))
    const near = (out[0]![20]! << 8) | out[0]![21]!
    const four = p.ip4(p.udp(53, near, p.filler(1472)), { src: PEER, dst: POOL4 })
    const back = bench.in(four).out
    expect(back.length).toBe(2)
    expect(back.map(rank)).toEqual([rank(four), -1])
    expect(rank(four)).toBeGreaterThanOrEqual(0)
  })

  it('is that of the request for what answers it', () => {
    check(
      fc.property(word, port, port, (seq, s, d) => {
        const syn = p.ip6(p.tcp(s, d, [], { seq, ack: 0, flags: 2 }))
        const synAck = p.ip4(p.tcp(d, s, [], { seq: 77, ack: (seq + 1) >>> 0, flags: 0x12 }))
        const reset = p.ip4(p.tcp(d, s, [], { seq: 0, ack: (seq + 1) >>> 0, flags: 0x14 }))
        expect([rank(synAck), rank(reset)]).toEqual([rank(syn), rank(syn)])
      }),
    )
    check(
      fc.property(ping, ({ id, x, seq }) => {
        expect(rank(p.ip4(p.echo(0, id, x, seq)))).toBe(rank(p.ip6(p.echo(128, id, x, seq))))
      }),
    )
  })

  it('is that of their super-packet for segments, within a megabyte', () => {
    check(
      fc.property(fc.nat(4095), fc.nat(0xfffff - 64_000), word, (region, into, ack) => {
        const seq = region * 0x100000 + into
        const at = (n: number) => rank(p.ip6(p.tcp(1, 2, p.filler(9), { seq: (seq + n) >>> 0, ack, flags: 0x10 })))
        expect(new Set([0, 1400, 28_000, 63_999].map(at)).size).toBe(1)
      }),
    )
  })

  it('is the highest for what is always chosen', () => {
    const always = [
      p.icmp(1, 4, [0, 0, 0, 0], p.filler(60)),
      p.icmp(2, 0, p.be32(1400), p.filler(60)),
      p.raw(50, p.filler(30)),
      p.udp(1, 2, []),
      p.udp(1, 2, [1, 2, 3]),
    ]
    expect(always.map(m => rank(p.ip6(m)))).toEqual(always.map(() => MOST_SHIFT))
    expect(rank(p.ip4(p.icmp(3, 3, [0, 0, 0, 0], p.filler(28))))).toBe(MOST_SHIFT)
  })
})

describe('1 packet in 8', () => {
  const random = (i: number) => Math.imul(i ^ (i >>> 7), 0x2c1b3c6d) >>> 0
  const TRAFFIC: readonly (readonly [name: string, nth: (i: number) => Uint8Array])[] = [
    ['a counter in front, big endian', i => p.ip6(p.udp(1, 2, p.be32(i)))],
    ['a counter in front, little endian', i => p.ip6(p.udp(1, 2, p.be32(i).reverse()))],
    [
      'random payload',
      i =>
        p.ip6(
          p.udp(
            1,
            2,
            [1, 2, 3, 4, 5].flatMap(k => p.be32(random(i * 7 + k))),
          ),
        ),
    ],
    [
      'names to be resolved',
      i => p.ip6(p.udp(1, 53, [...p.be16(random(i) >>> 16), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 119])),
    ],
    // QUIC, short header: 5 protected bits, the connection's id, then what is encrypted.
    [
      'QUIC',
      i => p.ip6(p.udp(1, 443, [0x40 | (random(i) & 31), ...p.filler(8), ...p.be32(random(i * 3)), ...p.filler(30)])),
    ],
    [
      'WireGuard',
      i => p.ip6(p.udp(1, 51820, [4, 0, 0, 0, 9, 8, 7, 6, ...p.be32(i).reverse(), 0, 0, 0, 0, ...p.filler(32)])),
    ],
    ['RTP', i => p.ip6(p.udp(1, 5004, [0x80, 0, ...p.be16(i), ...p.be32(i * 160), 1, 2, 3, 4, ...p.filler(160)]))],
    ['echo requests', i => p.ip6(p.echo(128, 7, p.filler(56), i & 0xffff))],
    ['connections', i => p.ip6(p.tcp(1, 2, [], { seq: random(i), ack: 0, flags: 2 }))],
    ['a download', i => p.ip6(p.tcp(1, 2, [1], { seq: (i * 65_000) >>> 0, ack: 77, flags: 0x10 }))],
  ]
  test.each(TRAFFIC)('%s', (_, nth) => {
    const COUNT = 8000
    let chosen = 0
    for (let i = 0; i < COUNT; i++) if (rank(nth(i)) >= 3) chosen++
    expect(chosen / COUNT).toBeGreaterThan(1 / 8 / 1.4)
    expect(chosen / COUNT).toBeLessThan((1 / 8) * 1.4)
  })
})

describe('the kernel filter', () => {
  const SNAP = 256
  const BURST = 1000
  const filter = (shift: number) => ({
    four: [{ a: parsePrefix4(`${PEER}/32`)!, b: null }],
    six: [{ a: parsePrefix6('2001:db8:64::/96')!, b: null }],
    errors: true,
    snapLength: SNAP,
    sample: { shift, burstAbove: BURST },
  })
  const programs = Array.from({ length: MOST_SHIFT + 1 }, (_, shift) => readProgram(compileFilter(filter(shift))!))
  /** How a packet may be seen: on TUN, on Ethernet, with a tag in the frame, on loopback. */
  const seen = (bytes: Uint8Array): Skb[] => {
    const protocol = bytes[0]! >>> 4 === 4 ? 0x0800 : 0x86dd
    return [
      { protocol, data: bytes },
      { protocol, data: bytes, deviceType: 1, link: 14 },
      { protocol: 0x8100, data: bytes, deviceType: 1, link: 18 },
      { protocol, data: bytes, deviceType: 772, link: 14 },
    ]
  }
  const both = fc.oneof(
    message.map(m => p.ip6(m, { src: GUEST, dst: PEER6 })),
    message.map(m => p.ip4(m, { src: PEER, dst: POOL4 })),
    fc.tuple(message, fc.nat(40)).map(([m, id]) => p.ip6(m, { dst: PEER6, ext: [p.fragment(id, 0, true)] })),
    fc.tuple(message, fc.nat(40)).map(([m, id]) => p.ip6(m, { dst: PEER6, ext: [p.fragment(id, 80)] })),
    message.map(m => p.ip4(m, { src: PEER, dst: POOL4, options: [1, 1, 1, 1] })),
    message.map(m => p.ip4(m, { src: PEER, dst: POOL4, offset: 80, mf: true })),
    ping.map(({ id, x, seq }) => p.ip6(p.echo(129, id, x, seq), { src: PEER6, dst: GUEST })),
    ping.map(({ id, x, seq }) => p.ip4(p.echo(8, id, x, seq), { src: POOL4, dst: PEER })),
    data.map(x => p.ip4(p.raw(47, x), { src: PEER, dst: POOL4 })),
  )

  it('chooses the same packets, on all kinds of devices, also when they are cut off', () => {
    const counts = { chosen: 0, left: 0 }
    check(
      fc.property(both, fc.option(fc.nat(80), { freq: 4 }), (bytes, cut) => {
        const least = bytes[0]! >>> 4 === 4 ? 20 : 40
        const data = bytes.subarray(0, cut === null ? undefined : least + cut)
        for (const [shift, program] of programs.entries()) {
          const isChosen = shift === 0 || rankOf(data, 0, data.length) >= shift
          counts[isChosen ? 'chosen' : 'left']++
          for (const skb of seen(data)) expect(runProgram(program, skb)).toBe(isChosen ? SNAP : 0)
        }
      }),
      500,
    )
    expect(Math.min(counts.chosen, counts.left)).toBeGreaterThan(1000)
  })

  it('leaves alone what does not match', () => {
    const others = p.ip6(p.udp(1, 2, [1]), { src: GUEST, dst: '2001:db8::9' })
    for (const skb of seen(others)) expect(runProgram(programs[3]!, skb)).toBe(0)
  })

  it('takes errors, whoever they are from', () => {
    const error = p.ip6(p.icmp(1, 0, [0, 0, 0, 0], p.filler(48)), { src: '2001:db8::9', dst: GUEST })
    for (const skb of seen(error)) expect(runProgram(programs[10]!, skb)).toBe(SNAP)
  })

  it('takes bursts as a whole', () => {
    for (const bytes of [
      p.ip6(p.udp(1, 2, p.filler(BURST - 7)), { dst: PEER6 }),
      p.ip4(p.udp(1, 2, p.filler(BURST - 7)), { src: PEER }),
    ])
      for (const skb of seen(bytes)) expect(runProgram(programs[10]!, skb)).toBe(0x40000)
    const single = p.ip4(p.udp(1, 2, p.filler(BURST - 8)), { src: PEER })
    expect(runProgram(programs[10]!, seen(single)[0]!)).toBe(rank(single) >= 10 ? SNAP : 0)
  })
})
