/** Who may speak to whom (RFC 6146 section 3.5), and what is not ours to translate. */
import { echo, filler, icmp, ip4, ip6, tcp, udp } from '../../../xlat/packets.js'
import * as a from '../arrangement.js'
import { ACK, type Ends, FIN, type Row, RST, SYN } from '../case.js'

const data = filler(10)
/** To the guest by way of a port that nobody has. */
const unbound = (e: Ends, from: number, flags: number) => e.back(tcp(from, 7777, [], { flags }))

export const tcpStates: readonly Row[] = [
  ['connection from inside', e => [...e.opened(), e.tcpOut(ACK, data), e.tcpBack(ACK, data)]],
  [
    'opened and closed by the guest',
    e => [...e.opened(), e.tcpOut(FIN | ACK), e.tcpBack(ACK), e.tcpBack(FIN | ACK), e.tcpOut(ACK), e.tcpBack(ACK)],
  ],
  [
    'closed by the peer',
    e => [...e.opened(), e.tcpBack(FIN | ACK), e.tcpOut(ACK, data), e.tcpOut(FIN | ACK), e.tcpBack(ACK)],
  ],
  ['reset by the guest, and on', e => [...e.opened(), e.tcpOut(RST), e.tcpBack(ACK, data), e.tcpOut(ACK, data)]],
  ['reset by the peer, and on', e => [...e.opened(), e.tcpBack(RST | ACK), e.tcpOut(ACK, data)]],
  ['connection from outside', e => [e.tcpBack(SYN), e.tcpOut(SYN | ACK), e.tcpBack(ACK), e.tcpOut(ACK, data)]],
  ['from outside, data at once', e => [e.tcpBack(SYN), e.tcpBack(ACK, data)]],
  ['from inside, data before the answer', e => [e.tcpOut(SYN), e.tcpOut(ACK, data), e.tcpBack(ACK, data)]],
  ['refused', e => [e.tcpOut(SYN), e.tcpBack(RST | ACK), e.tcpOut(SYN)]],
  ['both at once', e => [e.tcpOut(SYN), e.tcpBack(SYN), e.tcpOut(SYN | ACK), e.tcpBack(SYN | ACK)]],
  ...(
    [
      ['data', ACK],
      ['FIN', FIN | ACK],
      ['RST', RST],
      ['SYN and ACK', SYN | ACK],
      ['SYN and RST', SYN | RST],
    ] as const
  ).flatMap(([name, flags]): Row[] => [
    [`${name} without session, to IPv4`, e => e.tcpOut(flags)],
    [`${name} without session, to IPv6`, e => e.tcpBack(flags)],
  ]),
  [
    'SYN without binding, answered in time',
    e => [
      e.back(tcp(80, 6001, [], { flags: SYN })),
      { from: 6, bytes: ip6(tcp(a.OTHER_PORT, 80, [], { flags: SYN }), { src: a.OTHER, dst: e.peer6 }) },
    ],
  ],
  // Each from a port of its own, for all of them wait for six seconds.
  [
    'without binding, never answered',
    e => [
      ...[SYN, SYN | ACK, SYN | RST, ACK, FIN | ACK, RST].map((flags, i) => unbound(e, 1000 + i, flags)),
      { wait: 9000 },
    ],
  ],
]

export const filtering: readonly Row[] = [
  ['UDP from a stranger to a binding', e => e.udpBack(data)],
  ['UDP from another port of the peer', e => [e.udpOut(data), e.back(udp(54, e.mapped, data))]],
  ['UDP without binding', e => e.back(udp(53, 7777, data))],
  ['ping without binding', e => e.back(echo(8, 7777))],
  ['echo reply without binding', e => e.back(echo(0, 7777))],
  ['to an address beside pool4', e => e.back(udp(53, e.mapped, data), { dst: '198.51.100.9' })],
  ['to a port below pool4', e => e.back(udp(53, 80, data))],
  ['TCP SYN to a port below pool4', e => e.back(tcp(5555, 80, [], { flags: SYN }))],
  ['out of pool6', e => e.out(udp(e.port, 53, data), { dst: '2001:db8:65::1' })],
  ['from pool6', e => e.out(udp(e.port, 53, data), { src: a.inPool6('198.18.254.1') })],
  [
    'an error from pool6',
    e =>
      e.out(icmp(1, 4, [0, 0, 0, 0], ip6(udp(53, e.port, data), { src: e.peer6, dst: e.guest })), {
        src: a.inPool6('198.18.254.1'),
      }),
  ],
]

/** Addresses that stand for no single host. */
export const addresses: readonly Row[] = [
  ...['0.0.0.1', '127.0.0.1', '224.0.0.5', '255.255.255.255', '240.0.0.1', '169.254.1.1', '10.1.2.3'].flatMap(
    (to): Row[] => [
      [`to ${to}`, e => e.out(udp(e.port, 53, data), { dst: a.inPool6(to) })],
      [`from ${to}`, e => e.back(udp(53, e.mapped, data), { src: to })],
    ],
  ),
  ...['::', '::1', 'ff02::1', 'fe80::5', '::198.51.100.2'].map(
    (from): Row => [`from ${from}`, e => e.out(udp(e.port, 53, data), { src: from })],
  ),
  ['hop limit 1 to 127.0.0.1', e => e.out(udp(e.port, 53, data), { dst: a.inPool6('127.0.0.1'), hops: 1 })],
]

/** From one guest to the other by way of its IPv4 address (RFC 6146 section 3.8, RFC 7757 section 4). */
const round = (e: Ends, otherPort: number) => ({
  dst: a.inPool6(e.part === 'stateful' ? a.GUEST4 : a.OTHER4),
  port: e.part === 'stateful' ? otherPort : a.OTHER_PORT,
})
export const hairpinning: readonly Row[] = [
  [
    'UDP',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      return e.out(udp(e.port, r.port, data), { dst: r.dst, tc: 0x28 })
    },
  ],
  [
    'UDP, 1400 bytes',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      return e.out(udp(e.port, r.port, filler(1352)), { dst: r.dst })
    },
  ],
  [
    'TCP SYN',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      return e.out(tcp(e.port, r.port, [], { flags: SYN }), { dst: r.dst })
    },
  ],
  [
    'ping',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      return e.out(echo(128, e.port), { dst: r.dst })
    },
  ],
  [
    'hop limit 2',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      return e.out(udp(e.port, r.port, data), { dst: r.dst, hops: 2 })
    },
  ],
  [
    'hop limit 1',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      return e.out(udp(e.port, r.port, data), { dst: r.dst, hops: 1 })
    },
  ],
  ['to itself', e => e.out(udp(e.port, e.mapped, data), { dst: a.inPool6(a.GUEST4) })],
  ['to a port that nobody has', e => e.out(udp(e.port, 7777, data), { dst: a.inPool6(a.GUEST4) })],
  [
    'an error about it',
    e => {
      const r = round(e, a.OTHER_MAPPED)
      const seen = ip6(udp(e.mapped, a.OTHER_PORT, data), { src: a.inPool6(a.GUEST4), dst: a.OTHER })
      return [
        e.out(udp(e.port, r.port, data), { dst: r.dst }),
        e.out(icmp(1, 4, [0, 0, 0, 0], seen), { src: a.OTHER, dst: a.inPool6(a.GUEST4) }),
      ]
    },
  ],
]

/** siit: the kinds of mapping, and routers that have none (RFC 7757, RFC 6791). */
export const mappings: readonly Row[] = [
  ['a prefix, to IPv4', e => e.out(udp(e.port, 53, data), { src: '2001:db8:2::42' })],
  ['a prefix, to IPv6', e => e.back(udp(53, e.port, data), { dst: '198.51.101.66' })],
  ['from pool6 to pool6', e => e.out(udp(e.port, 53, data), { src: a.inPool6('198.18.254.1') })],
  ['from an address without mapping', e => e.out(udp(e.port, 53, data), { src: '2001:db8:77::1' })],
  ['to an address without mapping', e => e.out(udp(e.port, 53, data), { dst: '2001:db8:77::1' })],
  ['to an IPv4 address by pool6', e => e.back(udp(53, e.port, data), { dst: '198.18.254.77' })],
  [
    'between two guests, from IPv4',
    () => ({ from: 4, bytes: ip4(udp(53, a.OTHER_PORT, data), { src: a.GUEST4, dst: a.OTHER4 }) }),
  ],
  [
    'an error from a mapped router',
    e => e.out(icmp(3, 0, [0, 0, 0, 0], ip6(udp(53, e.port, data), { src: e.peer6, dst: e.guest })), { src: a.OTHER }),
  ],
  [
    'an error about a stranger',
    e =>
      e.out(icmp(3, 0, [0, 0, 0, 0], ip6(udp(53, e.port, data), { src: e.peer6, dst: '2001:db8:77::1' })), {
        src: a.ROUTER6,
      }),
  ],
]

const wellKnown = (address: string): string => `${a.WELL_KNOWN}${address}`

/** What the well-known prefix must not stand for (RFC 6052 section 3.1). */
export const wellKnownPrefix: readonly Row[] = [
  ...['8.8.8.8', '10.1.2.3', '100.64.0.1', '172.16.0.1', '192.168.1.1', '203.0.113.1', '198.18.0.1'].flatMap(
    (peer): Row[] => [
      [`to ${peer}`, e => e.out(udp(e.port, 53, data), { dst: wellKnown(peer) })],
      [`from ${peer}`, e => e.back(udp(53, e.mapped, data), { src: peer })],
    ],
  ),
  ...['9.9.9.1', '10.9.9.1'].map(
    (router): Row => [
      `error from ${router}`,
      e => [
        e.out(udp(e.port, 54, data), { dst: wellKnown('8.8.4.4') }),
        e.back(icmp(3, 1, [0, 0, 0, 0], ip4(udp(e.mapped, 54, data), { src: e.guest4, dst: '8.8.4.4' })), {
          src: router,
        }),
      ],
    ],
  ),
]
