/**
 * One packet on its way through the translator: a window into a buffer, what the kernel said about its checksums and
 * segments, and what parsing found. One object is reused for every packet; nothing is allocated per packet.
 *
 * Contract: at least {@link HEADROOM} bytes of the buffer before `start` belong to the packet, so that its header can
 * grow in place. Payload bytes are never moved; translation moves `start`.
 */

/** Bytes in front of a packet that translation may use. */
export const HEADROOM = 64

/** Directions, and the index of per-direction counters. */
export const TO_V4 = 0
export const TO_V6 = 1

export class Packet {
  /** The buffer that holds the packet. */
  buf: Uint8Array = new Uint8Array(0)
  /** Offset of the IP header. */
  start = 0
  /** Offset past the last byte. */
  end = 0

  /** virtio-net metadata (see wire/virtio-net.ts). `csumStart` and `hdrLen` count from `start`, in bytes. */
  flags = 0
  gsoType = 0
  hdrLen = 0
  /** Transport payload of each segment, bytes; 0 when `gsoType` is GSO_NONE. */
  gsoSize = 0
  csumStart = 0
  csumOffset = 0

  // Set by parse4 and parse6, valid until the packet is rewritten.

  /** 4, 6, or 0 before parsing. */
  version = 0
  /** Transport protocol, or the fragment's protocol; ICMP4 in IPv4, ICMP6 in IPv6. */
  protocol = 0
  /** Offset of the transport header (of the payload, in a fragment that is not the first). */
  l4 = 0
  /** Fragment offset, bytes. */
  fragOffset = 0
  /** More fragments follow. */
  moreFragments = false
  /** The IPv6 packet has a Fragment header, or the IPv4 packet is a fragment. */
  isFragment = false
  /** Identification: 16 bits of IPv4, 32 of a Fragment header. */
  fragId = 0
  /** IPv4: don't fragment. */
  df = false
  /** Addresses. IPv4: `s3` and `d3` only. IPv6: four words each, unsigned. */
  s0 = 0
  s1 = 0
  s2 = 0
  s3 = 0
  d0 = 0
  d1 = 0
  d2 = 0
  d3 = 0
  /** TCP and UDP ports; ICMP query identifier in both. Valid iff a first or whole packet of TCP, UDP, ICMP query. */
  sport = 0
  dport = 0
  /** TCP flags byte. Valid iff `protocol` is TCP and this is no later fragment. */
  tcpFlags = 0
  /** ICMP type and code. Valid iff `protocol` is ICMP4 or ICMP6 and this is no later fragment. */
  icmpType = 0
  icmpCode = 0
  /** The ICMP message is an error and carries a packet. */
  isIcmpError = false
  /** What an ICMP error about a refused packet carries: the pointer for segments_left, the MTU for too_big. */
  errorParam = 0

  /** Points at a packet; without metadata it is whole and fully checksummed. */
  set(buf: Uint8Array, start: number, end: number): void {
    this.buf = buf
    this.start = start
    this.end = end
    this.flags = 0
    this.gsoType = 0
    this.hdrLen = 0
    this.gsoSize = 0
    this.csumStart = 0
    this.csumOffset = 0
  }
}
