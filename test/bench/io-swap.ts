// hot path
/** A stand-in for the translator that does what limit.c does and nothing else: it shows what the loop itself costs. */
import { put16, u16 } from '../../src/wire/bytes.js'
import { finish, sum, update, updatePartial } from '../../src/wire/checksum.js'
import { GSO_ECN, GSO_TCPV4, GSO_TCPV6, NEEDS_CSUM } from '../../src/wire/virtio-net.js'
import { Outbox } from '../../src/xlat/outbox.js'
import type { Packet } from '../../src/xlat/packet.js'
import { DROPPED, TRANSLATED, type Verdict } from '../../src/xlat/verdict.js'

const guest6 = Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
const pool6 = Uint8Array.from([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0])
const old = new Uint8Array(40)

export class Swap {
  readonly outbox: Outbox
  readonly isLarge = false
  constructor(room: Uint8Array) {
    this.outbox = new Outbox(room)
  }

  note(): void {}
  touch(): void {}

  translate(p: Packet, _nowMs: number): Verdict {
    const version = p.buf[p.start]! >>> 4
    const protocol = p.buf[p.start + (version === 6 ? 6 : 9)]!
    if (protocol !== 6 && protocol !== 17) return DROPPED
    if (version === 6) toV4(p)
    else toV6(p)
    return TRANSLATED
  }

  expire(): number {
    return 0
  }
}

function adjust(p: Packet, field: number, removed: number, added: number): void {
  const c = u16(p.buf, field)
  put16(p.buf, field, p.flags & NEEDS_CSUM ? updatePartial(c, removed, added) : update(c, removed, added))
}

function toV4(p: Packet): void {
  const b = p.buf
  const from = p.start
  const o = from + 20
  const l4 = from + 40
  for (let i = 0; i < 40; i++) old[i] = b[from + i]!
  for (let i = 0; i < 20; i++) b[o + i] = 0
  b[o] = 0x45
  put16(b, o + 2, p.end - o)
  b[o + 6] = 0x40
  b[o + 8] = old[7]! - 1
  b[o + 9] = old[6]!
  b[o + 12] = 192
  b[o + 14] = 2
  b[o + 15] = old[23]!
  for (let i = 0; i < 4; i++) b[o + 16 + i] = old[36 + i]!
  put16(b, o + 10, finish(sum(b, o, o + 20)))
  adjust(p, l4 + (old[6] === 6 ? 16 : 6), sum(old, 8, 40), sum(b, o + 12, o + 20))
  p.start = o
  if (p.hdrLen) p.hdrLen -= 20
  if (p.csumStart) p.csumStart -= 20
  if ((p.gsoType & ~GSO_ECN) === GSO_TCPV6) p.gsoType = GSO_TCPV4 | (p.gsoType & GSO_ECN)
}

function toV6(p: Packet): void {
  const b = p.buf
  const from = p.start
  const o = from - 20
  const l4 = from + 20
  for (let i = 0; i < 20; i++) old[i] = b[from + i]!
  for (let i = 0; i < 8; i++) b[o + i] = 0
  b[o] = 0x60
  put16(b, o + 4, p.end - l4)
  b[o + 6] = old[9]!
  b[o + 7] = old[8]! - 1
  for (let i = 0; i < 12; i++) b[o + 8 + i] = pool6[i]!
  for (let i = 0; i < 4; i++) b[o + 20 + i] = old[12 + i]!
  for (let i = 0; i < 15; i++) b[o + 24 + i] = guest6[i]!
  b[o + 39] = old[19]!
  adjust(p, l4 + (old[9] === 6 ? 16 : 6), sum(old, 12, 20), sum(b, o + 8, o + 40))
  p.start = o
  if (p.hdrLen) p.hdrLen += 20
  if (p.csumStart) p.csumStart += 20
  if ((p.gsoType & ~GSO_ECN) === GSO_TCPV4) p.gsoType = GSO_TCPV6 | (p.gsoType & GSO_ECN)
}
