/**
 * Ethernet frames and their tags (IEEE 802.3, 802.1Q, 802.1ad), as far as finding the packet inside needs.
 *
 *     destination(6) source(6) [tag 0x8100|0x88a8|0x9100 (2) TCI (2)]* ethertype(2) payload
 */
import { u16 } from './bytes.js'

export const ETHERNET_HEADER = 14
/** A tag: its ethertype and TCI. */
export const TAG = 4

/** Ethertypes. */
export const ETHERTYPE_IPV4 = 0x0800
export const ETHERTYPE_IPV6 = 0x86dd
export const ETHERTYPE_VLAN = 0x8100
export const ETHERTYPE_QINQ = 0x88a8
const ETHERTYPE_QINQ_OLD = 0x9100

/** Most tags that are skipped; more are no frame that a network carries. */
const MAX_TAGS = 4

/** Says whether this ethertype begins a tag. */
export function isTag(type: number): boolean {
  return type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ || type === ETHERTYPE_QINQ_OLD
}

/**
 * Skips the tags that begin with the ethertype at `typeAt`. Returns where the last ethertype stands; the payload begins
 * two bytes later. Returns -1 when the frame ends before that, or has more than four tags.
 */
export function skipTags(b: Uint8Array, typeAt: number, end: number): number {
  let at = typeAt
  for (let tags = 0; tags <= MAX_TAGS; tags++) {
    if (at + 2 > end) return -1
    const type = u16(b, at)
    if (!isTag(type)) return at
    at += TAG
  }
  return -1
}

/** Exchanges destination and source address of the frame at `o`, for an answer to it. */
export function swapAddresses(b: Uint8Array, o: number): void {
  for (let i = 0; i < 6; i++) {
    const x = b[o + i] as number
    b[o + i] = b[o + 6 + i] as number
    b[o + 6 + i] = x
  }
}
