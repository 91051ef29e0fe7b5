/**
 * The C library through koffi: the few calls that Node has no fast way for. The only importer of koffi.
 *
 * Hot calls take and return plain numbers; addresses are Numbers (user space ends below 2^47). A call that fails
 * returns -1 and leaves the reason in {@link errno}, to be read before the next call.
 */
import { constants } from 'node:os'
import koffi from 'koffi'

const c = koffi.load(null)

/** The error number of the last failed call of this thread. */
export const errno: () => number = koffi.errno

/** read(2) into memory at `address`. Returns bytes, 0 at the end, -1 on error. */
export const read: (fd: number, address: number, length: number) => number = c.func('read', 'int', [
  'int',
  'uintptr_t',
  'uint32_t',
])

/** write(2) from memory at `address`. Returns bytes, -1 on error. */
export const write: (fd: number, address: number, length: number) => number = c.func('write', 'int', [
  'int',
  'uintptr_t',
  'uint32_t',
])

/** writev(2) of `count` struct iovec at `address`. Returns bytes, -1 on error. */
export const writev: (fd: number, address: number, count: number) => number = c.func('writev', 'int', [
  'int',
  'uintptr_t',
  'int',
])

/** poll(2) over `count` pollfd structures at `address`; `timeoutMs` -1 waits for ever. Returns how many are ready. */
export const poll: (address: number, count: number, timeoutMs: number) => number = c.func('poll', 'int', [
  'uintptr_t',
  'ulong',
  'int',
])

export const eventfd: (initial: number, flags: number) => number = c.func('eventfd', 'int', ['uint32_t', 'int'])
export const close: (fd: number) => number = c.func('close', 'int', ['int'])
export const socket: (domain: number, type: number, protocol: number) => number = c.func('socket', 'int', [
  'int',
  'int',
  'int',
])

/** lseek(2). Returns the new position, -1 on error. */
export const lseek: (fd: number, offset: number, whence: number) => number = c.func('lseek', 'long', [
  'int',
  'long',
  'int',
])
export const SEEK_END = 2

/** socketpair(2); the two descriptors come in `pair`, 8 bytes. Returns -1 on error. */
export const socketpair: (domain: number, type: number, protocol: number, pair: Uint8Array) => number = c.func(
  'socketpair',
  'int',
  ['int', 'int', 'int', 'void *'],
)

/** ioctl(2) with a structure in `argument`, read and written in place. */
export const ioctl: (fd: number, request: number, argument: Uint8Array) => number = c.func('ioctl', 'int', [
  'int',
  'ulong',
  'void *',
])

/** ioctl(2) with a number for an argument. */
export const ioctlNumber: (fd: number, request: number, argument: number) => number = c.func('ioctl', 'int', [
  'int',
  'ulong',
  'ulong',
])

/** setsockopt(2) with `length` bytes of `value`. */
export const setsockopt: (fd: number, level: number, option: number, value: Uint8Array, length: number) => number =
  c.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32_t'])

/** getsockopt(2); `length`, 4 bytes, says how long `value` may become, and then how long it is. */
export const getsockopt: (fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array) => number =
  c.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *'])

/** bind(2) to an address of `length` bytes. */
export const bind: (fd: number, address: Uint8Array, length: number) => number = c.func('bind', 'int', [
  'int',
  'void *',
  'uint32_t',
])

/** send(2). Returns bytes, -1 on error. */
export const send: (fd: number, data: Uint8Array, length: number, flags: number) => number = c.func('send', 'long', [
  'int',
  'void *',
  'size_t',
  'int',
])

/** recv(2) into `data`. Returns bytes, -1 on error. */
export const recv: (fd: number, data: Uint8Array, length: number, flags: number) => number = c.func('recv', 'long', [
  'int',
  'void *',
  'size_t',
  'int',
])

/** sendmsg(2) with the struct msghdr at `message`. Returns bytes, -1 on error. */
export const sendmsg: (fd: number, message: number, flags: number) => number = c.func('sendmsg', 'long', [
  'int',
  'uintptr_t',
  'int',
])

/** recvmsg(2) into the struct msghdr at `message`. Returns bytes, -1 on error. */
export const recvmsg: (fd: number, message: number, flags: number) => number = c.func('recvmsg', 'long', [
  'int',
  'uintptr_t',
  'int',
])

/** prctl(2) with numbers. */
export const prctl: (option: number, a: number, b: number, c: number, d: number) => number = c.func('prctl', 'int', [
  'int',
  'ulong',
  'ulong',
  'ulong',
  'ulong',
])

/** capset(2) of this thread: header of 8 bytes, 24 bytes of data. */
export const capset: (header: Uint8Array, data: Uint8Array) => number = c.func('capset', 'int', ['void *', 'void *'])

/** setns(2): moves this thread to the namespace that `fd` stands for. */
export const setns: (fd: number, type: number) => number = c.func('setns', 'int', ['int', 'int'])

const syscall: (number: number, a: number, b: number, c: number, d: number, e: number, f: number) => number = c.func(
  'syscall',
  'int',
  ['long', 'int', 'uintptr_t', 'uint32_t', 'uint32_t', 'uintptr_t', 'ulong'],
)

// The same numbers on every architecture with the unified table (x86-64, arm64, riscv64, arm, s390x, ppc64).
const IO_URING_SETUP = 425
const IO_URING_ENTER = 426

/** io_uring_setup(2); `params` is a struct io_uring_params at an address. Returns a descriptor or -1. */
export function ioUringSetup(entries: number, params: number): number {
  return syscall(IO_URING_SETUP, entries, params, 0, 0, 0, 0)
}

/** io_uring_enter(2). Returns how many entries were submitted, or -1. */
export function ioUringEnter(fd: number, submit: number, minComplete: number, flags: number): number {
  return syscall(IO_URING_ENTER, fd, submit, minComplete, flags, 0, 0)
}

const syscall3: (number: number, a: number, b: number, c: number) => number = c.func('syscall', 'int', [
  'long',
  'uint32_t',
  'uint32_t',
  'uintptr_t',
])
const SECCOMP: Readonly<Record<string, number>> = { x64: 317, arm64: 277 }
const SECCOMP_SET_MODE_FILTER = 1

/** seccomp(2): a filter, a struct sock_fprog at `program`. Returns 0, a thread that cannot follow, or -1. */
export function seccompFilter(flags: number, program: number): number {
  return syscall3(SECCOMP[process.arch] ?? -1, SECCOMP_SET_MODE_FILTER, flags, program)
}

const mmapCall: (
  address: number,
  length: number,
  prot: number,
  flags: number,
  fd: number,
  offset: number,
) => number | bigint = c.func('mmap', 'uintptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'long'])
const munmapCall: (address: number, length: number) => number = c.func('munmap', 'int', ['uintptr_t', 'size_t'])

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_PRIVATE_ANONYMOUS = 0x22
const MAP_SHARED_POPULATE = MAP_SHARED | 0x8000

/** Memory outside the JavaScript heap: its address never changes. */
export interface Memory {
  readonly address: number
  readonly buffer: ArrayBuffer
}

/** Maps zeroed memory of `length` bytes, or `length` bytes of `fd` at `offset`. null on error, see {@link errno}. */
export function mapMemory(length: number, fd = -1, offset = 0): Memory | null {
  const flags = fd < 0 ? MAP_PRIVATE_ANONYMOUS : MAP_SHARED_POPULATE
  const address = mmapCall(0, length, PROT_READ_WRITE, flags, fd, offset)
  if (typeof address === 'bigint') return null
  return { address, buffer: koffi.view(address, length) }
}

/** Unmaps; the buffer must not be touched any more. */
export function unmapMemory(memory: Memory): void {
  munmapCall(memory.address, memory.buffer.byteLength)
}

const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]))
NAMES.set(constants.errno.EAGAIN, 'EAGAIN')
NAMES.set(77, 'EBADFD')

/** The name of an error number: `EBUSY`. */
export function errnoName(number: number): string {
  return NAMES.get(number) ?? `errno ${number}`
}

export const EPERM = constants.errno.EPERM
export const ENOENT = constants.errno.ENOENT
export const EINTR = constants.errno.EINTR
export const EIO = constants.errno.EIO
export const EAGAIN = constants.errno.EAGAIN
export const EBUSY = constants.errno.EBUSY
export const EINVAL = constants.errno.EINVAL
export const ENOSYS = constants.errno.ENOSYS
export const ENOMEM = constants.errno.ENOMEM
export const ENOBUFS = constants.errno.ENOBUFS
export const EAFNOSUPPORT = constants.errno.EAFNOSUPPORT
export const ENODEV = constants.errno.ENODEV
export const EOPNOTSUPP = constants.errno.EOPNOTSUPP
export const EACCES = constants.errno.EACCES

/** flock(2). Returns 0, or -1 with EAGAIN when another process holds the lock. */
export const flock: (fd: number, operation: number) => number = c.func('flock', 'int', ['int', 'int'])
export const LOCK_EX_NB = 2 | 4

const connect: (fd: number, to: Uint8Array, toLength: number) => number = c.func('connect', 'int', [
  'int',
  'void *',
  'uint32_t',
])

/** A socket that is connected to the datagram socket at `path`; one that starts with `@` is abstract. -1: it is not. */
export function connectDatagram(path: string): number {
  const [AF_UNIX, SOCK_DGRAM_CLOEXEC] = [1, 2 | 0o2000000]
  const name = Buffer.from(path)
  if (name.length === 0 || name.length > 107) return -1
  if (name[0] === 0x40) name[0] = 0
  const to = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), name])
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  if (fd < 0 || connect(fd, to, to.length) === 0) return fd
  close(fd)
  return -1
}
