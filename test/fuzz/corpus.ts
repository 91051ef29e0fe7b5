/** The packets that mutation starts from beside the captured ones: at least one of every kind, both families, with virtio metadata where it counts. */
import * as p from '../xlat/packets.js'
import type { Meta } from '../xlat/rewriting.js'
import { MADE_MODES } from './modes.js'

export interface Seed {
  readonly bytes: Uint8Array
  readonly meta: Meta
  /** The translators of modes.ts that it is addressed to. */
  readonly modes: readonly number[]
  readonly isCaptured: boolean
}

export const GUESTS = ['2001:db8::1', '2001:db8::2', '2001:db8:a::1']
export const PEER = '198.51.100.2'
export const PEER6 = '2001:db8:64::c633:6402'
/** pool4, an explicit mapping, the dynamic pool, our own address. */
export const TARGETS4 = ['203.0.113.1', '192.0.2.1', '192.168.255.2', '192.168.255.1']
/** The same as an IPv6-only guest addresses them. */
const TARGETS6 = TARGETS4.map(a => `2001:db8:64::${a}`)

const PARTIAL = 1
const TCPV4 = 1
const TCPV6 = 4
const UDP_L4 = 5
const TCP_HEADER = 20
const UDP_HEADER = 8

/** Metadata of a packet whose headers before the transport header take `ip` bytes. */
const partial = (ip: number, csumOffset: number): Meta => ({ flags: PARTIAL, csumStart: ip, csumOffset })
const gso = (gsoType: number, ip: number, gsoSize: number): Meta =>
  gsoType === UDP_L4
    ? { ...partial(ip, 6), gsoType, gsoSize, hdrLen: ip + UDP_HEADER }
    : { ...partial(ip, 16), gsoType, gsoSize, hdrLen: ip + TCP_HEADER }

const MSS = [2, 4, 5, 180, 1, 1, 1, 1]
const data = p.filler

const messages = (port: number): p.Message[] => [
  p.udp(port, 53, data(24)),
  p.udp(port, 53),
  p.udp(port, 443, data(1300)),
  p.tcp(port, 80, [], { flags: 2, options: MSS }),
  p.tcp(port, 80, data(64), { flags: 0x18 }),
  p.tcp(port, 80, [], { flags: 0x11 }),
  p.tcp(port, 80, [], { flags: 4 }),
  p.tcp(port, 80, data(1400), { flags: 0x10 }),
  p.raw(132, data(40)),
  p.raw(47, data(24)),
  p.raw(50, data(32)),
]

const extensions6 = [
  [p.hopByHop],
  [p.destination, p.routing(0)],
  [p.routing(1)],
  [p.fragment(7)],
  [p.fragment(7, 0, true)],
  [p.fragment(7, 1232, false)],
  [p.hopByHop, p.routing(0), p.destination, p.fragment(9)],
  [p.fragment(7), p.destination],
]

/** ICMP errors about `inner`: every type and code that exists, and one that does not. */
function errors(types: readonly (readonly number[])[], inner: Uint8Array): p.Message[] {
  const extension = [0x20, 0, 0, 0, 0, 8, 1, 1, 0, 0, 0, 9]
  const padded = [...inner, ...new Array<number>(Math.max(0, 128 - inner.length)).fill(0)].slice(0, 128)
  return [
    ...types.map(([type, code]) => p.icmp(type!, code!, [0, 0, 5, 0], inner)),
    ...types.slice(0, 4).map(([type, code]) => p.icmp(type!, code!, [0, 0, 5, 0], inner.slice(0, 60))),
    p.icmp(types[0]![0]!, 0, [types[0]![0] === 3 ? 0 : 16, 32, 0, 0], [...padded, ...extension]),
    p.icmp(types[1]![0]!, 1, [16, 32, 0, 0], [...padded, ...extension]),
  ]
}

const ERRORS4 = [
  ...Array.from({ length: 17 }, (_, code) => [3, code]),
  [11, 0],
  [11, 1],
  [12, 0],
  [12, 2],
  [4, 0],
  [5, 1],
]
const ERRORS6 = [
  ...Array.from({ length: 8 }, (_, code) => [1, code]),
  [2, 0],
  [3, 0],
  [3, 1],
  [4, 0],
  [4, 1],
  [4, 2],
  [100, 0],
]

function all(): Seed[] {
  const seeds: Seed[] = []
  const modes = Array.from({ length: MADE_MODES }, (_, i) => i)
  const add = (bytes: Uint8Array, meta: Meta = {}) => seeds.push({ bytes, meta, modes, isCaptured: false })
  for (const [i, src] of GUESTS.entries()) {
    for (const m of messages(5000 + i)) add(p.ip6(m, { src, dst: PEER6, tc: i * 40, flow: i }))
    for (const dst of TARGETS6) add(p.ip6(p.udp(6000, 5000, data(10)), { src, dst }))
  }
  for (const dst of TARGETS4) {
    for (const m of messages(5000)) add(p.ip4(m, { src: PEER, dst, id: 77, df: true }))
    for (const m of messages(5000)) add(p.ip4(m, { src: PEER, dst, id: 78 }))
    add(p.ip4(p.udpWith(0, 53, 5000, data(20)), { src: PEER, dst }))
    add(p.ip4(p.udp(53, 5000, data(2000)), { src: PEER, dst, mf: true, to: 1480, id: 9 }))
    add(p.ip4(p.udp(53, 5000, data(2000)), { src: PEER, dst, from: 1480, id: 9 }))
    add(p.ip4(p.udpWith(0, 53, 5000, data(2000)), { src: PEER, dst, mf: true, to: 1480, id: 10 }))
    add(p.ip4(p.udpWith(0, 53, 5000, data(2000)), { src: PEER, dst, from: 1480, id: 10 }))
    add(p.ip4(p.tcp(80, 5000), { src: PEER, dst, options: [0x94, 4, 0, 0] }))
    add(p.ip4(p.tcp(80, 5000), { src: PEER, dst, options: [131, 7, 4, 1, 2, 3, 4, 0] }))
    add(p.ip4(p.echo(8, 77), { src: PEER, dst }))
    add(p.ip4(p.echo(0, 77, data(3000)), { src: PEER, dst }))
    const inner = p.ip4(p.udp(5000, 53, data(200)), { src: dst, dst: PEER })
    for (const m of errors(ERRORS4, inner)) add(p.ip4(m, { src: '198.51.100.99', dst }))
  }
  for (const ext of extensions6) {
    add(p.ip6(p.udp(5000, 53, data(100)), { src: GUESTS[0]!, dst: PEER6, ext }))
    add(p.ip6(p.echo(128, 77), { src: GUESTS[0]!, dst: PEER6, ext }))
  }
  for (const type of [128, 129, 130, 133, 135]) add(p.ip6(p.echo(type, 77), { src: GUESTS[0]!, dst: PEER6 }))
  add(p.ip6(p.echo(128, 1), { src: GUESTS[0]!, dst: '2001:db8::64' }))
  const inner6 = p.ip6(p.udp(53, 5000, data(200)), { src: PEER6, dst: GUESTS[0]! })
  for (const m of errors(ERRORS6, inner6)) add(p.ip6(m, { src: '2001:db8:99::1', dst: PEER6 }))

  const to4 = { src: PEER, dst: TARGETS4[0]! }
  const to6 = { src: GUESTS[0]!, dst: PEER6 }
  add(p.ip4(p.tcp(80, 5000, data(9000)), { ...to4, df: true }), gso(TCPV4, 20, 1448))
  add(p.ip4(p.tcp(80, 5000, data(9000)), to4), gso(TCPV4 | 0x80, 20, 1460))
  add(p.ip4(p.udp(53, 5000, data(6000)), { ...to4, df: true }), gso(UDP_L4, 20, 1200))
  add(p.ip4(p.udp(53, 5000, data(6000)), to4), gso(UDP_L4, 20, 1472))
  add(p.ip6(p.tcp(5000, 80, data(9000)), to6), gso(TCPV6, 40, 1428))
  add(p.ip6(p.udp(5000, 53, data(6000)), to6), gso(UDP_L4, 40, 1200))
  add(p.ip6(p.tcp(5000, 80, data(30)), to6), partial(40, 16))
  add(p.ip6(p.udp(5000, 53, data(30)), to6), partial(40, 6))
  add(p.ip4(p.tcp(80, 5000, data(30)), to4), partial(20, 16))
  add(p.ip4(p.udp(53, 5000, data(1400)), to4), partial(20, 6))
  return seeds
}

export const CORPUS: readonly Seed[] = all()
