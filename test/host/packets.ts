/** Packets for the tests of the packet loop: a virtio-net header, an IP header, UDP. */
import { fold, sum, writeHeaderChecksum } from '../../src/wire/checksum.js'
import { NEEDS_CSUM } from '../../src/wire/virtio-net.js'

export interface Datagram {
  readonly version?: 4 | 6
  readonly sport?: number
  readonly dport?: number
  /** Last byte of the source. */
  readonly host?: number
  readonly ttl?: number
  readonly tos?: number
  readonly flags?: number
  /** Flags and fragment offset (IPv4). */
  readonly frag?: number
  /** What the payload is filled with, and how long it is. */
  readonly fill: number
  readonly length: number
}

/** A datagram as the kernel hands it over: with a virtio-net header, the checksum partial unless `flags` says otherwise. */
export function datagram(d: Datagram): Uint8Array {
  const v4 = (d.version ?? 4) === 4
  const ip = v4 ? 20 : 40
  const udpLength = 8 + d.length
  const all = new Uint8Array(10 + ip + udpLength)
  const flags = d.flags ?? NEEDS_CSUM
  all.set([flags, 0, 0, 0, 0, 0, flags === NEEDS_CSUM ? ip : 0, 0, flags === NEEDS_CSUM ? 6 : 0, 0])
  const b = all.subarray(10)
  const view = new DataView(all.buffer, 10)
  if (v4) {
    b.set([0x45, d.tos ?? 0, 0, 0, 0, 7, 0, 0, d.ttl ?? 64, 17, 0, 0, 192, 0, 2, d.host ?? 1, 192, 0, 2, 200])
    view.setUint16(2, ip + udpLength)
    view.setUint16(6, d.frag ?? 0x4000)
    writeHeaderChecksum(b, 0, 20)
  } else {
    b.set([0x60, d.tos ?? 0, 0, 0, 0, 0, 17, d.ttl ?? 64, 0x20, 1, 0xd, 0xb8])
    view.setUint16(4, udpLength)
    b[23] = d.host ?? 1
    b.set([0x20, 1, 0xd, 0xb8, 9], 24)
  }
  view.setUint16(ip, d.sport ?? 1000)
  view.setUint16(ip + 2, d.dport ?? 2000)
  view.setUint16(ip + 4, udpLength)
  b.fill(d.fill, ip + 8)
  const pseudo = sum(b, v4 ? 12 : 8, ip, 17 + udpLength)
  const checksum = flags === NEEDS_CSUM ? fold(pseudo) : ~fold(sum(b, ip, b.length, pseudo)) & 0xffff
  view.setUint16(ip + 6, checksum)
  return all
}

/** What the kernel makes of a packet that the loop wrote: single datagrams, with whole checksums. */
export function segments(packet: Uint8Array): { payload: string; valid: boolean }[] {
  const view = new DataView(packet.buffer, packet.byteOffset)
  const isSuper = packet[1] === 5
  const b = packet.subarray(10)
  const ip = b[0]! >>> 4 === 4 ? 20 : 40
  const total = ip === 20 ? view.getUint16(12) : 40 + view.getUint16(14)
  const udpLength = view.getUint16(10 + ip + 4)
  const pseudo = fold(sum(b, ip === 20 ? 12 : 8, ip, 17 + udpLength))
  const field = view.getUint16(10 + ip + 6)
  const isPartial = packet[0] === NEEDS_CSUM
  const checksumIsRight = isPartial ? field === pseudo : fold(sum(b, ip, b.length, pseudo)) === 0xffff
  const headerIsRight = ip === 40 || fold(sum(b, 0, 20)) === 0xffff
  const metadata = isPartial ? view.getUint16(6, true) === ip && view.getUint16(8, true) === 6 : true
  const valid =
    checksumIsRight &&
    headerIsRight &&
    metadata &&
    total === b.length &&
    udpLength === b.length - ip &&
    isPartial >= isSuper
  const size = isSuper ? view.getUint16(4, true) : b.length
  const payload = b.subarray(ip + 8)
  const found: { payload: string; valid: boolean }[] = []
  for (let o = 0; o < payload.length; o += size) {
    const part = payload.subarray(o, o + size)
    found.push({ payload: `${part[0]}x${part.every(x => x === part[0]) ? part.length : 'mixed'}`, valid })
  }
  return found
}
