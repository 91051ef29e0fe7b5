/**
 * Captures packets on all interfaces of a network namespace with one AF_PACKET socket (packet(7)): a kernel filter that
 * is there before the first packet, a ring of shared memory, the kernel's nanosecond time.
 */
import { EXIT, UserError } from '../errors.js'
import type { CaptureCounts, Frame } from '../trace/core/frame.js'
import { type CaptureFilter, compileFilter } from '../wire/bpf.js'
import { INSTRUCTION_BYTES } from '../wire/bpf-assembler.js'
import {
  bind,
  close,
  EAFNOSUPPORT,
  EINVAL,
  ENOMEM,
  EPERM,
  errno,
  errnoName,
  getsockopt,
  ioctl,
  type Memory,
  mapMemory,
  setsockopt,
  socket,
  unmapMemory,
} from './libc.js'
import { inNamespace } from './netns.js'
import { PacketRing } from './packet-ring.js'

const AF_PACKET = 17
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000
const ETH_P_ALL = 3

const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SOL_PACKET = 263
const PACKET_ADD_MEMBERSHIP = 1
const PACKET_RX_RING = 5
const PACKET_STATISTICS = 6
const PACKET_VERSION = 10
const TPACKET_V3 = 2
const PACKET_MR_PROMISC = 1
const SIOCGIFNAME = 0x8910

const IFREQ_BYTES = 40
const IFNAMSIZ = 16

const DEFAULT_RING = 16 << 20
/** A block holds at least one packet, and the largest is 64 KB and a link header. */
const BLOCK_BYTES = 256 << 10
const LEAST_BLOCKS = 2
/** What the kernel wants to be told, and does not use with blocks. */
const FRAME_BYTES = 2048

/** A block is handed over when it is full, or so long after its first packet, ms. */
export const RETIRE_MS = 20

export interface CaptureOptions {
  readonly filter: CaptureFilter
  /** Seconds since 1970 that times are counted from, whole. */
  readonly epoch: number
  /** The namespace to capture in; absent: that of this thread. */
  readonly netnsFd?: number | undefined
  /** Size of the ring; 16 MiB unless told. A host short of memory gives a smaller one. */
  readonly ringBytes?: number | undefined
}

/** Takes packets. `hatype` is the ARPHRD type of the interface, see `linkTypeOf`. */
export interface FrameSink {
  see(frame: Frame, ifindex: number, hatype: number): void
}

/** An open capture. */
export interface Capture {
  /** For poll(2): readable when packets are ready. */
  readonly fd: number
  readonly ringBytes: number
  /** The packets that are ready, one by one. */
  readonly ring: PacketRing
  /** Hands over up to `maxFrames` packets that are ready. Returns how many. */
  read(sink: FrameSink, maxFrames: number): number
  /** Replaces the filter from one packet to the next. */
  refilter(filter: CaptureFilter): void
  /** Has the interface take packets that are not for it, until the capture is closed. False when it is gone. */
  promiscuous(ifindex: number): boolean
  /** The name of an interface in the capture's namespace; null when it is gone. */
  name(ifindex: number): string | null
  /** What the kernel counted since the last call. */
  counts(): CaptureCounts
  close(): void
}

/**
 * Opens a capture on all interfaces, those to come included.
 * @throws UserError (exit status 3) that says what is missing
 */
export function openCapture(options: CaptureOptions): Capture {
  const { netnsFd, epoch } = options
  // Without a protocol nothing arrives before bind().
  const open = () => {
    const fd = socket(AF_PACKET, SOCK_RAW_CLOEXEC_NONBLOCK, 0)
    return fd < 0 ? -errno() : fd
  }
  const fd = netnsFd === undefined ? open() : inNamespace(netnsFd, open)
  if (fd < 0) throw explain(-fd)
  try {
    attachFilter(fd, options.filter)
    const memory = mapRing(fd, options.ringBytes ?? DEFAULT_RING)
    try {
      if (bind(fd, linkAddress(ETH_P_ALL), 20) < 0) throw refused('to capture')
    } catch (error) {
      unmapMemory(memory)
      throw error
    }
    return makeCapture(fd, memory, epoch)
  } catch (error) {
    close(fd)
    throw error
  }
}

function makeCapture(fd: number, memory: Memory, epoch: number): Capture {
  const ring = new PacketRing(memory.buffer, BLOCK_BYTES, epoch)
  let isOpen = true
  return {
    fd,
    ringBytes: memory.buffer.byteLength,
    ring,
    read(sink, maxFrames) {
      let frames = 0
      while (frames < maxFrames && ring.advance()) {
        sink.see(ring.frame, ring.ifindex, ring.hatype)
        frames++
      }
      return frames
    },
    refilter: filter => attachFilter(fd, filter),
    promiscuous(ifindex) {
      // struct packet_mreq: interface, type, address (none)
      const request = new Uint8Array(16)
      const view = new DataView(request.buffer)
      view.setInt32(0, ifindex, true)
      view.setUint16(4, PACKET_MR_PROMISC, true)
      return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request, request.length) === 0
    },
    name(ifindex) {
      const request = new Uint8Array(IFREQ_BYTES)
      new DataView(request.buffer).setInt32(IFNAMSIZ, ifindex, true)
      if (ioctl(fd, SIOCGIFNAME, request) < 0) return null
      return Buffer.from(request.subarray(0, request.indexOf(0))).toString()
    },
    counts() {
      // struct tpacket_stats_v3: packets, drops (among the packets), freezes
      const stats = new Uint32Array(3)
      getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, bytesOf(stats), bytesOf(new Uint32Array([12])))
      return { seen: stats[0]!, lost: stats[1]! }
    },
    close() {
      if (!isOpen) return
      isOpen = false
      ring.detach()
      unmapMemory(memory)
      close(fd)
    },
  }
}

function attachFilter(fd: number, filter: CaptureFilter): void {
  const program = compileFilter(filter)
  if (program === undefined) throw tooManyAddresses()
  const memory = mapMemory(program.length)
  if (memory === null) throw new UserError('There is no memory for the capture filter.', { exitCode: EXIT.unable })
  new Uint8Array(memory.buffer).set(program)
  // struct sock_fprog: count, and where they are
  const request = new Uint8Array(16)
  const view = new DataView(request.buffer)
  view.setUint16(0, program.length / INSTRUCTION_BYTES, true)
  view.setBigUint64(8, BigInt(memory.address), true)
  const failed = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, request, request.length) < 0
  const error = errno()
  unmapMemory(memory)
  if (failed && error === ENOMEM) throw tooManyAddresses()
  if (failed) throw refused('the capture filter', error)
}

/** Makes the ring and maps it; half the size where there is no memory for the whole. */
function mapRing(fd: number, bytes: number): Memory {
  const version = new Uint32Array([TPACKET_V3])
  if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, bytesOf(version), 4) < 0) throw refused('a capture ring')
  for (let blocks = Math.max(LEAST_BLOCKS, Math.floor(bytes / BLOCK_BYTES)); ; blocks >>= 1) {
    // struct tpacket_req3: block size and count, frame size and count, ms to retire, private bytes, features
    const frames = (BLOCK_BYTES / FRAME_BYTES) * blocks
    const request = bytesOf(new Uint32Array([BLOCK_BYTES, blocks, FRAME_BYTES, frames, RETIRE_MS, 0, 0]))
    if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, request, request.length) === 0) {
      const memory = mapMemory(BLOCK_BYTES * blocks, fd)
      if (memory === null) throw refused('to map the capture ring')
      return memory
    }
    const error = errno()
    if (error !== ENOMEM && error !== EINVAL) throw refused('a capture ring', error)
    if (blocks >> 1 < LEAST_BLOCKS)
      throw new UserError(`There is no memory for a capture ring of ${(blocks * BLOCK_BYTES) >> 10} KiB.`, {
        exitCode: EXIT.unable,
        nextSteps: ['Free some memory and try again.'],
      })
  }
}

/** struct sockaddr_ll on all interfaces. */
function linkAddress(protocol: number): Uint8Array {
  const address = new Uint8Array(20)
  const view = new DataView(address.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setUint16(2, protocol)
  return address
}

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer)

function explain(error: number): UserError {
  if (error === EPERM)
    return new UserError('This process may not capture packets: it needs root or CAP_NET_RAW.', {
      exitCode: EXIT.unable,
      nextSteps: ['Run it as root, or in a container with --cap-add NET_RAW.'],
    })
  if (error === EAFNOSUPPORT)
    return new UserError('This kernel cannot capture packets: it has no AF_PACKET.', {
      exitCode: EXIT.unable,
      nextSteps: ['On a host: modprobe af_packet'],
    })
  return refused('a capture socket', error)
}

function refused(what: string, error = errno()): UserError {
  return new UserError(`The kernel refused ${what} (${errnoName(error)}).`, { exitCode: EXIT.unable })
}

function tooManyAddresses(): UserError {
  return new UserError('The capture filter has more addresses than the kernel takes.', {
    exitCode: EXIT.unable,
    nextSteps: [
      'Trace fewer guests or targets at once.',
      'Or allow larger filters: sysctl net.core.optmem_max=1048576',
    ],
  })
}
