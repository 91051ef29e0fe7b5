/** Changes packets at random, from a seed: the same seed gives the same packets. */
import { HEADROOM } from '../../src/xlat/packet.js'
import { locate, place, repair } from './judge.js'

const INTERESTING = [0, 1, 2, 4, 5, 6, 7, 8, 11, 17, 20, 40, 43, 44, 58, 60, 63, 64, 127, 128, 129, 131, 137, 255]
/** Room for a packet after its start. */
export const ROOM = 70_000

export class Mutator {
  /** The packet stands at HEADROOM. */
  readonly buf = new Uint8Array(HEADROOM + ROOM)
  /** The same memory. */
  readonly bytes = Buffer.from(this.buf.buffer)
  end = HEADROOM
  private x: number

  constructor(seed: number) {
    this.x = (seed * 2654435761) | 1
  }

  /** A 32-bit number. */
  next(): number {
    let x = this.x
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.x = x
    return x >>> 0
  }

  below(n: number): number {
    return this.next() % n
  }

  load(bytes: Uint8Array): void {
    this.buf.set(bytes, HEADROOM)
    this.end = HEADROOM + bytes.length
  }

  /** Makes the answer to an outgoing packet: addresses and ports exchanged. */
  loadReply(bytes: Uint8Array): void {
    this.load(bytes)
    const b = this.buf
    if (!locate(b, HEADROOM, this.end)) return
    const [at, size] = place.version === 4 ? [HEADROOM + 12, 4] : [HEADROOM + 8, 16]
    this.exchange(at, size)
    const { protocol, l4, isPiece, version } = place
    if ((protocol === 6 || protocol === 17) && l4 + 4 <= this.end && place.offset === 0) this.exchange(l4, 2)
    else if ((protocol === 1 || protocol === 58) && !isPiece && b[l4]! % 128 !== 3) b[l4] = version === 4 ? 0 : 129
    repair(b, HEADROOM, this.end, false)
  }

  /** Makes an ICMP error about an outgoing packet, from its destination or a router. */
  loadError(bytes: Uint8Array): void {
    const b = this.buf
    const version = bytes[0]! >>> 4
    const header = version === 4 ? 20 : 40
    const quoted = bytes.subarray(0, Math.min(bytes.length, this.below(3) === 0 ? 28 + this.below(60) : 500))
    b.set(bytes.subarray(0, header), HEADROOM)
    const icmp = HEADROOM + header
    b.set(quoted, icmp + 8)
    this.end = icmp + 8 + quoted.length
    if (version === 4) {
      b[HEADROOM] = 0x45
      b.fill(0, HEADROOM + 6, HEADROOM + 8)
      b[HEADROOM + 8] = 64
      b[HEADROOM + 9] = 1
      this.exchange(HEADROOM + 12, 4)
      b[icmp] = [3, 3, 3, 11, 12, 5][this.below(6)]!
      b[icmp + 1] = this.below(16)
    } else {
      b[HEADROOM + 6] = 58
      b[HEADROOM + 7] = 64
      this.exchange(HEADROOM + 8, 16)
      b[icmp] = 1 + this.below(5)
      b[icmp + 1] = this.below(6)
    }
    b.fill(0, icmp + 2, icmp + 8)
    b[icmp + 6] = 5
    repair(b, HEADROOM, this.end, false)
  }

  /** Makes it a packet of another host and port, unharmed. */
  scatter(isPartial: boolean): void {
    const b = this.buf
    if (!locate(b, HEADROOM, this.end) || place.offset !== 0) return
    const { version, l4, protocol } = place
    b[version === 4 ? HEADROOM + 15 : HEADROOM + 23] = this.below(64)
    if (version === 6 && this.below(8) === 0) b[HEADROOM + 36 + this.below(4)] = [8, 10, 198, 203][this.below(4)]!
    const field = protocol === 1 || protocol === 58 ? l4 + 4 : version === 6 ? l4 : l4 + 2
    if (field + 2 <= this.end) {
      b[field] = 4 + this.below(4)
      b[field + 1] = this.next()
    }
    repair(b, HEADROOM, this.end, isPartial)
  }

  private exchange(at: number, size: number): void {
    for (let i = at; i < at + size; i++) {
      const byte = this.buf[i]!
      this.buf[i] = this.buf[i + size]!
      this.buf[i + size] = byte
    }
  }

  /** One change somewhere, mostly in the headers. */
  mutate(): void {
    const length = this.end - HEADROOM
    if (length === 0) return
    const b = this.buf
    const reach = this.below(4) === 0 ? length : Math.min(length, 96)
    const at = HEADROOM + this.below(reach)
    switch (this.below(10)) {
      case 0:
      case 1:
        b[at]! ^= 1 << this.below(8)
        return
      case 2:
        b[at] = this.next()
        return
      case 3:
      case 4:
        b[at] = INTERESTING[this.below(INTERESTING.length)]!
        return
      case 5:
        this.end = HEADROOM + this.below(length + 1)
        return
      case 6: {
        const more = this.below(40)
        b.fill(this.next(), this.end, this.end + more)
        this.end += more
        return
      }
      case 7:
        b.copyWithin(at, HEADROOM + this.below(reach), HEADROOM + reach)
        return
      case 8:
        this.shift(at)
        return
      default:
        this.field()
    }
  }

  /** Puts in, or takes out, some bytes. */
  private shift(at: number): void {
    const by = 8 * (1 + this.below(3))
    if (this.below(2) === 0) {
      this.buf.copyWithin(at + by, at, this.end)
      this.end += by
    } else if (at + by < this.end) {
      this.buf.copyWithin(at, at + by, this.end)
      this.end -= by
    }
  }

  /** Sets a field that decides much. */
  private field(): void {
    const b = this.buf
    const o = HEADROOM
    const isV4 = b[o]! >>> 4 === 4
    switch (this.below(6)) {
      case 0:
        b[isV4 ? o + 8 : o + 7] = this.below(3)
        return
      case 1:
        b[isV4 ? o + 9 : o + 6] = INTERESTING[this.below(INTERESTING.length)]!
        return
      case 2:
        if (isV4) b[o + 6] = [0, 0x20, 0x40, 0x60, 1][this.below(5)]!
        else b[o + 43] = this.next()
        return
      case 3:
        b[isV4 ? o + 3 : o + 5] = this.next()
        return
      case 4:
        b[(isV4 ? o + 16 : o + 24) + this.below(4)] = [0, 10, 127, 224, 255][this.below(5)]!
        return
      default:
        if (locate(b, o, this.end)) b[place.l4 + this.below(14)] = INTERESTING[this.below(INTERESTING.length)]!
    }
  }
}
