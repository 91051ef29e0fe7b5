/** Blocks of a TPACKET_V3 ring, filled by code that shares nothing with what reads them. */

export const BLOCK = 8192
export const [ETHERNET, LOOPBACK, NONE, PPP] = [1, 772, 65534, 512]
export const OUTGOING = 4
export const IP6 = [0x60, 0, 0, 0, 0, 0, 59, 64, ...new Array(32).fill(1)]
export const MAC = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]

export interface Packet {
  readonly hatype?: number
  readonly type?: number
  readonly ifindex?: number
  readonly seconds?: number
  readonly nanoseconds?: number
  /** Link header, and what follows it. */
  readonly link?: readonly number[]
  readonly data?: readonly number[]
  readonly length?: number
  /** TCI out of band. */
  readonly tci?: number
}

/** Fills a block as the kernel does (net/packet/af_packet.c) and hands it over. */
export function fill(ring: ArrayBuffer, block: number, packets: readonly Packet[]): void {
  const base = block * BLOCK
  const view = new DataView(ring)
  const u32 = (at: number, value: number) => view.setUint32(at, value, true)
  u32(base + 12, packets.length)
  u32(base + 16, 48)
  let at = base + 48
  for (const p of packets) {
    const link = p.link ?? []
    const data = p.data ?? IP6
    const network = 96
    const mac = network - link.length
    const next = Math.ceil((network + data.length) / 8) * 8
    for (const [i, value] of [next, p.seconds ?? 1000, p.nanoseconds ?? 0, link.length + data.length].entries()) {
      u32(at + 4 * i, value)
    }
    u32(at + 16, p.length ?? link.length + data.length)
    u32(at + 20, 1 | (p.tci === undefined ? 0 : 0x10))
    view.setUint16(at + 24, mac, true)
    view.setUint16(at + 26, network, true)
    u32(at + 32, p.tci ?? 0)
    u32(at + 52, p.ifindex ?? 3)
    view.setUint16(at + 56, p.hatype ?? NONE, true)
    view.setUint8(at + 58, p.type ?? 0)
    new Uint8Array(ring).set([...link, ...data], at + mac)
    at += next
  }
  u32(base + 8, 1)
}

export const statusOf = (ring: ArrayBuffer, block: number) => new DataView(ring).getUint32(block * BLOCK + 8, true)
