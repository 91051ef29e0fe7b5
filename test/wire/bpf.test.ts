import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ipv4, ipv4 } from '../../src/addr/ipv4.js'
import type { Ipv6 } from '../../src/addr/ipv6.js'
import {
  contains4,
  contains6,
  mask32,
  maskIpv6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
} from '../../src/addr/prefix.js'
import { type CaptureFilter, compileFilter, type PairRule } from '../../src/wire/bpf.js'
import { MAX_INSTRUCTIONS } from '../../src/wire/bpf-assembler.js'
import { be16, be32, v4, v6 } from '../xlat/packets.js'
import { readProgram, runProgram, type Skb } from './bpf-machine.js'

const four = (a: string, b: string | null = null): PairRule<Prefix4> => ({
  a: parsePrefix4(a)!,
  b: b === null ? null : parsePrefix4(b)!,
})
const six = (a: string, b: string | null = null): PairRule<Prefix6> => ({
  a: parsePrefix6(a)!,
  b: b === null ? null : parsePrefix6(b)!,
})
const SNAP = 262_000
const filterOf = (change: Partial<CaptureFilter>): CaptureFilter => ({
  four: [],
  six: [],
  errors: false,
  snapLength: SNAP,
  ...change,
})
const run = (filter: CaptureFilter, skb: Skb) => runProgram(readProgram(compileFilter(filter)!), skb)

interface Header4 {
  readonly source: number
  readonly destination: number
  readonly protocol: number
  readonly fragment: number
  /** 32-bit words of options. */
  readonly options: number
  readonly payload: readonly number[]
}

const ip4 = (h: Header4) =>
  Uint8Array.from([
    ...[
      0x45 + h.options,
      0,
      ...be16(20 + 4 * h.options + h.payload.length),
      0,
      0,
      ...be16(h.fragment),
      64,
      h.protocol,
      0,
      0,
    ],
    ...be32(h.source),
    ...be32(h.destination),
    ...new Array<number>(4 * h.options).fill(1),
    ...h.payload,
  ])
const ip6 = (source: Ipv6, destination: Ipv6, next: number, payload: readonly number[]) =>
  Uint8Array.from([
    0x60,
    0,
    0,
    0,
    ...be16(payload.length),
    next,
    64,
    ...[...source, ...destination].flatMap(be32),
    ...payload,
  ])

const IPV4 = 0x0800
const IPV6 = 0x86dd
const plain4 = (source: string, destination: string, more: Partial<Header4> = {}): Skb => ({
  protocol: IPV4,
  data: ip4({
    source: v4(source),
    destination: v4(destination),
    protocol: 17,
    fragment: 0,
    options: 0,
    payload: [3, 0, 0, 0],
    ...more,
  }),
})
const plain6 = (source: string, destination: string, next = 17, payload: readonly number[] = [1, 0, 0, 0]): Skb => ({
  protocol: IPV6,
  data: ip6(v6(source), v6(destination), next, payload),
})

describe('a compiled filter', () => {
  const rules = filterOf({
    four: [four('203.0.113.10/32', '192.0.2.0/24'), four('198.51.100.7/32')],
    six: [six('2001:db8:1::/64', '64:ff9b::/96'), six('fd00::1')],
  })
  test.each<[what: string, skb: Skb, accepted: boolean]>([
    ['request of the first rule', plain4('192.0.2.9', '203.0.113.10'), true],
    ['reply of the first rule', plain4('203.0.113.10', '192.0.2.255'), true],
    ['one end of the first rule only', plain4('203.0.113.10', '192.0.3.1'), false],
    ['the other end only', plain4('192.0.2.9', '203.0.113.11'), false],
    ['both addresses in the second prefix', plain4('192.0.2.9', '192.0.2.8'), false],
    ['from a host of the second rule', plain4('198.51.100.7', '9.9.9.9'), true],
    ['to a host of the second rule', plain4('9.9.9.9', '198.51.100.7'), true],
    ['a later fragment', plain4('198.51.100.7', '9.9.9.9', { fragment: 185 }), true],
    ['with options', plain4('198.51.100.7', '9.9.9.9', { options: 10 }), true],
    ['an ICMP error of nobody', plain4('9.9.9.9', '8.8.8.8', { protocol: 1 }), false],
    ['IPv6 request', plain6('2001:db8:1::9', '64:ff9b::8.8.8.8'), true],
    ['IPv6 reply', plain6('64:ff9b::8.8.8.8', '2001:db8:1::9'), true],
    ['past /64', plain6('2001:db8:1:1::9', '64:ff9b::8.8.8.8'), false],
    ['past /96', plain6('2001:db8:1::9', '64:ff9b::1:0:0'), false],
    ['a full-length IPv6 rule', plain6('ff02::1', 'fd00::1'), true],
    ['its neighbour', plain6('ff02::1', 'fd00::2'), false],
    ['ARP', { protocol: 0x0806, data: plain4('198.51.100.7', '9.9.9.9').data }, false],
    ['IPv4 behind a tag in the frame', { ...plain4('198.51.100.7', '9.9.9.9'), protocol: 0x8100 }, true],
    ['IPv6 behind one of 802.1ad', { ...plain6('ff02::1', 'fd00::1'), protocol: 0x88a8 }, true],
    ['ARP behind a tag', { protocol: 0x8100, data: Uint8Array.from([0, 1, 8, 0, ...new Array(40).fill(0)]) }, false],
    ['cut off in the addresses', { protocol: IPV6, data: plain6('ff02::1', 'fd00::1').data.subarray(0, 39) }, false],
    ['nothing at all', { protocol: IPV4, data: new Uint8Array(0) }, false],
  ])('%s', (_, skb, accepted) => {
    expect(run(rules, skb)).toBe(accepted ? SNAP : 0)
  })

  test.each([0, 3, 4, 5, 8, 11, 12, 13])('takes ICMPv4 errors when told: type %i', type => {
    const skb = (more: Partial<Header4>) =>
      plain4('9.9.9.9', '8.8.8.8', { protocol: 1, payload: [type, 0, 0, 0], ...more })
    const wanted = [3, 4, 5, 11, 12].includes(type) ? SNAP : 0
    const filter = filterOf({ errors: true })
    expect(run(filter, skb({}))).toBe(wanted)
    expect(run(filter, skb({ options: 3 }))).toBe(wanted)
    expect(run(filter, skb({ fragment: 0x2000 }))).toBe(wanted)
    expect(run(filter, skb({ fragment: 0x2001 }))).toBe(0)
    expect(run(filter, skb({ protocol: 17 }))).toBe(0)
    expect(run(filter, skb({ payload: [] }))).toBe(0)
    expect(run(filterOf({}), skb({}))).toBe(0)
  })

  test.each([0, 1, 2, 3, 4, 5, 128, 134])('takes ICMPv6 errors when told: type %i', type => {
    const wanted = type >= 1 && type <= 4 ? SNAP : 0
    expect(run(filterOf({ errors: true }), plain6('fd00::1', 'fd00::2', 58, [type, 0]))).toBe(wanted)
    expect(run(filterOf({ errors: true }), plain6('fd00::1', 'fd00::2', 17, [type, 0]))).toBe(0)
    expect(run(filterOf({ errors: true }), plain6('fd00::1', 'fd00::2', 58, []))).toBe(0)
    expect(run(filterOf({}), plain6('fd00::1', 'fd00::2', 58, [type, 0]))).toBe(0)
  })

  test('is little endian, and small', () => {
    const program = compileFilter(filterOf({ four: [four('203.0.113.10')] }))!
    expect(Buffer.from(program.subarray(0, 16)).toString('hex')).toBe('2800000000f0ffff150009000008'.padEnd(32, '0'))
    expect(program.length / 8).toBeLessThan(50)
  })

  test('stays right when it is long, and is refused when it is too long', () => {
    const many = (count: number) => ({
      four: Array.from({ length: count }, (_, i) => four(`10.${i >> 8}.${i & 255}.0/24`, '192.0.2.0/30')),
      six: Array.from({ length: count }, (_, i) => six(`2001:db8:${i.toString(16)}::/49`, '64:ff9b::/95')),
    })
    const filter = filterOf({ ...many(75), errors: true })
    expect(compileFilter(filter)!.length / 8).toBeGreaterThan(2000)
    expect(run(filter, plain4('10.0.74.3', '192.0.2.3'))).toBe(SNAP)
    expect(run(filter, plain4('10.0.75.3', '192.0.2.3'))).toBe(0)
    expect(run(filter, plain6('64:ff9b::8.8.8.8', '2001:db8:4a::1'))).toBe(SNAP)
    expect(run(filter, plain6('64:ff9b::8.8.8.8', '2001:db8:4b::1'))).toBe(0)
    expect(run(filter, plain6('ff02::1', 'ff02::2', 58, [2, 0]))).toBe(SNAP)
    expect(compileFilter(filterOf(many(MAX_INSTRUCTIONS / 38)))).toBeUndefined()
  })
})

describe('against a naive model', () => {
  // Few addresses and lengths, so that matches are as frequent as near misses.
  const address4 = fc
    .constantFrom('192.0.2.1', '192.0.2.2', '192.0.3.1', '203.0.113.10', '0.0.0.0', '255.255.255.255')
    .map(v4)
  const address6 = fc
    .constantFrom('2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '64:ff9b::c000:201', '64:ff9b::cb00:710a', '::')
    .map(v6)
  const prefix4 = fc
    .record({ address: address4, length: fc.constantFrom(0, 1, 8, 23, 24, 31, 32) })
    .map(({ address, length }): Prefix4 => ({ address: ipv4(address & mask32(length)), length }))
  const prefix6 = fc
    .record({ address: address6, length: fc.constantFrom(0, 3, 32, 63, 64, 65, 96, 127, 128) })
    .map(({ address, length }): Prefix6 => ({ address: maskIpv6(address, length), length }))
  const rules = <P>(prefix: fc.Arbitrary<P>) =>
    fc.array(fc.record({ a: prefix, b: fc.option(prefix) }), { maxLength: 4 })
  const filters = fc.record({
    four: rules(prefix4),
    six: rules(prefix6),
    errors: fc.boolean(),
    snapLength: fc.integer({ min: 1, max: SNAP }),
  })
  const payload = fc.array(fc.nat(14), { maxLength: 8 })
  const skbs = fc
    .record({
      isFour: fc.boolean(),
      four: fc.record({
        source: address4,
        destination: address4,
        protocol: fc.constantFrom(1, 6, 58),
        fragment: fc.constantFrom(0, 0x4000, 0x2000, 7),
        options: fc.nat(2),
        payload,
      }),
      six: fc.tuple(address6, address6, fc.constantFrom(1, 6, 58), payload),
      protocol: fc.constantFrom('own', 'own', 'own', 0x8100, 0x88a8, 0x0806, 0x86dd),
      cut: fc.option(fc.nat(50), { freq: 5 }),
    })
    .map(({ isFour, four, six, protocol, cut }): Skb => {
      const whole = isFour ? ip4(four) : ip6(...six)
      return {
        protocol: protocol === 'own' ? (isFour ? IPV4 : IPV6) : (protocol as number),
        data: whole.subarray(0, cut ?? undefined),
      }
    })

  /** The same, said with what src/addr knows. */
  function model({ four, six, errors, snapLength }: CaptureFilter, { protocol, data: d }: Skb): number {
    const isTagged = protocol === 0x8100 || protocol === 0x88a8
    const version = protocol === IPV4 ? 4 : protocol === IPV6 ? 6 : isTagged ? (d[0] ?? 0) >> 4 : 0
    const word = (at: number) => Buffer.from(d).readUInt32BE(at)
    const address = (at: number): Ipv6 => [word(at), word(at + 4), word(at + 8), word(at + 12)]
    const pair = <P, A>(rule: PairRule<P>, contains: (p: P, a: A) => boolean, source: A, destination: A) =>
      (contains(rule.a, source) && (rule.b === null || contains(rule.b, destination))) ||
      (contains(rule.a, destination) && (rule.b === null || contains(rule.b, source)))
    let accepted = false
    if (version === 4 && d.length >= 20) {
      const at = (d[0]! & 15) * 4
      const isError = d[9] === 1 && (((d[6]! << 8) | d[7]!) & 0x1fff) === 0 && [3, 4, 5, 11, 12].includes(d[at]!)
      accepted = (errors && isError) || four.some(r => pair<Prefix4, number>(r, contains4, word(12) as Ipv4, word(16)))
    }
    if (version === 6 && d.length >= 40) {
      const isError = d[6] === 58 && d[40]! >= 1 && d[40]! <= 4
      accepted = (errors && isError) || six.some(r => pair<Prefix6, Ipv6>(r, contains6, address(8), address(24)))
    }
    return accepted ? snapLength : 0
  }

  test('accepts the same packets', () => {
    const outcomes = { accepted: 0, dropped: 0 }
    fc.assert(
      fc.property(filters, fc.array(skbs, { minLength: 5, maxLength: 20 }), (filter, packets) => {
        const program = readProgram(compileFilter(filter)!)
        for (const skb of packets) {
          const expected = model(filter, skb)
          outcomes[expected === 0 ? 'dropped' : 'accepted']++
          expect(runProgram(program, skb)).toBe(expected)
        }
      }),
      { numRuns: 500 },
    )
    expect(Math.min(outcomes.accepted, outcomes.dropped)).toBeGreaterThan(500)
  })
})
