/** Fragmented packets, in order and out of it (RFC 7915 sections 4.1 and 5.1.1, RFC 6146 section 3.4). */
import { echo, filler, fragment, hopByHop, type Message, tcp, udp, udpWith } from '../../../xlat/packets.js'
import { ACK, type Ends, type Row, type Step } from '../case.js'

/** A part of a message as an IPv6 fragment from the guest; `to` absent: the last one. */
const six = (e: Ends, m: Message, id: number, from: number, to?: number, more = to !== undefined): Step =>
  e.out(m, { ext: [fragment(id, from, more)], from, ...(to === undefined ? {} : { to }) })
const four = (e: Ends, m: Message, id: number, from: number, to?: number, mf = to !== undefined): Step =>
  e.back(m, { id, from, mf, ...(to === undefined ? {} : { to }) })

const bigUdp = (e: Ends, length = 2000): Message => udp(e.port, 53, filler(length))
const bigUdp4 = (e: Ends, length = 2000): Message => udp(53, e.mapped, filler(length))
const bigTcp = (e: Ends): Message => tcp(e.port, 80, filler(1600), { flags: ACK })
const bigTcp4 = (e: Ends): Message => tcp(80, e.mapped, filler(1600), { flags: ACK })
const ping = (e: Ends): Message => echo(128, e.port, filler(1600))
const ping4 = (e: Ends): Message => echo(8, e.mapped, filler(1600))

export const fragments: readonly Row[] = [
  ['UDP to IPv4, two', e => [six(e, bigUdp(e), 101, 0, 1232), six(e, bigUdp(e), 101, 1232)]],
  ['UDP to IPv4, two of 1500 bytes', e => [six(e, bigUdp(e, 2800), 102, 0, 1448), six(e, bigUdp(e, 2800), 102, 1448)]],
  ['UDP to IPv4, turned round', e => [six(e, bigUdp(e), 103, 1232), six(e, bigUdp(e), 103, 0, 1232)]],
  [
    'UDP to IPv4, three',
    e => [
      six(e, bigUdp(e), 0xabcd0104, 0, 800),
      six(e, bigUdp(e), 0xabcd0104, 800, 1600),
      six(e, bigUdp(e), 0xabcd0104, 1600),
    ],
  ],
  ['UDP to IPv4, tiny', e => [six(e, bigUdp(e, 40), 105, 0, 24), six(e, bigUdp(e, 40), 105, 24)]],
  ['UDP to IPv4, 8 bytes first', e => [six(e, bigUdp(e, 40), 106, 0, 8), six(e, bigUdp(e, 40), 106, 8)]],
  ['UDP to IPv4, the first only', e => six(e, bigUdp(e), 107, 0, 1232)],
  ['UDP to IPv4, a later one only', e => six(e, bigUdp(e), 108, 1232)],
  ['UDP to IPv4, overlapping', e => [six(e, bigUdp(e), 109, 0, 1232), six(e, bigUdp(e), 109, 1224)]],
  [
    'UDP to IPv4, the same twice',
    e => [six(e, bigUdp(e), 110, 0, 1232), six(e, bigUdp(e), 110, 0, 1232), six(e, bigUdp(e), 110, 1232)],
  ],
  ['UDP to IPv4, not a multiple of 8', e => six(e, bigUdp(e), 111, 0, 1230, true)],
  [
    'UDP to IPv4, after hop-by-hop',
    e => [
      e.out(bigUdp(e), { ext: [hopByHop, fragment(112, 0, true)], to: 1232 }),
      e.out(bigUdp(e), { ext: [hopByHop, fragment(112, 1232)], from: 1232 }),
    ],
  ],
  ['TCP to IPv4, two', e => [...e.opened(), six(e, bigTcp(e), 113, 0, 1232), six(e, bigTcp(e), 113, 1232)]],
  ['ping to IPv4, two', e => [six(e, ping(e), 114, 0, 1232), six(e, ping(e), 114, 1232)]],
  ['ping to IPv4, turned round', e => [six(e, ping(e), 115, 1232), six(e, ping(e), 115, 0, 1232)]],
  [
    'UDP to IPv4, hop limit 1',
    e => [
      e.out(bigUdp(e), { ext: [fragment(116, 0, true)], to: 1232, hops: 1 }),
      e.out(bigUdp(e), { ext: [fragment(116, 1232)], from: 1232, hops: 1 }),
    ],
  ],

  ['UDP to IPv6, two', e => [four(e, bigUdp4(e), 201, 0, 1200), four(e, bigUdp4(e), 201, 1200)]],
  [
    'UDP to IPv6, two of 1500 bytes',
    e => [four(e, bigUdp4(e, 2800), 202, 0, 1480), four(e, bigUdp4(e, 2800), 202, 1480)],
  ],
  ['UDP to IPv6, turned round', e => [four(e, bigUdp4(e), 203, 1200), four(e, bigUdp4(e), 203, 0, 1200)]],
  [
    'UDP to IPv6, three',
    e => [four(e, bigUdp4(e), 204, 0, 800), four(e, bigUdp4(e), 204, 800, 1600), four(e, bigUdp4(e), 204, 1600)],
  ],
  ['UDP to IPv6, tiny', e => [four(e, bigUdp4(e, 40), 205, 0, 24), four(e, bigUdp4(e, 40), 205, 24)]],
  ['UDP to IPv6, 8 bytes first', e => [four(e, bigUdp4(e, 40), 206, 0, 8), four(e, bigUdp4(e, 40), 206, 8)]],
  ['UDP to IPv6, the first only', e => four(e, bigUdp4(e), 207, 0, 1200)],
  ['UDP to IPv6, a later one only', e => four(e, bigUdp4(e), 208, 1200)],
  ['UDP to IPv6, overlapping', e => [four(e, bigUdp4(e), 209, 0, 1200), four(e, bigUdp4(e), 209, 1192)]],
  [
    'UDP to IPv6, DF',
    e => [
      e.back(bigUdp4(e), { id: 210, df: true, mf: true, to: 1200 }),
      e.back(bigUdp4(e), { id: 210, df: true, from: 1200 }),
    ],
  ],
  [
    'UDP to IPv6, DF and 1500 bytes',
    e => [
      e.back(bigUdp4(e, 2800), { id: 211, df: true, mf: true, to: 1480 }),
      e.back(bigUdp4(e, 2800), { id: 211, df: true, from: 1480 }),
    ],
  ],
  [
    'UDP without checksum to IPv6, two',
    e => [
      e.back(udpWith(0, 53, e.mapped, filler(2000)), { id: 212, mf: true, to: 1200 }),
      e.back(udpWith(0, 53, e.mapped, filler(2000)), { id: 212, from: 1200 }),
    ],
  ],
  ['TCP to IPv6, two', e => [...e.opened(), four(e, bigTcp4(e), 213, 0, 1200), four(e, bigTcp4(e), 213, 1200)]],
  ['ping to IPv6, two', e => [four(e, ping4(e), 214, 0, 1200), four(e, ping4(e), 214, 1200)]],
  [
    'UDP to IPv6, TTL 1',
    e => [
      e.back(bigUdp4(e), { id: 215, mf: true, to: 1200, ttl: 1 }),
      e.back(bigUdp4(e), { id: 215, from: 1200, ttl: 1 }),
    ],
  ],
  ['UDP to IPv6, not a multiple of 8', e => four(e, bigUdp4(e), 216, 0, 1201, true)],
]
