// hot path
/**
 * Batches of reads and writes in one system call over io_uring, without a library. Every request completes inside
 * {@link Ring.enter}: reads carry RWF_NOWAIT, so that an empty device answers EAGAIN instead of waiting in the ring.
 *
 * io_uring_setup(2), io_uring_enter(2); layouts from linux/io_uring.h.
 */
import { readFileSync } from 'node:fs'
import {
  close,
  EINVAL,
  ENOSYS,
  EPERM,
  errno,
  errnoName,
  ioUringEnter,
  ioUringSetup,
  type Memory,
  mapMemory,
  unmapMemory,
} from './libc.js'

const OP_WRITEV = 2
const OP_READ = 22
const RWF_NOWAIT = 8

const SETUP_SINGLE_ISSUER = 1 << 12
const SETUP_DEFER_TASKRUN = 1 << 13
const ENTER_GETEVENTS = 1
const FEAT_SINGLE_MMAP = 1

const OFFSET_SQES = 0x10000000
const PARAMS_BYTES = 120
const SQE_WORDS = 16
const CQE_WORDS = 4

const TWO_32 = 0x1_0000_0000

/** Index of each word in struct io_uring_params. */
const PARAM = { SQ_ENTRIES: 0, CQ_ENTRIES: 1, FLAGS: 2, FEATURES: 5, SQ_OFF: 10, CQ_OFF: 20 } as const
/** Words within struct io_sqring_offsets and io_cqring_offsets. */
const SQ = { HEAD: 0, TAIL: 1, MASK: 2, ARRAY: 6 } as const
const CQ = { HEAD: 0, TAIL: 1, MASK: 2, CQES: 5 } as const

export class Ring {
  /** The completion that {@link next} took last: what was given to read() or write(), and the result (-errno). */
  tag = 0
  result = 0
  /** Requests prepared and not yet submitted. */
  prepared = 0

  private readonly sqTail: number
  private readonly sqMask: number
  private readonly cqHead: number
  private readonly cqTail: number
  private readonly cqMask: number
  private readonly cqes: number
  private readonly rings: Uint32Array
  private readonly sqes: Int32Array

  constructor(
    readonly fd: number,
    params: Uint32Array,
    private readonly ringMemory: Memory,
    private readonly sqeMemory: Memory,
  ) {
    const word = (base: number, field: number) => params[base + field]! / 4
    this.rings = new Uint32Array(ringMemory.buffer)
    this.sqes = new Int32Array(sqeMemory.buffer)
    this.sqTail = word(PARAM.SQ_OFF, SQ.TAIL)
    this.sqMask = this.rings[word(PARAM.SQ_OFF, SQ.MASK)]!
    this.cqHead = word(PARAM.CQ_OFF, CQ.HEAD)
    this.cqTail = word(PARAM.CQ_OFF, CQ.TAIL)
    this.cqMask = this.rings[word(PARAM.CQ_OFF, CQ.MASK)]!
    this.cqes = word(PARAM.CQ_OFF, CQ.CQES)
    const array = word(PARAM.SQ_OFF, SQ.ARRAY)
    for (let i = 0; i <= this.sqMask; i++) this.rings[array + i] = i
  }

  /** Prepares a read that fails with EAGAIN when nothing is there. */
  read(fd: number, address: number, length: number, tag: number): void {
    this.prepare(OP_READ, fd, address, length, tag, RWF_NOWAIT)
  }

  /** Prepares a write of `count` struct iovec at `address`. */
  writev(fd: number, address: number, count: number, tag: number): void {
    this.prepare(OP_WRITEV, fd, address, count, tag, RWF_NOWAIT)
  }

  private prepare(op: number, fd: number, address: number, length: number, tag: number, rwFlags: number): void {
    const rings = this.rings
    const sqes = this.sqes
    const tail = rings[this.sqTail]!
    const o = (tail & this.sqMask) * SQE_WORDS
    sqes[o] = op
    sqes[o + 1] = fd
    sqes[o + 2] = -1
    sqes[o + 3] = -1
    sqes[o + 4] = address >>> 0
    sqes[o + 5] = address / TWO_32
    sqes[o + 6] = length
    sqes[o + 7] = rwFlags
    sqes[o + 8] = tag
    sqes[o + 9] = 0
    rings[this.sqTail] = (tail + 1) >>> 0
    this.prepared++
  }

  /** Submits what was prepared and returns when all of it is complete. Returns 0, or the error number. */
  enter(): number {
    const submitted = ioUringEnter(this.fd, this.prepared, this.prepared, ENTER_GETEVENTS)
    if (submitted < 0) return errno()
    this.prepared -= submitted
    return 0
  }

  /** Takes the next completion into `tag` and `result`. False when there is none. */
  next(): boolean {
    const rings = this.rings
    const head = rings[this.cqHead]!
    if (head === rings[this.cqTail]) return false
    const o = this.cqes + (head & this.cqMask) * CQE_WORDS
    this.tag = rings[o]!
    this.result = rings[o + 2]! | 0
    rings[this.cqHead] = (head + 1) >>> 0
    return true
  }

  close(): void {
    close(this.fd)
    unmapMemory(this.ringMemory)
    unmapMemory(this.sqeMemory)
  }
}

/**
 * Opens a ring for `entries` requests at once (a power of two), to be used by this thread only.
 * Returns the error number where the system refuses.
 */
export function openRing(entries: number): Ring | number {
  const parameters = mapMemory(PARAMS_BYTES)
  if (parameters === null) return errno()
  const words = new Uint32Array(parameters.buffer, 0, PARAMS_BYTES / 4)
  try {
    for (const flags of [SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN, 0]) {
      words.fill(0)
      words[PARAM.FLAGS] = flags
      const fd = ioUringSetup(entries, parameters.address)
      if (fd >= 0) return mapRing(fd, words)
      if (errno() !== EINVAL) return errno()
    }
    return EINVAL
  } finally {
    unmapMemory(parameters)
  }
}

function mapRing(fd: number, params: Uint32Array): Ring | number {
  if ((params[PARAM.FEATURES]! & FEAT_SINGLE_MMAP) === 0) {
    close(fd)
    return ENOSYS
  }
  const sqEntries = params[PARAM.SQ_ENTRIES]!
  const sqBytes = params[PARAM.SQ_OFF + SQ.ARRAY]! + sqEntries * 4
  const cqBytes = params[PARAM.CQ_OFF + CQ.CQES]! + params[PARAM.CQ_ENTRIES]! * CQE_WORDS * 4
  const rings = mapMemory(Math.max(sqBytes, cqBytes), fd, 0)
  const sqes = rings && mapMemory(sqEntries * SQE_WORDS * 4, fd, OFFSET_SQES)
  if (rings === null || sqes === null) {
    const reason = errno()
    if (rings !== null) unmapMemory(rings)
    close(fd)
    return reason
  }
  return new Ring(fd, params, rings, sqes)
}

/** Says in a sentence why {@link openRing} was refused with an error number. */
export function describeRingRefusal(error: number, disabled = readDisabled()): string {
  if (error === ENOSYS) return 'This kernel has no io_uring.'
  if (error !== EPERM) return `The kernel refused io_uring (${errnoName(error)}).`
  if (disabled === '2') return 'io_uring is switched off (sysctl kernel.io_uring_disabled = 2).'
  if (disabled === '1') return 'io_uring is reserved for a group (sysctl kernel.io_uring_disabled = 1).'
  return 'A seccomp filter, as containers have it, or a security module forbids io_uring.'
}

function readDisabled(): string {
  try {
    return readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim()
  } catch {
    return ''
  }
}
