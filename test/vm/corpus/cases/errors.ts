/** ICMP errors of every type and code, about packets of every kind (RFC 7915 sections 4.2, 4.3, 5.2, 5.3; RFC 4884). */
import * as p from '../../../xlat/packets.js'
import { ROUTER4, ROUTER6 } from '../arrangement.js'
import { ACK, type Ends, type Row, type Step } from '../case.js'

/** What the guest sent, as it is seen outside, and what goes before so that stateful mode knows of it. */
interface Sent {
  readonly before: (e: Ends) => readonly Step[]
  readonly inner4: (e: Ends, o?: p.Ip4) => Uint8Array
}
/** What the peer sent, as it is seen inside. */
interface Got {
  readonly before: (e: Ends) => readonly Step[]
  readonly inner6: (e: Ends, o?: p.Ip6) => Uint8Array
}

const data = p.filler(40)
const quoted4 = (e: Ends, m: p.Message, o: p.Ip4 = {}) =>
  p.ip4(m, { src: e.guest4, dst: e.peer4, id: 99, ttl: 61, ...o })
const quoted6 = (e: Ends, m: p.Message, o: p.Ip6 = {}) => p.ip6(m, { src: e.peer6, dst: e.guest, hops: 61, ...o })

const udp: Sent & Got = {
  before: e => [e.udpOut(data)],
  inner4: (e, o) => quoted4(e, p.udp(e.mapped, 53, data), o),
  inner6: (e, o) => quoted6(e, p.udp(53, e.port, data), o),
}
const tcp: Sent & Got = {
  before: e => e.opened(),
  inner4: (e, o) => quoted4(e, p.tcp(e.mapped, 80, data, { flags: ACK }), o),
  inner6: (e, o) => quoted6(e, p.tcp(80, e.port, data, { flags: ACK }), o),
}
const ping: Sent & Got = {
  before: e => [e.out(p.echo(128, e.port, data))],
  inner4: (e, o) => quoted4(e, p.echo(8, e.mapped, data), o),
  inner6: (e, o) => quoted6(e, p.echo(129, e.port, data), o),
}
const KINDS = { UDP: udp, TCP: tcp, ping }

const none = [0, 0, 0, 0]
const back = (e: Ends, type: number, code: number, rest: p.Bytes, inner: p.Bytes, o: p.Ip4 = {}): Step =>
  e.back(p.icmp(type, code, rest, inner), { src: ROUTER4, ...o })
const out = (e: Ends, type: number, code: number, rest: p.Bytes, inner: p.Bytes, o: p.Ip6 = {}): Step =>
  e.out(p.icmp(type, code, rest, inner), { src: ROUTER6, ...o })

const mtu4 = (n: number): number[] => [0, 0, ...p.be16(n)]
const EXTENSION = p.hex('2000 dffb 0008 0101 00010 1 ff')
const padded = (bytes: p.Bytes, to: number): number[] => [...bytes, ...new Array<number>(to - bytes.length).fill(0)]

const CODES4 = [
  ...Array.from({ length: 17 }, (_, code) => [3, code] as const),
  ...([
    [11, 0],
    [11, 1],
    [11, 2],
    [12, 0],
    [12, 1],
    [12, 2],
    [4, 0],
    [5, 0],
    [5, 1],
    [6, 0],
  ] as const),
]
const CODES6 = [
  ...Array.from({ length: 9 }, (_, code) => [1, code] as const),
  ...([
    [2, 0],
    [2, 1],
    [3, 0],
    [3, 1],
    [3, 2],
    [4, 0],
    [4, 1],
    [4, 2],
    [4, 3],
    [5, 0],
    [100, 0],
    [127, 0],
  ] as const),
]

const MTUS4 = [0, 67, 68, 296, 576, 1006, 1240, 1259, 1260, 1261, 1280, 1400, 1480, 1481, 1500, 9000, 65535]
const MTUS6 = [0, 68, 576, 1279, 1280, 1281, 1300, 1400, 1480, 1499, 1500, 1520, 9000, 65535]

/** ICMPv4 errors that reach the guest. */
export const toV6: readonly Row[] = [
  ...CODES4.map(
    ([type, code]): Row => [
      `type ${type} code ${code}`,
      e => [...udp.before(e), back(e, type, code, type === 3 && code === 4 ? mtu4(1400) : none, udp.inner4(e))],
    ],
  ),
  ...Object.entries(KINDS).flatMap(([name, k]): Row[] => [
    [`about ${name}`, e => [...k.before(e), back(e, 3, 1, none, k.inner4(e))]],
    [`about ${name}, cut to 8 bytes`, e => [...k.before(e), back(e, 3, 1, none, k.inner4(e).slice(0, 28))]],
    [`about ${name}, cut to 7 bytes`, e => [...k.before(e), back(e, 3, 1, none, k.inner4(e).slice(0, 27))]],
    [`about ${name}, cut to 20 bytes`, e => [...k.before(e), back(e, 11, 0, none, k.inner4(e).slice(0, 40))]],
    [`about ${name}, DF`, e => [...k.before(e), back(e, 3, 1, none, k.inner4(e, { df: true, tos: 0x28 }))]],
    [`about ${name}, options`, e => [...k.before(e), back(e, 3, 1, none, k.inner4(e, { options: p.hex('94040000') }))]],
    [`about ${name}, from the peer`, e => [...k.before(e), back(e, 3, 1, none, k.inner4(e), { src: e.peer4 })]],
    [`about ${name}, without session`, e => back(e, 3, 1, none, k.inner4(e))],
  ]),
  ...MTUS4.map((n): Row => [`MTU ${n}`, e => [...udp.before(e), back(e, 3, 4, mtu4(n), udp.inner4(e))]]),
  ...[60, 297, 1007, 1492, 1500, 2002].map(
    (n): Row => [
      `no MTU, ${n} bytes were too many`,
      e => [...udp.before(e), back(e, 3, 4, mtu4(0), udp.inner4(e, { total: n }))],
    ],
  ),
  ...Array.from(
    { length: 22 },
    (_, n): Row => [`pointer ${n}`, e => [...udp.before(e), back(e, 12, 0, [n, 0, 0, 0], udp.inner4(e))]],
  ),
  ['code 2, pointer 8', e => [...udp.before(e), back(e, 12, 2, [8, 0, 0, 0], udp.inner4(e))]],
  ['unused word is used', e => [...udp.before(e), back(e, 3, 1, [0, 0, 1, 2], udp.inner4(e))]],
  ['about a first fragment', e => [...udp.before(e), back(e, 11, 1, none, udp.inner4(e, { mf: true }))]],
  ['about a later fragment', e => [...udp.before(e), back(e, 3, 1, none, udp.inner4(e, { offset: 1480 }))]],
  ['about an ICMP error', e => [...udp.before(e), back(e, 3, 1, none, quoted4(e, p.icmp(3, 3, none, udp.inner4(e))))]],
  ['about SCTP', e => back(e, 3, 2, none, quoted4(e, p.raw(132, data)))],
  ['about somebody else', e => [...udp.before(e), back(e, 3, 1, none, udp.inner4(e, { src: '198.51.100.77' }))]],
  [
    'about UDP without checksum',
    e => [...udp.before(e), back(e, 3, 1, none, quoted4(e, p.udpWith(0, e.mapped, 53, data)))],
  ],
  ['long', e => [...udp.before(e), back(e, 3, 1, none, quoted4(e, p.udp(e.mapped, 53, p.filler(500))))]],
  ['1500 bytes', e => [...udp.before(e), back(e, 3, 1, none, quoted4(e, p.udp(e.mapped, 53, p.filler(1444))))]],
  ['inner checksum of the header wrong', e => [...udp.before(e), back(e, 3, 1, none, spoilt(udp.inner4(e), 10))]],
  [
    'checksum wrong',
    e => [...udp.before(e), { from: 4, bytes: spoilt((back(e, 3, 1, none, udp.inner4(e)) as Made).bytes, 22) }],
  ],
  ['TOS and TTL', e => [...udp.before(e), back(e, 3, 1, none, udp.inner4(e), { tos: 0xc0, ttl: 200 })]],
  ['TTL 1', e => [...udp.before(e), back(e, 3, 1, none, udp.inner4(e), { ttl: 1 })]],
  ['no packet inside', e => back(e, 3, 1, none, [])],
  ['half a header inside', e => [...udp.before(e), back(e, 3, 1, none, udp.inner4(e).slice(0, 12))]],
  ['IPv6 inside', e => back(e, 3, 1, none, udp.inner6(e))],
  ...(
    [
      ['unreachable', 3, 1],
      ['expired', 11, 0],
      ['protocol unreachable', 3, 2],
      ['parameter', 12, 0],
    ] as const
  ).map(
    ([name, type, code]): Row => [
      `extension, ${name}`,
      e => [...udp.before(e), back(e, type, code, [0, 32, 0, 0], [...padded(udp.inner4(e), 128), ...EXTENSION])],
    ],
  ),
  [
    'extension, too big',
    e => [...udp.before(e), back(e, 3, 4, [0, 32, ...p.be16(1400)], [...padded(udp.inner4(e), 128), ...EXTENSION])],
  ],
  [
    'extension, quote of 200 bytes',
    e => [
      ...udp.before(e),
      back(e, 3, 1, [0, 50, 0, 0], [...quoted4(e, p.udp(e.mapped, 53, p.filler(172))), ...EXTENSION]),
    ],
  ],
  [
    'extension, quote of 1200 bytes',
    e => [
      ...udp.before(e),
      back(e, 3, 1, [0, 255, 0, 0], [...quoted4(e, p.udp(e.mapped, 53, p.filler(992))), ...EXTENSION]),
    ],
  ],
  [
    'extension, length says too little',
    e => [...udp.before(e), back(e, 3, 1, [0, 10, 0, 0], [...padded(udp.inner4(e), 128), ...EXTENSION])],
  ],
  [
    'extension, length says too much',
    e => [...udp.before(e), back(e, 3, 1, [0, 200, 0, 0], [...padded(udp.inner4(e), 128), ...EXTENSION])],
  ],
  [
    'extension without length',
    e => [...udp.before(e), back(e, 3, 1, none, [...padded(udp.inner4(e), 128), ...EXTENSION])],
  ],
]

/** ICMPv6 errors of the guest, or of a router inside. */
export const toV4: readonly Row[] = [
  ...CODES6.map(
    ([type, code]): Row => [
      `type ${type} code ${code}`,
      e => [...udp.before(e), out(e, type, code, type === 2 ? p.be32(1400) : none, udp.inner6(e))],
    ],
  ),
  ...Object.entries(KINDS).flatMap(([name, k]): Row[] => [
    [`about ${name}`, e => [...k.before(e), out(e, 1, 3, none, k.inner6(e))]],
    [`about ${name}, cut to 8 bytes`, e => [...k.before(e), out(e, 1, 3, none, k.inner6(e).slice(0, 48))]],
    [`about ${name}, cut to 7 bytes`, e => [...k.before(e), out(e, 1, 3, none, k.inner6(e).slice(0, 47))]],
    [`about ${name}, cut to 20 bytes`, e => [...k.before(e), out(e, 3, 0, none, k.inner6(e).slice(0, 60))]],
    [`about ${name}, class and label`, e => [...k.before(e), out(e, 1, 3, none, k.inner6(e, { tc: 0x28, flow: 77 }))]],
    [`about ${name}, options`, e => [...k.before(e), out(e, 1, 3, none, k.inner6(e, { ext: [p.destination] }))]],
    [`about ${name}, from the guest`, e => [...k.before(e), out(e, 1, 4, none, k.inner6(e), { src: e.guest })]],
    [`about ${name}, without session`, e => out(e, 1, 3, none, k.inner6(e))],
  ]),
  ...MTUS6.map((n): Row => [`MTU ${n}`, e => [...udp.before(e), out(e, 2, 0, p.be32(n), udp.inner6(e))]]),
  [
    'MTU, about a fragment',
    e => [...udp.before(e), out(e, 2, 0, p.be32(1400), udp.inner6(e, { ext: [p.fragment(9, 0, true)] }))],
  ],
  ...[...Array.from({ length: 10 }, (_, n) => n), 23, 24, 39, 40, 48].map(
    (n): Row => [`pointer ${n}`, e => [...udp.before(e), out(e, 4, 0, p.be32(n), udp.inner6(e))]],
  ),
  ['unused word is used', e => [...udp.before(e), out(e, 1, 3, [0, 1, 2, 3], udp.inner6(e))]],
  [
    'about a first fragment',
    e => [...udp.before(e), out(e, 3, 1, none, udp.inner6(e, { ext: [p.fragment(9, 0, true)] }))],
  ],
  ['about an atomic fragment', e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e, { ext: [p.fragment(9)] }))]],
  [
    'about a later fragment',
    e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e, { ext: [p.fragment(9, 1480)] }))],
  ],
  ['about an ICMP error', e => [...udp.before(e), out(e, 1, 3, none, quoted6(e, p.icmp(1, 4, none, udp.inner6(e))))]],
  ['about SCTP', e => out(e, 4, 1, p.be32(6), quoted6(e, p.raw(132, data)))],
  ['about a stranger', e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e, { dst: '2001:db8:1::77' }))]],
  [
    'about another peer',
    e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e, { src: '2001:db8:64::198.18.254.9' }))],
  ],
  ['about a routing header', e => [...udp.before(e), out(e, 4, 0, p.be32(43), udp.inner6(e, { ext: [p.routing(1)] }))]],
  ['long', e => [...udp.before(e), out(e, 1, 3, none, quoted6(e, p.udp(53, e.port, p.filler(500))))]],
  ['1280 bytes', e => [...udp.before(e), out(e, 1, 3, none, quoted6(e, p.udp(53, e.port, p.filler(1184))))]],
  [
    'checksum wrong',
    e => [...udp.before(e), { from: 6, bytes: spoilt((out(e, 1, 3, none, udp.inner6(e)) as Made).bytes, 42) }],
  ],
  ['class and hop limit', e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e), { tc: 0xc0, hops: 200, flow: 5 })]],
  ['hop limit 1', e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e), { hops: 1 })]],
  ['no packet inside', e => out(e, 1, 3, none, [])],
  ['half a header inside', e => [...udp.before(e), out(e, 1, 3, none, udp.inner6(e).slice(0, 28))]],
  ['IPv4 inside', e => out(e, 1, 3, none, udp.inner4(e))],
  ...(
    [
      ['unreachable', 1, 3],
      ['expired', 3, 0],
      ['next header', 4, 1],
      ['parameter', 4, 0],
    ] as const
  ).map(
    ([name, type, code]): Row => [
      `extension, ${name}`,
      e => [
        ...udp.before(e),
        out(e, type, code, type === 4 ? none : [16, 0, 0, 0], [...padded(udp.inner6(e), 128), ...EXTENSION]),
      ],
    ],
  ),
  [
    'extension, quote of 200 bytes',
    e => [
      ...udp.before(e),
      out(e, 1, 3, [25, 0, 0, 0], [...quoted6(e, p.udp(53, e.port, p.filler(152))), ...EXTENSION]),
    ],
  ],
  [
    'extension, quote of 1000 bytes',
    e => [
      ...udp.before(e),
      out(e, 1, 3, [125, 0, 0, 0], [...quoted6(e, p.udp(53, e.port, p.filler(952))), ...EXTENSION]),
    ],
  ],
  [
    'extension, length says too little',
    e => [...udp.before(e), out(e, 1, 3, [5, 0, 0, 0], [...padded(udp.inner6(e), 128), ...EXTENSION])],
  ],
  [
    'extension, length says too much',
    e => [...udp.before(e), out(e, 1, 3, [100, 0, 0, 0], [...padded(udp.inner6(e), 128), ...EXTENSION])],
  ],
]

type Made = { readonly bytes: Uint8Array }
const spoilt = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((x, i) => (i === at ? x ^ 0x55 : x))
