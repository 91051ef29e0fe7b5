/**
 * Link types of capture files, and where the IP packet stands in a frame of each
 * (https://www.tcpdump.org/linktypes.html). Reads within `[start, end)`, never throws.
 */
import { put16, u8, u16 } from './bytes.js'
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ETHERTYPE_IPV6, skipTags, swapAddresses } from './ethernet.js'
import { SLL_HEADER, SLL_PROTOCOL, SLL2_HEADER, SLL2_PROTOCOL } from './sll.js'

/** Link types that packets can be found in. */
export const LINK = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  SLL: 113,
  IPV4: 228,
  IPV6: 229,
  SLL2: 276,
} as const

const NAMES: Readonly<Record<number, string>> = {
  [LINK.NULL]: 'NULL',
  [LINK.ETHERNET]: 'EN10MB',
  [LINK.RAW_BSD]: 'RAW',
  [LINK.RAW_OPENBSD]: 'RAW',
  [LINK.RAW]: 'RAW',
  [LINK.LOOP]: 'LOOP',
  [LINK.SLL]: 'LINUX_SLL',
  [LINK.IPV4]: 'IPV4',
  [LINK.IPV6]: 'IPV6',
  [LINK.SLL2]: 'LINUX_SLL2',
}

/** The link type's name as tcpdump writes it, or its number. */
export function linkName(linkType: number): string {
  return NAMES[linkType] ?? `link type ${linkType}`
}

/** Says whether {@link findIp} knows this link type. */
export function isKnownLink(linkType: number): boolean {
  return NAMES[linkType] !== undefined
}

/** Where a frame's IP packet stands. */
export interface IpSpot {
  /** Offset of the IP header; -1 when the frame carries none. */
  ip: number
  /** Offset of the field that says IPv4 or IPv6; -1 when the link type has none. */
  typeAt: number
}

const AF_INET = 2
/** The values of AF_INET6 on Linux, NetBSD and OpenBSD, FreeBSD, Darwin. */
const AF_INET6 = [10, 24, 28, 30]

/** Finds the IP packet in the frame `b[start, end)` and fills `spot`. Returns whether there is one. */
export function findIp(linkType: number, b: Uint8Array, start: number, end: number, spot: IpSpot): boolean {
  spot.ip = -1
  spot.typeAt = -1
  switch (linkType) {
    case LINK.ETHERNET:
      return findByEthertype(b, start + 12, start + ETHERNET_HEADER, end, spot)
    case LINK.SLL:
      return findByEthertype(b, start + SLL_PROTOCOL, start + SLL_HEADER, end, spot)
    case LINK.SLL2:
      return findInSll2(b, start, end, spot)
    case LINK.NULL:
    case LINK.LOOP:
      return findByFamily(b, start, end, spot)
    case LINK.RAW:
    case LINK.RAW_BSD:
    case LINK.RAW_OPENBSD:
    case LINK.IPV4:
    case LINK.IPV6:
      return isIpAt(b, start, end, spot)
    default:
      return false
  }
}

function isIpAt(b: Uint8Array, o: number, end: number, spot: IpSpot): boolean {
  if (o >= end) return false
  const version = u8(b, o) >>> 4
  if (version !== 4 && version !== 6) return false
  spot.ip = o
  return true
}

function findByEthertype(b: Uint8Array, typeAt: number, payload: number, end: number, spot: IpSpot): boolean {
  if (payload > end) return false
  const at = skipTags(b, typeAt, end)
  return at >= 0 && acceptEthertype(u16(b, at), at, at + 2, b, end, spot)
}

function acceptEthertype(type: number, typeAt: number, ip: number, b: Uint8Array, end: number, spot: IpSpot): boolean {
  const version = type === ETHERTYPE_IPV4 ? 4 : type === ETHERTYPE_IPV6 ? 6 : 0
  if (version === 0 || ip >= end || u8(b, ip) >>> 4 !== version) return false
  spot.ip = ip
  spot.typeAt = typeAt
  return true
}

/** The protocol stands first; tags, if any, begin with the TCI at the start of the payload. */
function findInSll2(b: Uint8Array, start: number, end: number, spot: IpSpot): boolean {
  const payload = start + SLL2_HEADER
  if (payload > end) return false
  const type = u16(b, start + SLL2_PROTOCOL)
  if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) {
    return acceptEthertype(type, start + SLL2_PROTOCOL, payload, b, end, spot)
  }
  if (type !== 0x8100 && type !== 0x88a8) return false
  const at = skipTags(b, payload + 2, end)
  return at >= 0 && acceptEthertype(u16(b, at), at, at + 2, b, end, spot)
}

/** An address family of 4 bytes: byte order of the capturing host (NULL) or of the network (LOOP); both are tried. */
function findByFamily(b: Uint8Array, start: number, end: number, spot: IpSpot): boolean {
  if (start + 4 > end) return false
  const little = u8(b, start) !== 0
  const family = little ? u8(b, start) : u8(b, start + 3)
  const version = family === AF_INET ? 4 : AF_INET6.includes(family) ? 6 : 0
  if (version === 0 || start + 4 >= end || u8(b, start + 4) >>> 4 !== version) return false
  spot.ip = start + 4
  spot.typeAt = little ? start : start + 3
  return true
}

/** Writes that the frame now carries IPv4 or IPv6, into the field at `typeAt` that {@link findIp} reported. */
export function writeVersion(linkType: number, b: Uint8Array, typeAt: number, version: 4 | 6): void {
  if (typeAt < 0) return
  if (linkType === LINK.NULL || linkType === LINK.LOOP) b[typeAt] = version === 4 ? AF_INET : 24
  else put16(b, typeAt, version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6)
}

/** Turns the frame's header into that of an answer, where the link type has addresses of both ends. */
export function turnRound(linkType: number, b: Uint8Array, start: number): void {
  if (linkType === LINK.ETHERNET) swapAddresses(b, start)
}

/** A link header for packets that no captured frame caused; addresses are zero. */
export function blankHeader(linkType: number, version: 4 | 6): Uint8Array {
  const [size, typeAt] = BLANK[linkType] ?? [0, -1]
  const header = new Uint8Array(size)
  writeVersion(linkType, header, typeAt, version)
  return header
}

const BLANK: Readonly<Record<number, readonly [size: number, typeAt: number]>> = {
  [LINK.NULL]: [4, 0],
  [LINK.LOOP]: [4, 3],
  [LINK.ETHERNET]: [ETHERNET_HEADER, 12],
  [LINK.SLL]: [SLL_HEADER, SLL_PROTOCOL],
  [LINK.SLL2]: [SLL2_HEADER, SLL2_PROTOCOL],
}

/** The link type that can hold translations of frames of `linkType`: RAW for those that hold one family only. */
export function linkForBoth(linkType: number): number {
  return BLANK[linkType] === undefined ? LINK.RAW : linkType
}
