/** The packets that are to exhaust a translator, and what is promised under them. Pure; used in tests and in the lab. */
import { put16, put32 } from '../../src/wire/bytes.js'
import { finish, sum } from '../../src/wire/checksum.js'
import { IPV4_HEADER } from '../../src/wire/protocol.js'
import { be16, be32, filler, fragment, icmp, ip4, ip6, type Message, raw, tcp, udp } from '../xlat/packets.js'
import { POOL4 } from './places.js'

/** Where nobody is, an attacker inside, and one outside. */
const FAR6 = '2001:db8:64::203.0.113.9'
export const GUEST = '2001:db8:bad::1'
const OUTSIDER = '198.18.0.1'
/** Ports of pool4 that a static binding gives to a guest. */
export const OPEN_PORT = 8080
/** In the form of `--bib`. */
export const OPEN_BINDINGS = ['tcp', 'udp'].map(p => `${p},${GUEST}#${OPEN_PORT},${POOL4}#${OPEN_PORT}`)

const SYN = { flags: 2 }

export interface Attack {
  readonly name: string
  readonly from: 'guests' | 'outside'
  /** There are {@link OPEN_BINDINGS}. */
  readonly isOpen?: true
  readonly pool4?: string
  readonly filtering?: 'address-dependent'
  /** Lines of section [limits] of nat64.toml. */
  readonly limits?: Readonly<Record<string, number>>
  /** Packets a second, and seconds. */
  readonly rate: number
  readonly seconds: number
  /** Reasons that have to be counted. */
  readonly counts: readonly string[]
  /** Whether another guest still gets new ports meanwhile. */
  readonly newcomers: 'served' | 'refused'
  /** nftables rules in the node, before the translator. */
  readonly rules?: string
  /** false: more than can be carried. What is lost then is shown, not promised. */
  readonly promised?: boolean
  /** Packets in turn, and what differs in number `i`. */
  readonly templates: readonly Uint8Array[]
  readonly vary: (b: Uint8Array, i: number) => void
}

/** Bytes of packet number `i`, good until the next call for the same template. */
export function packetOf({ templates, vary }: Attack, i: number): Uint8Array {
  const b = templates[i % templates.length]!
  vary(b, i)
  if (b[0]! >>> 4 === 4) {
    put16(b, 10, 0)
    put16(b, 10, finish(sum(b, 0, IPV4_HEADER)))
  }
  return b
}

const from6 = (m: Message, more = {}) => ip6(m, { src: GUEST, dst: FAR6, ...more })
const from4 = (m: Message, more = {}) => ip4(m, { src: OUTSIDER, dst: POOL4, ...more })
/** Source port; the same place in UDP and TCP. */
const port6 = (b: Uint8Array, port: number) => put16(b, 40, port)
const port4 = (b: Uint8Array, port: number) => put16(b, 20, port)
/** Low words of source and destination. */
const source6 = (b: Uint8Array, n: number) => put32(b, 20, n)
const source4 = (b: Uint8Array, n: number) => put16(b, 14, n & 0xffff)
const PORTS = 8_000
/** A source address and port that no other number has. */
const distinct6 = (b: Uint8Array, i: number) => {
  source6(b, 2 + Math.floor(i / PORTS))
  port6(b, 1024 + (i % PORTS))
}
const distinct4 = (b: Uint8Array, i: number) => {
  source4(b, 2 + Math.floor(i / PORTS))
  port4(b, 1024 + (i % PORTS))
}
/** Identification of a fragment. */
const id6 = (b: Uint8Array, id: number) => put32(b, 44, id)
const id4 = (b: Uint8Array, id: number) => put16(b, 4, id)

/** Part of a datagram of 64 bytes, from a guest. */
const part6 = (from: number, to: number, more: boolean) =>
  from6(udp(4000, 53, filler(56)), { ext: [fragment(1, from, more)], from, to })
const part4 = (from: number, to: number, mf: boolean) => from4(udp(4000, OPEN_PORT, filler(56)), { from, to, mf })

/** An ICMP error about a packet that nobody sent. */
const unknown6 = from6(icmp(1, 4, be32(0), ip6(udp(53, 4000), { src: FAR6, dst: GUEST })))
const unknown4 = from4(icmp(3, 3, be32(0), ip4(udp(4000, 53), { src: POOL4, dst: OUTSIDER })))
const STATIC = { isOpen: true } as const
const ADDRESS_DEPENDENT = { isOpen: true, filtering: 'address-dependent' } as const

const DEFAULTS = { rate: 20_000, seconds: 4, newcomers: 'served' as const }

/** As fast as it goes. */
const TOO_MUCH: Omit<Attack, 'name'> = {
  from: 'guests',
  rate: 400_000,
  seconds: 3,
  counts: [],
  newcomers: 'served',
  promised: false,
  templates: [from6(udp(4000, 53))],
  vary: () => {},
}
/** What an administrator can do about it: no guest may send more than so many packets a second. */
const LIMITED = `table inet guests {
  set senders { type ipv6_addr; size 65536; flags dynamic; timeout 10s; }
  chain forward {
    type filter hook forward priority filter;
    oifname "nat64" update @senders { ip6 saddr limit rate over 20000/second burst 2000 packets } drop
  }
}`

export const ATTACKS: readonly Attack[] = [
  {
    ...DEFAULTS,
    name: 'BIB full, limit 10,000',
    from: 'guests',
    limits: { bib: 10_000 },
    counts: ['bib_full'],
    newcomers: 'refused',
    templates: [from6(udp(4000, 53))],
    vary: distinct6,
  },
  {
    ...DEFAULTS,
    name: 'sessions full, limit 10,000, many guests',
    from: 'guests',
    limits: { sessions: 10_000 },
    counts: ['sessions_full'],
    newcomers: 'refused',
    templates: [from6(udp(4000, 53))],
    vary: distinct6,
  },
  {
    ...DEFAULTS,
    name: 'default tables full, 1,000,000 of each',
    from: 'guests',
    pool4: '198.51.100.64/27',
    rate: 60_000,
    seconds: 18,
    counts: ['sessions_full'],
    newcomers: 'refused',
    templates: [from6(udp(4000, 53))],
    vary: distinct6,
  },
  {
    ...DEFAULTS,
    name: 'one guest opens 65,000 ports',
    from: 'guests',
    counts: ['ports_per_guest'],
    rate: 16_250,
    templates: [from6(udp(4000, 53))],
    vary: (b, i) => port6(b, 1 + (i % 65_000)),
  },
  {
    ...DEFAULTS,
    name: 'one guest, one port, many peers',
    from: 'guests',
    counts: ['sessions_per_guest'],
    rate: 50_000,
    templates: [from6(udp(4000, 53))],
    vary: (b, i) => {
      put16(b, 38, i >>> 16)
      put16(b, 42, i & 0xffff)
    },
  },
  {
    ...DEFAULTS,
    name: 'SYN flood from guests, made-up addresses',
    from: 'guests',
    counts: ['pool4_exhausted'],
    rate: 25_000,
    templates: [from6(tcp(4000, 80, [], SYN))],
    vary: distinct6,
  },
  {
    ...DEFAULTS,
    name: 'the same, guests counted by /64',
    from: 'guests',
    limits: { 'guest-prefix-length': 64 },
    counts: ['ports_per_guest'],
    rate: 25_000,
    templates: [from6(tcp(4000, 80, [], SYN))],
    vary: distinct6,
  },
  {
    ...DEFAULTS,
    name: 'SYN flood from outside, no binding',
    from: 'outside',
    counts: ['syns_full', 'syn_timeout'],
    templates: [from4(tcp(4000, 80, [], SYN))],
    vary: (b, i) => {
      distinct4(b, i)
      put16(b, 22, 1024 + (i % 60_000))
    },
  },
  {
    ...DEFAULTS,
    ...STATIC,
    name: 'SYN flood from outside, static binding',
    from: 'outside',
    limits: { sessions: 20_000, 'sessions-per-guest': 10_000 },
    counts: ['sessions_per_guest'],
    templates: [from4(tcp(4000, OPEN_PORT, [], SYN))],
    vary: distinct4,
  },
  {
    ...DEFAULTS,
    ...ADDRESS_DEPENDENT,
    name: 'the same, address-dependent filtering',
    from: 'outside',
    counts: ['syns_full', 'syn_timeout'],
    templates: [from4(tcp(4000, OPEN_PORT, [], SYN))],
    vary: distinct4,
  },
  {
    ...DEFAULTS,
    ...ADDRESS_DEPENDENT,
    name: 'UDP from outside, address-dependent',
    from: 'outside',
    counts: ['filtered', 'icmp_rate'],
    templates: [from4(udp(4000, OPEN_PORT))],
    vary: distinct4,
  },
  {
    ...DEFAULTS,
    name: 'hop limits that run out, from guests',
    from: 'guests',
    counts: ['ttl_expired', 'icmp_rate'],
    templates: [from6(udp(4000, 53, filler(1000)), { hops: 3 })],
    vary: source6,
  },
  {
    ...DEFAULTS,
    ...STATIC,
    name: 'too big for IPv6, from outside',
    from: 'outside',
    counts: ['too_big', 'icmp_rate'],
    templates: [from4(udp(4000, OPEN_PORT, filler(1472)), { df: true })],
    vary: () => {},
  },
  {
    ...DEFAULTS,
    name: 'ICMP errors from outside, about nothing',
    from: 'outside',
    counts: ['no_session'],
    templates: [unknown4],
    vary: source4,
  },
  {
    ...DEFAULTS,
    name: 'ICMP errors from guests, about nothing',
    from: 'guests',
    counts: ['no_session'],
    templates: [unknown6],
    vary: () => {},
  },
  {
    ...DEFAULTS,
    name: 'first fragments alone, one guest',
    from: 'guests',
    counts: ['fragments_full'],
    templates: [part6(0, 32, true)],
    vary: id6,
  },
  {
    ...DEFAULTS,
    name: 'first fragments alone, many guests',
    from: 'guests',
    counts: [],
    templates: [part6(0, 32, true)],
    vary: (b, i) => {
      source6(b, 2 + (i & 0xfff))
      id6(b, i)
    },
  },
  {
    ...DEFAULTS,
    name: 'later fragments alone, many guests',
    from: 'guests',
    counts: ['fragments_full'],
    templates: [part6(32, 64, false)],
    vary: (b, i) => {
      source6(b, 2 + (i & 0xfff))
      id6(b, i)
    },
  },
  {
    ...DEFAULTS,
    name: 'overlapping fragments, many guests',
    from: 'guests',
    counts: ['fragment_overlap'],
    templates: [part6(16, 48, true), part6(32, 64, false)],
    vary: (b, i) => {
      source6(b, 2 + ((i >>> 1) & 0xfff))
      id6(b, i >>> 1)
    },
  },
  {
    ...DEFAULTS,
    name: 'tiny fragments, one guest',
    from: 'guests',
    counts: ['fragments_full'],
    templates: [8, 16, 24, 32, 40, 48].map(o => part6(o, o + 8, true)),
    vary: (b, i) => id6(b, Math.floor(i / 6)),
  },
  {
    ...DEFAULTS,
    ...STATIC,
    name: 'first fragments alone, from outside',
    from: 'outside',
    counts: [],
    templates: [part4(0, 32, true)],
    vary: (b, i) => {
      source4(b, 2 + (i & 0xfff))
      id4(b, i >>> 12)
    },
  },
  {
    ...DEFAULTS,
    ...STATIC,
    name: 'later fragments alone, from outside',
    from: 'outside',
    counts: ['fragments_full'],
    templates: [part4(32, 64, false)],
    vary: (b, i) => {
      source4(b, 2 + (i & 0xfff))
      id4(b, i >>> 12)
    },
  },
  {
    ...DEFAULTS,
    ...STATIC,
    name: 'overlapping fragments, from outside',
    from: 'outside',
    counts: ['fragment_overlap'],
    templates: [part4(16, 48, true), part4(32, 64, false)],
    vary: (b, i) => {
      source4(b, 2 + ((i >>> 1) & 0xfff))
      id4(b, i >>> 13)
    },
  },
  {
    ...DEFAULTS,
    name: 'noise: no TCP, no UDP, nothing',
    from: 'guests',
    counts: ['protocol'],
    templates: [from6(raw(99, be16(7)))],
    vary: source6,
  },
  {
    ...TOO_MUCH,
    name: 'more packets than it can carry',
  },
  {
    ...TOO_MUCH,
    name: 'the same, limited by nftables',
    rules: LIMITED,
    promised: true,
  },
]
