/** An eventfd: a descriptor that one thread waits on and another makes readable (eventfd(2)). */
import { closeSync, readSync, writeSync } from 'node:fs'
import { UserError } from '../errors.js'
import { errno, errnoName, eventfd } from './libc.js'

const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000

/** Opens one that does not block. The caller closes it. */
export function openEventfd(): number {
  const fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
  if (fd < 0) throw new UserError(`The system refused an event descriptor (${errnoName(errno())}).`, { exitCode: 3 })
  return fd
}

const one = new Uint8Array(new BigUint64Array([1n]).buffer)
const scratch = new Uint8Array(8)

/** Makes it readable. */
export function signalEventfd(fd: number): void {
  writeSync(fd, one)
}

/** Makes it unreadable again. */
export function drainEventfd(fd: number): void {
  try {
    readSync(fd, scratch)
  } catch {
    // EAGAIN: it was not readable.
  }
}

export const closeEventfd = closeSync
