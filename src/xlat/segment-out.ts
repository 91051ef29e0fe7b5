// hot path
/**
 * Cuts a UDP super-packet whose segments are too long for the IPv6 side into datagrams, and those into fragments, into
 * the outbox (RFC 7915 section 4.1: the sender did not ask for DF). The last datagram may fit as it is.
 */
import { put16, u16 } from '../wire/bytes.js'
import { finish, pseudo6, sum } from '../wire/checksum.js'
import { FRAGMENT_HEADER, IP6, IPV6_HEADER, UDP, UDP_CHECKSUM, UDP_HEADER } from '../wire/protocol.js'
import { copy, fillPieces6, giveBack, reservePieces } from './fragment-out.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'

/** Reserves all pieces of all datagrams. Returns how many, or -1 and reserves none. */
export function reserveSegments(outbox: Outbox, p: Packet, mtu: number): number {
  let count = 0
  for (let at = p.l4 + UDP_HEADER; at < p.end; at += p.gsoSize) {
    const length = UDP_HEADER + Math.min(p.gsoSize, p.end - at)
    const pieces = fits(length, mtu)
      ? outbox.reserve(IPV6_HEADER + length) < 0
        ? -1
        : 1
      : reservePieces(outbox, length, IPV6_HEADER + FRAGMENT_HEADER, mtu)
    if (pieces < 0) {
      giveBack(outbox, count)
      return -1
    }
    count += pieces
  }
  return count
}

/**
 * Fills them. `header` is the IPv6 header with UDP as next header; ports stand in `p` already. Uses up the packet: each
 * datagram's UDP header is written over the end of the one before, which has been copied by then.
 */
export function emitSegments(outbox: Outbox, first: number, mtu: number, header: Uint8Array, p: Packet): void {
  const b = p.buf
  const sport = u16(b, p.l4)
  const dport = u16(b, p.l4 + 2)
  let i = first
  let id = p.fragId
  for (let at = p.l4 + UDP_HEADER; at < p.end; at += p.gsoSize) {
    const end = Math.min(at + p.gsoSize, p.end)
    const udp = at - UDP_HEADER
    const length = end - udp
    put16(b, udp, sport)
    put16(b, udp + 2, dport)
    put16(b, udp + 4, length)
    put16(b, udp + UDP_CHECKSUM, 0)
    const checksum = finish(sum(b, udp, end, pseudo6(header, IP6.SRC, UDP, length)))
    put16(b, udp + UDP_CHECKSUM, checksum === 0 ? 0xffff : checksum)
    if (fits(length, mtu)) {
      const o = outbox.start(i++)
      copy(header, 0, IPV6_HEADER, outbox.buf, o)
      put16(outbox.buf, o + IP6.LENGTH, length)
      copy(b, udp, end, outbox.buf, o + IPV6_HEADER)
    } else {
      i = fillPieces6(outbox, i, mtu, header, id, b, udp, end, 0, false)
    }
    id = (id + 1) & 0xffff
  }
}

function fits(length: number, mtu: number): boolean {
  return IPV6_HEADER + length <= mtu
}
