/**
 * pool4: which IPv4 transport addresses are ours, and which of them are free (RFC 6146 sections 3.5.1.1, 3.5.2.3,
 * 3.5.3). A free one is found by words of a bitmap and counts of groups, never by trying port after port.
 */
import { mask32 } from '../addr/prefix.js'
import type { Pool4Range } from './config.js'
import type { GuestBlocks } from './guest-blocks.js'
import { PortBlock } from './port-block.js'

/** Protocols by number, everywhere in the state tables. */
export const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const
export const TCP_INDEX = 0
export const UDP_INDEX = 1
export const ICMP_INDEX = 2

/** Whose a port of a static binding is: no guest's. */
export const NOBODY = -1

/** The ranges of one protocol. */
class ProtocolPool {
  readonly addresses: Int32Array
  readonly masks: Int32Array
  readonly first: Int32Array
  readonly last: Int32Array
  /** Addresses before each range; the total at the end. */
  readonly before: Float64Array
  readonly blocks = new Map<number, PortBlock>()
  readonly hasLow: boolean
  readonly hasHigh: boolean
  /** Where the last address with a free port was found. */
  hint = 0

  constructor(ranges: readonly Pool4Range[]) {
    const n = ranges.length
    this.addresses = Int32Array.from(ranges, r => r.prefix.address)
    this.masks = Int32Array.from(ranges, r => mask32(r.prefix.length))
    this.first = Int32Array.from(ranges, r => r.ports[0])
    this.last = Int32Array.from(ranges, r => r.ports[1])
    this.before = new Float64Array(n + 1)
    for (const [i, r] of ranges.entries()) this.before[i + 1] = this.before[i]! + 2 ** (32 - r.prefix.length)
    this.hasLow = ranges.some(r => r.ports[0] < 1024)
    this.hasHigh = ranges.some(r => r.ports[1] >= 1024)
  }

  get total(): number {
    return this.before[this.addresses.length]!
  }

  addressAt(ordinal: number): number {
    let i = 0
    while (this.before[i + 1]! <= ordinal) i++
    return (this.addresses[i]! + (ordinal - this.before[i]!)) | 0
  }

  covers(address4: number, port: number): boolean {
    for (let i = 0; i < this.addresses.length; i++) {
      if (((address4 ^ this.addresses[i]!) & this.masks[i]!) !== 0) continue
      if (port >= this.first[i]! && port <= this.last[i]!) return true
    }
    return false
  }

  /** The ports of an address, or undefined when no range has it. */
  block(address4: number): PortBlock | undefined {
    const known = this.blocks.get(address4)
    if (known) return known
    let made: PortBlock | undefined
    for (let i = 0; i < this.addresses.length; i++) {
      if (((address4 ^ this.addresses[i]!) & this.masks[i]!) !== 0) continue
      made ??= new PortBlock()
      made.open(this.first[i]!, this.last[i]!)
    }
    if (made) this.blocks.set(address4, made)
    return made
  }
}

export class Pool4 {
  /** The transport address that take() found. */
  address = 0
  port = 0
  private readonly pools: readonly ProtocolPool[]

  /** @param blocks with these, a guest gets whole blocks of ports */
  constructor(
    ranges: readonly Pool4Range[],
    private readonly random32: () => number,
    private readonly blocks: GuestBlocks | null = null,
  ) {
    this.pools = PROTOCOLS.map(p => new ProtocolPool(ranges.filter(r => r.protocols.includes(p))))
  }

  /** Says whether a range has the transport address. */
  covers(protocol: number, address4: number, port: number): boolean {
    return this.pools[protocol]!.covers(address4 | 0, port)
  }

  /**
   * Takes a free transport address for a guest's `port6`, into `address` and `port`; false when all are in use.
   *
   * The guest's own address comes first while it has any port left (RFC 4787 REQ-2), then any other, from one that
   * depends on `seed` on. At an address: same range (0-1023 or above) and, for UDP, same parity (RFC 4787 REQ-4);
   * same range; any. Where in the range is random (RFC 6056), or where the guest's blocks are.
   */
  take(protocol: number, port6: number, hasOwn: boolean, own: number, seed: number, guest = NOBODY): boolean {
    const pool = this.pools[protocol]!
    const total = pool.total
    if (total === 0) return false
    if (hasOwn && this.takeAt(pool, own | 0, protocol, port6, false, guest)) return true
    const start = seed % total
    const low = port6 < 1024 && protocol !== ICMP_INDEX
    if (low ? pool.hasLow : pool.hasHigh) {
      if (this.takeAt(pool, pool.addressAt(start), protocol, port6, true, guest)) return true
      if (this.takeFrom(pool, protocol, port6, true, guest)) return true
    }
    if (this.takeAt(pool, pool.addressAt(start), protocol, port6, false, guest)) return true
    return this.takeFrom(pool, protocol, port6, false, guest)
  }

  private takeFrom(pool: ProtocolPool, protocol: number, port6: number, sameRange: boolean, guest: number): boolean {
    const total = pool.total
    for (let n = 0; n < total; n++) {
      const ordinal = (pool.hint + n) % total
      if (this.takeAt(pool, pool.addressAt(ordinal), protocol, port6, sameRange, guest)) {
        pool.hint = ordinal
        return true
      }
    }
    return false
  }

  private takeAt(
    pool: ProtocolPool,
    address4: number,
    protocol: number,
    port6: number,
    sameRange: boolean,
    guest: number,
  ): boolean {
    const ports = pool.block(address4)
    if (!ports || ports.free === 0) return false
    const random = this.random32()
    let port = -1
    if (protocol === ICMP_INDEX) port = this.find(ports, address4, guest, 0, 63, -1, random)
    else {
      const from = port6 < 1024 ? 0 : 1
      const to = port6 < 1024 ? 0 : 63
      if (protocol === UDP_INDEX) port = this.find(ports, address4, guest, from, to, port6 & 1, random)
      if (port < 0) port = this.find(ports, address4, guest, from, to, -1, random)
      if (port < 0 && !sameRange) port = this.find(ports, address4, guest, 0, 63, -1, random)
    }
    if (port < 0) return false
    ports.use(port)
    this.blocks?.hold(address4, port, guest)
    this.address = address4
    this.port = port
    return true
  }

  private find(
    ports: PortBlock,
    address4: number,
    guest: number,
    from: number,
    to: number,
    parity: number,
    random: number,
  ): number {
    if (this.blocks === null) return ports.find(from, to, parity, random)
    return this.blocks.find(ports, address4, guest, from, to, parity, random)
  }

  /** Keeps the block of a static binding's port from guests. To be called before anybody takes one. */
  withdraw(protocol: number, address4: number, port: number): void {
    if (this.covers(protocol, address4, port)) this.blocks?.withdraw(address4, port)
  }

  /**
   * Takes this transport address for a guest, or NOBODY; false if it is in use, or in another guest's block. One outside
   * pool4 is nobody's and may be had.
   */
  reserve(protocol: number, address4: number, port: number, guest: number): boolean {
    const { blocks } = this
    const ports = this.pools[protocol]!.block(address4 | 0)
    if (!ports?.isOpen(port)) return true
    if (ports.isUsed(port)) return false
    if (blocks !== null && guest !== NOBODY && !blocks.hold(address4, port, guest)) return false
    ports.use(port)
    return true
  }

  /** Gives a transport address back. */
  release(protocol: number, address4: number, port: number): void {
    const ports = this.pools[protocol]!.block(address4 | 0)
    if (!ports?.isOpen(port) || !ports.isUsed(port)) return
    ports.release(port)
    this.blocks?.drop(address4, port)
  }
}
