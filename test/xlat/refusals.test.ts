/**
 * What each mode refuses by default of what strangers may send: the table behind docs/threat-model.md. Every refusal is
 * counted under its reason; the sender is told where that helps an honest one.
 */
import { describe, expect, it } from 'vitest'
import type { Mode } from '../../src/xlat/config.js'
import type { REASON } from '../../src/xlat/reason.js'
import { type Bytes, fragment, icmp, ip4, ip6, routing, tcp, udp } from './packets.js'
import { address4, address6, Bench, type Changes, eam, imbalance, prefix4, prefix6 } from './translating.js'

const GUEST = '2001:db8:1::2'
const MAPPED = '9.9.7.1'
const PEER = '9.9.9.9'
const HOST = '9.9.8.1'
const BROADCAST = '9.9.8.255'
const MODES: readonly Mode[] = ['stateful', 'siit', 'pool']

const range = { prefix: prefix4(MAPPED), protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65535] } as const
const MAPPINGS: Readonly<Record<Mode, Changes>> = {
  stateful: { pool4: [range] },
  siit: { eam: [eam(GUEST, MAPPED)] },
  pool: { dynamicPool: prefix4('9.9.7.0/30') },
}

/** The same network in each mode: the guest leaves as MAPPED, the host has HOST. */
const bench = (mode: Mode, changes: Changes = {}): Bench =>
  new Bench({
    mode,
    ...MAPPINGS[mode],
    icmpSource4: address4('9.9.7.254'),
    hostAddresses4: [HOST, BROADCAST].map(prefix4),
    ...changes,
  })

const to = (address: string, prefix = '64:ff9b::') => ip6(udp(1, 2), { src: GUEST, dst: `${prefix}${address}` })
const from = (src: string) => ip6(udp(1, 2), { src, dst: `64:ff9b::${PEER}` })
const back = (src: string) => ip4(udp(1, 2), { src, dst: MAPPED })
const error6 = (dst: string, inner: { src: string; dst: string }) =>
  ip6(icmp(1, 4, [0, 0, 0, 0], ip6(udp(1, 2), inner)), { src: GUEST, dst })
const tooBig4 = (src: string, dst: string) => icmp(3, 4, [0, 0, 2, 0], ip4(udp(4000, 443), { src, dst, total: 1500 }))

type Reason = keyof typeof REASON & string
/** A reason for all modes, or one for each of stateful, siit and pool; '' passes. `error`: type and code that tell the sender. */
type Row = readonly [
  what: string,
  bytes: Bytes,
  reason: Reason | '' | readonly (Reason | '')[],
  error?: readonly number[],
]

const ROWS: readonly Row[] = [
  ['a host anywhere', to(PEER), ''],
  ['10.0.0.0/8', to('10.0.0.1'), 'non_global', [1, 1]],
  ['172.16.0.0/12', to('172.31.255.1'), 'non_global', [1, 1]],
  ['192.168.0.0/16', to('192.168.1.1'), 'non_global', [1, 1]],
  ["the provider's 100.64.0.0/10", to('100.100.100.200'), 'non_global', [1, 1]],
  ['240.0.0.0/4', to('240.0.0.1'), 'non_global', [1, 1]],
  ['loopback', to('127.0.0.1'), ['martian_destination', 'non_global', 'non_global']],
  ['0.0.0.0', to('0.0.0.0'), ['martian_destination', 'non_global', 'non_global']],
  ["the cloud's metadata", to('169.254.169.254'), ['martian_destination', 'non_global', 'non_global']],
  ['multicast', to('224.0.0.251'), 'martian_destination'],
  ['broadcast', to('255.255.255.255'), ['martian_destination', 'non_global', 'non_global']],
  ["the host's address", to(HOST), 'host_address', [1, 1]],
  ["the broadcast address of the host's link", to(BROADCAST), 'host_address', [1, 1]],
  ['no source', from('::'), 'martian_source'],
  ['::1', from('::1'), 'martian_source'],
  ['an IPv4-mapped source', from(`::ffff:${PEER}`), 'martian_source'],
  ['a multicast source', from('ff0e::1'), 'martian_source'],
  ['a link-local source', from('fe80::1'), 'link_local'],
  ['a source inside pool6', from('64:ff9b::8.8.8.8'), 'hairpin_loop'],
  ['a routing header with segments left', ip6(udp(1, 2), { src: GUEST, ext: [routing(1)] }), 'segments_left', [4, 0]],
  [
    'a first fragment without ports',
    ip6(udp(1, 2), { src: GUEST, ext: [fragment(1, 0, true)], to: 0 }),
    'fragment_bad',
  ],
  [
    'a forged error to the host',
    error6(`64:ff9b::${HOST}`, { src: `64:ff9b::${HOST}`, dst: `64:ff9b::${PEER}` }),
    ['no_session', 'host_address', 'host_address'],
  ],
  [
    'a forged error to multicast',
    error6('64:ff9b::224.0.0.1', { src: '64:ff9b::224.0.0.1', dst: GUEST }),
    'martian_destination',
  ],
  [
    'a forged error from inside pool6',
    ip6(icmp(1, 4, [0, 0, 0, 0], ip6(udp(1, 2), { src: `64:ff9b::${PEER}`, dst: GUEST })), {
      src: '64:ff9b::8.8.8.8',
      dst: `64:ff9b::${PEER}`,
    }),
    'hairpin_loop',
  ],
  [
    'a first fragment too short for its TCP header',
    ip6(tcp(1, 2), { src: GUEST, ext: [fragment(1, 0, true)], to: 16 }),
    'truncated',
  ],
  ['IPv4 from loopback', back('127.0.0.1'), 'martian_source'],
  ['IPv4 from 0.0.0.0', back('0.0.0.0'), 'martian_source'],
  ['IPv4 from broadcast', back('255.255.255.255'), 'martian_source'],
  ['IPv4 from multicast', back('224.0.0.1'), 'martian_source'],
  ['IPv4 from link-local', back('169.254.0.1'), 'martian_source'],
  ['IPv4 from a private address', back('192.168.1.1'), 'non_global'],
  ['IPv4 that nobody asked for', back(PEER), ['no_bib_entry', '', 'no_mapping']],
  ['IPv4 to nobody', ip4(udp(1, 2), { src: PEER, dst: '9.9.6.1' }), ['pool4_mismatch', '', 'no_mapping']],
  [
    'an IPv4 source route',
    ip4(udp(1, 2), { src: PEER, dst: MAPPED, options: [131, 7, 4, 8, 8, 8, 8, 0] }),
    'source_route',
    [3, 5],
  ],
  [
    'an IPv4 error about nothing we sent',
    ip4(tooBig4(MAPPED, PEER), { src: '8.8.8.8', dst: MAPPED }),
    ['no_session', '', 'no_mapping'],
  ],
]

describe.each(MODES)('%s', mode => {
  it.each(ROWS.map(([what, ...row]) => [what, row] as const))('%s', (_, [bytes, reasons, error]) => {
    const b = bench(mode)
    const expected = typeof reasons === 'string' ? reasons : (reasons[MODES.indexOf(mode)] as Reason | '')
    const { reason, read } = b.in(bytes)
    expect(reason).toBe(expected)
    if (expected !== '') expect([reason, b.drops(expected)]).toEqual([expected, 1])
    if (error) expect(read[0]?.payload.slice(0, 2)).toEqual(error)
    expect(imbalance(b.translator.stats)).toBe(0)
  })
})

describe.each(MODES)('%s, where the administrator says so', mode => {
  it.each<[what: string, changes: Changes, bytes: Bytes, reason: Reason | '']>([
    ["one of the host's addresses is allowed", { allowHost4: [prefix4(HOST)] }, to(HOST), ''],
    ['and the others are not', { allowHost4: [prefix4(HOST)] }, to(BROADCAST), 'host_address'],
    ['all of them are', { allowHost4: [prefix4('0.0.0.0/0')] }, to(BROADCAST), ''],
    ['private addresses are reached behind 64:ff9b::/96', { wellKnownPrefixStrict: false }, to('10.0.0.1'), ''],
    ['denylist4 refuses what is global', { denylist4: [prefix4(PEER)] }, to(PEER), 'denylist4'],
    ['guests6 has the guest', { guests6: [prefix6('2001:db8:1::/64')] }, to(PEER), ''],
    [
      'and refuses who is none',
      { guests6: [prefix6('2001:db8:2::/64'), prefix6('fd00::/8')] },
      to(PEER),
      'not_a_guest',
    ],
  ])('%s', (_, changes, bytes, reason) => expect(bench(mode, changes).in(bytes).reason).toBe(reason))

  it.each([
    ['2001:db8:64::/96', '2001:db8:64::'],
    ['64:ff9b:1::/96', '64:ff9b:1::'],
  ])('pool6 %s: private addresses are reached, those of nobody and of the host are not', (pool6, prefix) => {
    const b = bench(mode, { pool6: prefix6(pool6) })
    const reasonOf = (address: string) => b.in(to(address, prefix)).reason
    expect(['10.0.0.1', '100.64.0.1', '240.0.0.1'].map(reasonOf)).toEqual(['', '', ''])
    const nobody = ['127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.251', '255.255.255.255']
    expect(new Set(nobody.map(reasonOf))).toEqual(new Set(['martian_destination']))
    expect([HOST, BROADCAST].map(reasonOf)).toEqual(['host_address', 'host_address'])
  })
})

describe('a source inside pool6 in mode siit', () => {
  const inside = [prefix6('64:ff9b::8.8.8.0/120'), prefix6('64:ff9b::9.9.0.0/112')]
  it.each<[what: string, changes: Changes, src: string, reason: Reason | '']>([
    ['is a guest where there is no other kind', { eam: [] }, '64:ff9b::8.8.8.8', ''],
    ['is one where guests6 says so', { guests6: inside }, '64:ff9b::8.8.8.8', ''],
    ['is none where guests6 has others', { guests6: inside }, '64:ff9b::1.1.1.1', 'not_a_guest'],
    ["is never the host's own", { guests6: inside }, `64:ff9b::${HOST}`, 'host_address'],
  ])('%s', (_, changes, src, reason) => expect(bench('siit', changes).in(from(src)).reason).toBe(reason))
})

describe("the host's own addresses in stateful mode", () => {
  const syn = ip6(tcp(4000, 22, [], { flags: 2 }), { src: GUEST, dst: `64:ff9b::${PEER}` })
  const ask = ip6(udp(4000, 53), { src: GUEST, dst: `64:ff9b::${PEER}` })
  const hostAddresses4 = [HOST, PEER].map(prefix4)

  it('are refused from the moment that the host has them, sessions included', () => {
    const b = bench('stateful')
    expect([syn, ask].map(p => b.in(p).verdict)).toEqual(['translated', 'translated'])
    expect(b.translator.reconfigure({ ...b.translator.config, hostAddresses4 }, 0)).toBe(2)
    expect([syn, ask].map(p => b.in(p).reason)).toEqual(['host_address', 'host_address'])
    expect(b.translator.reconfigure({ ...b.translator.config, allowHost4: [prefix4(PEER)] }, 0)).toBe(0)
    expect([syn, ask].map(p => b.in(p).verdict)).toEqual(['translated', 'translated'])
    expect(b.translator.reconfigure({ ...b.translator.config, allowHost4: [] }, 0)).toBe(2)
  })

  it('are not taken over from a saved state', () => {
    const before = bench('stateful')
    for (const p of [syn, ask]) before.in(p)
    const saved = before.translator.exportState(0)
    const after = bench('stateful', { hostAddresses4 })
    expect(after.translator.importState(saved, 0)).toEqual({ bib: 0, sessions: 0, refused: 2 })
  })

  it('are answered when the host has begun itself', () => {
    const staticBib = [
      { protocol: 'udp', host6: address6(GUEST), host6Port: 53, mapped4: address4(MAPPED), mapped4Port: 53 },
    ] as const
    const b = bench('stateful', { staticBib })
    const answer = ip6(udp(53, 4000), { src: GUEST, dst: `64:ff9b::${HOST}` })
    expect(b.in(answer).reason).toBe('host_address')
    expect(b.in(ip4(udp(4000, 53), { src: HOST, dst: MAPPED })).verdict).toBe('translated')
    expect(b.in(answer).verdict).toBe('translated')
    expect(b.translator.reconfigure({ ...b.translator.config, hostAddresses4 }, 0)).toBe(0)
    expect(b.in(answer).verdict).toBe('translated')
  })

  it('go to no guest of pool mode', () => {
    const b = bench('pool', { hostAddresses4: ['9.9.7.1', '9.9.7.3'].map(prefix4) })
    const sources = ['2001:db8:1::a', '2001:db8:1::b'].map(src =>
      b.in(ip6(udp(1, 2), { src, dst: `64:ff9b::${PEER}` })),
    )
    expect(sources.map(o => o.reason || o.read[0]?.src)).toEqual(['9.9.7.2', 'pool_exhausted'])
  })
})

describe('guests6 in stateful mode', () => {
  it('ends the sessions of who is no guest any more, and takes none of his over', () => {
    const b = bench('stateful')
    b.in(to(PEER))
    b.in(ip6(udp(1, 2), { src: '2001:db8:2::2', dst: `64:ff9b::${PEER}` }))
    const saved = b.translator.exportState(0)
    const guests6 = [prefix6('2001:db8:1::/64')]
    expect(b.translator.reconfigure({ ...b.translator.config, guests6 }, 0)).toBe(1)
    expect(b.in(to(PEER)).verdict).toBe('translated')
    expect(bench('stateful', { guests6 }).translator.importState(saved, 0)).toMatchObject({ sessions: 1, refused: 1 })
  })
})

describe('an attacker outside who guesses', () => {
  it('makes no path smaller than IPv6 allows, and only with the addresses and ports of a session', () => {
    const b = bench('stateful')
    const there = b.in(ip6(tcp(4000, 443, [], { flags: 2 }), { src: GUEST, dst: `64:ff9b::${PEER}` }))
    const [hi, lo] = there.read[0]?.payload ?? []
    const port = (hi! << 8) | lo!
    const forged = (sport: number, mtu: number) => {
      const quote = ip4(tcp(sport, 443), { src: MAPPED, dst: PEER, total: 1500 })
      return b.in(ip4(icmp(3, 4, [0, 0, mtu >>> 8, mtu & 255], quote), { src: '8.8.8.8', dst: MAPPED }))
    }
    expect(forged(port ^ 1, 68).reason).toBe('no_session')
    expect(forged(port, 68).read[0]?.payload.slice(0, 8)).toEqual([
      2,
      0,
      expect.anything(),
      expect.anything(),
      0,
      0,
      5,
      0,
    ])
  })
})
