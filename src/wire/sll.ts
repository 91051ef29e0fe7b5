/**
 * "Linux cooked" headers, which libpcap writes for captures on the `any` device
 * (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 of the pcap link-type registry).
 *
 *     v1, 16 bytes: packet type(2) ARPHRD(2) address length(2) address(8) protocol(2)
 *     v2, 20 bytes: protocol(2) reserved(2) ifindex(4) ARPHRD(2) packet type(1) address length(1) address(8)
 *
 * `protocol` is an ethertype.
 */
import { u8, u16, u32 } from './bytes.js'

export const SLL_HEADER = 16
export const SLL_PROTOCOL = 14
export const SLL2_HEADER = 20
export const SLL2_PROTOCOL = 0

/** PACKET_OUTGOING of linux/if_packet.h: the host sends it. The types below it are of packets that came in. */
export const SLL_OUTGOING = 4

/** What a cooked header says; read again and again into the same one. */
export interface Cooked {
  /** Interface index; 0: the header does not say (v1). */
  ifindex: number
  /** Kind of device: ARPHRD_ of linux/if_arp.h. */
  hardware: number
  /** PACKET_ of linux/if_packet.h. */
  packetType: number
  protocol: number
  /** Where the sender's link address stands; it has 8 bytes, unused ones are 0. */
  address: number
  /** Where the header ends. */
  payload: number
}

export function blankCooked(): Cooked {
  return { ifindex: 0, hardware: 0, packetType: 0, protocol: 0, address: 0, payload: 0 }
}

/** Reads a header of version 1 or 2 at `start` into `cooked`. Returns false when the frame ends before it does. */
export function readCooked(version: 1 | 2, b: Uint8Array, start: number, end: number, cooked: Cooked): boolean {
  const isFirst = version === 1
  if (start + (isFirst ? SLL_HEADER : SLL2_HEADER) > end) return false
  cooked.ifindex = isFirst ? 0 : u32(b, start + 4)
  cooked.hardware = u16(b, start + (isFirst ? 2 : 8))
  cooked.packetType = isFirst ? u16(b, start) : u8(b, start + 10)
  cooked.protocol = u16(b, start + (isFirst ? SLL_PROTOCOL : SLL2_PROTOCOL))
  cooked.address = start + (isFirst ? 6 : 12)
  cooked.payload = start + (isFirst ? SLL_HEADER : SLL2_HEADER)
  return true
}
