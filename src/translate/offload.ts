/**
 * Captures taken on the sending host show packets before the network card has finished them: TCP longer than the MTU
 * (segmentation offload), and checksum fields that hold the pseudo-header's sum only (checksum offload). On a TUN device
 * the kernel says so in the virtio-net header; here it has to be seen from the packet, so that the translator treats both
 * alike. What is written is complete, as it would be on the wire.
 */

import { u8, u16, u32 } from '../wire/bytes.js'
import { fold, pseudo4, pseudo6, sum } from '../wire/checksum.js'
import * as P from '../wire/protocol.js'
import { GSO_TCPV4, GSO_TCPV6, NEEDS_CSUM } from '../wire/virtio-net.js'
import type { Packet } from '../xlat/packet.js'

/**
 * Sets the metadata of `p`, whose window holds a packet just read, where the packet was captured before its offloads.
 *
 * @param isWhole the capture did not cut it short, so that its checksum can be verified
 */
export function guessOffloads(p: Packet, mtu: number, isWhole: boolean): void {
  const { buf, start } = p
  const version = u8(buf, start) >>> 4
  const headerLength = version === 4 ? (u8(buf, start) & 15) * 4 : P.IPV6_HEADER
  const l4 = start + headerLength
  if (p.end - start < headerLength + P.UDP_HEADER || headerLength < P.IPV4_HEADER) return
  if (version === 4 && u16(buf, start + P.IP4.FRAG) & (P.MF | P.FRAG_OFFSET_MASK)) return
  const protocol = u8(buf, start + (version === 4 ? P.IP4.PROTOCOL : P.IP6.NEXT))
  const declared = version === 4 ? u16(buf, start + P.IP4.LENGTH) : P.IPV6_HEADER + u16(buf, start + P.IP6.LENGTH)
  const end = start + declared
  if (end > p.end || end < l4 + P.UDP_HEADER) return
  if (protocol === P.TCP && end - l4 >= P.TCP_HEADER) {
    guessChecksum(p, version, l4, end, protocol, P.TCP_CHECKSUM, isWhole)
    const header = headerLength + (u8(buf, l4 + 12) >>> 4) * 4
    if (declared > mtu && header < mtu) {
      p.gsoType = version === 4 ? GSO_TCPV4 : GSO_TCPV6
      p.gsoSize = mtu - header
      p.hdrLen = header
    }
  } else if (protocol === P.UDP) guessChecksum(p, version, l4, end, protocol, P.UDP_CHECKSUM, isWhole)
}

/** A field that equals the pseudo-header's sum while the checksum over the whole packet is wrong was not completed. */
function guessChecksum(
  p: Packet,
  version: number,
  l4: number,
  end: number,
  protocol: number,
  offset: number,
  isWhole: boolean,
): void {
  const { buf, start } = p
  const pseudo =
    version === 4
      ? pseudo4(u32(buf, start + P.IP4.SRC), u32(buf, start + P.IP4.DST), protocol, end - l4)
      : pseudo6(buf, start + P.IP6.SRC, protocol, end - l4)
  if (u16(buf, l4 + offset) !== fold(pseudo)) return
  if (isWhole && fold(sum(buf, l4, end, pseudo)) === 0xffff) return
  p.flags = NEEDS_CSUM
  p.csumStart = l4 - start
  p.csumOffset = offset
}
