/**
 * A TUN device without a device: one end of a pair of sockets that keep packets apart, the other end in the hands of a
 * test. Reads, writes and waiting behave as with the real thing, without privilege.
 */
import { closeSync, readSync, writeSync } from 'node:fs'
import { errno, errnoName, socketpair } from '../libc.js'

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_NONBLOCK_CLOEXEC = 0o2004000

export interface MemoryTun {
  /** What the packet loop is given. */
  readonly fd: number
  /** Puts a packet in front of the loop, virtio-net header included. */
  send(packet: Uint8Array): void
  /** Takes the next packet that the loop wrote; null when there is none. */
  receive(): Uint8Array | null
  close(): void
}

export function openMemoryTun(): MemoryTun {
  const pair = new Int32Array(2)
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)) < 0)
    throw new Error(`socketpair: ${errnoName(errno())}`)
  const [fd, far] = pair as unknown as [number, number]
  const buffer = new Uint8Array(70_000)
  return {
    fd,
    send: packet => void writeSync(far, packet),
    receive() {
      try {
        return buffer.slice(0, readSync(far, buffer))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null
        throw error
      }
    },
    close() {
      closeSync(fd)
      closeSync(far)
    },
  }
}
