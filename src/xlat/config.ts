/** What the translator is told. Plain data, checked by `src/config` before it gets here. */
import type { Ipv4 } from '../addr/ipv4.js'
import type { Ipv6 } from '../addr/ipv6.js'
import type { Prefix4, Prefix6 } from '../addr/prefix.js'

/** stateful: RFC 6146. siit: RFC 7915 with EAM. pool: one IPv4 address a guest, stateless beyond that. */
export type Mode = 'stateful' | 'siit' | 'pool'

/** The protocols that have a BIB. */
export type BibProtocol = 'tcp' | 'udp' | 'icmp'

/** A range of transport addresses (or ICMP identifiers) that stateful mode may use. */
export interface Pool4Range {
  readonly prefix: Prefix4
  readonly protocols: readonly BibProtocol[]
  /** First and last port, inclusive. */
  readonly ports: readonly [number, number]
}

/** A binding that never expires. */
export interface StaticBib {
  readonly protocol: BibProtocol
  readonly host6: Ipv6
  readonly host6Port: number
  readonly mapped4: Ipv4
  readonly mapped4Port: number
}

/** An explicit address mapping (RFC 7757 section 3.1). The suffixes may differ in length. */
export interface Eam {
  readonly prefix6: Prefix6
  readonly prefix4: Prefix4
}

/** Lifetimes, ms (RFC 6146 section 4). */
export interface Timeouts {
  readonly udp: number
  readonly tcpEstablished: number
  readonly tcpTransitory: number
  readonly tcpIncomingSyn: number
  readonly icmp: number
  /** How long a fragment waits for the rest of its packet. */
  readonly fragment: number
  /** Pool mode: how long a guest keeps its address without traffic. */
  readonly poolLease: number
}

/** Bounds. At each the newcomer is refused and counted. */
export interface Limits {
  /** BIB entries of all protocols. */
  readonly bib: number
  readonly sessions: number
  /** SYNs from outside that wait for one from inside. */
  readonly storedSyns: number
  /** Fragments kept at once, and their bytes. */
  readonly fragments: number
  readonly fragmentBytes: number
  /** ICMP errors sent per second. */
  readonly icmpErrorsPerSecond: number
  /** BIB entries of one guest, all protocols; a guest is a prefix of `guestPrefixLength` bits. 0: no limit. */
  readonly portsPerGuest: number
  /** Sessions of one guest, those that were opened from outside included. 0: no limit. */
  readonly sessionsPerGuest: number
  readonly guestPrefixLength: number
}

export interface XlatConfig {
  readonly mode: Mode
  /** Prefix that represents IPv4 (RFC 6052); null only in siit. */
  readonly pool6: Prefix6 | null
  /** Refuse non-global IPv4 addresses behind 64:ff9b::/96 (RFC 6052 section 3.1). */
  readonly wellKnownPrefixStrict: boolean
  /** stateful only. */
  readonly pool4: readonly Pool4Range[]
  readonly staticBib: readonly StaticBib[]
  /** stateful only: ports that a guest gets at a time, a power of two from 32 to 1024; 0: each by itself, at random. */
  readonly portBlock: number
  /** siit and pool. */
  readonly eam: readonly Eam[]
  readonly eamHairpin: 'off' | 'simple' | 'intrinsic'
  /** pool only: the range guests get their address from. */
  readonly dynamicPool: Prefix4 | null
  /** IPv4 prefixes that are never translated. */
  readonly denylist4: readonly Prefix4[]
  /** What this host takes as its own: its addresses and the broadcast addresses of its links. Filled in by the host set-up. */
  readonly hostAddresses4: readonly Prefix4[]
  /** Which of `hostAddresses4` guests may reach through pool6 all the same. */
  readonly allowHost4: readonly Prefix4[]
  /** Where guests have their addresses; packets from elsewhere are refused. Empty: whoever sends is a guest. */
  readonly guests6: readonly Prefix6[]
  /** Source of ICMP errors of our own, and of translated ones whose source has no counterpart (RFC 6791). */
  readonly icmpSource4: Ipv4 | null
  readonly icmpSource6: Ipv6 | null
  readonly filtering: 'endpoint-independent' | 'address-dependent'
  readonly dropIcmpInfo: boolean
  readonly dropExternallyInitiatedTcp: boolean
  /** What becomes of IPv4 UDP packets without checksum. */
  readonly udpZeroChecksum: 'compute' | 'drop' | 'drop-with-icmp' | 'forward'
  /** IPv4 TOS set to this value instead of the copied traffic class; null copies. */
  readonly tos: number | null
  /** Traffic class set to 0 instead of the copied TOS. */
  readonly resetTrafficClass: boolean
  /** RFC 7915 section 4.1: IPv4 packets without DF are fragmented to this IPv6 MTU, bytes. */
  readonly lowestIpv6Mtu: number
  /** MTU of the TUN device, bytes: what single packets and segments must fit after translation. */
  readonly mtu: number
  /** RFC 1191 section 7.1: guesses for Fragmentation Needed without MTU, bytes, descending. */
  readonly mtuPlateaus: readonly number[]
  readonly timeouts: Timeouts
  readonly limits: Limits
}

/** RFC 6146 section 4, and what this translator adds. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  udp: 300_000,
  tcpEstablished: 7_440_000,
  tcpTransitory: 240_000,
  tcpIncomingSyn: 6_000,
  icmp: 60_000,
  fragment: 2_000,
  poolLease: 7_440_000,
}

export const DEFAULT_LIMITS: Limits = {
  bib: 1_000_000,
  sessions: 1_000_000,
  storedSyns: 512,
  fragments: 1_024,
  fragmentBytes: 4 * 1024 * 1024,
  icmpErrorsPerSecond: 1_000,
  portsPerGuest: 16_384,
  sessionsPerGuest: 100_000,
  guestPrefixLength: 128,
}

export const DEFAULT_CONFIG: XlatConfig = {
  mode: 'stateful',
  pool6: { address: [0x0064ff9b, 0, 0, 0], length: 96 },
  wellKnownPrefixStrict: true,
  pool4: [],
  staticBib: [],
  portBlock: 0,
  eam: [],
  eamHairpin: 'intrinsic',
  dynamicPool: null,
  denylist4: [],
  hostAddresses4: [],
  allowHost4: [],
  guests6: [],
  icmpSource4: null,
  icmpSource6: null,
  filtering: 'endpoint-independent',
  dropIcmpInfo: false,
  dropExternallyInitiatedTcp: false,
  udpZeroChecksum: 'compute',
  tos: null,
  resetTrafficClass: false,
  lowestIpv6Mtu: 1280,
  mtu: 1500,
  mtuPlateaus: [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68],
  timeouts: DEFAULT_TIMEOUTS,
  limits: DEFAULT_LIMITS,
}
