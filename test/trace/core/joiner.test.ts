/** Sightings become packets: tables of who saw what, and how many packets that was. */
import { describe, expect, it } from 'vitest'
import { parseIpv6 } from '../../../src/addr/ipv6.js'
import { flowBehind, learnRow } from '../../../src/trace/core/flows.js'
import type { OpenPath } from '../../../src/trace/core/open-path.js'
import * as p from '../../xlat/packets.js'
import {
  back4,
  back6,
  four,
  GUESTS,
  MS,
  makeScene,
  PEER,
  POOL,
  PREFIX,
  ROUTER,
  S,
  type Sighting,
  six,
  UPLINK,
} from './sightings.js'

const TAP = 'tap100i0 in'
const BRIDGE = 'vmbr0 in'
const INTO = 'nat64 out'
const FROM = 'nat64 in'
const OUT = 'eno1 out'
const IN = 'eno1 in'
const HOME = 'vmbr0 out'

const data = p.filler(40)
const stamp = (at: number) => [1, 1, 8, 10, ...p.be32(at), 0, 0, 0, 0]
const query = p.udp(1000, 53, data)
/** A packet of a guest on its whole way, masqueraded at the end; `near`: its port behind the masquerade. */
const there = (m: p.Message, near = m, guest = 0): Sighting[] => [
  [`tap10${guest}i0 in`, six(m, GUESTS[guest])],
  [INTO, six(m, GUESTS[guest])],
  [FROM, four(m, POOL[guest])],
  [OUT, four(near, UPLINK)],
]
const WHOLE_WAY = 'tap100i0 nat64 nat64/4 eno1/4'

/** What became of sightings: ways, and for each what else is said of it. */
const CASES: [name: string, sightings: Sighting[], ways: string[], more?: Partial<OpenPath>[]][] = [
  ['a datagram through a masquerade', there(query, p.udp(61000, 53, data)), [WHOLE_WAY], [{ confidence: 'likely' }]],
  ['an echo, whose identifier changes', there(p.echo(128, 7), p.echo(8, 99)).slice(0, 2), ['tap100i0 nat64']],
  [
    'an echo in both families',
    [
      [TAP, six(p.echo(128, 7))],
      [OUT, four(p.echo(8, 99), UPLINK)],
    ],
    ['tap100i0 eno1/4'],
  ],
  [
    'a reply, first seen where its guest is not known',
    [
      [IN, back4(p.udp(53, 61000, data), UPLINK)],
      [INTO, back4(p.udp(53, 1000, data))],
      [FROM, back6(p.udp(53, 1000, data))],
    ],
    ['eno1/4 nat64/4 nat64'],
  ],
  [
    'a frame that a bridge floods',
    [
      [BRIDGE, six(query)],
      ['tap101i0 out', six(query)],
      ['tap102i0 out', six(query)],
      [INTO, six(query)],
    ],
    ['vmbr0 tap101i0 tap102i0 nat64'],
  ],
  [
    'a device that the packet enters and leaves',
    [
      ['vmbr0 in', six(query)],
      ['vmbr0 out', six(query)],
    ],
    ['vmbr0 vmbr0'],
  ],
  [
    'captures that do not tell directions',
    [
      ['tap100i0', six(query)],
      ['nat64', six(query)],
      ['nat64', four(query)],
      ['eno1', four(query)],
    ],
    [WHOLE_WAY],
  ],
  [
    'clocks of CPUs that differ',
    [
      [TAP, six(query), 5000],
      [FROM, four(query), 3000],
      [INTO, six(query), 4000],
      [OUT, four(query), 2000],
    ],
    ['tap100i0 nat64/4 nat64 eno1/4'],
    [{ last: 5000 }],
  ],
  [
    'another packet of the connection',
    [...there(query), ...there(p.udp(1000, 53, p.filler(41)))],
    [WHOLE_WAY, WHOLE_WAY],
    [{ retransmission: false }, { retransmission: false }],
  ],
  [
    'the same datagram sent again',
    [...there(query), ...there(query)],
    [WHOLE_WAY, WHOLE_WAY],
    [{ retransmission: false }, { retransmission: true }],
  ],
  [
    'the same datagram of another guest: nothing is sent again',
    [...there(p.echo(128, 7)).slice(0, 2), ...there(p.echo(128, 8), undefined, 1).slice(0, 2)],
    ['tap100i0 nat64', 'tap101i0 nat64'],
    [{ retransmission: false }, { retransmission: false }],
  ],
]

describe('what was seen', () => {
  it.each(CASES)('%s', (_name, sightings, ways, more = []) => {
    const scene = makeScene()
    scene.see(...sightings)
    expect(scene.ways()).toEqual(ways)
    for (const [i, some] of more.entries()) expect(scene.paths[i]).toMatchObject(some)
    expect(scene.joiner.counts).toEqual({ unmatched: 0, evicted: 0 })
  })

  it.each([
    ['native IPv6', p.ip6(query, { dst: 'fd00::9' })],
    ['IPv4 of somebody else', p.ip4(query, { dst: '192.0.2.99' })],
    ['no IP', Uint8Array.of(0, 1, 2)],
    ['a later fragment of somebody else', p.ip4(query, { dst: '192.0.2.99', from: 16 })],
  ])('%s is nothing', (_name, bytes) => {
    const scene = makeScene()
    expect(scene.see([TAP, bytes])).toEqual([null])
    expect(scene.joiner.open.size).toBe(0)
    expect(scene.joiner.counts.unmatched).toBe(0)
  })
})

describe('packets of TCP', () => {
  const segment = (more = {}, bytes: p.Bytes = data) => p.tcp(1000, 80, bytes, { seq: 5000, ack: 9, ...more })
  const syn = (seq: number, at = 0) => p.tcp(1000, 80, [], { seq, ack: 0, flags: 2, options: stamp(at) })
  const ack = segment({}, [])

  it('that are sent again while the first is on its way', () => {
    const scene = makeScene()
    scene.see([TAP, six(segment())], [INTO, six(segment())], [TAP, six(segment())], [INTO, six(segment())])
    expect(scene.ways()).toEqual(['tap100i0 nat64', 'tap100i0 nat64'])
    expect(scene.paths.map(path => path.retransmission)).toEqual([false, true])
  })

  it('that are sent again when the first has died: the second goes on, not the first', () => {
    const scene = makeScene()
    scene.see([TAP, six(segment())], [BRIDGE, six(segment())])
    scene.see(
      [TAP, six(segment()), 220 * MS],
      [BRIDGE, six(segment())],
      [INTO, six(segment())],
      [FROM, four(segment())],
    )
    expect(scene.ways()).toEqual(['tap100i0 vmbr0', 'tap100i0 vmbr0 nat64 nat64/4'])
  })

  it('that are sent again before anybody knows their port are no guess', () => {
    const scene = makeScene()
    scene.see([TAP, six(syn(7))], [TAP, six(syn(7)), 300 * MS], [INTO, six(syn(7))], [FROM, four(syn(7))])
    expect(scene.ways()).toEqual(['tap100i0', 'tap100i0 nat64 nat64/4'])
    expect(scene.paths[1]?.confidence).toBe('likely')
  })

  it('are told apart by their timestamps, however soon they are sent again', () => {
    const [first, second] = [segment({ options: stamp(1) }), segment({ options: stamp(3) })]
    const scene = makeScene()
    scene.see([TAP, six(first)], [BRIDGE, six(first)])
    scene.see([TAP, six(second), 2 * MS], [BRIDGE, six(second)], [INTO, six(second)], [FROM, four(second)])
    expect(scene.ways()).toEqual(['tap100i0 vmbr0', 'tap100i0 vmbr0 nat64 nat64/4'])
    expect(scene.paths.map(path => path.retransmission)).toEqual([false, true])
  })

  it('acknowledgements that are equal keep their order', () => {
    const scene = makeScene()
    const at = (place: string) => scene.see(...[0, 1, 2].map((): Sighting => [place, six(ack)]))
    const first = at(TAP)
    expect(new Set(first).size).toBe(3)
    expect(at(BRIDGE)).toEqual(first)
    expect(at(INTO)).toEqual(first)
    expect(first.map(path => path?.retransmission)).toEqual([false, false, false])
  })

  it.each([
    ['a new connection from the same port', [syn(9000), segment({ seq: 9001 }), syn(100, 1)], [false, false, false]],
    ['a SYN sent again', [syn(9000), syn(9000, 1000)], [false, true]],
    ['data after sequence numbers went round', [segment({ seq: 0xfffffff0 }), segment({ seq: 24 })], [false, false]],
    ['part of what was sent', [segment(), segment({ seq: 5010 }, data.slice(10))], [false, true]],
    ['more than was sent', [segment(), segment({}, p.filler(80))], [false, false]],
    ['keep-alives', [segment(), segment({ seq: 5039 }, [])], [false, false]],
  ])('%s', (_name, messages, again) => {
    const scene = makeScene()
    scene.see(...messages.map((m): Sighting => [TAP, six(m)]))
    expect(scene.paths.map(path => path.retransmission)).toEqual(again)
  })
})

describe('segments and super-packets', () => {
  const part = (from: number, to: number, port = 1000) =>
    p.tcp(port, 80, p.filler(9000).slice(from, to), { seq: 7000 + from, ack: 9 })
  const at = (place: string, ...ranges: [number, number][]) =>
    ranges.map(
      ([from, to]): Sighting => [place, place === OUT ? four(part(from, to, 61000), UPLINK) : six(part(from, to))],
    )
  /** Bytes of each path that were seen at each hop. */
  const seen = (paths: readonly OpenPath[]) => paths.map(path => path.hops.map(h => h.payload))

  it.each<[name: string, sightings: Sighting[], ways: string[], bytes: number[][]]>([
    [
      'a super-packet that is cut',
      [...at(TAP, [0, 3000]), ...at(OUT, [0, 1000], [1000, 2000], [2000, 3000])],
      ['tap100i0 eno1/4*3'],
      [[3000, 3000]],
    ],
    [
      'a super-packet of which one segment is lost',
      [...at(TAP, [0, 3000]), ...at(OUT, [0, 1000], [2000, 3000])],
      ['tap100i0 eno1/4*2'],
      [[3000, 2000]],
    ],
    [
      'a super-packet of which the first segment is lost',
      [...at(TAP, [0, 3000]), ...at(OUT, [1000, 2000], [2000, 3000])],
      ['tap100i0 eno1/4*2'],
      [[3000, 2000]],
    ],
    [
      'segments that are joined',
      [...at(TAP, [0, 1000], [1000, 2000], [2000, 3000]), ...at(OUT, [0, 3000])],
      ['tap100i0 eno1/4', 'tap100i0 eno1/4', 'tap100i0 eno1/4'],
      [
        [1000, 1000],
        [1000, 1000],
        [1000, 1000],
      ],
    ],
    [
      'segments of which the middle one is lost before the others are joined',
      [...at(TAP, [0, 1000], [1000, 2000], [2000, 3000]), ...at(OUT, [0, 1000], [2000, 3000])],
      ['tap100i0 eno1/4', 'tap100i0', 'tap100i0 eno1/4'],
      [[1000, 1000], [1000], [1000, 1000]],
    ],
    [
      'super-packets that are joined and cut elsewhere',
      [...at(TAP, [0, 2000], [2000, 4000]), ...at(OUT, [0, 3000], [3000, 4000])],
      ['tap100i0 eno1/4', 'tap100i0 eno1/4*2'],
      [
        [2000, 2000],
        [2000, 2000],
      ],
    ],
    [
      'a super-packet that begins in the middle of one',
      [...at(TAP, [0, 2000], [2000, 4000]), ...at(OUT, [0, 1000], [1000, 4000])],
      ['tap100i0 eno1/4*2', 'tap100i0 eno1/4'],
      [
        [2000, 2000],
        [2000, 2000],
      ],
    ],
    [
      'super-packets that are cut, joined and cut again',
      [
        ...at(TAP, [0, 3000]),
        ...at(INTO, [0, 1000], [1000, 2000], [2000, 3000]),
        ...at(FROM, [0, 3000]),
        ...at(OUT, [0, 1500], [1500, 3000]),
      ],
      ['tap100i0 nat64*3 nat64 eno1/4*2'],
      [[3000, 3000, 3000, 3000]],
    ],
    [
      'a segment that is sent again',
      [
        ...at(TAP, [0, 3000]),
        ...at(OUT, [0, 1000], [1000, 2000], [2000, 3000]),
        ...at(TAP, [0, 1000]),
        ...at(OUT, [0, 1000]),
      ],
      ['tap100i0 eno1/4*3', 'tap100i0 eno1/4'],
      [
        [3000, 3000],
        [1000, 1000],
      ],
    ],
  ])('%s', (_name, sightings, ways, bytes) => {
    const scene = makeScene()
    scene.see(...sightings)
    expect(scene.ways()).toEqual(ways)
    expect(seen(scene.paths)).toEqual(bytes)
  })
})

describe('fragments', () => {
  const big = p.udp(1000, 53, p.filler(3000))
  const CUT = 1448
  const pieces6 = (id: number, guest: string = GUESTS[0], ext: (typeof p.destination)[] = []) => [
    six(big, guest, { ext: [p.fragment(id, 0, true), ...ext], to: CUT }),
    six(big, guest, { ext: [p.fragment(id, CUT, true), ...ext], from: CUT, to: 2 * CUT }),
    six(big, guest, { ext: [p.fragment(id, 2 * CUT), ...ext], from: 2 * CUT }),
  ]
  const pieces4 = (id: number, near: string = POOL[0]) => [
    four(big, near, { id, mf: true, to: 1480 }),
    four(big, near, { id, from: 1480 }),
  ]
  const at = (place: string, pieces: Uint8Array[], order: number[] = [0, 1, 2]) =>
    order.map((i): Sighting => [place, pieces[i] as Uint8Array])

  it.each<[name: string, sightings: Sighting[], ways: string[]]>([
    ['on every hop', [...at(TAP, pieces6(7)), ...at(BRIDGE, pieces6(7))], ['tap100i0*3 vmbr0*3']],
    [
      'put together and cut anew by br_netfilter',
      [...at(TAP, pieces6(7)), ['fwbr100i0 in', six(big)], ...at('fwln100i0 out', pieces6(8)), ...at(INTO, pieces6(9))],
      ['tap100i0*3 fwbr100i0 fwln100i0*3 nat64*3'],
    ],
    ['translated', [...at(INTO, pieces6(7)), ...at(FROM, pieces4(7), [0, 1])], ['nat64*3 nat64/4*2']],
    ['of a packet that came whole', [[TAP, six(big)], ...at(OUT, pieces4(3), [0, 1])], ['tap100i0 eno1/4*2']],
    ['the last one first', at(TAP, pieces6(7), [2, 1, 0]), ['tap100i0*3']],
    ['the first one in between', at(TAP, pieces6(7), [1, 0, 2]), ['tap100i0*3']],
    [
      'the last one first, on every hop',
      [...at(TAP, pieces6(7), [2, 1, 0]), ...at(BRIDGE, pieces6(7), [1, 2, 0]), ...at(OUT, pieces4(7), [1, 0])],
      ['tap100i0*3 vmbr0*3 eno1/4*2'],
    ],
    ['one is lost', [...at(TAP, pieces6(7)), ...at(BRIDGE, pieces6(7), [0, 2])], ['tap100i0*3 vmbr0*2']],
    [
      'with extension headers behind the Fragment header',
      at(TAP, pieces6(7, GUESTS[0], [p.destination])),
      ['tap100i0*3'],
    ],
    [
      'of two guests with one identification',
      [...at(BRIDGE, pieces6(7)), ...at(BRIDGE, pieces6(7, GUESTS[1]))],
      ['vmbr0*3', 'vmbr0*3'],
    ],
    [
      'of a datagram that is sent again with another identification',
      [...at(TAP, pieces6(7)), ...at(TAP, pieces6(8))],
      ['tap100i0*3', 'tap100i0*3'],
    ],
  ])('%s', (_name, sightings, ways) => {
    const scene = makeScene()
    scene.see(...sightings)
    expect(scene.ways()).toEqual(ways)
    for (const path of scene.paths) expect(path).toMatchObject({ payload: 3000, confidence: 'likely' })
    expect(scene.joiner.counts.unmatched).toBe(0)
  })

  it('of a packet that is settled belong to a new one with the same identification', () => {
    const scene = makeScene()
    scene.see(...at(TAP, pieces6(7)))
    scene.joiner.close(scene.paths[0] as OpenPath)
    scene.see(...at(TAP, pieces6(7), [1, 0, 2]))
    expect(scene.ways()).toEqual(['tap100i0*3', 'tap100i0*3'])
  })

  it('an echo in fragments', () => {
    const ping = p.echo(128, 7, p.filler(2000))
    const ext = (offset: number, more: boolean) => [p.fragment(5, offset, more)]
    const scene = makeScene()
    scene.see(
      [TAP, six(ping, GUESTS[0], { ext: ext(0, true), to: CUT })],
      [TAP, six(ping, GUESTS[0], { ext: ext(CUT, false), from: CUT })],
      [BRIDGE, six(ping)],
      [OUT, four(p.echo(8, 99, p.filler(2000)), UPLINK, { id: 5, mf: true, to: 1480 })],
      [OUT, four(p.echo(8, 99, p.filler(2000)), UPLINK, { id: 5, from: 1480 })],
    )
    expect(scene.ways()).toEqual(['tap100i0*2 vmbr0 eno1/4*2'])
    expect(scene.paths[0]?.hops.map(h => h.payload)).toEqual([2000, 2000, 2000])
  })

  it('whose first never comes are given up', () => {
    const scene = makeScene({ open: 10, fragments: 4 })
    const given: number[] = []
    let ticket = 0
    scene.joiner.onGivenUp = t => given.push(t)
    const frames = [1, 2, 3, 4, 5, 6].map(id => pieces6(id)[1] as Uint8Array)
    for (const [i, bytes] of frames.entries()) {
      const frame = {
        time: i,
        tap: 0,
        direction: 'in',
        bytes,
        start: 0,
        ip: 0,
        end: bytes.length,
        length: bytes.length,
        vlan: 0,
      } as const
      expect(scene.joiner.see(frame, () => ticket++)).toBeNull()
    }
    expect(scene.joiner.counts.unmatched).toBe(2)
    scene.joiner.expire(4)
    expect(scene.joiner.counts.unmatched).toBe(4)
    scene.joiner.expire(100)
    expect(given).toEqual([0, 1, 2, 3, 4, 5])
  })
})

describe('guests that send the same at the same moment', () => {
  const ping = (id: number) => p.echo(128, id, data, 1)
  const pong = (id: number) => p.echo(8, id, data, 1)
  const ids = [11, 12, 13, 14]
  const from = (i: number): Sighting => [`tap10${i}i0 in`, six(ping(ids[i] as number), GUESTS[i])]
  /** Behind the translator: identifiers are its own. */
  const behind = (i: number): Sighting => [FROM, four(pong(500 + i))]
  const far = (i: number): Sighting => [OUT, four(pong(900 + i), UPLINK)]
  const all = [0, 1, 2, 3]
  const wayOf = (i: number) => `tap10${i}i0 nat64/4 eno1/4`
  const learn = (scene: ReturnType<typeof makeScene>, owners: number[]) => {
    for (const [i, owner] of owners.entries()) {
      learnRow(scene.joiner.flows, {
        protocol: 1,
        guest: parseIpv6(GUESTS[owner] as string)!,
        guestPort: ids[owner] as number,
        target4: p.v4(PEER),
        targetPort: 0,
        near4: [{ address: p.v4(POOL[0]), port: 500 + i }],
      })
    }
  }

  it('are put together in their order, and called a guess', () => {
    const scene = makeScene()
    scene.see(...all.map(from), ...all.map(behind), ...all.map(far))
    expect(scene.ways()).toEqual(all.map(wayOf))
    expect(scene.paths.map(path => path.confidence)).toEqual(['guess', 'guess', 'guess', 'guess'])
    // A guess teaches nothing.
    expect(scene.joiner.flows.byFour.size).toBe(0)
  })

  it('are told apart by a table, in whatever order they come', () => {
    const scene = makeScene()
    learn(scene, [2, 0, 3, 1])
    scene.see(...all.map(from), behind(3), behind(0), behind(2), behind(1))
    expect(scene.paths.map(path => path.hops[1]?.sourcePort)).toEqual([501, 503, 500, 502])
    expect(scene.paths.map(path => path.confidence)).toEqual(['likely', 'likely', 'likely', 'likely'])
  })

  it('are told apart by what was learnt from other packets of theirs', () => {
    const scene = makeScene()
    for (const i of all) {
      const size = p.filler(50 + i)
      scene.see(
        [`tap10${i}i0 in`, six(p.echo(128, ids[i]!, size, 9), GUESTS[i])],
        [FROM, four(p.echo(8, 500 + i, size, 9))],
      )
    }
    scene.see(...all.map(from), behind(2), behind(3), behind(1), behind(0))
    expect(scene.paths.slice(4).map(path => path.hops[1]?.sourcePort)).toEqual([500, 501, 502, 503])
    expect(scene.paths.map(path => path.confidence)).not.toContain('guess')
  })

  it('do not mix where one is known', () => {
    const scene = makeScene()
    learn(scene, [0])
    scene.see(from(0), from(1), behind(1), behind(0))
    expect(scene.ways()).toEqual(['tap100i0 nat64/4', 'tap101i0 nat64/4'])
    expect(scene.paths.map(path => path.hops[1]?.sourcePort)).toEqual([500, 501])
  })

  it('a sighting of a known connection is no other guest’s', () => {
    const scene = makeScene()
    scene.see([TAP, six(p.echo(128, 11, data, 3), GUESTS[0])], [FROM, four(p.echo(8, 500, data, 3))])
    // Its IPv6 half was not captured this time.
    scene.see(from(1), behind(0))
    expect(scene.ways()).toEqual(['tap100i0 nat64/4', 'tap101i0', 'nat64/4'])
  })

  it('replies go to the guest that is behind the port', () => {
    const scene = makeScene()
    learn(scene, all)
    const reply = (i: number): Sighting => [INTO, back4(p.echo(0, 500 + i, data, 1))]
    const home = (i: number): Sighting => [HOME, back6(p.echo(129, ids[i]!, data, 1), GUESTS[i])]
    scene.see(reply(0), reply(1), reply(2), home(2), home(1), home(0))
    expect(scene.paths.map(path => path.hops.map(h => h.destinationPort))).toEqual([
      [500, 11],
      [501, 12],
      [502, 13],
    ])
    expect(scene.paths.every(path => path.confidence === 'likely')).toBe(true)
  })
})

describe('a port that another guest gets later', () => {
  const query2 = p.udp(2000, 53, p.filler(44))
  const first: Sighting[] = [
    [TAP, six(query)],
    [FROM, four(p.udp(1024, 53, data))],
  ]
  const second = (time: number): Sighting[] => [
    ['tap101i0 in', six(query2, GUESTS[1]), time],
    [FROM, four(p.udp(1024, 53, p.filler(44)))],
  ]

  it('is the other guest’s when the first has been silent', () => {
    const scene = makeScene()
    scene.see(...first)
    scene.joiner.close(scene.paths[0] as OpenPath)
    scene.see(...second(60 * S))
    expect(scene.ways()).toEqual(['tap100i0 nat64/4', 'tap101i0 nat64/4'])
    // So it is with the reply, which the port alone gives to a guest.
    const [reply] = scene.see([INTO, back4(p.udp(53, 1024, data))], [HOME, back6(p.udp(53, 2000, data), GUESTS[1])])
    expect(scene.ways()[2]).toBe('nat64/4 vmbr0')
    expect(reply?.flow?.guestPort).toBe(2000)
    expect(scene.paths[0]?.flow?.near4).toEqual([])
  })

  it('is so in a reply that is seen first', () => {
    const scene = makeScene()
    scene.see(...first)
    scene.see([INTO, back4(p.udp(53, 1024, data)), 60 * S], [HOME, back6(p.udp(53, 2000, data), GUESTS[1])])
    expect(scene.ways()).toEqual(['tap100i0 nat64/4', 'nat64/4 vmbr0'])
    expect(scene.paths[1]?.flow?.guestPort).toBe(2000)
  })

  it('is the first guest’s while that one speaks', () => {
    const scene = makeScene()
    scene.see(...first, ...second(1 * S))
    expect(scene.ways()).toEqual(['tap100i0 nat64/4', 'tap101i0', 'nat64/4'])
  })
})

describe('ICMP errors', () => {
  const asked = p.udp(1000, 53, data)
  const unreachable = (type: number, code: number, about: Uint8Array) => p.icmp(type, code, [0, 0, 0, 0], about)

  it.each([
    ['quotes all', 200],
    ['quotes eight bytes', 28],
  ])('of a router that %s follow the way back', (_name, quoted) => {
    const scene = makeScene()
    scene.see(...there(asked, p.udp(61000, 53, data)))
    const cut4 = (near: string, port: number) => four(p.udp(port, 53, data), near).slice(0, quoted)
    scene.see(
      [IN, p.ip4(unreachable(3, 3, cut4(UPLINK, 61000)), { src: ROUTER, dst: UPLINK })],
      [INTO, p.ip4(unreachable(3, 3, cut4(POOL[0], 1000)), { src: ROUTER, dst: POOL[0] })],
      [FROM, p.ip6(unreachable(1, 4, six(asked).slice(0, quoted + 20)), { src: `${PREFIX}${ROUTER}`, dst: GUESTS[0] })],
      [HOME, p.ip6(unreachable(1, 4, six(asked).slice(0, quoted + 20)), { src: `${PREFIX}${ROUTER}`, dst: GUESTS[0] })],
    )
    expect(scene.ways()).toEqual([WHOLE_WAY, 'eno1/4 nat64/4 nat64 vmbr0'])
    const [request, error] = scene.paths
    expect(error).toMatchObject({ quote: request?.quote, confidence: 'likely', protocol: 17, retransmission: false })
    expect(error?.flow).toBe(request?.flow)
    expect(error?.error).toMatchObject({ type: 3, code: 3, family: 4, from: [p.v4(ROUTER), 0, 0, 0] })
  })

  it('that are the first of their connection to be seen belong to it once they are translated', () => {
    const scene = makeScene()
    scene.see(
      [INTO, p.ip4(unreachable(3, 4, four(asked)), { src: ROUTER, dst: POOL[0] })],
      [FROM, p.ip6(unreachable(2, 0, six(asked)), { src: `${PREFIX}${ROUTER}`, dst: GUESTS[0] })],
    )
    expect(scene.ways()).toEqual(['nat64/4 nat64'])
    expect(scene.paths[0]?.flow).toMatchObject({ guestPort: 1000, guest: p.v6(GUESTS[0]) })
    // Who wrote the error says nothing of the addresses of the connection.
    expect(scene.joiner.flows.byFour.size).toBe(0)
  })

  it('about two packets of a connection are two', () => {
    const scene = makeScene()
    const error = (m: p.Message) => p.ip6(unreachable(1, 4, six(m)), { src: `${PREFIX}${ROUTER}`, dst: GUESTS[0] })
    scene.see([FROM, error(asked)], [FROM, error(p.udp(1000, 53, p.filler(9)))], [HOME, error(asked)])
    expect(scene.ways()).toEqual(['nat64 vmbr0', 'nat64'])
  })

  it('of other senders, or about packets with other near ends, are others', () => {
    const scene = makeScene()
    const error = (from: string, id: number) =>
      p.ip6(p.icmp(3, 0, [0, 0, 0, 0], six(p.echo(128, id, data, 1))), { src: from, dst: GUESTS[0] })
    scene.see([HOME, error('fd00::ff', 7)], [FROM, error(`${PREFIX}${ROUTER}`, 7)], [FROM, error('fd00::ff', 8)])
    scene.see([FROM, error('fd00::ff', 7)])
    expect(scene.ways()).toEqual(['vmbr0 nat64', 'nat64', 'nat64'])
  })

  it('of a guest about a reply go the way of a request', () => {
    const scene = makeScene()
    const reply = p.udp(53, 1000, data)
    scene.see([INTO, back4(reply)], [HOME, back6(reply)])
    scene.see([TAP, six(unreachable(1, 4, back6(reply)))], [FROM, four(unreachable(3, 3, back4(reply)))])
    expect(scene.ways()).toEqual(['nat64/4 vmbr0', 'tap100i0 nat64/4'])
    expect(scene.paths[1]).toMatchObject({ quote: scene.paths[0]?.quote, flow: scene.paths[0]?.flow })
  })

  it('about an echo have its sequence number', () => {
    const scene = makeScene()
    scene.see([FROM, p.ip6(unreachable(1, 0, six(p.echo(128, 7, data, 42))), { src: 'fd00::ff', dst: GUESTS[0] })])
    expect(scene.paths[0]).toMatchObject({ sequence: 42, protocol: 1 })
  })
})

describe('a guest that speaks to another one through the translator', () => {
  // PEER is the other guest's address in IPv4.
  it('is one packet until it is translated back', () => {
    const scene = makeScene()
    const turned = p.ip6(query, { src: `${PREFIX}${POOL[0]}`, dst: GUESTS[1] })
    scene.see(
      [TAP, six(query)],
      [INTO, six(query)],
      [FROM, four(query)],
      [INTO, four(query)],
      [FROM, turned],
      [HOME, turned],
    )
    expect(scene.ways()).toEqual(['tap100i0 nat64 nat64/4 nat64/4', 'nat64 vmbr0'])
    expect(scene.paths.map(path => path.way)).toEqual([0, 1])
  })
})

describe('bounds', () => {
  it('gives up the packet that has been open longest', () => {
    const scene = makeScene({ open: 3, fragments: 8 })
    const send = (i: number): Sighting => [TAP, six(p.echo(128, 7, data, i))]
    scene.see(...[1, 2, 3, 4, 5].map(send))
    expect(scene.joiner.evicted.map(path => path.sequence)).toEqual([1, 2])
    expect(scene.joiner.evicted.every(path => path.closed)).toBe(true)
    expect([...scene.joiner.open.values()].map(path => path.sequence)).toEqual([3, 4, 5])
    expect(scene.joiner.counts.evicted).toBe(2)
    // What comes of it later is another packet.
    scene.see([INTO, six(p.echo(128, 7, data, 1))])
    expect(scene.paths).toHaveLength(6)
  })

  it('remembers so many connections, the ends of these alone, and rather those in use', () => {
    const scene = makeScene()
    const { flows } = scene.joiner
    const row = { protocol: 17, guest: p.v6(GUESTS[0]), target4: p.v4(PEER), targetPort: 53 }
    const busy = { ...row, guestPort: 0, near4: [{ address: 1, port: 0 }] }
    for (let i = 0; i < 70_000; i++) {
      learnRow(flows, { ...row, guestPort: i & 0xffff, target4: i >>> 16, near4: [{ address: 1, port: i & 0xffff }] })
      if (i % 10_000 === 0) learnRow(flows, busy)
    }
    expect(flows.made).toBe(70_001)
    expect(flows.bySix.size).toBe(65_536)
    expect(flows.byFour.size).toBe(65_536)
    expect(flowBehind(flows, 17, 1, 0, p.v4(PEER), 53)?.id).toBe(2)
    expect(flowBehind(flows, 17, 1, 0, 0, 53)).toBeUndefined()
  })
})
