// hot path
/**
 * Datagrams of one flow that were read in one batch are written as one UDP super-packet (VIRTIO_NET_HDR_GSO_UDP_L4):
 * the kernel then routes, filters and delivers them in one go and cuts them up at the very end. The datagrams stay where
 * they are; a list of pieces (struct iovec) joins them. On the wire nothing changes but IPv4 identifications, which
 * follow that of the first.
 *
 * Only neighbours of their flow are joined, so its order is kept: equal headers, equal payload lengths but for a shorter
 * last one, and a checksum that the kernel has made or verified, because cutting up makes new ones.
 */
import { put16, u16 } from '../wire/bytes.js'
import { fold, sum, writeHeaderChecksum } from '../wire/checksum.js'
import { IPV4_HEADER, IPV6_HEADER, MF, UDP, UDP_CHECKSUM, UDP_HEADER } from '../wire/protocol.js'
import { DATA_VALID, GSO_NONE, GSO_UDP_L4, NEEDS_CSUM, putLe16, VNET_HEADER } from '../wire/virtio-net.js'
import type { Packet } from '../xlat/packet.js'
import type { Arena } from './arena.js'

/** The kernel takes no more segments in older versions (UDP_MAX_SEGMENTS), and no longer packet. */
const MAX_MEMBERS = 64
const MAX_BYTES = 65_000
/** Words of 32 bits in a struct iovec. */
const IOVEC_WORDS = 4
const TWO_32 = 0x1_0000_0000
const FRAG_BITS = MF | 0x1fff

export class Coalescer {
  /** Writes that the batch needs, in order. */
  writes = 0
  /** Join at all. */
  isOn = true
  private packets = 0
  private readonly bytes: Uint8Array
  private readonly words: Int32Array
  private readonly base: number
  private readonly iovecs: Uint32Array

  // Packets: bounds, and the next one of the same write (-1: none).
  private readonly starts: Int32Array
  private readonly ends: Int32Array
  private readonly next: Int32Array
  // Writes: first and last packet, how many, payload in all and of a segment, offset of the transport header, a key of
  // the flow; segment size 0: nothing can be joined (any more).
  private readonly first: Int32Array
  private readonly last: Int32Array
  private readonly count: Int32Array
  private readonly payload: Int32Array
  private readonly segment: Int32Array
  private readonly l4: Int32Array
  private readonly key: Int32Array

  /**
   * @param header bytes of virtio-net header in front of each packet; without one nothing is joined
   * @param iovecs memory for `most` struct iovec
   */
  constructor(
    arena: Arena,
    most: number,
    private readonly header: number,
    private readonly iovecMemory: { readonly address: number; readonly buffer: ArrayBuffer },
  ) {
    this.bytes = arena.bytes
    this.words = new Int32Array(arena.bytes.buffer, 0, arena.bytes.length >> 2)
    this.base = arena.address
    this.iovecs = new Uint32Array(iovecMemory.buffer)
    const numbers = () => new Int32Array(most)
    ;[this.starts, this.ends, this.next, this.first, this.last] = [
      numbers(),
      numbers(),
      numbers(),
      numbers(),
      numbers(),
    ]
    ;[this.count, this.payload, this.segment, this.l4, this.key] = [
      numbers(),
      numbers(),
      numbers(),
      numbers(),
      numbers(),
    ]
  }

  clear(): void {
    this.writes = 0
    this.packets = 0
  }

  /** Packets that write `w` stands for. */
  members(w: number): number {
    return this.count[w]!
  }

  /** Adds a packet whose virtio-net header is written. */
  add(p: Packet): void {
    const i = this.packets++
    this.starts[i] = p.start
    this.ends[i] = p.end
    this.next[i] = -1
    const l4 = this.isOn && this.header !== 0 ? transportOf(p) : 0
    if (l4 === 0) {
      this.open(i, 0, 0, 0)
      return
    }
    const words = this.words
    const payload = p.end - l4 - UDP_HEADER
    const key = words[l4 >> 2]! ^ words[(l4 >> 2) - 1]!
    for (let w = this.writes - 1; w >= 0; w--) {
      if (this.key[w] !== key || this.segment[w] === 0 || !this.isSameFlow(w, p.start, l4)) continue
      const segment = this.segment[w]!
      if (payload <= segment && this.count[w]! < MAX_MEMBERS && this.payload[w]! + payload <= MAX_BYTES) {
        this.next[this.last[w]!] = i
        this.last[w] = i
        this.count[w]!++
        this.payload[w]! += payload
        if (payload < segment) this.key[w] = ~key
        return
      }
      // What follows of this flow must not overtake.
      this.key[w] = ~key
      break
    }
    this.open(i, payload, l4, key)
  }

  private open(i: number, payload: number, l4: number, key: number): void {
    const w = this.writes++
    this.first[w] = i
    this.last[w] = i
    this.count[w] = 1
    this.payload[w] = payload
    this.segment[w] = payload
    this.l4[w] = l4
    this.key[w] = key
  }

  /** Equal headers but for lengths, checksums and IPv4 identification. */
  private isSameFlow(w: number, start: number, l4: number): boolean {
    const b = this.bytes
    const words = this.words
    const other = this.starts[this.first[w]!]!
    const otherL4 = this.l4[w]!
    if (words[l4 >> 2] !== words[otherL4 >> 2] || l4 - start !== otherL4 - other) return false
    const x = start >> 2
    const y = other >> 2
    if (l4 - start === IPV4_HEADER)
      return (
        words[x + 3] === words[y + 3] &&
        words[x + 4] === words[y + 4] &&
        b[start] === b[other] &&
        b[start + 1] === b[other + 1] &&
        b[start + 6] === b[other + 6] &&
        b[start + 8] === b[other + 8]
      )
    if (words[x] !== words[y] || b[start + 7] !== b[other + 7]) return false
    for (let k = 2; k < 10; k++) if (words[x + k] !== words[y + k]) return false
    return true
  }

  /** Makes write `w` ready: a lone packet is as it was, several get one header and a list of pieces. */
  seal(w: number, piece: number): number {
    const { bytes: b, header } = this
    const first = this.first[w]!
    const start = this.starts[first]!
    if (this.count[w] === 1) {
      this.putPiece(piece, start - header, this.ends[first]!)
      return 1
    }
    const l4 = this.l4[w]!
    const udpLength = UDP_HEADER + this.payload[w]!
    put16(b, l4 + 4, udpLength)
    if (l4 - start === IPV4_HEADER) {
      put16(b, start + 2, IPV4_HEADER + udpLength)
      writeHeaderChecksum(b, start, IPV4_HEADER)
      put16(b, l4 + UDP_CHECKSUM, fold(sum(b, start + 12, start + 20, UDP + udpLength)))
    } else {
      put16(b, start + 4, udpLength)
      put16(b, l4 + UDP_CHECKSUM, fold(sum(b, start + 8, start + 40, UDP + udpLength)))
    }
    const h = start - VNET_HEADER
    b[h] = NEEDS_CSUM
    b[h + 1] = GSO_UDP_L4
    putLe16(b, h + 2, l4 - start + UDP_HEADER)
    putLe16(b, h + 4, this.segment[w]!)
    putLe16(b, h + 6, l4 - start)
    putLe16(b, h + 8, UDP_CHECKSUM)

    let n = 0
    for (let i = first; i >= 0; i = this.next[i]!) {
      this.putPiece(piece + n, i === first ? h : this.starts[i]! + l4 - start + UDP_HEADER, this.ends[i]!)
      n++
    }
    return n
  }

  private putPiece(piece: number, from: number, to: number): void {
    const o = piece * IOVEC_WORDS
    const address = this.base + from
    this.iovecs[o] = address >>> 0
    this.iovecs[o + 1] = address / TWO_32
    this.iovecs[o + 2] = to - from
    this.iovecs[o + 3] = 0
  }

  /** Address of piece `i`. */
  pieceAddress(i: number): number {
    return this.iovecMemory.address + i * IOVEC_WORDS * 4
  }
}

/** Offset of the UDP header when the packet may be joined with others, else 0. */
function transportOf(p: Packet): number {
  const b = p.buf
  const start = p.start
  if (p.gsoType !== GSO_NONE || (p.flags & (NEEDS_CSUM | DATA_VALID)) === 0 || (start & 3) !== 0) return 0
  let l4 = 0
  if (b[start] === 0x45) {
    if (b[start + 9] !== UDP || (u16(b, start + 6) & FRAG_BITS) !== 0) return 0
    l4 = start + IPV4_HEADER
  } else {
    if (b[start]! >>> 4 !== 6 || b[start + 6] !== UDP) return 0
    l4 = start + IPV6_HEADER
  }
  const length = p.end - l4
  if (length <= UDP_HEADER || u16(b, l4 + 4) !== length) return 0
  if ((p.flags & NEEDS_CSUM) !== 0) return p.csumStart === l4 - start ? l4 : 0
  return u16(b, l4 + UDP_CHECKSUM) !== 0 ? l4 : 0
}
