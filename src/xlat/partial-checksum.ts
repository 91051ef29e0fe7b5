// hot path
/**
 * Checksums that the sender left to its network card (VIRTIO_NET_HDR_F_NEEDS_CSUM): the field holds the sum of the
 * pseudo-header, and the sum from `csumStart` to the packet's end, complemented, belongs there.
 */
import { put16 } from '../wire/bytes.js'
import { finish, sum } from '../wire/checksum.js'
import { TCP, TCP_CHECKSUM, UDP, UDP_CHECKSUM } from '../wire/protocol.js'
import { NEEDS_CSUM } from '../wire/virtio-net.js'
import type { Packet } from './packet.js'

/** Says whether the checksum of the TCP or UDP header at `p.l4` is partial. */
export function isPartial(p: Packet): boolean {
  if ((p.flags & NEEDS_CSUM) === 0 || p.csumStart !== p.l4 - p.start) return false
  return (p.protocol === TCP && p.csumOffset === TCP_CHECKSUM) || (p.protocol === UDP && p.csumOffset === UDP_CHECKSUM)
}

/** Completes a partial checksum of a parsed packet in software. One that the kernel could not have meant is only forgotten. */
export function completeChecksum(p: Packet): void {
  if ((p.flags & NEEDS_CSUM) === 0) return
  p.flags = 0
  const from = p.start + p.csumStart
  const field = from + p.csumOffset
  if (from < p.l4 || field + 2 > p.end) return
  const c = finish(sum(p.buf, from, p.end))
  put16(p.buf, field, c === 0 && p.protocol === UDP ? 0xffff : c)
}
