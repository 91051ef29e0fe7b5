/**
 * Ports of pool4 in blocks of one size. A block is one guest's own, for all protocols, from its first port that is used
 * to its last: so a line at each end says of any number of connections who had them (RFC 6888 section 4, RFC 7422).
 * What it costs: no more guests at an address than there are blocks, and ports that are easier to guess.
 */
import { mask32 } from '../addr/prefix.js'
import type { Pool4Range } from './config.js'
import type { GuestTable } from './guests.js'
import type { LeaseLog } from './lease-log.js'
import type { PortBlock } from './port-block.js'

const FREE = -1
/** For no guest to take: its ports belong to a static binding, or are not in pool4. */
const WITHDRAWN = -2
/** A guest's own blocks that are looked at before it gets another one. */
const LOOKED_AT = 16

/** Bytes for the blocks of one address, each with an entry in a map of its own. */
export function blockBytes(size: number): number {
  return Math.ceil(65536 / size) * (3 * 4 + 48)
}

/** The blocks of one address. */
class AddressBlocks {
  /** FREE, WITHDRAWN, or a guest's record. */
  readonly owner: Int32Array
  /** Ports in use, of all protocols. */
  readonly used: Int32Array
  /** The next block of the same guest, -1 for none. */
  readonly next: Int32Array
  /** A guest's newest block. */
  readonly heads = new Map<number, number>()
  /** Free blocks of ports below 1024, and of those from there on. */
  private readonly free = new Int32Array(2)

  constructor(
    count: number,
    private readonly firstHigh: number,
    isOpen: (b: number) => boolean,
  ) {
    this.owner = new Int32Array(count).fill(WITHDRAWN)
    this.used = new Int32Array(count)
    this.next = new Int32Array(count)
    for (let b = 0; b < count; b++) if (isOpen(b)) this.set(b, FREE)
  }

  set(b: number, owner: number): void {
    const half = b < this.firstHigh ? 0 : 1
    if (this.owner[b] === FREE) this.free[half]!--
    if (owner === FREE) this.free[half]!++
    this.owner[b] = owner
  }

  /** Says whether one of blocks `first` to `last` may be free. */
  mayHaveFree(first: number, last: number): boolean {
    return (first < this.firstHigh && this.free[0]! > 0) || (last >= this.firstHigh && this.free[1]! > 0)
  }
}

export class GuestBlocks {
  private readonly addresses = new Map<number, AddressBlocks>()
  private readonly shift: number

  /** @param size ports in a block: a power of two from 32 to 1024 */
  constructor(
    private readonly size: number,
    private readonly pool4: readonly Pool4Range[],
    private readonly guests: GuestTable,
    private readonly log: LeaseLog,
  ) {
    this.shift = 31 - Math.clz32(size)
  }

  /**
   * A free port of `ports`, which are those of `address4`, in groups `from` to `to` (of 1024 ports): in a block of the
   * guest's own, else in a free block. Of that parity if the block has one (0, 1, or -1 for either). -1: there is none.
   */
  find(
    ports: PortBlock,
    address4: number,
    guest: number,
    from: number,
    to: number,
    parity: number,
    random: number,
  ): number {
    const blocks = this.at(address4)
    const first = (from << 10) >>> this.shift
    const last = ((to << 10) | 1023) >>> this.shift
    const near = this.findOwn(blocks, ports, guest, first, last, parity, random, LOOKED_AT)
    if (near >= 0) return near
    const fresh = this.findFree(blocks, ports, first, last, parity, random)
    return fresh >= 0 ? fresh : this.findOwn(blocks, ports, guest, first, last, parity, random, blocks.owner.length)
  }

  private findOwn(
    { heads, next }: AddressBlocks,
    ports: PortBlock,
    guest: number,
    first: number,
    last: number,
    parity: number,
    random: number,
    most: number,
  ): number {
    let b = heads.get(guest) ?? -1
    for (let n = most; b >= 0 && n > 0; n--) {
      const port = b >= first && b <= last ? this.findIn(ports, b, parity, random) : -1
      if (port >= 0) return port
      b = next[b]!
    }
    return -1
  }

  private findFree(
    blocks: AddressBlocks,
    ports: PortBlock,
    first: number,
    last: number,
    parity: number,
    random: number,
  ): number {
    if (!blocks.mayHaveFree(first, last)) return -1
    const { owner } = blocks
    const count = last - first + 1
    const start = (random >>> 0) % count
    for (let n = 0; n < count; n++) {
      const b = first + ((start + n) % count)
      const port = owner[b] === FREE ? this.findIn(ports, b, parity, random) : -1
      if (port >= 0) return port
    }
    return -1
  }

  private findIn(ports: PortBlock, b: number, parity: number, random: number): number {
    const first = b << this.shift
    const port = ports.findIn(first, first + this.size - 1, parity, random)
    return port >= 0 || parity < 0 ? port : ports.findIn(first, first + this.size - 1, -1, random)
  }

  /** The guest uses the port; the block is its own from now on. False: it is somebody else's. */
  hold(address4: number, port: number, guest: number): boolean {
    const blocks = this.at(address4)
    const { owner, used, next, heads } = blocks
    const b = port >>> this.shift
    if (owner[b] !== FREE && owner[b] !== guest) return false
    used[b]!++
    if (owner[b] === guest) return true
    blocks.set(b, guest)
    next[b] = heads.get(guest) ?? -1
    heads.set(guest, b)
    this.tell('begin', address4, b, guest)
    return true
  }

  /** A port that {@link hold} was called for is used no more. */
  drop(address4: number, port: number): void {
    const blocks = this.at(address4)
    const { owner, used } = blocks
    const b = port >>> this.shift
    const guest = owner[b]!
    if (guest < 0 || --used[b]! > 0) return
    unlink(blocks, guest, b)
    blocks.set(b, FREE)
    this.tell('end', address4, b, guest)
  }

  /** Takes the block of a port away from guests. To be called before anybody holds it. */
  withdraw(address4: number, port: number): void {
    const blocks = this.at(address4)
    const b = port >>> this.shift
    if (blocks.owner[b] === FREE) blocks.set(b, WITHDRAWN)
  }

  private tell(what: 'begin' | 'end', address4: number, b: number, g: number): void {
    const { guests, log, shift, size } = this
    const [h0, h1, h2, h3] = [0, 1, 2, 3].map(k => guests.prefixWord(g, k)) as [number, number, number, number]
    log[what](h0, h1, h2, h3, address4, b << shift, (b << shift) + size - 1)
  }

  private at(address4: number): AddressBlocks {
    let blocks = this.addresses.get(address4 | 0)
    if (!blocks) {
      const { shift, size, pool4 } = this
      const ranges = pool4.filter(r => ((address4 ^ r.prefix.address) & mask32(r.prefix.length)) === 0)
      const isOpen = (b: number) => ranges.some(r => r.ports[0] < (b << shift) + size && r.ports[1] >= b << shift)
      blocks = new AddressBlocks(65536 >>> shift, 1024 >>> shift, isOpen)
      this.addresses.set(address4 | 0, blocks)
    }
    return blocks
  }
}

function unlink({ heads, next }: AddressBlocks, guest: number, b: number): void {
  const head = heads.get(guest) as number
  if (head === b) {
    if (next[b]! < 0) heads.delete(guest)
    else heads.set(guest, next[b]!)
    return
  }
  let before = head
  while (next[before] !== b) before = next[before]!
  next[before] = next[b]!
}
