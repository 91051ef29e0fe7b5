/** Descriptors handed from process to process over a Unix socket (SCM_RIGHTS, unix(7)). */
import { close, errno, errnoName, type Memory, mapMemory, recvmsg, sendmsg, socketpair, unmapMemory } from './libc.js'

const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_DONTWAIT = 0x40
const MSG_CMSG_CLOEXEC = 0x40000000

/** struct msghdr, 56 bytes: name(8) its length(8) iovec(8) count(8) control(8) its length(8) flags(8). */
const MSGHDR = 0
const IOVEC = 64
const BYTE = 80
const CONTROL = 96
/** struct cmsghdr: length(8) level(4) type(4), then the descriptors. */
const CMSG = 16
/** SCM_MAX_FD of the kernel is 253; a TUN device has at most 256 queues, so they go in several messages. */
const MOST = 128
const ROOM = CONTROL + CMSG + 4 * MOST

/** Two ends of a socket for {@link sendFds} and {@link receiveFds}. @throws Error */
export function openFdChannel(): readonly [number, number] {
  const pair = new Int32Array(2)
  if (socketpair(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0, new Uint8Array(pair.buffer)) < 0) throw failed('socketpair')
  return [pair[0] as number, pair[1] as number]
}

/** Sends descriptors, which stay open here. @throws Error */
export function sendFds(socket: number, fds: readonly number[]): void {
  withMessage(({ address, buffer }) => {
    const view = new DataView(buffer)
    for (let at = 0; at < fds.length; at += MOST) {
      const some = fds.slice(at, at + MOST)
      fillMessage(view, address, CMSG + 4 * some.length)
      view.setBigUint64(CONTROL, BigInt(CMSG + 4 * some.length), true)
      view.setInt32(CONTROL + 8, SOL_SOCKET, true)
      view.setInt32(CONTROL + 12, SCM_RIGHTS, true)
      for (const [i, fd] of some.entries()) view.setInt32(CONTROL + CMSG + 4 * i, fd, true)
      if (sendmsg(socket, address, 0) < 0) throw failed('sendmsg')
    }
  })
}

/** Receives `count` descriptors that are waiting. @throws Error when there are fewer; then none stays open */
export function receiveFds(socket: number, count: number): number[] {
  const fds: number[] = []
  withMessage(({ address, buffer }) => {
    const view = new DataView(buffer)
    while (fds.length < count) {
      fillMessage(view, address, ROOM - CONTROL)
      const problem = recvmsg(socket, address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0 ? failed('recvmsg') : null
      const length = problem === null ? Number(view.getBigUint64(CONTROL, true)) : 0
      for (let at = CMSG; at + 4 <= length; at += 4) fds.push(view.getInt32(CONTROL + at, true))
      if (problem !== null || length <= CMSG) {
        for (const fd of fds) close(fd)
        throw problem ?? new Error('a message without descriptors')
      }
    }
  })
  return fds
}

/** One byte of data, because a message has to have some. */
function fillMessage(view: DataView, address: number, controlLength: number): void {
  for (let at = 0; at < view.byteLength; at += 8) view.setBigUint64(at, 0n, true)
  view.setBigUint64(MSGHDR + 16, BigInt(address + IOVEC), true)
  view.setBigUint64(MSGHDR + 24, 1n, true)
  view.setBigUint64(MSGHDR + 32, BigInt(address + CONTROL), true)
  view.setBigUint64(MSGHDR + 40, BigInt(controlLength), true)
  view.setBigUint64(IOVEC, BigInt(address + BYTE), true)
  view.setBigUint64(IOVEC + 8, 1n, true)
}

function withMessage(use: (memory: Memory) => void): void {
  const memory = mapMemory((ROOM + 7) & ~7)
  if (memory === null) throw failed('mmap')
  try {
    use(memory)
  } finally {
    unmapMemory(memory)
  }
}

const failed = (what: string) => new Error(`${what}: ${errnoName(errno())}`)
