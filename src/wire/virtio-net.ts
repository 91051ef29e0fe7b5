// hot path
/**
 * The 10-byte virtio-net header in front of each packet on a TUN device with IFF_VNET_HDR; fields are little-endian
 * (linux/virtio_net.h, `struct virtio_net_hdr`).
 *
 *     flags(1) gso_type(1) hdr_len(2) gso_size(2) csum_start(2) csum_offset(2)
 */

/** Size of the header, bytes. */
export const VNET_HEADER = 10

/** `flags`: the transport checksum holds the pseudo-header sum only. */
export const NEEDS_CSUM = 1
/** `flags`: the checksum was verified by the kernel. */
export const DATA_VALID = 2

/** `gso_type` values. */
export const GSO_NONE = 0
export const GSO_TCPV4 = 1
export const GSO_TCPV6 = 4
export const GSO_UDP_L4 = 5
/** Bit in `gso_type`: segments carry CWR (RFC 3168) on the first only. */
export const GSO_ECN = 0x80

/** Reads a little-endian field of 16 bits. */
export function le16(b: Uint8Array, o: number): number {
  return b[o]! | (b[o + 1]! << 8)
}

/** Writes a little-endian field of 16 bits. */
export function putLe16(b: Uint8Array, o: number, value: number): void {
  b[o] = value
  b[o + 1] = value >>> 8
}
