/** Protocol numbers, header sizes, and where fields stand in them (bytes from the header's start). */

/** IP protocol numbers and IPv6 next-header values. */
export const HOPOPT = 0
export const ICMP4 = 1
export const IGMP = 2
export const TCP = 6
export const UDP = 17
export const ROUTING = 43
export const FRAGMENT = 44
export const ESP = 50
export const AH = 51
export const ICMP6 = 58
export const NO_NEXT = 59
export const DSTOPTS = 60
export const SCTP = 132
export const MOBILITY = 135
export const UDPLITE = 136
export const HIP = 139
export const SHIM6 = 140
export const DCCP = 33

/** Header sizes without options, bytes. */
export const IPV4_HEADER = 20
export const IPV6_HEADER = 40
export const FRAGMENT_HEADER = 8
export const UDP_HEADER = 8
export const TCP_HEADER = 20
export const ICMP_HEADER = 8

/** Offsets in the IPv4 header (RFC 791 section 3.1). */
export const IP4 = { TOS: 1, LENGTH: 2, ID: 4, FRAG: 6, TTL: 8, PROTOCOL: 9, CHECKSUM: 10, SRC: 12, DST: 16 } as const
export const DF = 0x4000
export const MF = 0x2000
export const FRAG_OFFSET_MASK = 0x1fff

/** Offsets in the IPv6 header (RFC 8200 section 3). */
export const IP6 = { FLOW: 0, LENGTH: 4, NEXT: 6, HOPS: 7, SRC: 8, DST: 24 } as const

/** Where the checksum stands in each transport header, bytes. */
export const TCP_CHECKSUM = 16
export const UDP_CHECKSUM = 6
export const ICMP_CHECKSUM = 2

/** TCP flags, in the 14th byte (RFC 9293 section 3.1). */
export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const ACK = 0x10
