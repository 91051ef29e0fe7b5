// hot path
/** What ICMP types, codes and pointers become (RFC 7915 sections 4.2 and 5.2). */

/** Types of ICMPv4 (RFC 792). */
export const ICMP4_TYPE = {
  ECHO_REPLY: 0,
  UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO: 8,
  TIME_EXCEEDED: 11,
  PARAMETER: 12,
} as const

/** Types of ICMPv6 (RFC 4443). */
export const ICMP6_TYPE = {
  UNREACHABLE: 1,
  TOO_BIG: 2,
  TIME_EXCEEDED: 3,
  PARAMETER: 4,
  ECHO: 128,
  ECHO_REPLY: 129,
} as const

/** Code of ICMPv4 Unreachable: fragmentation needed and DF set. */
export const FRAGMENTATION_NEEDED = 4

/** No counterpart: the message is dropped silently. */
export const NOT_TRANSLATED = -1

/** Echo and its reply, the only queries that have a counterpart. */
export function isQuery4(type: number): boolean {
  return type === ICMP4_TYPE.ECHO || type === ICMP4_TYPE.ECHO_REPLY
}

/** As {@link isQuery4}, for ICMPv6. */
export function isQuery6(type: number): boolean {
  return type === ICMP6_TYPE.ECHO || type === ICMP6_TYPE.ECHO_REPLY
}

/** Says whether an ICMPv4 type is an error (RFC 1122 section 3.2.2). */
export function isError4(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12
}

/** The other family's type of an echo or echo reply. */
export function queryToV6(type: number): number {
  return type === ICMP4_TYPE.ECHO ? ICMP6_TYPE.ECHO : ICMP6_TYPE.ECHO_REPLY
}

/** As {@link queryToV6}, the other way. */
export function queryToV4(type: number): number {
  return type === ICMP6_TYPE.ECHO ? ICMP4_TYPE.ECHO : ICMP4_TYPE.ECHO_REPLY
}

const pair = (type: number, code: number): number => (type << 8) | code
const no = NOT_TRANSLATED

/** ICMPv6 type and code by the code of ICMPv4 Unreachable. */
const UNREACHABLE_TO_V6 = Int32Array.of(
  pair(1, 0), // network
  pair(1, 0), // host
  pair(4, 1), // protocol
  pair(1, 4), // port
  pair(2, 0), // fragmentation needed
  pair(1, 0), // source route failed
  pair(1, 0), // network unknown
  pair(1, 0), // host unknown
  pair(1, 0), // source host isolated
  pair(1, 1), // network prohibited
  pair(1, 1), // host prohibited
  pair(1, 0), // network, for this type of service
  pair(1, 0), // host, for this type of service
  pair(1, 1), // communication prohibited
  no, // host precedence violation
  pair(1, 1), // precedence cutoff
)

/** ICMPv4 type and code by the code of ICMPv6 Unreachable. */
const UNREACHABLE_TO_V4 = Int32Array.of(
  pair(3, 1), // no route
  pair(3, 10), // prohibited
  pair(3, 1), // beyond scope of source
  pair(3, 1), // address
  pair(3, 3), // port
)

/** Type and code, as `type << 8 | code`, that an ICMPv4 error becomes; NOT_TRANSLATED for none. */
export function codeToV6(type: number, code: number): number {
  switch (type) {
    case ICMP4_TYPE.UNREACHABLE:
      return code < UNREACHABLE_TO_V6.length ? UNREACHABLE_TO_V6[code]! : no
    case ICMP4_TYPE.TIME_EXCEEDED:
      return pair(ICMP6_TYPE.TIME_EXCEEDED, code)
    case ICMP4_TYPE.PARAMETER:
      return code === 0 || code === 2 ? pair(ICMP6_TYPE.PARAMETER, 0) : no
    default:
      return no
  }
}

/** Type and code, as `type << 8 | code`, that an ICMPv6 error becomes; NOT_TRANSLATED for none. */
export function codeToV4(type: number, code: number): number {
  switch (type) {
    case ICMP6_TYPE.UNREACHABLE:
      return code < UNREACHABLE_TO_V4.length ? UNREACHABLE_TO_V4[code]! : no
    case ICMP6_TYPE.TOO_BIG:
      return pair(ICMP4_TYPE.UNREACHABLE, FRAGMENTATION_NEEDED)
    case ICMP6_TYPE.TIME_EXCEEDED:
      return pair(ICMP4_TYPE.TIME_EXCEEDED, code)
    case ICMP6_TYPE.PARAMETER:
      return code === 0 ? pair(ICMP4_TYPE.PARAMETER, 0) : code === 1 ? pair(ICMP4_TYPE.UNREACHABLE, 2) : no
    default:
      return no
  }
}

/** Figure 3 of RFC 7915: where a field of the IPv4 header stands in the IPv6 header. */
const POINTER_TO_V6 = Int8Array.of(0, 1, 4, 4, no, no, no, no, 7, 6, no, no, 8, 8, 8, 8, 24, 24, 24, 24)

/** Figure 6 of RFC 7915: where a field of the IPv6 header stands in the IPv4 header. */
const POINTER_TO_V4 = Int8Array.of(
  ...[0, 1, no, no, 2, 2, 9, 8],
  ...new Array<number>(16).fill(12),
  ...new Array<number>(16).fill(16),
)

/** The ICMPv6 Parameter Problem pointer for an ICMPv4 one; NOT_TRANSLATED for none. */
export function pointerToV6(pointer: number): number {
  return pointer < POINTER_TO_V6.length ? POINTER_TO_V6[pointer]! : no
}

/** The ICMPv4 Parameter Problem pointer for an ICMPv6 one; NOT_TRANSLATED for none. */
export function pointerToV4(pointer: number): number {
  return pointer < POINTER_TO_V4.length ? POINTER_TO_V4[pointer]! : no
}
