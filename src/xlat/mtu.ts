// hot path
/** MTU arithmetic of ICMP errors (RFC 7915 sections 4.2 and 5.2). All figures are bytes. */
import { FRAGMENT_HEADER } from '../wire/protocol.js'

/** What IPv6 headers are longer than IPv4 headers. */
export const HEADER_DIFFERENCE = 20
/** The least MTU of an IPv6 link (RFC 8200 section 5) and of an IPv4 link (RFC 791 section 3.2). */
export const LEAST_MTU6 = 1280
export const LEAST_MTU4 = 68

/**
 * The MTU of a Packet Too Big for that of a Fragmentation Needed; both links behind the translator have `linkMtu`.
 * MTU 0 comes from routers older than RFC 1191: the greatest plateau below `innerLength`, the total length of the
 * packet that was too big, stands in.
 */
export function mtuToV6(mtu: number, innerLength: number, linkMtu: number, plateaus: readonly number[]): number {
  const known = mtu !== 0 ? mtu : plateauBelow(innerLength, plateaus)
  return Math.max(LEAST_MTU6, Math.min(known + HEADER_DIFFERENCE, linkMtu))
}

function plateauBelow(length: number, plateaus: readonly number[]): number {
  for (let i = 0; i < plateaus.length; i++) {
    const plateau = plateaus[i]!
    if (plateau < length) return plateau
  }
  return LEAST_MTU4
}

/** The MTU of a Fragmentation Needed for that of a Packet Too Big about a packet with or without Fragment header. */
export function mtuToV4(mtu: number, hasFragmentHeader: boolean, linkMtu: number): number {
  const difference = HEADER_DIFFERENCE + (hasFragmentHeader ? FRAGMENT_HEADER : 0)
  return Math.max(LEAST_MTU4, Math.min(mtu - difference, linkMtu - difference))
}
