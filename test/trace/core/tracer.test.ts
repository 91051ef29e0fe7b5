/** The core as a whole on a recorded host: exchanges, waiting, losses, what is wanted, and who is certain. */
import { describe, expect, it } from 'vitest'
import type { Facts, LinkFact } from '../../../src/facts/facts.js'
import { EVERYTHING, type Wanted } from '../../../src/trace/core/target.js'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { makeTracer, type Tracer, type TracerOptions } from '../../../src/trace/core/tracer.js'
import { changed, tayga } from '../../doctor/hosts.js'
import * as p from '../../xlat/packets.js'
import { address4 } from '../../xlat/translating.js'
import {
  back6,
  four,
  frameOf,
  GUESTS,
  MS,
  makePlaces,
  PEER,
  POOL,
  PREFIX,
  ROUTER,
  reply,
  request,
  S,
  type Sighting,
  six,
  UPLINK,
  US,
} from './sightings.js'

const HOST = tayga()
/** The same host with a second guest. */
const TWO_GUESTS = changed(HOST, 'links', links => [
  ...links,
  ...links.filter(l => /100[ip]0$/.test(l.name)).map((l, i) => secondOf(l, 100 + i)),
])

function secondOf(link: LinkFact, index: number): LinkFact {
  const named = (name: string | null) => name?.replace('100', '101') ?? null
  return { ...link, index, name: named(link.name) as string, master: named(link.master), peer: named(link.peer) }
}

interface Trace {
  readonly tracer: Tracer
  readonly paths: TracedPath[]
  see(...sightings: Sighting[]): Trace
  /** Time goes by. */
  until(time: number): Trace
  /** Way and kind of verdict of each path, in the order in which they were first seen. */
  told(): string[]
}

const byId = (paths: readonly TracedPath[]) => [...paths].sort((a, b) => a.id - b.id)

function makeTrace(facts: Facts = HOST, wanted: Partial<Wanted> = {}, more: Partial<TracerOptions> = {}): Trace {
  const paths: TracedPath[] = []
  const tracer = makeTracer(facts, { wanted: { ...EVERYTHING, ...wanted }, onPath: path => paths.push(path), ...more })
  const places = makePlaces(tap => tracer.addTap(tap))
  let now = 0
  const trace: Trace = {
    tracer,
    paths,
    see(...sightings) {
      for (const [place, bytes, time = now + 10 * US] of sightings) {
        now = time
        const [name, direction] = place.split(' ') as [string, 'in' | 'out']
        tracer.see(frameOf(places.tapOf(name), direction, bytes, time))
      }
      return trace
    },
    until(time) {
      now = time
      tracer.advance(time)
      return trace
    },
    told: () => byId(paths).map(path => `${path.way} ${path.verdict.kind}`),
  }
  return trace
}

const data = p.filler(40)
const ping = (seq = 1, id = 7) => p.echo(128, id, data, seq)
const pinged = (seq = 1, id = 7) => ({ between: p.echo(8, id, data, seq) })
const pong = (seq = 1, id = 7) => p.echo(129, id, data, seq)
const ponged = (seq = 1, id = 7) => ({ between: p.echo(0, id, data, seq) })
const query = (length = 40, port = 1000) => p.udp(port, 53, p.filler(length))
const answer = (length = 60, port = 1000) => p.udp(53, port, p.filler(length))
const syn = (seq = 100, port = 1000) => p.tcp(port, 80, [], { flags: 2, seq, ack: 0 })
const synAck = (ack = 101, port = 1000) => p.tcp(80, port, [], { flags: 0x12, seq: 5000 + ack, ack })
const rst = (ack = 101) => p.tcp(80, 1000, [], { flags: 0x14, seq: 0, ack })
const segment = (seq: number) => p.tcp(1000, 80, data, { seq, ack: 1, flags: 0x18 })
const unreachable = (m: p.Message, guest = 0, from = ROUTER): Sighting => [
  'nat64 in',
  p.ip6(p.icmp(1, 4, [0, 0, 0, 0], six(m, GUESTS[guest])), { src: `${PREFIX}${from}`, dst: GUESTS[guest] as string }),
]
/** 8 hops, 10 us apart. */
const TOOK = 70 * US

describe('requests and what answers them', () => {
  it.each<[string, Sighting[], string[], (number | null)[]]>([
    [
      'an echo and its reply',
      [...request(ping(), { at: 0, ...pinged() }), ...reply(pong(), { at: 5 * MS, ...ponged() })],
      ['request delivered', 'reply delivered'],
      [null, 5 * MS + TOOK],
    ],
    ['an echo and no reply', [...request(ping(), { at: 0, ...pinged() })], ['request unanswered'], [null]],
    [
      'an echo and the reply to another one',
      [
        ...request(ping(1), { at: 0, ...pinged(1) }),
        ...request(ping(2), { at: 1 * MS, ...pinged(2) }),
        ...reply(pong(2), { at: 5 * MS, ...ponged(2) }),
      ],
      ['request unanswered', 'request delivered', 'reply delivered'],
      [null, null, 4 * MS + TOOK],
    ],
    [
      'a SYN and its answer',
      [...request(syn(), { at: 0 }), ...reply(synAck(), { at: 3 * MS })],
      ['request delivered', 'reply delivered'],
      [null, 3 * MS + TOOK],
    ],
    [
      'a SYN and a RST',
      [...request(syn(), { at: 0 }), ...reply(rst(), { at: 3 * MS })],
      ['request delivered', 'reply delivered'],
      [null, null],
    ],
    ['a SYN that nothing answers', [...request(syn(), { at: 0 })], ['request unanswered'], [null]],
    [
      'a SYN that is sent again: nobody knows which one is answered',
      [...request(syn(), { at: 0 }), ...request(syn(), { at: 300 * MS }), ...reply(synAck(), { at: 303 * MS })],
      ['request delivered', 'request delivered', 'reply delivered'],
      [null, null, null],
    ],
    [
      'an answer that is sent again counts once',
      [...request(syn(), { at: 0 }), ...reply(synAck(), { at: 3 * MS }), ...reply(synAck(), { at: 900 * MS })],
      ['request delivered', 'reply delivered', 'reply delivered'],
      [null, 3 * MS + TOOK, null],
    ],
    [
      'a new connection from the same port has a time of its own',
      [
        ...request(syn(100), { at: 0 }),
        ...reply(synAck(101), { at: 3 * MS }),
        ...request(syn(9000), { at: 20 * S }),
        ...reply(synAck(9001), { at: 20 * S + 4 * MS }),
      ],
      ['request delivered', 'reply delivered', 'request delivered', 'reply delivered'],
      [null, 3 * MS + TOOK, null, 4 * MS + TOOK],
    ],
    [
      'a new connection from the same port is not answered by the one before',
      [...request(syn(100), { at: 0 }), ...reply(synAck(101), { at: 3 * MS }), ...request(syn(9000), { at: 20 * S })],
      ['request delivered', 'reply delivered', 'request unanswered'],
      [null, 3 * MS + TOOK, null],
    ],
    ['data of TCP is not waited for', [...request(segment(5), { at: 0 })], ['request delivered'], [null]],
    [
      'the answer of a guest to a connection from outside is not waited for',
      [
        ...reply(p.tcp(80, 1000, [], { flags: 2, seq: 1 }), { at: 0 }),
        ...request(p.tcp(1000, 80, [], { flags: 0x12, seq: 9, ack: 2 }), { at: MS }),
      ],
      ['reply delivered', 'request delivered'],
      [null, null],
    ],
    [
      'a datagram and its answer',
      [...request(query(), { at: 0 }), ...reply(answer(), { at: 3 * MS })],
      ['request delivered', 'reply delivered'],
      [null, 3 * MS + TOOK],
    ],
    [
      'two datagrams before the first answer: nobody knows which one is answered',
      [...request(query(40), { at: 0 }), ...request(query(41), { at: MS }), ...reply(answer(), { at: 3 * MS })],
      ['request delivered', 'request delivered', 'reply delivered'],
      [null, null, null],
    ],
    [
      'datagrams where nothing ever comes back',
      [...request(query(40), { at: 0 }), ...request(query(41), { at: S })],
      ['request unanswered', 'request unanswered'],
      [null, null],
    ],
    [
      'datagrams where something once came back',
      [...request(query(40), { at: 0 }), ...reply(answer(), { at: 3 * MS }), ...request(query(41), { at: 10 * S })],
      ['request delivered', 'reply delivered', 'request delivered'],
      [null, 3 * MS + TOOK, null],
    ],
    [
      'an error is an answer, and no round trip',
      [...request(query(), { at: 0 }), [...unreachable(query()), 3 * MS] as unknown as Sighting],
      ['request answered', 'reply died'],
      [null, null],
    ],
    [
      'an error of the target itself: the packet got there',
      [...request(query(), { at: 0 }), [...unreachable(query(), 0, PEER), 3 * MS] as unknown as Sighting],
      ['request delivered', 'reply died'],
      [null, null],
    ],
    [
      'an error about an echo is its answer alone',
      [
        ...request(ping(1), { at: 0, ...pinged(1) }),
        ...request(ping(2), { at: MS, ...pinged(2) }),
        [...unreachable(ping(2)), 3 * MS] as unknown as Sighting,
      ],
      ['request unanswered', 'request answered', 'reply died'],
      [null, null, null],
    ],
  ])('%s', (_name, sightings, told, rtts) => {
    const trace = makeTrace()
    for (const s of sightings) {
      if (s[2] !== undefined) trace.until(s[2])
      trace.see(s)
    }
    trace.until(100 * S)
    expect(trace.told()).toEqual(told)
    expect(byId(trace.paths).map(path => path.rtt)).toEqual(rtts)
    expect(trace.tracer.summary().rtt.count).toBe(rtts.filter(r => r !== null).length)
  })

  it('says where a request left that is not answered', () => {
    const [path] = makeTrace()
      .see(...request(ping(), pinged()))
      .until(10 * S).paths
    expect(path?.verdict.text).toBe('left by eno1 from 198.51.100.2; no reply in 2 s')
    expect(path).toMatchObject({ masqueraded: UPLINK, guest: '100', nic: 'tap100i0', translatedAt: 6 })
  })

  it('a packet that died was answered by the error about it, of its own connection', () => {
    const trace = makeTrace(TWO_GUESTS)
    trace.see(...request(query(), { at: 0, upTo: 6 }), unreachable(query()))
    trace.see(...request(query(), { at: 50 * MS, upTo: 6, guest: 1 }))
    trace.until(10 * S)
    expect(trace.told()).toEqual(['request answered', 'reply died', 'request died'])
    expect(trace.paths[0]?.verdict.text).toContain('answered by 203.0.113.254 with ICMP port unreachable')
  })

  it('says who answered a packet that left, and what with', () => {
    const error = p.ip4(p.icmp(3, 4, [0, 0, 1300 >> 8, 1300 & 255], four(query(), UPLINK)), {
      src: ROUTER,
      dst: UPLINK,
    })
    const trace = makeTrace().see(...request(query(), { at: 0 }), ['eno1 in', error, 5 * MS])
    trace.until(10 * S)
    expect(trace.paths[0]?.verdict).toMatchObject({
      kind: 'answered',
      text: `left by eno1; answered by ${ROUTER} with ICMP packet too big (MTU 1300)`,
      killer: ROUTER,
    })
    expect(trace.paths[1]?.what).toBe('ICMP packet too big (MTU 1300) about UDP 1000 > 53')
  })

  it('an error does not answer what is sent after it', () => {
    const trace = makeTrace()
    trace.see(...request(query(), { at: 0, upTo: 6 }), unreachable(query())).until(5 * S)
    trace.see(...request(query(), { at: 5 * S, upTo: 6 })).until(10 * S)
    expect(trace.told()).toEqual(['request answered', 'reply died', 'request died'])
  })
})

describe('waiting', () => {
  const arrived = request(segment(5), { at: 0 })
  const died = request(segment(5), { at: 0, upTo: 4 })
  it.each<[string, Sighting[], number, number]>([
    ['a packet that has arrived is told soon', arrived, TOOK + 20 * MS, 1],
    ['but not at once', arrived, TOOK + 19 * MS, 0],
    ['a packet that is not seen any more is told later', died, 30 * US + S, 1],
    ['but not before', died, 30 * US + S - 1, 0],
    ['a request that is not answered yet', request(ping(), { at: 0, ...pinged() }), TOOK + 2 * S - 1, 0],
    ['a request that is not answered', request(ping(), { at: 0, ...pinged() }), TOOK + 2 * S, 1],
  ])('%s', (_name, sightings, until, told) => {
    // Once to settle it, once to see whether it still waits.
    expect(
      makeTrace()
        .see(...sightings)
        .until(Math.min(until, 1.5 * S))
        .until(until).paths,
    ).toHaveLength(told)
  })

  it('an answered request is told when its answer is', () => {
    const trace = makeTrace()
      .see(...request(ping(), { at: 0, ...pinged() }))
      .until(S)
    expect(trace.paths).toHaveLength(0)
    trace.see(...reply(pong(), { at: S, ...ponged() })).until(S + 50 * MS)
    expect(trace.told()).toEqual(['request delivered', 'reply delivered'])
  })

  it('pieces that come after the first one has arrived are counted', () => {
    const big = p.udp(1000, 53, p.filler(2000))
    const pieces = [four(big, UPLINK, { id: 3, mf: true, to: 1480 }), four(big, UPLINK, { id: 3, from: 1480 })] as const
    const trace = makeTrace().see(['tap100i0 in', six(big), 0], ['eno1 out', pieces[0]])
    trace
      .until(10 * MS)
      .see(['eno1 out', pieces[1]])
      .until(10 * S)
    expect(trace.paths[0]?.hops.at(-1)).toMatchObject({ device: 'eno1', pieces: 2 })
  })

  it('more requests than wait are told as they left', () => {
    const trace = makeTrace()
    const [there, out] = [six(ping()), four(p.echo(8, 7, data), UPLINK)]
    for (let i = 0; i < 9_000; i++) {
      there.set(p.be16(i), 46)
      out.set(p.be16(i), 26)
      trace.see(['nat64 out', there], ['eno1 out', out])
    }
    trace.until(1.5 * S)
    const atOnce = trace.paths.length
    expect(new Set(trace.told())).toEqual(new Set(['request delivered']))
    expect(trace.until(5 * S).paths.length).toBe(9_000)
    const unanswered = trace.paths.filter(path => path.verdict.kind === 'unanswered').length
    expect([atOnce > 0, atOnce + unanswered]).toEqual([true, 9_000])
  })
})

describe('a packet of which a part was lost', () => {
  const big = p.udp(1000, 53, p.filler(3000))
  const pieces = (place: string, ...which: number[]): Sighting[] =>
    which.map(i => [
      place,
      six(big, GUESTS[0], {
        ext: [p.fragment(7, i * 1448, i < 2)],
        from: i * 1448,
        to: Math.min((i + 1) * 1448, 3008),
      }),
    ])
  const pieces4 = (place: string, near: string, ...which: number[]): Sighting[] =>
    which.map(i => [place, four(big, near, { id: 9, mf: i === 0, from: i * 1480, to: Math.min((i + 1) * 1480, 3008) })])
  const inside = ['tap100i0 in', 'fwbr100i0 in', 'fwln100i0 out', 'fwpr100p0 in', 'vmbr0 in', 'nat64 out']
  const all = (upTo: number) => inside.slice(0, upTo).flatMap(place => pieces(place, 0, 1, 2))
  const segment = (from: number, to: number) => p.tcp(1000, 80, p.filler(3000).slice(from, to), { seq: from, ack: 1 })
  const uploaded = (...parts: [number, number][]): Sighting[] => [
    ...request(segment(0, 3000), { upTo: 7 }),
    ...parts.map(([from, to]): Sighting => ['eno1 out', four(segment(from, to), UPLINK)]),
  ]

  it.each<[string, Sighting[], string, string]>([
    [
      'fragments that all arrive',
      [...all(6), ...pieces4('nat64 in', POOL[0], 0, 1, 2), ...pieces4('eno1 out', UPLINK, 0, 1, 2)],
      'delivered',
      'left by eno1',
    ],
    [
      'fragments that are put together on the way',
      [...all(1), ['fwbr100i0 in', six(big)], ...pieces('fwln100i0 out', 0, 1, 2), ['eno1 out', four(big, UPLINK)]],
      'delivered',
      'left by eno1',
    ],
    [
      'a fragment that the firewall bridge drops',
      [...all(2), ...pieces('fwln100i0 out', 0, 2), ...pieces('vmbr0 in', 0, 2), ...pieces4('eno1 out', UPLINK, 0, 2)],
      'died',
      'last seen whole on fwbr100i0; 1552 of 3000 bytes reached fwln100i0: lost in FORWARD on fwbr100i0 or POSTROUTING on fwbr100i0',
    ],
    [
      'later fragments that the translator does not send on',
      [...all(6), ...pieces4('nat64 in', POOL[0], 0), ...pieces4('eno1 out', UPLINK, 0)],
      'died',
      'last seen whole on nat64; 1472 of 3000 bytes reached nat64: tayga on nat64 took it and sent a part of it on',
    ],
    [
      'a fragment that one capture alone did not see',
      [...all(3), ...pieces('fwpr100p0 in', 1), ...pieces('vmbr0 in', 0, 1, 2), ['eno1 out', four(big, UPLINK)]],
      'delivered',
      'left by eno1',
    ],
    ['segments that all arrive', uploaded([0, 1000], [1000, 2000], [2000, 3000]), 'delivered', 'left by eno1'],
    [
      'a segment that is lost',
      uploaded([0, 1000], [2000, 3000]),
      'died',
      'last seen whole on nat64; 2000 of 3000 bytes reached eno1: lost in routing or PREROUTING on nat64 or FORWARD on nat64 or POSTROUTING on eno1',
    ],
  ])('%s', (_name, sightings, kind, text) => {
    const trace = makeTrace().see(...sightings)
    const answers: Sighting[] = [...reply(answer()), ...reply(p.tcp(80, 1000, [], { seq: 1, ack: 3000 }))]
    trace.see(...answers).until(10 * S)
    expect(byId(trace.paths)[0]?.verdict).toMatchObject({ kind, text })
  })

  it('is not claimed when the trace ended, or lost packets', () => {
    const lost = [...all(2), ...pieces('fwln100i0 out', 0, 2)]
    const ended = makeTrace().see(...lost)
    ended.tracer.finish()
    const lossy = makeTrace().see(...lost)
    lossy.tracer.noteLoss(0, MS)
    lossy.until(10 * S)
    for (const trace of [ended, lossy]) expect(trace.told()).toEqual(['request incomplete'])
  })
})

describe('the end of a trace', () => {
  const last = (at: number): Sighting => ['eno1 out', p.ip4(query(), { src: UPLINK, dst: '192.0.2.1' }), at]
  it.each<[string, Sighting[], string[]]>([
    ['a packet under way', request(segment(5), { at: 0, upTo: 4 }), ['request incomplete']],
    [
      'a packet that was not seen for a while',
      [...request(segment(5), { at: 0, upTo: 4 }), last(S / 2)],
      ['request died'],
    ],
    ['a packet that has just arrived', request(segment(5), { at: 0 }), ['request delivered']],
    ['a request that has just left', request(ping(), { at: 0, ...pinged() }), ['request delivered']],
    ['a request that left long ago', [...request(ping(), { at: 0, ...pinged() }), last(3 * S)], ['request unanswered']],
  ])('%s', (_name, sightings, told) => {
    const trace = makeTrace().see(...sightings)
    trace.tracer.finish()
    expect(trace.told()).toEqual(told)
    expect(trace.tracer.summary().paths).toBe(told.length)
  })

  it('fragments that still wait belong to nothing', () => {
    const trace = makeTrace().see(['nat64 out', six(query(), GUESTS[0], { ext: [p.fragment(1, 8)], from: 8 })])
    trace.tracer.finish()
    expect(trace.tracer.summary().capture.unmatched).toBe(1)
  })
})

describe('losses of the capture', () => {
  it.each<[string, [number, number], Sighting[], string]>([
    ['while it was under way', [5 * US, 20 * US], request(segment(5), { at: 0, upTo: 4 }), 'request incomplete'],
    ['before it', [-500, -5], request(segment(5), { at: 0, upTo: 4 }), 'request died'],
    ['long after it', [3 * S, 4 * S], request(segment(5), { at: 0, upTo: 4 }), 'request died'],
    ['and it arrived all the same', [5 * US, 20 * US], request(segment(5), { at: 0 }), 'request delivered'],
    ['while an answer was due', [S, 1.1 * S], request(ping(), { at: 0, ...pinged() }), 'request incomplete'],
  ])('%s', (_name, [from, to], sightings, told) => {
    const trace = makeTrace().see(...sightings)
    trace.tracer.noteLoss(from, to)
    trace.until(2 * S).until(10 * S)
    expect(trace.told()).toEqual([told])
    expect(trace.tracer.summary().byVerdict.died).toBe(told === 'request died' ? 1 : 0)
  })

  it('are remembered for the packets of the time, however many there are', () => {
    const trace = makeTrace().see(...request(segment(5), { at: 0, upTo: 4 }))
    for (let i = 0; i < 1000; i++) trace.tracer.noteLoss(i * 900 * US, (i + 1) * 900 * US)
    expect(trace.until(10 * S).told()).toEqual(['request incomplete'])
  })

  it('a packet that was given up for want of room is not called dead', () => {
    const trace = makeTrace(HOST, {}, { mostOpen: 2 })
    for (const seq of [1, 2, 3, 4]) trace.see(...request(segment(seq * 100), { at: seq * MS, upTo: 4 }))
    expect(trace.told()).toEqual(['request incomplete', 'request incomplete'])
    expect(
      trace
        .until(10 * S)
        .told()
        .slice(2),
    ).toEqual(['request died', 'request died'])
    expect(trace.tracer.summary().capture.evicted).toBe(2)
  })
})

describe('what is wanted', () => {
  const all = [
    ...request(ping(), { at: 0, ...pinged() }),
    ...request(query(), { at: MS }),
    ...request(segment(5), { at: 2 * MS, guest: 1 }),
  ]
  it.each<[string, Partial<Wanted>, string[]]>([
    ['everything', {}, ['tcp', 'icmp', 'udp']],
    ['a protocol', { protocols: ['udp'] }, ['udp']],
    ['a port of the target', { ports: [80] }, ['tcp']],
    ['a port of the guest', { ports: [1000] }, ['tcp', 'udp']],
    ['a target', { peers4: [p.v4(PEER)] }, ['tcp', 'icmp', 'udp']],
    ['another target', { peers4: [p.v4(ROUTER)] }, []],
    ['a guest by address', { guests6: [GUESTS[1]] }, ['tcp']],
    ['a guest by id', { guests: ['100'] }, ['icmp', 'udp']],
    ['a guest by device', { nics: ['tap101i0'] }, ['tcp']],
    ['a guest by one or the other', { nics: ['tap101i0'], guests: ['100'] }, ['tcp', 'icmp', 'udp']],
    ['a device', { devices: ['fwln101i0'] }, ['tcp']],
    ['a protocol of a guest', { guests: ['101'], protocols: ['udp'] }, []],
  ])('%s', (_name, wanted, protocols) => {
    const unwanted: number[] = []
    const trace = makeTrace(TWO_GUESTS, wanted, { onUnwanted: t => unwanted.push(t) })
    trace.see(...all).until(10 * S)
    expect(trace.paths.map(path => path.protocol)).toEqual(protocols)
    expect(trace.tracer.summary().paths).toBe(protocols.length)
  })

  it('what the host itself says to the target is none of it', () => {
    const trace = makeTrace(HOST, { peers4: [p.v4(PEER)] })
    trace.see(...request(query(), { at: 0 }))
    trace.see(
      ['eno1 out', four(query(44, 5555), UPLINK)],
      ['eno1 in', p.ip4(answer(60, 5555), { src: PEER, dst: UPLINK })],
    )
    trace.until(10 * S)
    expect(trace.told()).toEqual(['request unanswered'])
    expect(trace.tracer.summary().capture.unmatched).toBe(2)
  })

  it('another host that the translator passes on is', () => {
    // Not seen on IPv6: the capture began too late.
    const trace = makeTrace(HOST, { peers4: [p.v4(PEER)] })
    trace.see(['nat64 in', four(query(44, 5555))], ['eno1 out', four(query(44, 5555), UPLINK)]).until(10 * S)
    expect(trace.told()).toEqual(['request delivered'])
    expect(trace.paths[0]).toMatchObject({ guest6: null, translatedAt: -1 })
  })

  it('far ends are learnt from what guests send', () => {
    const trace = makeTrace()
    trace.see(['eno1 out', four(query(44, 5555), UPLINK)]).see(...request(query(), { at: MS }))
    expect(trace.until(10 * S).told()).toEqual(['request unanswered'])
    // Before the guest's packet nobody knew the target.
    expect(trace.tracer.summary().capture.unmatched).toBe(0)
  })
})

describe('who a packet is of', () => {
  it('a reply that a bridge floods is the guest’s that asked', () => {
    const trace = makeTrace(TWO_GUESTS)
    trace.see(...request(ping(), { at: 0, ...pinged() }))
    const [uplink, node, ...inside] = reply(pong(), { at: MS, ...ponged() })
    const flooded: Sighting[] = ['fwpr101p0 out', 'fwln101i0 in', 'fwbr101i0 in', 'tap101i0 out'].map(place => [
      place,
      back6(pong()),
    ])
    trace.see(uplink as Sighting, node as Sighting, ...inside.slice(0, 2), ...flooded, ...inside.slice(2)).until(10 * S)
    const back = trace.paths.find(path => path.way === 'reply')
    expect(back).toMatchObject({ nic: 'tap100i0', guest: '100', verdict: { kind: 'delivered', lastSeen: 'tap100i0' } })
    expect(back?.hops.filter(h => !h.onWay).map(h => h.device)).toEqual([
      'fwpr101p0',
      'fwln101i0',
      'fwbr101i0',
      'tap101i0',
    ])
  })

  it('a reply that died is the guest’s that asked', () => {
    const trace = makeTrace(TWO_GUESTS)
    trace
      .see(...request(ping(), { at: 0, guest: 1, ...pinged() }))
      .see(...reply(pong(), { at: MS, upTo: 4, guest: 1, ...ponged() }))
    const back = trace.until(10 * S).paths.find(path => path.way === 'reply')
    expect(back).toMatchObject({
      guest: '101',
      verdict: { kind: 'died', lastSeen: 'vmbr0', neverReached: 'fwpr101p0' },
    })
  })

  it('a guest that appears during the trace', () => {
    const trace = makeTrace()
    trace.see(...request(query(), { at: 0, guest: 1 })).until(10 * S)
    trace.tracer.setHost(TWO_GUESTS)
    trace.see(...request(query(41), { at: 20 * S, guest: 1 })).until(30 * S)
    expect(trace.paths.map(path => path.nic)).toEqual(['tap100i0', 'tap101i0'])
    expect(trace.paths[1]?.hops.every(h => h.onWay)).toBe(true)
  })

  it('a prefix that appears during the trace', () => {
    const there = 'fd64::'
    const bytes = p.ip6(query(), { src: GUESTS[0], dst: `${there}${PEER}` })
    const trace = makeTrace().see(['tap100i0 in', bytes, 0])
    expect(trace.tracer.flows()).toBe(0)
    trace.tracer.setHost(
      changed(HOST, 'tayga', all => all.map(c => ({ ...c, text: c.text.replace('64:ff9b::/96', `${there}/96`) }))),
    )
    trace.see(['tap100i0 in', bytes, MS])
    expect(trace.tracer.flows()).toBe(1)
  })

  it('two guests that send the same at once stay apart, and are called a guess', () => {
    const trace = makeTrace(TWO_GUESTS)
    const behind = (id: number): Sighting[] => [['nat64 in', four(p.echo(8, id, data, 1))]]
    trace.see(...request(ping(1, 7), { at: 0, upTo: 6 }), ...request(ping(1, 8), { upTo: 6, guest: 1 }))
    trace.see(...behind(50), ...behind(60)).until(10 * S)
    expect(trace.paths.map(({ guest, confidence, hops }) => [guest, confidence, hops.at(-1)?.sourcePort])).toEqual([
      ['100', 'guess', 50],
      ['101', 'guess', 60],
    ])
  })
})

describe('how certain it is', () => {
  const guest = p.v6(GUESTS[0])
  const target4 = address4(PEER)
  const pool = address4(POOL[0])
  const near = (address: string, port: number) => ({ address: address4(address), port })
  const row = { protocol: 17, guest, guestPort: 1000, target4, targetPort: 53, near4: [near(POOL[0], 1000)] }
  const nat = { protocol: 17, target4, targetPort: 53, before: near(POOL[0], 1000), after: near(UPLINK, 61000) }
  const none = { rows: [], nat: [], addresses: [] }
  const outside = p.udp(61000, 53, p.filler(40))

  it.each<[string, object, string]>([
    ['nothing but packets', none, 'likely'],
    ['the translator’s table alone', { ...none, rows: [row] }, 'likely'],
    ['the translator’s table, and the masquerade’s', { ...none, rows: [row], nat: [nat] }, 'exact'],
    ['the masquerade’s table alone', { ...none, nat: [nat] }, 'likely'],
    [
      'a map of addresses, and the masquerade’s table',
      { ...none, nat: [nat], addresses: [{ address: pool, guest }] },
      'exact',
    ],
  ])('%s', (_name, tables, confidence) => {
    const trace = makeTrace()
    trace.tracer.learn(tables as never)
    trace.see(...request(query(), { at: 0, outside })).until(10 * S)
    expect(trace.paths[0]?.confidence).toBe(confidence)
  })

  it('a table that comes after the first packet', () => {
    const trace = makeTrace().see(...request(query(), { at: 0, outside }))
    trace.tracer.learn({ ...none, rows: [row], nat: [nat] } as never)
    expect(trace.until(10 * S).paths[0]?.confidence).toBe('exact')
  })

  it('a table says whose a packet is that was seen on IPv4 alone', () => {
    const trace = makeTrace(HOST, { peers4: [target4] }).see(
      ['nat64 in', four(query()), 0],
      ['eno1 out', four(outside, UPLINK)],
    )
    trace.tracer.learn({ ...none, rows: [row], nat: [nat] } as never)
    trace.until(10 * S)
    expect(trace.paths[0]).toMatchObject({ guest6: GUESTS[0], guestPort: 1000, confidence: 'exact' })
  })

  it('and an error as well, by what it quotes', () => {
    const error = p.ip4(p.icmp(3, 3, [0, 0, 0, 0], four(query())), { src: ROUTER, dst: POOL[0] })
    const trace = makeTrace(HOST, { peers4: [target4] }).see(['nat64 out', error, 0])
    trace.tracer.learn({ ...none, rows: [row] } as never)
    expect(trace.until(10 * S).paths[0]).toMatchObject({ guest6: GUESTS[0], guestPort: 1000 })
  })
})

describe('what the host knows', () => {
  const withNeighbour = (address: string, state: string) =>
    changed(HOST, 'neighbours', all => [
      ...all,
      { ...all[0]!, family: 4, device: 'eno1', address, mac: null, state } as never,
    ])

  it.each<[string, Facts, string]>([
    ['the next host of the packet does not answer', withNeighbour('198.51.100.1', 'FAILED'), 'no_neighbour'],
    ['another host does not', withNeighbour('198.51.100.77', 'FAILED'), 'lost'],
    ['all do', HOST, 'lost'],
  ])('%s', (_name, facts, reason) => {
    const only = changed(facts, 'neighbours', all =>
      all.filter(n => n.address !== '198.51.100.1' || n.state === 'FAILED'),
    )
    const trace = makeTrace(only)
      .see(...request(query(), { at: 0, upTo: 7 }))
      .until(10 * S)
    expect(trace.paths[0]?.verdict).toMatchObject({ kind: 'died', reason, lastSeen: 'nat64', neverReached: 'eno1' })
  })

  it('a guest that speaks to another one through the translator is told as two packets', () => {
    const turned = p.ip6(query(), { src: `${PREFIX}${POOL[0]}`, dst: GUESTS[1] })
    const to = `${PREFIX}${POOL[1]}`
    const there = p.ip6(query(), { src: GUESTS[0], dst: to })
    const between = p.ip4(query(), { src: POOL[0], dst: POOL[1] })
    const places: Sighting[] = [
      ...['tap100i0 in', 'fwbr100i0 in', 'fwln100i0 out', 'fwpr100p0 in', 'vmbr0 in', 'nat64 out'].map(
        (place): Sighting => [place, there],
      ),
      ['nat64 in', between],
      ['nat64 out', between],
      ...['nat64 in', 'vmbr0 out', 'fwpr101p0 out', 'fwln101i0 in', 'fwbr101i0 in', 'tap101i0 out'].map(
        (place): Sighting => [place, turned],
      ),
    ]
    const trace = makeTrace(TWO_GUESTS)
      .see(...places)
      .until(10 * S)
    expect(
      byId(trace.paths).map(({ verdict, guest, hops }) => [verdict.kind, verdict.reason, guest, hops.length]),
    ).toEqual([
      ['unknown', 'no_model', '100', 8],
      ['delivered', 'ok', '101', 6],
    ])
  })
})
