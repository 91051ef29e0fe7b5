import { describe, expect, test } from 'vitest'
import { ICMP4, UDP } from '../../src/wire/protocol.js'
import { ExpirySink } from '../../src/xlat/state.js'
import { STAT } from '../../src/xlat/stats.js'
import { HOST, ip4, ip6, Lab, makeConfig, PEER, range } from './state-making.js'

const OTHER = '192.0.2.99'

describe('UDP and ICMP queries (RFC 6146 sections 3.5.1 and 3.5.3)', () => {
  test('endpoint-independent mapping: one binding for every peer', () => {
    const lab = new Lab()
    const mapped = lab.v6('udp', 5000)
    expect(lab.v6('udp', 5000, 'data', HOST, OTHER, 53)).toBe(mapped)
    expect([lab.stats[STAT.bibUdp], lab.stats[STAT.sessions]]).toEqual([1, 2])
    expect(lab.v6('tcp', 5000)).not.toBe('')
    expect([lab.stats[STAT.bibTcp], lab.stats[STAT.bibUdp]]).toEqual([1, 1])
  })

  test.each([
    ['endpoint-independent', OTHER, 53, 'mapped'],
    ['address-dependent', OTHER, 53, 'filtered'],
    ['address-dependent', PEER, 53, 'mapped'],
  ] as const)('%s filtering, a packet from %s port %d: %s', (filtering, peer, port, want) => {
    for (const protocol of ['udp', 'icmp'] as const) {
      const lab = new Lab(makeConfig({ filtering }))
      const mapped = lab.v6(protocol, 5000)
      expect(lab.v4(protocol, mapped, 'data', peer, port)).toBe(want === 'mapped' ? mapped : want)
    }
  })

  test('filtering forgets a peer whose sessions are over, though others live', () => {
    const lab = new Lab(makeConfig({ filtering: 'address-dependent' }))
    const mapped = lab.v6('udp', 5000, 'data', HOST, PEER, 1)
    lab.v6('udp', 5000, 'data', HOST, PEER, 2)
    lab.now += 200_000
    lab.v6('udp', 5000, 'data', HOST, OTHER)
    expect(lab.v4('udp', mapped, 'data', PEER, 9)).toBe(mapped)
    lab.now += 299_999
    lab.v6('udp', 5000, 'data', HOST, OTHER)
    lab.now += 1
    expect(lab.v4('udp', mapped, 'data', PEER, 9)).toBe('filtered')
    expect(lab.v4('udp', mapped, 'data', OTHER, 9)).toBe(mapped)
  })

  test.each([
    ['udp', 300_000],
    ['icmp', 60_000],
  ] as const)('%s lives %d ms after its last packet, from either side', (protocol, life) => {
    const lab = new Lab()
    const mapped = lab.v6(protocol, 5000)
    lab.now += life - 1
    expect(lab.v4(protocol, mapped)).toBe(mapped)
    lab.now += life - 1
    expect(lab.v6(protocol, 5000)).toBe(mapped)
    lab.now += life
    expect(lab.v4(protocol, mapped)).toBe('no_bib_entry')
    expect(lab.stats[STAT.bibEntries]).toBe(0)
  })

  test('an ICMP query keeps its identifier whatever stands where a port would', () => {
    const lab = new Lab()
    const mapped = lab.v6('icmp', 77, 'data', HOST, PEER, 77)
    expect(lab.v6('icmp', 77, 'data', HOST, PEER, 0)).toBe(mapped)
    expect(lab.v4('icmp', mapped, 'data', PEER, 4711)).toBe(mapped)
    expect(lab.stats[STAT.sessions]).toBe(1)
  })

  test('with queries switched off, known ones pass no more than new ones', () => {
    const lab = new Lab()
    const mapped = lab.v6('icmp', 77)
    lab.state.reconfigure(makeConfig({ dropIcmpInfo: true }), lab.now)
    expect([lab.v6('icmp', 77), lab.v4('icmp', mapped), lab.v6('icmp', 78)]).toEqual(Array(3).fill('icmp_info_off'))
    expect(lab.v6('udp', 77)).toMatch(/^198/)
  })

  test('find* change nothing: no lifetime, no state, no entry', () => {
    const lab = new Lab()
    const [address, port] = lab.v6('udp', 5000).split(':') as [string, string]
    lab.now += 299_999
    const [a, b, c, d] = ip6(HOST)
    expect(lab.state.findV6(UDP, a, b, c, d, 5000, ip4(PEER), 443, lab.now)).toBe(0)
    expect(lab.state.findV4(UDP, ip4(address), Number(port), ip4(PEER), 443, lab.now)).toBe(0)
    expect(lab.state.findV4(UDP, ip4(address), Number(port), ip4(OTHER), 443, lab.now)).toBe(-1)
    const entry = lab.state.findBibV4(UDP, ip4(address), Number(port), lab.now)
    expect([0, 1, 2, 3].map(k => lab.state.bibHost6Word(entry, k))).toEqual(ip6(HOST))
    lab.now += 1
    expect(lab.state.findV6(UDP, a, b, c, d, 5000, ip4(PEER), 443, lab.now)).toBe(-1)
    expect(lab.state.findBibV4(UDP, ip4(address), Number(port), lab.now)).toBe(-1)
    expect(lab.state.findBibV6(ICMP4, a, b, c, d, 5000, lab.now)).toBe(-1)
  })
})

describe('static BIB entries', () => {
  const entry = {
    protocol: 'tcp',
    host6: ip6(HOST),
    host6Port: 80,
    mapped4: ip4('198.51.100.1'),
    mapped4Port: 8080,
  } as const
  const outside = { ...entry, host6Port: 443, mapped4: ip4('203.0.113.9'), mapped4Port: 443 } as const
  const staticBib = [entry, outside]

  test('lead inside without any session, stay without one, and answer for isMapped()', () => {
    const lab = new Lab(makeConfig({ staticBib }))
    expect(lab.v4('tcp', '198.51.100.1:8080')).toBe('198.51.100.1:8080')
    expect(lab.v4('tcp', '203.0.113.9:443')).toBe('203.0.113.9:443')
    lab.now += 30 * 86_400_000
    lab.state.expire(lab.now, 100, new ExpirySink())
    expect([lab.stats[STAT.sessions], lab.stats[STAT.bibEntries]]).toEqual([0, 2])
    expect(lab.v4('tcp', '198.51.100.1:8080')).toBe('198.51.100.1:8080')
    expect(lab.state.isMapped(6, ip4('203.0.113.9'), 443)).toBe(true)
    expect(lab.state.isMapped(6, ip4('203.0.113.9'), 444)).toBe(false)
    expect(lab.state.isMapped(17, ip4('203.0.113.9'), 443)).toBe(false)
  })

  test('the guest that owns one writes from it, and nobody else gets its port', () => {
    const pool4 = [range('198.51.100.1', 8080, 8081)]
    const lab = new Lab(makeConfig({ staticBib: [entry], pool4 }))
    expect(lab.v6('tcp', 80)).toBe('198.51.100.1:8080')
    expect(lab.v6('tcp', 81)).toBe('198.51.100.1:8081')
    expect(lab.v6('tcp', 82)).toBe('pool4_exhausted')
  })
})

describe('limits: the newcomer is refused, who is established is not harmed', () => {
  test.each([
    ['sessions', 'sessions_full'],
    ['bib', 'bib_full'],
    ['portsPerGuest', 'ports_per_guest'],
    ['sessionsPerGuest', 'sessions_per_guest'],
  ] as const)('%s', (limit, code) => {
    const lab = new Lab(makeConfig({}, { [limit]: 3 }))
    const mapped = [1, 2, 3].map(port => lab.v6('udp', 5000 + port))
    for (let n = 0; n < 5; n++) expect(lab.v6('udp', 6000 + n)).toBe(code)
    expect([1, 2, 3].map(port => lab.v6('udp', 5000 + port))).toEqual(mapped)
    const other = limit.endsWith('PerGuest') ? /^198/ : new RegExp(code)
    expect(lab.v6('udp', 6000, 'data', '2001:db8::2')).toMatch(other)
    lab.now += 300_000
    expect(lab.v6('udp', 6000)).toMatch(/^198/)
  })

  test('a guest with one port and many peers leaves sessions to others, who began them or not', () => {
    const staticBib = [
      {
        protocol: 'udp',
        host6: ip6('2001:db8::1'),
        host6Port: 80,
        mapped4: ip4('198.51.100.1'),
        mapped4Port: 8080,
      } as const,
    ]
    const lab = new Lab(makeConfig({ staticBib }, { sessions: 20, sessionsPerGuest: 10 }))
    const codes = Array.from({ length: 40 }, (_, n) => lab.v4('udp', '198.51.100.1:8080', 'data', `203.0.113.${n}`))
    expect(codes.filter(c => c === 'sessions_per_guest')).toHaveLength(30)
    expect(lab.v6('udp', 81, 'data', '2001:db8::1')).toBe('sessions_per_guest')
    expect(lab.v6('udp', 81, 'data', '2001:db8::2')).toMatch(/^198/)
    expect(lab.state.guestRows(9).map(r => [r.host6, r.sessions])).toEqual([
      ['2001:db8::1', 10],
      ['2001:db8::2', 1],
    ])
    expect(lab.state.bibRows(9).map(r => r.host6Port)).toEqual([80, 81])
    lab.now += 300_000
    expect(lab.v6('udp', 81, 'data', '2001:db8::1')).toMatch(/^198/)
  })

  test('a guest is a prefix of the configured length', () => {
    const lab = new Lab(makeConfig({}, { portsPerGuest: 2, guestPrefixLength: 64 }))
    lab.v6('udp', 1, 'data', '2001:db8::1')
    lab.v6('udp', 1, 'data', '2001:db8::2')
    expect(lab.v6('udp', 1, 'data', '2001:db8::3')).toBe('ports_per_guest')
    expect(lab.v6('udp', 1, 'data', '2001:db8:0:1::3')).toMatch(/^198/)
    expect(lab.state.guestRows(9).map(r => [r.host6, r.bibEntries, r.packets])).toEqual([
      ['2001:db8::', 2, 2],
      ['2001:db8:0:1::', 1, 1],
    ])
  })

  test('a limit that the tables cannot number is an error at once', () => {
    expect(() => new Lab(makeConfig({}, { sessions: 2 ** 24 }))).toThrow(
      'limits.sessions must be between 1 and 16777215',
    )
  })
})
