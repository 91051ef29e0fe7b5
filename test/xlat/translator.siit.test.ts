import { describe, expect, it } from 'vitest'
import { echo, fragment, icmp, ip4, ip6, tcp, udp, udpWith } from './packets.js'
import { address4, address6, Bench, type Changes, eam, prefix4, prefix6, way } from './translating.js'

/** Two guests with explicit mappings; the rest of IPv4 behind pool6. */
const SIIT: Changes = {
  mode: 'siit',
  pool6: prefix6('2001:db8:64::/96'),
  eam: [eam('2001:db8:a::1', '192.0.2.1'), eam('2001:db8:b::1', '192.0.2.2')],
}
const A6 = '2001:db8:a::1'
const B6 = '2001:db8:b::1'
const PEER6 = '2001:db8:64::c633:6402'

describe('siit addresses', () => {
  const bench = new Bench({
    ...SIIT,
    denylist4: [prefix4('198.51.100.128/25')],
    guests6: [prefix6('2001:db8::/32')],
  })

  it.each([
    ['EAM and pool6', ip6(udp(1, 2), { src: A6, dst: PEER6 }), '192.0.2.1 > 198.51.100.2'],
    ['pool6 both', ip6(udp(1, 2), { src: '2001:db8:64::c000:209', dst: PEER6 }), '192.0.2.9 > 198.51.100.2'],
    ['IPv4 to EAM', ip4(udp(1, 2), { src: '198.51.100.2', dst: '192.0.2.1' }), `${PEER6} > ${A6}`],
    ['IPv4 to pool6', ip4(udp(1, 2), { src: '198.51.100.2', dst: '192.0.2.9' }), `${PEER6} > 2001:db8:64::c000:209`],
  ])('translates by %s', (_, bytes, expected) => {
    const { verdict, read } = bench.in(bytes)
    expect(verdict).toBe('translated')
    expect(way(read[0])).toBe(expected)
    expect(read[0]?.checksumOk).toBe(true)
  })

  it.each([
    ['no_mapping', ip6(udp(1, 2), { src: '2001:db8:c::1', dst: PEER6 })],
    ['no_mapping', ip6(udp(1, 2), { src: A6, dst: '2001:db8:c::1' })],
    ['denylist4', ip6(udp(1, 2), { src: A6, dst: '2001:db8:64::c633:6480' })],
    ['denylist4', ip4(udp(1, 2), { src: '198.51.100.129', dst: '192.0.2.1' })],
    ['link_local', ip6(udp(1, 2), { src: 'fe80::1', dst: PEER6 })],
    ['link_local', ip6(udp(1, 2), { src: A6, dst: 'ff02::1' })],
    ['martian_destination', ip6(udp(1, 2), { src: A6, dst: '2001:db8:64::7f00:1' })],
    ['martian_source', ip6(udp(1, 2), { src: '2001:db8:64::e000:1', dst: PEER6 })],
    ['martian_source', ip4(udp(1, 2), { src: '127.0.0.1', dst: '192.0.2.1' })],
    ['martian_destination', ip4(udp(1, 2), { src: '198.51.100.2', dst: '224.0.0.5' })],
    ['martian_source', ip4(udp(1, 2), { src: '169.254.1.1', dst: '192.0.2.1' })],
    ['martian_destination', ip6(udp(1, 2), { src: A6, dst: '2001:db8:64::a9fe:101' })],
    ['fragmented_icmp', ip6(echo(128, 1), { src: A6, dst: PEER6, ext: [fragment(7, 0, true)] })],
    ['fragmented_icmp', ip4(echo(8, 1), { src: '198.51.100.2', dst: '192.0.2.1', mf: true })],
  ])('drops with %s', (reason, bytes) => {
    const outcome = bench.in(bytes)
    expect(outcome.reason).toBe(reason)
  })

  it('lets an explicit mapping win over denylist4', () => {
    const b = new Bench({ ...SIIT, denylist4: [prefix4('192.0.2.0/24')] })
    expect(way(b.in(ip6(udp(1, 2), { src: A6, dst: PEER6 })).read[0])).toBe('192.0.2.1 > 198.51.100.2')
  })

  it('tells an IPv4 sender that a host without mapping is prohibited (RFC 7915 section 4.4)', () => {
    const b = new Bench({ ...SIIT, pool6: null, icmpSource4: address4('192.0.2.254') })
    const { verdict, reason, read } = b.in(ip4(udp(1, 2), { src: '198.51.100.2', dst: '192.0.2.77' }))
    expect([verdict, reason]).toEqual(['replied', 'no_mapping'])
    expect(way(read[0])).toBe('192.0.2.254 > 198.51.100.2')
    expect(read[0]?.payload.slice(0, 2)).toEqual([3, 13])
  })

  it.each([
    [true, 'non_global'],
    [false, ''],
  ])('refuses 10.1.2.3 behind the well-known prefix: strict %s', (wellKnownPrefixStrict, reason) => {
    const b = new Bench({ ...SIIT, pool6: prefix6('64:ff9b::/96'), wellKnownPrefixStrict })
    expect(b.in(ip6(udp(1, 2), { src: A6, dst: '64:ff9b::10.1.2.3' })).reason).toBe(reason)
    expect(b.in(ip4(udp(1, 2), { src: '10.1.2.3', dst: '192.0.2.1' })).reason).toBe(reason)
  })

  it('allows 10.1.2.3 behind 64:ff9b:1::/48 (RFC 8215)', () => {
    const b = new Bench({ ...SIIT, pool6: prefix6('64:ff9b:1::/48') })
    expect(way(b.in(ip6(udp(1, 2), { src: A6, dst: '64:ff9b:1:a01:2:300::' })).read[0])).toBe('192.0.2.1 > 10.1.2.3')
  })
})

describe('siit ICMP errors', () => {
  const timeExceeded = (from: string) =>
    ip6(icmp(3, 0, [0, 0, 0, 0], ip6(udp(1, 2), { src: PEER6, dst: A6 })), { src: from, dst: PEER6 })

  it('translate the packet inside', () => {
    const { read } = new Bench(SIIT).in(timeExceeded(B6))
    expect(way(read[0])).toBe('192.0.2.2 > 198.51.100.2')
    expect(read[0]?.checksumOk).toBe(true)
    expect(read[0]?.payload.slice(0, 2)).toEqual([11, 0])
    expect(read[0]?.payload.slice(20, 28)).toEqual([198, 51, 100, 2, 192, 0, 2, 1])
  })

  it('from a router without IPv4 address come from icmpSource4 (RFC 6791)', () => {
    const { read } = new Bench({ ...SIIT, icmpSource4: address4('192.0.2.254') }).in(timeExceeded('2001:db8:ffff::1'))
    expect(way(read[0])).toBe('192.0.2.254 > 198.51.100.2')
  })

  it('from such a router are dropped when there is no icmpSource4', () => {
    expect(new Bench(SIIT).in(timeExceeded('2001:db8:ffff::1')).reason).toBe('no_mapping')
  })

  it('to IPv6 without pool6 come from icmpSource6', () => {
    const b = new Bench({
      mode: 'siit',
      pool6: null,
      eam: [...SIIT.eam!, eam('2001:db8:99::/120', '198.51.100.0/24')],
      icmpSource6: address6('2001:db8::64'),
    })
    const inner = ip4(udp(1, 2), { src: '192.0.2.1', dst: '198.51.100.2' })
    const { read } = b.in(ip4(icmp(11, 0, [0, 0, 0, 0], inner), { src: '203.0.113.9', dst: '192.0.2.1' }))
    expect(way(read[0])).toBe(`2001:db8::64 > ${A6}`)
    expect(read[0]?.checksumOk).toBe(true)
  })
})

describe('EAM hairpinning (RFC 7757 section 4)', () => {
  const toB = ip6(tcp(1000, 80), { src: A6, dst: '2001:db8:64::c000:202' })

  it('intrinsic: goes to the other guest at once, from the pool6 form of the first', () => {
    const b = new Bench(SIIT)
    const { verdict, read } = b.in(toB)
    expect(verdict).toBe('hairpinned')
    expect(way(read[0])).toBe(`2001:db8:64::c000:201 > ${B6}`)
    expect(read[0]?.checksumOk).toBe(true)
    expect(b.stat('hairpinned')).toBe(1)
  })

  it('intrinsic: an ICMP error comes back the same way', () => {
    const inner = ip6(tcp(1000, 80), { src: '2001:db8:64::c000:201', dst: B6 })
    const error = ip6(icmp(1, 4, [0, 0, 0, 0], inner), { src: B6, dst: '2001:db8:64::c000:201' })
    const { verdict, read } = new Bench(SIIT).in(error)
    expect(verdict).toBe('hairpinned')
    expect(way(read[0])).toBe(`2001:db8:64::c000:202 > ${A6}`)
    expect(read[0]?.checksumOk).toBe(true)
    expect(read[0]?.payload.slice(8, 8 + 40)).toEqual([
      ...ip6(tcp(1000, 80), { src: A6, dst: '2001:db8:64::c000:202', hops: 64 }).slice(0, 40),
    ])
  })

  it('simple: leaves as IPv4, and comes back with the pool6 form of its source', () => {
    const b = new Bench({ ...SIIT, eamHairpin: 'simple' })
    const first = b.in(toB)
    expect(first.verdict).toBe('translated')
    expect(way(first.read[0])).toBe('192.0.2.1 > 192.0.2.2')
    expect(way(b.in(first.out[0]!).read[0])).toBe(`2001:db8:64::c000:201 > ${B6}`)
  })

  it('off: the source keeps its explicit mapping', () => {
    const b = new Bench({ ...SIIT, eamHairpin: 'off' })
    expect(way(b.in(b.in(toB).out[0]!).read[0])).toBe(`${A6} > ${B6}`)
  })
})

describe('pool mode', () => {
  const POOL: Changes = {
    mode: 'pool',
    pool6: prefix6('2001:db8:64::/96'),
    eam: [eam('2001:db8::5', '192.168.255.5')],
    dynamicPool: prefix4('192.168.255.0/28'),
    icmpSource4: address4('192.168.255.1'),
    icmpSource6: address6('2001:db8::64'),
  }
  const from = (src: string) => ip6(udp(1, 2), { src, dst: PEER6 })

  it('gives a guest an address, and it stays its address', () => {
    const b = new Bench(POOL)
    const source = b.in(from('2001:db8::1')).read[0]!.src
    expect(b.in(from('2001:db8::2')).read[0]!.src).not.toBe(source)
    expect(b.in(from('2001:db8::1'), 5000).read[0]!.src).toBe(source)
    expect(way(b.in(ip4(udp(2, 1), { src: '198.51.100.2', dst: source })).read[0])).toBe(`${PEER6} > 2001:db8::1`)
    expect(b.stat('guests')).toBe(2)
    expect(b.translator.guestRows(10)).toMatchObject([{ host6: '2001:db8::1', address4: source }, {}])
  })

  it('keeps static mappings', () => {
    expect(way(new Bench(POOL).in(from('2001:db8::5')).read[0])).toBe('192.168.255.5 > 198.51.100.2')
  })

  it('refuses a guest when all addresses are taken, and tells it', () => {
    const b = new Bench(POOL)
    for (let n = 10; n < 22; n++) expect(b.in(from(`2001:db8::${n}`)).verdict).toBe('translated')
    const { verdict, reason, read } = b.in(from('2001:db8::99'))
    expect([verdict, reason]).toEqual(['replied', 'pool_exhausted'])
    expect(way(read[0])).toBe('2001:db8::64 > 2001:db8::99')
    expect(read[0]?.payload.slice(0, 2)).toEqual([1, 3])
  })

  it('drops what comes for an address that nobody has, and tells the sender', () => {
    const { verdict, reason, read } = new Bench(POOL).in(ip4(udp(2, 1), { src: '198.51.100.2', dst: '192.168.255.9' }))
    expect([verdict, reason]).toEqual(['replied', 'no_mapping'])
    expect(read[0]?.payload.slice(0, 2)).toEqual([3, 13])
  })

  it('keeps its addresses across a restart and a new configuration', () => {
    const b = new Bench(POOL)
    const source = b.in(from('2001:db8::1')).read[0]!.src
    const next = new Bench(POOL)
    expect(next.translator.importState(b.translator.exportState(0), 0)).toEqual({ bib: 1, sessions: 0, refused: 0 })
    expect(way(next.in(ip4(udp(2, 1), { src: '198.51.100.2', dst: source })).read[0])).toBe(`${PEER6} > 2001:db8::1`)
    b.translator.reconfigure({ ...new Bench(POOL).translator.config, mtu: 1400 }, 0)
    expect(way(b.in(ip4(udp(2, 1), { src: '198.51.100.2', dst: source })).read[0])).toBe(`${PEER6} > 2001:db8::1`)
  })

  it('turns a packet from guest to guest round', () => {
    const b = new Bench(POOL)
    const other = b.in(from('2001:db8::2')).read[0]!.src
    const own = b.in(from('2001:db8::1')).read[0]!.src
    const as6 = (a: string) => `2001:db8:64::${a}`
    const { verdict, read } = b.in(ip6(udp(7, 8), { src: '2001:db8::1', dst: as6(other) }))
    expect(verdict).toBe('hairpinned')
    expect(way(read[0])).toBe(way({ ...read[0]!, src: as6(own), dst: '2001:db8::2' }))
  })

  it('drops its own translations', () => {
    expect(new Bench(POOL).in(from('2001:db8:64::c633:6402')).reason).toBe('hairpin_loop')
  })
})

describe('our own addresses', () => {
  const own: Changes = { ...SIIT, icmpSource4: address4('192.0.2.254'), icmpSource6: address6('2001:db8::64') }

  it.each([
    ['IPv4', ip4(echo(8, 77), { src: '198.51.100.2', dst: '192.0.2.254' }), '192.0.2.254 > 198.51.100.2', 0],
    ['IPv6', ip6(echo(128, 77), { src: A6, dst: '2001:db8::64' }), `2001:db8::64 > ${A6}`, 129],
  ])('answer a ping over %s', (_, bytes, expected, type) => {
    const b = new Bench(own)
    const { verdict, read } = b.in(bytes)
    expect(verdict).toBe('replied')
    expect(way(read[0])).toBe(expected)
    expect(read[0]?.checksumOk).toBe(true)
    expect(read[0]?.payload.slice(0, 2)).toEqual([type, 0])
    expect([b.stat('answered'), b.drops('own_address')]).toEqual([1, 0])
  })

  it.each([
    ['a UDP packet', ip4(udp(1, 2), { src: '198.51.100.2', dst: '192.0.2.254' })],
    ['an echo reply', ip6(echo(129, 1), { src: A6, dst: '2001:db8::64' })],
  ])('do not answer %s', (_, bytes) => {
    const { verdict, reason, out } = new Bench(own).in(bytes)
    expect([verdict, reason, out.length]).toEqual(['dropped', 'own_address', 0])
  })
})

describe('UDP without checksum, statelessly', () => {
  const bytes = ip4(udpWith(0, 1, 2, [1, 2, 3]), { src: '198.51.100.2', dst: '192.0.2.1' })

  it.each([
    ['compute', 'translated', ''],
    ['drop', 'dropped', 'udp_checksum_zero'],
    ['drop-with-icmp', 'replied', 'udp_checksum_zero'],
    ['forward', 'translated', ''],
  ] as const)('%s', (udpZeroChecksum, verdict, reason) => {
    const outcome = new Bench({ ...SIIT, udpZeroChecksum }).in(bytes)
    expect([outcome.verdict, outcome.reason]).toEqual([verdict, reason])
  })
})
