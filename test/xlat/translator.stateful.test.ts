import { describe, expect, it } from 'vitest'
import { echo, icmp, ip4, ip6, raw, tcp, udp } from './packets.js'
import { address4, Bench, type Changes, imbalance, prefix4, prefix6, way } from './translating.js'

const GUEST = '2001:db8::1'
const PEER = '198.51.100.2'
const POOL = '203.0.113.1'
/** The well-known prefix must not stand for documentation addresses, so tests take another. */
const BASE: Changes = { pool6: prefix6('2001:db8:64::/96') }
const pool6 = (v4: string) => `2001:db8:64::${v4}`
const PEER6 = '2001:db8:64::c633:6402'
const SYN = 2
const port = (payload: number[], at: number) => (payload[at]! << 8) | payload[at + 1]!
const sport = (r: { payload: number[] } | undefined) => port(r!.payload, 0)
const dport = (r: { payload: number[] } | undefined) => port(r!.payload, 2)

const out = (b: Bench, bytes: Uint8Array, now = 0) => b.in(bytes, now).read[0]

describe('a stateful exchange', () => {
  it.each([
    ['UDP', () => udp(5000, 53, [1, 2, 3]), (t: number) => udp(53, t, [4, 5, 6])],
    ['TCP', () => tcp(5000, 80, [], { flags: SYN }), (t: number) => tcp(80, t, [], { flags: 0x12 })],
  ])('%s goes out from pool4 and comes back to the guest', (_, request, reply) => {
    const b = new Bench(BASE)
    const there = out(b, ip6(request(), { src: GUEST, dst: pool6(PEER) }))
    expect(way(there)).toBe(`${POOL} > ${PEER}`)
    expect(there?.checksumOk).toBe(true)
    expect(sport(there)).toBeGreaterThanOrEqual(1024)
    const back = out(b, ip4(reply(sport(there)), { src: PEER, dst: POOL }))
    expect(way(back)).toBe(`${PEER6} > ${GUEST}`)
    expect(dport(back)).toBe(5000)
    expect(back?.checksumOk).toBe(true)
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it('ICMP echo keeps its identifier towards the guest', () => {
    const b = new Bench(BASE)
    const there = out(b, ip6(echo(128, 77), { src: GUEST, dst: pool6(PEER) }))
    expect(there?.payload[0]).toBe(8)
    const back = out(b, ip4(echo(0, port(there!.payload, 4)), { src: PEER, dst: POOL }))
    expect(way(back)).toBe(`${PEER6} > ${GUEST}`)
    expect([back!.payload[0], port(back!.payload, 4)]).toEqual([129, 77])
    expect(back?.checksumOk).toBe(true)
  })

  it('maps a guest and port to one pool4 port whatever the peer, and lets any peer answer', () => {
    const b = new Bench(BASE)
    const one = out(b, ip6(udp(5000, 53), { src: GUEST, dst: pool6(PEER) }))
    const two = out(b, ip6(udp(5000, 123), { src: GUEST, dst: pool6('198.51.100.9') }))
    expect(sport(two)).toBe(sport(one))
    const stranger = ip4(udp(9, sport(one)), { src: '198.51.100.77', dst: POOL })
    expect(way(out(b, stranger))).toBe(`2001:db8:64::c633:644d > ${GUEST}`)
  })

  it('with address-dependent filtering refuses a stranger, and tells it', () => {
    const b = new Bench({ ...BASE, filtering: 'address-dependent' })
    const one = out(b, ip6(udp(5000, 53), { src: GUEST, dst: pool6(PEER) }))
    const { verdict, reason, read } = b.in(ip4(udp(9, sport(one)), { src: '198.51.100.77', dst: POOL }))
    expect([verdict, reason]).toEqual(['replied', 'filtered'])
    expect(read[0]?.payload.slice(0, 2)).toEqual([3, 13])
    expect(b.in(ip4(udp(9, sport(one)), { src: PEER, dst: POOL })).verdict).toBe('translated')
  })
})

describe('what stateful mode refuses', () => {
  const denylist4 = [prefix4('198.51.100.128/25')]

  it.each([
    ['pool6_mismatch', ip6(udp(1, 2), { src: GUEST, dst: '2001:db8:ffff::1' })],
    ['hairpin_loop', ip6(udp(1, 2), { src: PEER6, dst: pool6(PEER) })],
    ['martian_destination', ip6(udp(1, 2), { src: GUEST, dst: pool6('127.0.0.1') })],
    ['martian_destination', ip6(udp(1, 2), { src: GUEST, dst: pool6('255.255.255.255') })],
    ['martian_destination', ip6(udp(1, 2), { src: GUEST, dst: pool6('169.254.1.1') })],
    ['martian_source', ip4(udp(1, 2), { src: '169.254.1.1', dst: POOL })],
    ['martian_source', ip6(udp(1, 2), { src: '::1', dst: pool6(PEER) })],
    ['pool4_mismatch', ip4(udp(1, 2), { src: PEER, dst: '203.0.113.2' })],
    ['protocol', ip6(raw(132, new Array(16).fill(0)), { src: GUEST, dst: pool6(PEER) })],
    ['protocol', ip4(raw(47, new Array(16).fill(0)), { src: PEER, dst: POOL })],
    ['icmp_type', ip6(icmp(135, 0, [0, 0, 0, 0]), { src: GUEST, dst: pool6(PEER) })],
    ['icmp_type', ip4(icmp(13, 0, [0, 0, 0, 0], new Array(12).fill(0)), { src: PEER, dst: POOL })],
    ['no_bib_entry', ip4(udp(1, 2000), { src: PEER, dst: POOL })],
    ['no_bib_entry', ip4(echo(8, 9), { src: PEER, dst: POOL })],
    ['not_ip', Uint8Array.of(0x10, 0, 0, 0)],
    ['truncated', ip6(udp(1, 2), { src: GUEST, dst: pool6(PEER) }).slice(0, 44)],
  ])('%s, silently', (reason, bytes) => {
    const b = new Bench({ ...BASE, denylist4 })
    const outcome = b.in(bytes)
    expect([outcome.verdict, outcome.reason, outcome.out.length]).toEqual(['dropped', reason, 0])
    expect(imbalance(b.translator.stats)).toBe(0)
  })

  it.each([
    ['IPv6', ip6(udp(1, 2), { src: GUEST, dst: pool6('198.51.100.200') }), [1, 1]],
    ['IPv4', ip4(udp(1, 2), { src: '198.51.100.200', dst: POOL }), [3, 13]],
  ])('an address on denylist4, and tells the %s sender', (_name, bytes, expected) => {
    const { verdict, reason, read } = new Bench({ ...BASE, denylist4 }).in(bytes)
    expect([verdict, reason]).toEqual(['replied', 'denylist4'])
    expect(read[0]?.payload.slice(0, 2)).toEqual(expected)
  })

  it('a private address behind the well-known prefix', () => {
    const bytes = ip6(udp(1, 2), { src: GUEST, dst: '64:ff9b::10.0.0.1' })
    expect(new Bench().in(bytes).reason).toBe('non_global')
    expect(new Bench({ wellKnownPrefixStrict: false }).in(bytes).verdict).toBe('translated')
  })

  it.each([
    ['ports_per_guest', { portsPerGuest: 1 }],
    ['sessions_per_guest', { sessionsPerGuest: 1 }],
    ['bib_full', { bib: 1 }],
    ['sessions_full', { sessions: 1 }],
  ])('%s: the newcomer is told, the established goes on', (reason, limits) => {
    const b = new Bench({ ...BASE, limits })
    const old = ip6(udp(1, 2), { src: GUEST, dst: pool6(PEER) })
    const there = out(b, old)
    const { verdict, reason: why, read } = b.in(ip6(udp(9, 2), { src: GUEST, dst: pool6(PEER) }))
    expect([verdict, why]).toEqual(['replied', reason])
    expect(read[0]?.payload.slice(0, 2)).toEqual([1, 3])
    expect(way(read[0])).toBe(`${PEER6} > ${GUEST}`)
    expect(b.in(old).verdict).toBe('translated')
    expect(way(out(b, ip4(udp(2, sport(there)), { src: PEER, dst: POOL })))).toBe(`${PEER6} > ${GUEST}`)
  })

  it('pool4_exhausted when every port is taken', () => {
    const range = { prefix: prefix4(POOL), protocols: ['udp'] as const, ports: [1024, 1025] as const }
    const b = new Bench({ ...BASE, pool4: [range] })
    for (const p of [2000, 2001])
      expect(b.in(ip6(udp(p, 2), { src: GUEST, dst: pool6(PEER) })).verdict).toBe('translated')
    expect(b.in(ip6(udp(3000, 2), { src: GUEST, dst: pool6(PEER) })).reason).toBe('pool4_exhausted')
  })

  it('tells the guest at the last hop', () => {
    const { reason, read } = new Bench(BASE).in(ip6(udp(1, 2), { src: GUEST, dst: pool6(PEER), hops: 1 }))
    expect(reason).toBe('ttl_expired')
    expect(read[0]?.payload.slice(0, 2)).toEqual([3, 0])
  })

  it('sends no more ICMP errors than the limit allows, and counts those held back', () => {
    const b = new Bench({ ...BASE, limits: { icmpErrorsPerSecond: 3 } })
    const verdicts = [1, 2, 3, 4, 5].map(n => b.in(ip6(udp(n, 2), { src: GUEST, dst: pool6(PEER), hops: 1 })).verdict)
    expect(verdicts).toEqual(['replied', 'replied', 'replied', 'dropped', 'dropped'])
    expect([b.drops('ttl_expired'), b.drops('icmp_rate'), b.stat('replies')]).toEqual([5, 2, 3])
    expect(imbalance(b.translator.stats)).toBe(0)
  })
})

describe('stateful ICMP errors', () => {
  function established(): { b: Bench; t: number } {
    const b = new Bench(BASE)
    return { b, t: sport(out(b, ip6(udp(5000, 53), { src: GUEST, dst: pool6(PEER) }))) }
  }

  it('from IPv4 reach the guest with the packet inside translated back', () => {
    const { b, t } = established()
    const inner = ip4(udp(t, 53), { src: POOL, dst: PEER })
    const r = out(b, ip4(icmp(3, 3, [0, 0, 0, 0], inner), { src: '198.51.100.99', dst: POOL }))
    expect(way(r)).toBe(`2001:db8:64::c633:6463 > ${GUEST}`)
    expect(r?.payload.slice(0, 2)).toEqual([1, 4])
    expect(r?.payload.slice(8)).toEqual([...ip6(udp(5000, 53), { src: GUEST, dst: pool6(PEER) })])
    expect(r?.checksumOk).toBe(true)
  })

  it('from IPv6 leave from the address in pool4', () => {
    const { b, t } = established()
    const inner = ip6(udp(53, 5000), { src: pool6(PEER), dst: GUEST })
    const r = out(b, ip6(icmp(1, 4, [0, 0, 0, 0], inner), { src: '2001:db8:9::9', dst: pool6(PEER) }))
    expect(way(r)).toBe(`${POOL} > ${PEER}`)
    expect(r?.payload.slice(0, 2)).toEqual([3, 3])
    expect(r?.payload.slice(8 + 12, 8 + 24)).toEqual([198, 51, 100, 2, 203, 0, 113, 1, 0, 53, t >>> 8, t & 255])
    expect(r?.checksumOk).toBe(true)
  })

  it('about an echo find its session by identifier', () => {
    const b = new Bench(BASE)
    const there = b.in(ip6(echo(128, 77), { src: GUEST, dst: pool6(PEER) }))
    const r = out(b, ip4(icmp(11, 0, [0, 0, 0, 0], there.out[0]!), { src: PEER, dst: POOL }))
    expect(way(r)).toBe(`${PEER6} > ${GUEST}`)
    expect(r?.payload.slice(8 + 40, 8 + 46).filter((_, i) => i !== 2 && i !== 3)).toEqual([128, 0, 0, 77])
  })

  it.each([
    ['no_session', ip4(udp(9, 53), { src: POOL, dst: PEER })],
    ['icmp_inner', ip4(udp(9, 53), { src: '203.0.113.9', dst: PEER })],
    ['icmp_inner', ip4(udp(9, 53, new Array(64).fill(0)), { src: POOL, dst: PEER, from: 8 })],
    ['icmp_inner', ip4(raw(47, new Array(16).fill(0)), { src: POOL, dst: PEER })],
  ])('%s', (reason, inner) => {
    const { b } = established()
    const { reason: why, out: sent } = b.in(ip4(icmp(3, 1, [0, 0, 0, 0], inner), { src: PEER, dst: POOL }))
    expect([why, sent.length]).toEqual([reason, 0])
  })

  it('from a router that the well-known prefix must not represent come in the name of the peer', () => {
    const b = new Bench()
    const t = sport(out(b, ip6(udp(5000, 53), { src: GUEST, dst: '64:ff9b::8.8.8.8' })))
    const inner = ip4(udp(t, 53), { src: POOL, dst: '8.8.8.8' })
    const r = out(b, ip4(icmp(11, 0, [0, 0, 0, 0], inner), { src: '10.0.0.1', dst: POOL }))
    expect(way(r)).toBe(`64:ff9b::808:808 > ${GUEST}`)
  })
})

describe('hairpinning (RFC 6146 section 3.8)', () => {
  const OTHER = '2001:db8::2'
  function twoGuests(): { b: Bench; t: number } {
    const b = new Bench(BASE)
    return { b, t: sport(out(b, ip6(udp(7000, 53), { src: OTHER, dst: pool6(PEER) }))) }
  }

  it('brings a packet to the other guest, from the address the other side would see', () => {
    const { b, t } = twoGuests()
    const { verdict, read } = b.in(ip6(udp(6000, t), { src: GUEST, dst: pool6(POOL) }))
    expect(verdict).toBe('hairpinned')
    expect(way(read[0])).toBe(`2001:db8:64::cb00:7101 > ${OTHER}`)
    expect(dport(read[0])).toBe(7000)
    expect(read[0]?.checksumOk).toBe(true)
    const back = b.in(ip6(udp(7000, sport(read[0])), { src: OTHER, dst: pool6(POOL) }))
    expect(way(back.read[0])).toBe(`2001:db8:64::cb00:7101 > ${GUEST}`)
    expect([sport(back.read[0]), dport(back.read[0])]).toEqual([t, 6000])
  })

  it('brings ICMP errors back', () => {
    const { b, t } = twoGuests()
    const there = b.in(ip6(udp(6000, t), { src: GUEST, dst: pool6(POOL) }))
    const error = ip6(icmp(1, 4, [0, 0, 0, 0], there.out[0]!), { src: OTHER, dst: pool6(POOL) })
    const { verdict, read } = b.in(error)
    expect(verdict).toBe('hairpinned')
    expect(way(read[0])).toBe(`2001:db8:64::cb00:7101 > ${GUEST}`)
    expect(read[0]?.checksumOk).toBe(true)
    expect(read[0]?.payload.slice(8 + 40, 8 + 44)).toEqual([6000 >>> 8, 6000 & 255, t >>> 8, t & 255])
  })

  it('leaves a port outside pool4 to the host', () => {
    const range = { prefix: prefix4(POOL), protocols: ['udp'] as const, ports: [20000, 29999] as const }
    const b = new Bench({ ...BASE, pool4: [range] })
    const { verdict, read } = b.in(ip6(udp(6000, 53), { src: GUEST, dst: pool6(POOL) }))
    expect(verdict).toBe('translated')
    expect(way(read[0])).toBe(`${POOL} > ${POOL}`)
  })
})

describe('TCP from outside', () => {
  it('a SYN that nobody answers gets port unreachable after 6 seconds', () => {
    const b = new Bench(BASE)
    const syn = ip4(tcp(4000, 2000, [], { flags: SYN }), { src: PEER, dst: POOL })
    expect(b.in(syn, 0).verdict).toBe('stored')
    expect(b.in(syn, 1000).verdict).toBe('stored')
    expect([b.stat('storedSyns'), imbalance(b.translator.stats)]).toEqual([1, 0])
    expect(b.expire(5900)).toEqual([])
    const [reply, ...rest] = b.expire(6100)
    expect(rest).toEqual([])
    expect(way(reply)).toBe(`${POOL} > ${PEER}`)
    expect(reply?.payload.slice(0, 2)).toEqual([3, 3])
    expect(reply?.checksumOk).toBe(true)
    expect([b.drops('syn_timeout'), b.stat('storedSyns'), imbalance(b.translator.stats)]).toEqual([1, 0, 0])
  })

  it('a SYN from inside meets it: no answer, one connection', () => {
    const b = new Bench({ ...BASE, filtering: 'address-dependent' })
    const first = out(b, ip6(tcp(5000, 80, [], { flags: SYN }), { src: GUEST, dst: pool6('198.51.100.50') }))
    const t = sport(first)
    expect(b.in(ip4(tcp(4000, t, [], { flags: SYN }), { src: PEER, dst: POOL }), 0).verdict).toBe('stored')
    expect(b.in(ip6(tcp(5000, 4000, [], { flags: SYN }), { src: GUEST, dst: pool6(PEER) }), 10).verdict).toBe(
      'translated',
    )
    expect([b.stat('storedSyns'), b.stat('absorbed'), imbalance(b.translator.stats)]).toEqual([0, 1, 0])
    expect(b.expire(7000)).toEqual([])
  })

  it('is dropped when switched off', () => {
    const b = new Bench({ ...BASE, dropExternallyInitiatedTcp: true })
    const syn = ip4(tcp(4000, 2000, [], { flags: SYN }), { src: PEER, dst: POOL })
    expect(b.in(syn).reason).toBe('external_tcp')
  })
})

describe('a connection that has been idle for its lifetime', () => {
  it('is probed; an answer keeps it, silence ends it', () => {
    const b = new Bench(BASE)
    const syn = out(b, ip6(tcp(5000, 80, [], { flags: SYN }), { src: GUEST, dst: pool6(PEER) }), 0)
    const t = sport(syn)
    b.in(ip4(tcp(80, t, [], { flags: 0x12 }), { src: PEER, dst: POOL }), 1)
    b.in(ip6(tcp(5000, 80), { src: GUEST, dst: pool6(PEER) }), 2)
    const idle = 7_440_000 + 1000
    const [probe] = b.expire(idle)
    expect(way(probe)).toBe(`${PEER6} > ${GUEST}`)
    expect(probe?.checksumOk).toBe(true)
    expect([sport(probe), dport(probe), probe?.payload[13]]).toEqual([80, 5000, 0x10])
    expect(b.in(ip6(tcp(5000, 80), { src: GUEST, dst: pool6(PEER) }), idle + 100).verdict).toBe('translated')
    expect(b.expire(idle + 300_000)).toEqual([])
    expect(b.stat('sessions')).toBe(1)
    expect(b.expire(2 * idle + 1000)).toHaveLength(1)
    b.expire(2 * idle + 600_000)
    expect([b.stat('sessions'), b.stat('bibEntries')]).toEqual([0, 0])
  })
})

describe('a restart and a new configuration', () => {
  const request = ip6(udp(5000, 53), { src: GUEST, dst: pool6(PEER) })

  it('keeps sessions by way of bytes', () => {
    const b = new Bench(BASE)
    const t = sport(out(b, request))
    const next = new Bench(BASE, 99)
    expect(next.translator.importState(b.translator.exportState(0), 0)).toEqual({ bib: 1, sessions: 1, refused: 0 })
    expect(way(out(next, ip4(udp(53, t), { src: PEER, dst: POOL })))).toBe(`${PEER6} > ${GUEST}`)
  })

  it('keeps sessions that pool4 still covers, and drops the others', () => {
    const b = new Bench(BASE)
    const t = sport(out(b, request))
    const { config } = b.translator
    expect(b.translator.reconfigure({ ...config, mtu: 1400 }, 0)).toBe(0)
    expect(way(out(b, ip4(udp(53, t), { src: PEER, dst: POOL })))).toBe(`${PEER6} > ${GUEST}`)
    const moved = { ...config.pool4[0]!, prefix: prefix4('203.0.113.9') }
    expect(b.translator.reconfigure({ ...config, pool4: [moved] }, 0)).toBe(1)
    expect(b.in(ip4(udp(53, t), { src: PEER, dst: POOL })).reason).toBe('pool4_mismatch')
    expect(way(out(b, request))).toBe(`203.0.113.9 > ${PEER}`)
  })

  it('changes the mode', () => {
    const b = new Bench(BASE)
    b.in(request)
    const { config } = b.translator
    const pool = { ...config, mode: 'pool' as const, dynamicPool: prefix4('192.168.255.0/28') }
    expect(b.translator.reconfigure(pool, 0)).toBe(1)
    expect(out(b, request)?.src).toMatch(/^192\.168\.255\./)
    expect(b.translator.reconfigure(config, 0)).toBe(0)
    expect(way(out(b, request))).toBe(`${POOL} > ${PEER}`)
    expect(b.stat('sessions')).toBe(1)
  })

  it('opens a static binding to the outside', () => {
    const bib = {
      protocol: 'tcp',
      host6: [0x20010db8, 0, 0, 1],
      host6Port: 80,
      mapped4: address4(POOL),
      mapped4Port: 443,
    }
    const b = new Bench({ ...BASE, staticBib: [bib as never] })
    const r = out(b, ip4(tcp(4000, 443, [], { flags: SYN }), { src: PEER, dst: POOL }))
    expect(way(r)).toBe(`${PEER6} > ${GUEST}`)
    expect(dport(r)).toBe(80)
  })
})
