/** What tables of translators and of connection tracking say of who is behind what. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../../src/addr/ipv4.js'
import { formatIpv6 } from '../../../src/addr/ipv6.js'
import {
  belongs,
  flowBehind,
  flowOfGuest,
  learn,
  learnNat,
  learnRow,
  makeFlows,
  type TableRow,
} from '../../../src/trace/core/flows.js'
import { type NatRow, parseConntrack, parseJoolSessions, rowsOfStatus } from '../../../src/trace/core/tables.js'
import { v6 } from '../../xlat/packets.js'
import { address4 as v4 } from '../../xlat/translating.js'

const recordings = join(import.meta.dirname, '../../../fixtures/recordings')

/** `6 2001:db8::1#1000 > 203.0.113.10#80 as 192.0.2.1#61000` */
const rowText = (r: TableRow) =>
  `${r.protocol} ${formatIpv6(r.guest)}#${r.guestPort} > ${formatIpv4(r.target4)}#${r.targetPort} as ${r.near4
    .map(n => `${formatIpv4(n.address)}#${n.port}`)
    .join()}`
const natText = (r: NatRow) =>
  `${r.protocol} ${[r.before, r.after].map(e => `${formatIpv4(e.address)}#${e.port}`).join(' = ')} > ${formatIpv4(r.target4)}#${r.targetPort}`

describe('sessions of Jool', () => {
  const HEADER =
    'Protocol,IPv6 Remote Address,IPv6 Remote L4-ID,IPv6 Local Address,IPv6 Local L4-ID,IPv4 Local Address,IPv4 Local L4-ID,IPv4 Remote Address,IPv4 Remote L4-ID,Expires in,State'
  const row = (protocol: string, port = '51912', rest = '1:59:59.2,ESTABLISHED') =>
    `${protocol},2001:db8:100::100,${port},64:ff9b::cb00:710a,80,192.0.2.2,65232,203.0.113.10,80,${rest}`
  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['the header', HEADER, []],
    ['TCP', row('TCP'), ['6 2001:db8:100::100#51912 > 203.0.113.10#80 as 192.0.2.2#65232']],
    [
      'UDP has no state',
      row('UDP', '1', '0:00:59.9,'),
      ['17 2001:db8:100::100#1 > 203.0.113.10#80 as 192.0.2.2#65232'],
    ],
    [
      'the identifier of an echo is no port of the target',
      'ICMP,2001:db8:100::100,1135,64:ff9b::cb00:710a,1135,192.0.2.2,62031,203.0.113.10,62031,0:00:50.2,',
      ['1 2001:db8:100::100#1135 > 203.0.113.10#0 as 192.0.2.2#62031'],
    ],
    ['names instead of numbers', row('TCP', 'http'), []],
    ['half a row', row('TCP').slice(0, 60), []],
    ['another protocol', row('SCTP'), []],
    ['all of them', [HEADER, row('TCP'), row('UDP'), ''].join('\r\n'), ['6', '17']],
  ])('%s', (_name, csv, expected) => {
    const rows = parseJoolSessions(csv).map(rowText)
    expect(rows).toHaveLength(expected.length)
    for (const [i, start] of expected.entries()) expect(rows[i]).toMatch(new RegExp(`^${start.replaceAll('.', '\\.')}`))
  })
})

describe('sessions of nat64 run', () => {
  const session = {
    protocol: 'icmp',
    host6: '2001:db8::1',
    host6Port: 7,
    mapped4: '192.168.255.2',
    mapped4Port: 9,
    peer4: '203.0.113.10',
    peer4Port: 9,
  }
  it.each<[string, object, string[]]>([
    ['an echo', session, ['1 2001:db8::1#7 > 203.0.113.10#0 as 192.168.255.2#9']],
    ['TCP', { ...session, protocol: 'tcp', peer4Port: 80 }, ['6 2001:db8::1#7 > 203.0.113.10#80 as 192.168.255.2#9']],
    ['what is no address', { ...session, host6: 'x' }, []],
    ['what is no protocol', { ...session, protocol: 'sctp' }, []],
  ])('%s', (_name, row, expected) => {
    expect(rowsOfStatus([row as typeof session]).map(rowText)).toEqual(expected)
  })
})

describe('connection tracking', () => {
  const tcp =
    'src=192.168.255.232 dst=203.0.113.10 sport=58038 dport=80 src=203.0.113.10 dst=198.51.100.2 sport=80 dport=61000 [ASSURED] mark=0 use=1'
  const echo =
    'src=192.168.255.232 dst=203.0.113.10 type=8 code=0 id=1357 src=203.0.113.10 dst=198.51.100.2 type=0 code=0 id=99 mark=0 use=1'
  it.each<[string, string, string[]]>([
    [
      'conntrack -L',
      `tcp      6 111 TIME_WAIT ${tcp}`,
      ['6 192.168.255.232#58038 = 198.51.100.2#61000 > 203.0.113.10#80'],
    ],
    [
      '/proc/net/nf_conntrack',
      `ipv4     2 tcp      6 431999 ESTABLISHED ${tcp}`,
      ['6 192.168.255.232#58038 = 198.51.100.2#61000 > 203.0.113.10#80'],
    ],
    ['an echo', `icmp     1 18 ${echo}`, ['1 192.168.255.232#1357 = 198.51.100.2#99 > 203.0.113.10#0']],
    [
      'a reply that has not come, with an entry’s own id and a zone',
      `udp      17 29 src=10.0.0.1 dst=203.0.113.10 sport=5 dport=53 zone=3 [UNREPLIED] src=203.0.113.10 dst=198.51.100.2 sport=53 dport=6 mark=0 secctx=null id=4026531840 use=1`,
      ['17 10.0.0.1#5 = 198.51.100.2#6 > 203.0.113.10#53'],
    ],
    [
      'the same address at another port',
      'udp 17 29 src=10.0.0.1 dst=203.0.113.10 sport=5 dport=53 src=203.0.113.10 dst=10.0.0.1 sport=53 dport=6',
      ['17 10.0.0.1#5 = 10.0.0.1#6 > 203.0.113.10#53'],
    ],
    [
      'a target that was translated as well: the one behind counts',
      'tcp 6 9 ESTABLISHED src=10.0.0.1 dst=203.0.113.1 sport=5 dport=80 src=203.0.113.10 dst=198.51.100.2 sport=8080 dport=5',
      ['6 10.0.0.1#5 = 198.51.100.2#5 > 203.0.113.10#8080'],
    ],
    [
      'nothing is translated',
      'tcp 6 9 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=5 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=5',
      [],
    ],
    [
      'IPv6',
      'icmpv6   58 24 src=fd00::1 dst=fd00::2 type=128 code=0 id=1 src=fd00::2 dst=fd00::1 type=129 code=0 id=1',
      [],
    ],
    [
      'TCP of IPv6',
      'tcp 6 9 CLOSE src=fd00::1 dst=fd00::2 sport=1 dport=2 src=fd00::2 dst=fd00::3 sport=2 dport=1',
      [],
    ],
    ['another protocol', `sctp 132 9 ${tcp}`, []],
    ['half a line', `tcp 6 9 ${tcp.slice(0, 70)}`, []],
    ['a port that is none', `tcp 6 9 ${tcp.replace('61000', '61000000')}`, []],
    ['what conntrack says at its end', 'conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.', []],
  ])('%s', (_name, text, expected) => {
    expect(parseConntrack(text).map(natText)).toEqual(expected)
  })

  it('of a recorded host', () => {
    const text = readFileSync(join(recordings, 'remedy-tayga/conntrack.txt'), 'utf8')
    expect(parseConntrack(text).map(natText)).toEqual([
      '6 192.168.255.232#58038 = 198.51.100.2#58038 > 140.82.121.4#80',
      '1 192.168.255.232#1357 = 198.51.100.2#1357 > 140.82.121.4#0',
    ])
  })
})

describe('what is known of a port', () => {
  const TARGET = v4('203.0.113.10')
  const [A, B] = [v6('fd00::1'), v6('fd00::2')]
  const [POOL, UPLINK] = [v4('192.168.255.2'), v4('198.51.100.2')]
  const NOW = 100e9
  const nat = (port: number, after: number): NatRow => ({
    protocol: 6,
    target4: TARGET,
    targetPort: 80,
    before: { address: POOL, port },
    after: { address: UPLINK, port: after },
  })
  const row = (guest: typeof A, guestPort: number, port: number): TableRow => ({
    protocol: 6,
    guest,
    guestPort,
    target4: TARGET,
    targetPort: 80,
    near4: [{ address: POOL, port }],
  })
  const ends = (flow: ReturnType<typeof flowOfGuest>) => flow.near4.map(e => `${e.port}${e.exact ? '!' : ''}`)
  const make = () => {
    const flows = makeFlows()
    const [a, b] = [A, B].map(guest => flowOfGuest(flows, 6, guest, 1000, TARGET, 80)) as [
      ReturnType<typeof flowOfGuest>,
      ReturnType<typeof flowOfGuest>,
    ]
    return { flows, a, b, whose: (port: number) => belongs(flows, a, POOL, port, NOW) }
  }

  it('a table is exact, and stays so when packets say the same', () => {
    const { flows, a } = make()
    learnRow(flows, row(A, 1000, 5))
    learn(flows, a, POOL, 5, false)
    expect(ends(a)).toEqual(['5!'])
    expect(flowBehind(flows, 6, POOL, 5, TARGET, 80)).toBe(a)
  })

  it('what packets said becomes exact by a table', () => {
    const { flows, a } = make()
    learn(flows, a, POOL, 5, false)
    expect(ends(a)).toEqual(['5'])
    learnRow(flows, row(A, 1000, 5))
    expect(ends(a)).toEqual(['5!'])
  })

  it('a masquerade is as sure as the port in front of it', () => {
    const { flows, a, b } = make()
    learnRow(flows, row(A, 1000, 5))
    learn(flows, b, POOL, 6, false)
    learnNat(flows, nat(5, 50))
    learnNat(flows, nat(6, 60))
    learnNat(flows, nat(7, 70))
    expect(ends(a)).toEqual(['5!', '50!'])
    expect(ends(b)).toEqual(['6', '60'])
    expect(flowBehind(flows, 6, UPLINK, 70, TARGET, 80)).toBeUndefined()
  })

  it('the newest owner has a port', () => {
    const { flows, a, b, whose } = make()
    learn(flows, a, POOL, 5, false)
    expect(whose(5)).toBe('this')
    learn(flows, b, POOL, 5, false)
    expect(whose(5)).toBe('other')
    expect([ends(a), ends(b)]).toEqual([[], ['5']])
    learn(flows, a, POOL, 5, true)
    expect([ends(a), ends(b)]).toEqual([['5!'], []])
  })

  it.each([
    ['never seen', -1, 'other'],
    ['seen a moment ago', NOW - 1e9, 'other'],
    ['silent for a minute', NOW - 60e9, 'stale'],
  ])('the port of a connection that was %s', (_name, last, expected) => {
    const { flows, b, whose } = make()
    learn(flows, b, POOL, 5, true)
    b.last = last
    expect(whose(5)).toBe(expected)
    expect(whose(6)).toBeNull()
  })

  it('a map of addresses says it for all ports, and is exact', () => {
    const { flows, a, whose } = make()
    flows.byAddress.set(POOL, A)
    expect([whose(1000), whose(1001)]).toEqual(['this', 'other'])
    expect(belongs(flows, flowOfGuest(flows, 6, B, 1000, TARGET, 80), POOL, 1000, NOW)).toBe('other')
    expect(flowBehind(flows, 6, POOL, 1000, TARGET, 80)).toBe(a)
    learn(flows, a, POOL, 1000, false)
    learnNat(flows, nat(1000, 50))
    expect(ends(a)).toEqual(['1000!', '50!'])
    // A connection that nobody saw so far.
    learnNat(flows, nat(2000, 51))
    expect(flowBehind(flows, 6, UPLINK, 51, TARGET, 80)).toMatchObject({ guest: A, guestPort: 2000 })
  })

  it('a connection has so many ends, the newest ones', () => {
    const { flows, a, whose } = make()
    for (const port of [1, 2, 3, 4, 5, 6]) learn(flows, a, POOL, port, false)
    expect(ends(a)).toEqual(['3', '4', '5', '6'])
    expect([whose(2), whose(3)]).toEqual([null, 'this'])
  })
})
