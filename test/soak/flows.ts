/**
 * Traffic for a translator without end: guests that come and go, flows of TCP, UDP and pings both ways, and what nobody
 * asked for. Packets are built in place and cheaply; their transport checksums are only right where they are looked at.
 */
import { HEADROOM, Packet } from '../../src/xlat/packet.js'

/** Flows that are open at a time. */
const FLOWS = 4096
/** Guests that are there at a time; each flow that ends moves them on by a bit. */
const GUESTS = 500
/** Addresses that they have; then those of long ago come back. */
const HOSTS = 65_000

const TCP = 6
const UDP = 17
const ICMP = 1
const ICMP6 = 58

/** Flags of a TCP flow's packets, in order; even ones are the guest's. */
const OPENING = [0x02, 0x12, 0x10, 0x10]
const CLOSING = [0x11, 0x11, 0x10]
const RST = 0x04

export class Flows {
  readonly packet = new Packet()
  /** Of the flow that the packet belongs to; -1: it belongs to none. */
  flow = -1
  isToV4 = true
  private readonly buf = new Uint8Array(2048)
  private readonly host = new Float64Array(FLOWS)
  private readonly port = new Uint16Array(FLOWS)
  private readonly peer = new Uint32Array(FLOWS)
  private readonly peerPort = new Uint16Array(FLOWS)
  private readonly protocol = new Uint8Array(FLOWS)
  private readonly step = new Int32Array(FLOWS)
  private readonly length = new Int32Array(FLOWS)
  /** What the outside sees of it; 0: nothing yet. */
  private readonly mapped = new Uint32Array(FLOWS)
  private readonly mappedPort = new Uint16Array(FLOWS)
  private guests = 0
  private next = 0

  /** `random` gives 32 bits; `guest`: high 64 bits of the guests' addresses. */
  constructor(
    private readonly random: () => number,
    private readonly guest: readonly [number, number],
    private readonly pool6: readonly [number, number, number],
  ) {
    for (let f = 0; f < FLOWS; f++) this.open(f)
  }

  private below(n: number): number {
    return this.random() % n
  }

  private open(f: number): void {
    this.guests += 0.02
    this.host[f] = (Math.floor(this.guests) + this.below(GUESTS)) % HOSTS
    this.port[f] = 1024 + this.below(60_000)
    this.peer[f] = (0x09000000 | this.below(1 << 16)) >>> 0
    this.peerPort[f] = [53, 80, 443, 8080][this.below(4)]!
    this.protocol[f] = [TCP, TCP, UDP, UDP, UDP, ICMP][this.below(6)]!
    this.length[f] = 2 + (this.below(20) === 0 ? this.below(2000) : this.below(40))
    this.step[f] = 0
    this.mapped[f] = 0
  }

  /** Builds the next packet of some flow, or one that nobody asked for. */
  build(): void {
    const kind = this.below(64)
    if (kind === 0) {
      this.stray()
      return
    }
    // Flows take turns in bursts; now and then one is left alone, to run out.
    if (this.below(4) === 0) this.next = this.below(FLOWS)
    const f = this.next
    if (this.step[f]! >= this.length[f]! || this.below(500) === 0) this.open(f)
    this.flow = f
    const step = this.step[f]!
    this.isToV4 = (step & 1) === 0 || this.mapped[f] === 0
    this.step[f] = step + 1
    if (this.isToV4) this.fromGuest(f, step)
    else if (kind === 1) this.errorAbout(f)
    else if (kind === 2) this.fragmentTo(f)
    else this.toGuest(f, step)
  }

  /** Learns from a packet that was translated to IPv4 in place what the outside sees. */
  learn(): void {
    const { buf, start } = this.packet
    const f = this.flow
    if (f < 0 || !this.isToV4 || buf[start]! >>> 4 !== 4) return
    this.mapped[f] = this.read32(start + 12)
    const at = start + 20 + (this.protocol[f] === ICMP ? 4 : 0)
    this.mappedPort[f] = (buf[at]! << 8) | buf[at + 1]!
  }

  private read32(o: number): number {
    const b = this.packet.buf
    return ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0
  }

  private put32(o: number, n: number): void {
    this.buf[o] = n >>> 24
    this.buf[o + 1] = n >>> 16
    this.buf[o + 2] = n >>> 8
    this.buf[o + 3] = n
  }

  private put16(o: number, n: number): void {
    this.buf[o] = n >>> 8
    this.buf[o + 1] = n
  }

  private flags(f: number, step: number): number {
    const left = this.length[f]! - step
    if (left <= CLOSING.length && (this.port[f]! & 7) !== 0) return CLOSING[CLOSING.length - left]!
    if (left === 1) return RST
    return OPENING[step] ?? 0x18
  }

  private fromGuest(f: number, step: number): void {
    const host = this.host[f]!
    this.header6(host, this.peer[f]!, this.protocol[f] === ICMP ? ICMP6 : this.protocol[f]!)
    const end = this.transport(HEADROOM + 40, f, this.port[f]!, this.peerPort[f]!, this.flags(f, step), 128)
    this.finish6(end)
  }

  private toGuest(f: number, step: number): void {
    this.header4(this.peer[f]!, this.mapped[f]!, this.protocol[f]!)
    const end = this.transport(HEADROOM + 20, f, this.peerPort[f]!, this.mappedPort[f]!, this.flags(f, step), 0)
    this.finish4(end)
  }

  /** A router's word about a packet of the flow. */
  private errorAbout(f: number): void {
    this.header4((0x09090000 | this.below(1 << 16)) >>> 0, this.mapped[f]!, ICMP)
    const icmp = HEADROOM + 20
    this.buf.fill(0, icmp, icmp + 8)
    this.buf[icmp] = [3, 3, 11][this.below(3)]!
    const inner = icmp + 8
    const { buf } = this
    buf.copyWithin(inner, HEADROOM, HEADROOM + 20)
    this.put32(inner + 12, this.mapped[f]!)
    this.put32(inner + 16, this.peer[f]!)
    buf[inner + 9] = this.protocol[f]!
    this.put16(inner + 2, 28)
    this.checksum4(inner)
    this.transport(inner + 20, f, this.mappedPort[f]!, this.peerPort[f]!, 0x10, 8)
    this.finishIcmp4(icmp, inner + 28)
    this.finish4(inner + 28)
  }

  /** The first half of a datagram in two pieces; the other one comes as a stray, or never. */
  private fragmentTo(f: number): void {
    this.header4(this.peer[f]!, this.mapped[f]!, UDP)
    this.put16(HEADROOM + 6, 0x2000)
    const l4 = HEADROOM + 20
    this.put16(l4, this.peerPort[f]!)
    this.put16(l4 + 2, this.mappedPort[f]!)
    this.put16(l4 + 4, 48)
    this.put16(l4 + 6, 0x1234)
    this.finish4(l4 + 24)
  }

  /** Packets out of place: other addresses, no hops left, the rest of a datagram, strangers, nonsense. */
  private stray(): void {
    this.flow = -1
    const kind = this.below(10)
    this.isToV4 = kind < 4 || kind === 8
    if (kind === 8) {
      this.toOther(this.below(FLOWS))
      return
    }
    if (kind === 9) {
      this.knock(this.below(FLOWS))
      return
    }
    if (this.isToV4) {
      this.header6(this.below(100_000), [0x7f000001, 0xe0000001, 0x09000001, 0x0a000001][kind]!, UDP)
      if (kind === 2) this.buf[HEADROOM + 7] = 1
      this.finish6(this.transport(HEADROOM + 40, 0, 4000, 53, 0, 0))
      if (this.below(4) === 0) this.packet.end -= this.below(60)
      return
    }
    const f = this.below(FLOWS)
    const to = kind === 4 ? this.random() : this.mapped[f]!
    this.header4(kind === 5 ? 0x7f000001 : this.peer[f]!, to, kind === 6 ? 47 : UDP)
    if (kind === 7) this.put16(HEADROOM + 6, 3)
    this.finish4(this.transport(HEADROOM + 20, f, 53, this.below(65_536), 2, 0))
  }

  /** One guest to another, by the address that the outside knows. */
  private toOther(f: number): void {
    this.header6(this.host[(f + 1) % FLOWS]!, this.mapped[f]!, this.protocol[f] === ICMP ? ICMP6 : this.protocol[f]!)
    this.finish6(this.transport(HEADROOM + 40, f, 4000, this.mappedPort[f]!, 2, 128))
  }

  /** A stranger's first packet to a guest's port. */
  private knock(f: number): void {
    this.header4((0x09050000 | this.below(1 << 16)) >>> 0, this.mapped[f]!, this.protocol[f]!)
    this.finish4(this.transport(HEADROOM + 20, f, 4444, this.mappedPort[f]!, 2, 8))
  }

  private header6(host: number, peer: number, next: number): void {
    const { buf } = this
    const o = HEADROOM
    buf[o] = 0x60
    buf[o + 1] = buf[o + 2] = buf[o + 3] = 0
    buf[o + 6] = next
    buf[o + 7] = 64
    this.put32(o + 8, this.guest[0])
    this.put32(o + 12, this.guest[1])
    this.put32(o + 16, 0)
    this.put32(o + 20, host >>> 0)
    this.put32(o + 24, this.pool6[0])
    this.put32(o + 28, this.pool6[1])
    this.put32(o + 32, this.pool6[2])
    this.put32(o + 36, peer)
  }

  private header4(from: number, to: number, protocol: number): void {
    const { buf } = this
    const o = HEADROOM
    buf[o] = 0x45
    buf[o + 1] = 0
    this.put16(o + 4, 77)
    this.put16(o + 6, 0)
    buf[o + 8] = 64
    buf[o + 9] = protocol
    this.put32(o + 12, from)
    this.put32(o + 16, to)
  }

  /** A transport header with its data; `ping`: type of an echo request (128: the checksum has the pseudo-header). Returns the end. */
  private transport(l4: number, f: number, from: number, to: number, flags: number, ping: number): number {
    const { buf } = this
    const protocol = this.protocol[f]!
    if (protocol === ICMP) {
      const end = l4 + 16
      buf.fill(0, l4, end)
      buf[l4] = ping === 0 ? 0 : ping
      this.put16(l4 + 4, ping === 0 ? to : from)
      if (ping === 128) this.finishIcmp6(l4, end)
      else this.finishIcmp4(l4, end)
      return end
    }
    this.put16(l4, from)
    this.put16(l4 + 2, to)
    if (protocol === UDP) {
      this.put16(l4 + 4, 40)
      this.put16(l4 + 6, 0x1234)
      return l4 + 40
    }
    buf[l4 + 12] = 0x50
    buf[l4 + 13] = flags
    return l4 + 20
  }

  private sum(from: number, to: number): number {
    const { buf } = this
    let total = 0
    for (let i = from; i < to; i += 2) total += (buf[i]! << 8) | buf[i + 1]!
    return total
  }

  private putChecksum(at: number, total: number): void {
    let folded = total
    while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
    this.put16(at, ~folded & 0xffff)
  }

  private checksum4(o: number): void {
    this.put16(o + 10, 0)
    this.putChecksum(o + 10, this.sum(o, o + 20))
  }

  private finishIcmp4(l4: number, end: number): void {
    this.put16(l4 + 2, 0)
    this.putChecksum(l4 + 2, this.sum(l4, end))
  }

  private finishIcmp6(l4: number, end: number): void {
    this.put16(l4 + 2, 0)
    this.putChecksum(l4 + 2, this.sum(l4, end) + this.sum(HEADROOM + 8, HEADROOM + 40) + end - l4 + ICMP6)
  }

  private finish6(end: number): void {
    this.put16(HEADROOM + 4, end - HEADROOM - 40)
    this.hand(end)
  }

  private finish4(end: number): void {
    this.put16(HEADROOM + 2, end - HEADROOM)
    this.checksum4(HEADROOM)
    this.hand(end)
  }

  private hand(end: number): void {
    const p = this.packet
    p.set(this.buf, HEADROOM, end)
    p.flags = 0
    p.gsoType = 0
  }
}
