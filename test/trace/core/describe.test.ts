/** What a packet is, in words that fit a line. */
import { describe, expect, it } from 'vitest'
import { errorText, whatOf } from '../../../src/trace/core/describe.js'
import type { OpenPath } from '../../../src/trace/core/open-path.js'
import * as p from '../../xlat/packets.js'
import { back4, back6, four, GUESTS, makeScene, POOL, PREFIX, ROUTER, type Sighting, six, UPLINK } from './sightings.js'

const data = p.filler(40)
const query = p.udp(1000, 53, data)
const error4 = (type: number, code: number, about: Uint8Array) =>
  p.ip4(p.icmp(type, code, [0, 0, 0, 0], about), { src: ROUTER, dst: UPLINK })

describe('a packet', () => {
  it.each<[string, Sighting[]]>([
    ['echo request seq 42', [['tap100i0 in', six(p.echo(128, 7, data, 42))]]],
    ['echo reply seq 42', [['tap100i0 out', back6(p.echo(129, 7, data, 42))]]],
    ['TCP 1000 > 80 [S]', [['tap100i0 in', six(p.tcp(1000, 80, [], { flags: 2 }))]]],
    ['TCP 80 > 1000 [S.]', [['tap100i0 out', back6(p.tcp(80, 1000, [], { flags: 0x12 }))]]],
    ['TCP 1000 > 80 [P.], 40 bytes', [['tap100i0 in', six(p.tcp(1000, 80, data, { flags: 0x18 }))]]],
    ['UDP 1000 > 53, 40 bytes', [['tap100i0 in', six(query)]]],
    ['UDP 53 > 1000, 0 bytes', [['tap100i0 out', back6(p.udp(53, 1000))]]],
    // The guest's port, also where the translator's is seen first.
    [
      'UDP 53 > 1000, 40 bytes',
      [
        ['nat64 out', back4(p.udp(53, 61000, data))],
        ['nat64 in', back6(p.udp(53, 1000, data))],
      ],
    ],
    ['UDP 53 > 61000, 40 bytes', [['nat64 out', back4(p.udp(53, 61000, data))]]],
    [
      'UDP 1000 > 53, 3000 bytes',
      [['tap100i0 in', six(p.udp(1000, 53, p.filler(3000)), GUESTS[0], { ext: [p.fragment(7, 0, true)], to: 1448 })]],
    ],
    ['protocol 47, 40 bytes', [['tap100i0 in', six(p.raw(47, data))]]],
    ['ICMP', [['tap100i0 in', six(p.icmp(130, 0, [0, 0, 0, 0]))]]],
    ['ICMP port unreachable about UDP 1000 > 53', [['eno1 in', error4(3, 3, four(query, UPLINK))]]],
    ['ICMP packet too big about TCP 1 > 80', [['eno1 in', error4(3, 4, four(p.tcp(1, 80), UPLINK))]]],
    [
      'ICMP packet too big (MTU 1300) about TCP 1 > 80',
      [['eno1 in', p.ip4(p.icmp(3, 4, [0, 0, 5, 20], four(p.tcp(1, 80), UPLINK)), { src: ROUTER, dst: UPLINK })]],
    ],
    [
      'ICMP packet too big (MTU 70000) about UDP 1000 > 53',
      [
        [
          'nat64 in',
          p.ip6(p.icmp(2, 0, [0, 1, 0x11, 0x70], six(query)), { src: `${PREFIX}${ROUTER}`, dst: GUESTS[0] }),
        ],
      ],
    ],
    ['ICMP time exceeded about echo seq 1', [['eno1 in', error4(11, 0, four(p.echo(8, 7), UPLINK))]]],
    ['ICMP protocol unreachable about protocol 47', [['eno1 in', error4(3, 2, four(p.raw(47, data), POOL[0]))]]],
    [
      'ICMP address unreachable about UDP 1000 > 53',
      [['nat64 in', p.ip6(p.icmp(1, 3, [0, 0, 0, 0], six(query)), { src: `${PREFIX}${ROUTER}`, dst: GUESTS[0] })]],
    ],
  ])('%s', (expected, sightings) => {
    const scene = makeScene()
    const [path] = scene.see(...sightings)
    expect(whatOf(path as OpenPath)).toBe(expected)
  })
})

describe('an ICMP error', () => {
  const KIND = { tooBig: 3, unreachable: 4, expired: 5, parameter: 6 }
  it.each<[string, 4 | 6, number, number, number]>([
    ['host unreachable', 4, KIND.unreachable, 3, 1],
    ['port unreachable', 4, KIND.unreachable, 3, 3],
    ['port unreachable', 6, KIND.unreachable, 1, 4],
    ['no route', 6, KIND.unreachable, 1, 0],
    ['protocol unreachable', 4, KIND.parameter, 3, 2],
    ['parameter problem', 4, KIND.parameter, 12, 0],
    ['parameter problem', 6, KIND.parameter, 4, 1],
    ['unreachable (code 99)', 6, KIND.unreachable, 1, 99],
    ['packet too big', 6, KIND.tooBig, 2, 0],
    ['time exceeded', 4, KIND.expired, 11, 0],
  ])('%s of IPv%i', (expected, family, kind, type, code) => {
    expect(errorText({ kind, type, code, family, from: [0, 0, 0, 0], mtu: 0, protocol: 17 })).toBe(expected)
  })
})
