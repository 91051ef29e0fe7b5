/** What translation and masquerading leave of a packet: our own translator makes the other half. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv6 } from '../../../src/addr/ipv6.js'
import { embed, POOL6_LENGTHS } from '../../../src/addr/rfc6052.js'
import {
  type Identity,
  identify4,
  identify6,
  makeIdentity,
  REPLY,
  REQUEST,
  type Realm,
  toV4,
} from '../../../src/trace/core/identity.js'
import { makePacket, readPacket } from '../../../src/trace/core/packet.js'
import * as p from '../../xlat/packets.js'
import { Bench, type Changes, eam, prefix4, prefix6 } from '../../xlat/translating.js'

const PEER = '198.51.100.2'
const ROUTER = '198.51.100.254'
/** A masquerade's address. */
const HOST = '203.0.113.77'
const GUEST = 'fd00::5'
const POOL6 = prefix6('2001:db8:64::/96')

const realmOf = (changes: Changes): Realm => ({
  pool6: changes.pool6 ? [changes.pool6] : [],
  eam: (changes.eam ?? []).map(e => ({ four: e.prefix4.address, length4: e.prefix4.length, six: e.prefix6 })),
})

/** Who a packet is, where `targets` are far ends of IPv4; null: nobody that is traced. */
function who(bytes: Uint8Array, realm: Realm, targets: readonly string[] = [PEER]): Identity | null {
  const packet = makePacket()
  const id = makeIdentity()
  readPacket(packet, bytes, 0, bytes.length)
  expect(packet.readable).toBe(true)
  const isTarget = (address: number) => targets.some(t => p.v4(t) === address)
  const found = packet.family === 6 ? identify6(id, packet, realm) : identify4(id, packet, isTarget)
  return found ? { ...id } : null
}

/** What both sides of a translation share: all but the port at the near end. */
const shared = (id: Identity | null) => id && { ...id, nearPort: 0 }

/** As a masquerade leaves it: another source, or behind it another destination. */
function masqueraded(bytes: Uint8Array, isRequest: boolean, port: number): Uint8Array {
  const out = Uint8Array.from(bytes)
  out.set(p.be32(p.v4(HOST)), isRequest ? 12 : 16)
  const protocol = out[9]
  const at = protocol === 1 ? 24 : isRequest ? 20 : 22
  const isError = protocol === 1 && ![0, 8].includes(out[20] as number)
  const isLater = ((out[6]! << 8) | out[7]!) & 0x1fff
  if (!isLater && !isError && [1, 6, 17].includes(protocol as number)) out.set(p.be16(port), at)
  return out
}

const port = fc.integer({ min: 1, max: 0xffff })
const data = fc.uint8Array({ maxLength: 300 }).map(x => Array.from(x))
const word = fc.nat(0xffffffff)
const stamps = fc
  .tuple(fc.boolean(), word)
  .map(([has, at]) => (has ? [1, 1, 8, 10, ...p.be32(at >>> 0), 0, 0, 0, 0] : []))
const flags = fc.constantFrom(0x02, 0x10, 0x11, 0x18, 0x19, 0x04)

/** A request and the reply to it, which goes to `near`, the translator's port for it. */
type Exchange = readonly [request: p.Message, reply: (near: number) => p.Message]
const exchange: fc.Arbitrary<Exchange> = fc.oneof(
  fc.tuple(port, port, data, data).map(([s, d, x, y]): Exchange => [p.udp(s, d, x), near => p.udp(d, near, y)]),
  fc
    .tuple(port, port, data, word, word, stamps, flags)
    .map(
      ([s, d, x, seq, ack, options, f]): Exchange => [
        p.tcp(s, d, [], { seq, ack: 0, flags: 2, options }),
        near => p.tcp(d, near, x, { seq: ack, ack: seq, flags: f === 2 ? 0x12 : f, options }),
      ],
    ),
  fc.tuple(port, data, port).map(([i, x, seq]): Exchange => [p.echo(128, i, x, seq), near => p.echo(0, near, x, seq)]),
)
const nearOf = (out: Uint8Array) => (out[9] === 1 ? (out[24]! << 8) | out[25]! : (out[20]! << 8) | out[21]!)

const check = <T>(property: fc.IProperty<T>, numRuns = 30) => fc.assert(property, { seed: 20260404, numRuns })

/** The translator's modes, with what a guest and the target are there. */
const MODES: readonly (readonly [
  name: string,
  changes: Changes,
  guest: string,
  peer6: string,
  pool4: string | null,
])[] = [
  ...POOL6_LENGTHS.map(length => {
    const pool6 = prefix6(length === 32 ? '2001:db8::/32' : `2001:db8:64::/${length}`.replace(':64::/40', '::/40'))
    const peer6 = formatIpv6(embed(pool6, p.v4(PEER)))
    return [`stateful, pool6 of /${length}`, { pool6 }, GUEST, peer6, '203.0.113.1'] as const
  }),
  [
    'SIIT with a guest that has an explicit mapping',
    { mode: 'siit', pool6: POOL6, eam: [eam(GUEST, '192.0.2.9')] },
    GUEST,
    `2001:db8:64::${PEER}`,
    '192.0.2.9',
  ],
  [
    'SIIT with an explicit mapping of a prefix',
    { mode: 'siit', pool6: POOL6, eam: [eam('fd00::/120', '192.0.2.0/24')] },
    GUEST,
    `2001:db8:64::${PEER}`,
    '192.0.2.5',
  ],
  [
    'SIIT with a target that has an explicit mapping',
    { mode: 'siit', pool6: prefix6('2001:db8:1::/96'), eam: [eam('fd00:1::/120', '198.51.100.0/24')] },
    '2001:db8:1::192.0.2.7',
    'fd00:1::2',
    '192.0.2.7',
  ],
  [
    'one IPv4 address a guest',
    { mode: 'pool', pool6: POOL6, dynamicPool: prefix4('192.168.255.0/24') },
    GUEST,
    `2001:db8:64::${PEER}`,
    null,
  ],
]

describe.each(MODES)('%s', (name, changes, guest, peer6, pool4) => {
  const realm = realmOf(changes)
  // Without pool6 in between, nothing tells the guest from the target but its explicit mapping.
  const isSwapped = name.includes('target that has')
  const [THERE, BACK] = isSwapped ? [REPLY, REQUEST] : [REQUEST, REPLY]
  const targets = isSwapped ? ['192.0.2.7'] : [PEER]
  const bench = new Bench(changes)
  let fragments = 0

  it('a request is the same on both sides, and behind a masquerade', () => {
    check(
      fc.property(exchange, port, ([request], other) => {
        const six = p.ip6(request, { src: guest, dst: peer6 })
        const { out, reason } = bench.in(six)
        expect(reason).toBe('')
        const mine = who(six, realm, targets)
        expect(mine?.way).toBe(THERE)
        expect(shared(who(out[0]!, realm, targets))).toEqual(shared(mine))
        if (!isSwapped) expect(shared(who(masqueraded(out[0]!, true, other), realm))).toEqual(shared(mine))
      }),
    )
  })

  it('a reply is the same on both sides, and in front of the masquerade', () => {
    check(
      fc.property(exchange, port, ([request, reply], other) => {
        const there = bench.in(p.ip6(request, { src: guest, dst: peer6 })).out[0]!
        const near = there.slice(12, 16).join('.')
        if (pool4 !== null) expect(near).toBe(pool4)
        const four = p.ip4(reply(nearOf(there)), { src: PEER, dst: near })
        const six = bench.in(four).out[0]!
        const mine = who(six, realm, targets)
        expect(mine?.way).toBe(BACK)
        expect(shared(who(four, realm, targets))).toEqual(shared(mine))
        if (!isSwapped) expect(shared(who(masqueraded(four, false, other), realm))).toEqual(shared(mine))
      }),
    )
  })

  const ERRORS4 = [
    [3, 1],
    [3, 2],
    [3, 3],
    [3, 4],
    [3, 13],
    [11, 0],
    [12, 0],
  ] as const
  it('an error about a request is the same on both sides, and quotes the request', () => {
    check(
      fc.property(exchange, fc.constantFrom(...ERRORS4), fc.nat(80), ([request], [type, code], more) => {
        const asked = p.ip6(request, { src: guest, dst: peer6 })
        const there = bench.in(asked).out[0]!
        const quoted = there.slice(0, 28 + more)
        const rest = type === 12 ? [0, 0, 0, 0] : [0, 0, 5, 0]
        const four = p.ip4(p.icmp(type, code, rest, quoted), { src: ROUTER, dst: there.slice(12, 16).join('.') })
        const { out, reason } = bench.in(four)
        // Who has no pool6 for the router's address answers in the name of another: that is not translated here.
        if (reason !== '') return expect(isSwapped).toBe(true)
        const mine = who(out[0]!, realm, targets)
        expect(mine).toMatchObject({ isError: true, way: BACK, quote: who(asked, realm, targets)?.quote })
        expect(shared(who(four, realm, targets))).toEqual(shared(mine))
        return undefined
      }),
    )
  })

  const ERRORS6 = [
    [1, 1],
    [1, 4],
    [2, 0],
    [3, 0],
    [4, 0],
    [4, 1],
  ] as const
  it('an error of the guest about a reply is the same on both sides, and quotes the reply', () => {
    check(
      fc.property(exchange, fc.constantFrom(...ERRORS6), fc.nat(80), ([request, reply], [type, code], more) => {
        const there = bench.in(p.ip6(request, { src: guest, dst: peer6 })).out[0]!
        const four = p.ip4(reply(nearOf(there)), { src: PEER, dst: there.slice(12, 16).join('.') })
        const answer = bench.in(four).out[0]!
        const rest = type === 2 ? [0, 0, 5, 0] : [0, 0, 0, 0]
        const error = p.ip6(p.icmp(type, code, rest, answer.slice(0, 48 + more)), { src: guest, dst: peer6 })
        const { out, reason } = bench.in(error)
        expect(reason).toBe('')
        const mine = who(error, realm, targets)
        expect(mine).toMatchObject({ isError: true, way: THERE, quote: who(four, realm, targets)?.quote })
        expect(shared(who(out[0]!, realm, targets))).toEqual(shared(mine))
      }),
    )
  })

  it('fragments: the first has the key of the whole, on both sides', () => {
    check(
      fc.property(port, port, fc.integer({ min: 1300, max: 3000 }), fc.nat(255), (s, d, size, salt) => {
        const message = p.udp(s, d, p.filler(size + salt).slice(salt))
        const whole = who(p.ip6(message, { src: guest, dst: peer6 }), realm, targets)
        const cut = ++fragments
        const pieces = [
          p.ip6(message, { src: guest, dst: peer6, ext: [p.fragment(cut, 0, true)], to: 1232 }),
          p.ip6(message, { src: guest, dst: peer6, ext: [p.fragment(cut, 1232)], from: 1232 }),
        ]
        expect(shared(who(pieces[0]!, realm, targets))).toEqual(shared(whole))
        const firsts = pieces.flatMap(b => bench.in(b).out).filter(b => (((b[6]! << 8) | b[7]!) & 0x1fff) === 0)
        expect(firsts).toHaveLength(1)
        expect(shared(who(firsts[0]!, realm, targets))).toEqual(shared(whole))
      }),
      10,
    )
  })
})

describe('protocols without ports', () => {
  // UDP-Lite and DCCP have addresses in their checksum.
  it.each([47, 50, 132, 136, 33])('protocol %i is the same on both sides', protocol => {
    const changes: Changes = { mode: 'siit', pool6: POOL6, eam: [eam(GUEST, '192.0.2.9')] }
    const six = p.ip6(p.raw(protocol, p.filler(40)), { src: GUEST, dst: `2001:db8:64::${PEER}` })
    const { out } = new Bench(changes).in(six)
    expect(shared(who(out[0]!, realmOf(changes)))).toEqual(shared(who(six, realmOf(changes))))
  })
})

describe('errors of the translator itself', () => {
  it.each([
    ['time exceeded', { hops: 1 }, {}],
    ['denied', {}, { denylist4: [prefix4(PEER)] }],
  ])('%s quotes the request', (_name, header, more) => {
    const changes: Changes = { pool6: POOL6, ...more }
    const asked = p.ip6(p.udp(1000, 53, p.filler(20)), { src: GUEST, dst: `2001:db8:64::${PEER}`, ...header })
    const { verdict, out } = new Bench(changes).in(asked)
    expect(verdict).toBe('replied')
    const realm = realmOf(changes)
    expect(who(out[0]!, realm)).toMatchObject({ isError: true, way: REPLY, quote: who(asked, realm)?.quote })
  })
})

describe('super-packets', () => {
  it('of TCP have the key of their first segment', () => {
    const whole = p.ip6(p.tcp(1000, 80, p.filler(5000), { flags: 0x19 }), { dst: `2001:db8:64::${PEER}` })
    const first = p.ip4(p.tcp(61000, 80, p.filler(5000).slice(0, 1400), { flags: 0x10 }), { dst: PEER })
    const realm = realmOf({ pool6: POOL6 })
    expect(who(first, realm)?.key).toBe(who(whole, realm)?.key)
  })
})

describe('who is traced', () => {
  const realm = realmOf({ pool6: POOL6, eam: [eam('fd00:e::/120', '192.0.2.0/24')] })
  const far = `2001:db8:64::${PEER}`
  const REQ = { way: REQUEST, target4: p.v4(PEER), isError: false }
  const REP = { way: REPLY, target4: p.v4(PEER), isError: false }
  it.each<[string, Uint8Array, object | null]>([
    ['to pool6', p.ip6(p.udp(1, 2), { dst: far }), { ...REQ, nearPort: 1, targetPort: 2 }],
    ['from pool6', p.ip6(p.udp(2, 1), { src: far, dst: GUEST }), { ...REP, nearPort: 1, targetPort: 2 }],
    ['native IPv6', p.ip6(p.udp(1, 2), { src: GUEST, dst: 'fd00::6' }), null],
    ['between two behind pool6', p.ip6(p.udp(1, 2), { src: '2001:db8:64::192.0.2.1', dst: far }), REQ],
    ['to pool6, from a guest with a mapping', p.ip6(p.udp(1, 2), { src: 'fd00:e::7', dst: far }), REQ],
    ['from pool6, to a guest with a mapping', p.ip6(p.udp(2, 1), { src: far, dst: 'fd00:e::7' }), REP],
    [
      'to an address with a mapping, from one without',
      p.ip6(p.udp(1, 2), { src: GUEST, dst: 'fd00:e::7' }),
      { way: REQUEST, target4: p.v4('192.0.2.7') },
    ],
    ['to the target', p.ip4(p.udp(1, 2), { dst: PEER }), REQ],
    ['from the target', p.ip4(p.udp(2, 1), { src: PEER, dst: HOST }), REP],
    ['another IPv4', p.ip4(p.udp(1, 2), { src: HOST, dst: '192.0.2.1' }), null],
    ['an echo has no port of the target', p.ip6(p.echo(128, 7), { dst: far }), { ...REQ, nearPort: 7, targetPort: 0 }],
    ['neighbour discovery', p.ip6(p.icmp(135, 0, [0, 0, 0, 0], p.filler(16)), { dst: 'ff02::1' }), null],
    ['an error about native IPv6', p.ip6(p.icmp(1, 4, [0, 0, 0, 0], p.ip6(p.udp(1, 2), { dst: GUEST }))), null],
    ['an error that quotes nothing', p.ip6(p.icmp(1, 4, [0, 0, 0, 0]), { dst: far }), null],
    ['an error that quotes the other family', p.ip4(p.icmp(3, 3, [0, 0, 0, 0], p.ip6(p.udp(1, 2)))), null],
  ])('%s', (_name, bytes, expected) => {
    const id = who(bytes, realm)
    if (expected === null) expect(id).toBeNull()
    else expect(id).toMatchObject(expected)
  })
})

describe('an address as IPv4', () => {
  const all = [prefix6('2001:db8:64::/96'), prefix6('2001:db8:32::/64')]
  const pairs = [
    eam('2001:db8:e::1:0/124', '192.0.2.16/28'),
    eam('2001:db8:e::/112', '10.1.0.0/16'),
    eam('2001:db8:f::/48', '10.9.0.0/24'),
  ]
  const realm: Realm = { ...realmOf({ eam: pairs }), pool6: all }
  it.each([
    ['2001:db8:64::c000:201', '192.0.2.1'],
    ['2001:db8:32:0:c0:2:100::', '192.0.2.1'],
    ['2001:db8:e::1:7', '192.0.2.23'],
    ['2001:db8:e::abcd', '10.1.171.205'],
    // The suffix follows the prefix; what is behind it is cut off (RFC 7757 section 3.3).
    ['2001:db8:f:2a00::', '10.9.0.42'],
    ['2001:db9::1', null],
  ])('%s is %s', (six, four) => {
    expect(toV4(realm, p.v6(six))).toBe(four === null ? -1 : p.v4(four))
  })
})

describe('keys', () => {
  it('differ between packets, 100,000 of them', () => {
    const realm = realmOf({ pool6: POOL6 })
    const packet = makePacket()
    const id = makeIdentity()
    const keys = new Set<number>()
    const quotes = new Set<number>()
    const flows = new Set<number>()
    const tcp = p.ip6(p.tcp(1000, 80, p.filler(10)), { dst: '2001:db8:64::' })
    const udp = p.ip6(p.udp(1000, 80, p.filler(10)), { dst: '2001:db8:64::' })
    const view = (b: Uint8Array) => new DataView(b.buffer)
    let count = 0
    const add = (b: Uint8Array) => {
      readPacket(packet, b, 0, b.length)
      identify6(id, packet, realm)
      if (Number.isSafeInteger(id.key)) keys.add(id.key)
      quotes.add(id.quote)
      flows.add(id.flowKey)
      count++
    }
    for (let i = 0; i < 50_000; i++) {
      // Neighbouring addresses, ports, sequence numbers and payloads, as they come in practice.
      view(tcp).setUint32(36, 0xc6336400 + (i & 15))
      view(tcp).setUint16(42, 80 + ((i >>> 4) & 15))
      view(tcp).setUint32(44, (i >>> 8) * 1448)
      add(tcp)
      view(udp).setUint32(36, 0xc6336400 + (i & 15))
      view(udp).setUint16(42, 80 + ((i >>> 4) & 15))
      view(udp).setUint16(50, i >>> 8)
      add(udp)
    }
    expect(count).toBe(100_000)
    expect(keys.size).toBe(count)
    // Datagrams of one length to one port are not told apart by what an error quotes.
    expect(quotes.size).toBe(50_000 + 256)
    expect(flows.size).toBe(512)
  })

  const base = { seq: 7, ack: 9, flags: 0x10, options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0] }
  const of = (m: p.Message) => who(p.ip6(m, { dst: `2001:db8:64::${PEER}` }), realmOf({ pool6: POOL6 }))?.key
  const first = of(p.tcp(1, 2, [], base))
  it.each([
    ['a sequence number', p.tcp(1, 2, [], { ...base, seq: 8 }), false],
    ['an acknowledgement', p.tcp(1, 2, [], { ...base, ack: 8 }), false],
    ['a timestamp: sent again', p.tcp(1, 2, [], { ...base, options: base.options.map(x => x + 1) }), false],
    ['FIN', p.tcp(1, 2, [], { ...base, flags: 0x11 }), false],
    ['SYN', p.tcp(1, 2, [], { ...base, flags: 0x12 }), false],
    ['data', p.tcp(1, 2, [1], base), false],
    ['another protocol', p.udp(1, 2, []), false],
    ['its own port', p.tcp(9, 2, [], base), true],
    ['PSH', p.tcp(1, 2, [], { ...base, flags: 0x18 }), true],
  ])('of TCP: %s', (_name, message, isSame) => {
    expect(of(message) === first).toBe(isSame)
  })
})
