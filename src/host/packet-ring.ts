// hot path
/**
 * The receive ring of an AF_PACKET socket, TPACKET_V3: blocks of memory that the kernel fills with packets and hands
 * over one by one (linux/if_packet.h, Documentation/networking/packet_mmap.rst). Reads them in place.
 */
import type { Frame } from '../trace/core/frame.js'
import { LINK } from '../wire/link.js'

/** Bytes of struct tpacket_block_desc that matter, by word. */
const BLOCK = { STATUS: 2, PACKETS: 3, FIRST: 4 } as const
const OURS = 1

/** Words of struct tpacket3_hdr, and half words and bytes of it and of the struct sockaddr_ll behind it. */
const WORD = { NEXT: 0, SECONDS: 1, NANOSECONDS: 2, CAPTURED: 3, LENGTH: 4, STATUS: 5, TAG: 8, IFINDEX: 13 } as const
const HALF = { MAC: 12, NETWORK: 13, HATYPE: 28 } as const
const BYTE_PKTTYPE = 58
const PACKET_OUTGOING = 4
const TAG_IS_VALID = 0x10
const VLAN_ID = 0x0fff

const ETHERNET_WITH_TAG = 18
const TAG_AT = 14

const ARPHRD_ETHER = 1
const ARPHRD_LOOPBACK = 772

/** Link type of what {@link PacketRing} gives of a device of this ARPHRD type: Ethernet, or raw IP for all others. */
export function linkTypeOf(hatype: number): number {
  return hatype === ARPHRD_ETHER || hatype === ARPHRD_LOOPBACK ? LINK.ETHERNET : LINK.RAW
}

/** A cursor over the packets that are ready. */
export class PacketRing {
  /** The packet that {@link advance} found; valid until the next call. Its `tap` is left alone. */
  readonly frame: Frame
  /** Its interface, and the ARPHRD type of that. */
  ifindex = 0
  hatype = 0

  private words: Uint32Array
  private halves: Uint16Array
  private readonly blocks: number
  private block = 0
  /** The kernel has handed the current block over. */
  private isHeld = false
  /** Packets left in it, and where the next one's header stands, bytes. */
  private left = 0
  private at = 0

  /** `epoch`: seconds since 1970, whole. */
  constructor(
    buffer: ArrayBuffer,
    private readonly blockBytes: number,
    private readonly epoch: number,
  ) {
    this.words = new Uint32Array(buffer)
    this.halves = new Uint16Array(buffer)
    this.blocks = buffer.byteLength / blockBytes
    const bytes = new Uint8Array(buffer)
    // A time with a fraction: the engine then keeps a double in place instead of making a new one each time.
    this.frame = { time: 0.5, tap: -1, direction: 'unknown', bytes, start: 0, ip: -1, end: 0, length: 0, vlan: 0 }
  }

  /** Goes on to the next packet. Returns false when none is ready; all blocks are then the kernel's again. */
  advance(): boolean {
    while (this.left === 0) {
      if (!this.nextBlock()) return false
    }
    const { words, halves, at, frame } = this
    const word = at >> 2
    const half = at >> 1
    const hatype = halves[half + HALF.HATYPE]!
    const mac = at + halves[half + HALF.MAC]!
    const network = at + halves[half + HALF.NETWORK]!
    const end = mac + words[word + WORD.CAPTURED]!
    const hasLink = hatype === ARPHRD_ETHER || hatype === ARPHRD_LOOPBACK
    const start = hasLink ? mac : network
    frame.time = (words[word + WORD.SECONDS]! - this.epoch) * 1e9 + words[word + WORD.NANOSECONDS]!
    frame.direction = frame.bytes[at + BYTE_PKTTYPE] === PACKET_OUTGOING ? 'out' : 'in'
    frame.start = start
    frame.ip = isIpAt(frame.bytes, network, end) ? network : -1
    frame.end = end
    frame.length = words[word + WORD.LENGTH]! - (start - mac)
    if ((words[word + WORD.STATUS]! & TAG_IS_VALID) !== 0) frame.vlan = words[word + WORD.TAG]! & VLAN_ID
    else if (hasLink && network - mac === ETHERNET_WITH_TAG) frame.vlan = tagAt(frame.bytes, mac + TAG_AT)
    else frame.vlan = 0
    this.ifindex = words[word + WORD.IFINDEX]!
    this.hatype = hatype
    this.at = at + words[word + WORD.NEXT]!
    this.left--
    return true
  }

  /** Says whether half of the ring waits to be read. */
  isHalfFull(): boolean {
    return this.isReady((this.block + (this.blocks >> 1)) % this.blocks)
  }

  /** Forgets the memory: from now on no packet is ready. */
  detach(): void {
    this.left = 0
    this.isHeld = false
    this.words = new Uint32Array(0)
    this.halves = new Uint16Array(0)
    this.frame.bytes = new Uint8Array(0)
  }

  /** Hands the current block back, if it is ours, and takes the next one. Returns whether that is ready. */
  private nextBlock(): boolean {
    if (this.isHeld) {
      Atomics.store(this.words, this.statusOf(this.block), 0)
      this.isHeld = false
      this.block = (this.block + 1) % this.blocks
    }
    if (!this.isReady(this.block)) return false
    const word = (this.block * this.blockBytes) >> 2
    this.isHeld = true
    this.left = this.words[word + BLOCK.PACKETS]!
    this.at = this.block * this.blockBytes + this.words[word + BLOCK.FIRST]!
    return true
  }

  private isReady(block: number): boolean {
    const at = this.statusOf(block)
    return at < this.words.length && (Atomics.load(this.words, at) & OURS) !== 0
  }

  private statusOf(block: number): number {
    return ((block * this.blockBytes) >> 2) + BLOCK.STATUS
  }
}

function isIpAt(b: Uint8Array, at: number, end: number): boolean {
  if (at >= end) return false
  const version = b[at]! >> 4
  return version === 4 || version === 6
}

function tagAt(b: Uint8Array, at: number): number {
  return ((b[at]! << 8) | b[at + 1]!) & VLAN_ID
}
