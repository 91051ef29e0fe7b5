/** Waiting for several descriptors at once (poll(2)). */
import { EINTR, errno, errnoName, mapMemory, poll, unmapMemory } from './libc.js'

/** A set of descriptors, by their place in the list. */
export interface Poller {
  /** Waits until one is readable, or has an error, or the time is up; -1: no limit. Blocks the thread. */
  wait(timeoutMs: number): void
  /** Says whether the last wait found that one ready. */
  isReady(place: number): boolean
  /** Leaves one out of the next waits, or takes it in again. */
  watch(place: number, isWatched: boolean): void
  close(): void
}

const POLLIN = 1
/** struct pollfd: descriptor(4) events(2) revents(2). */
const WORDS = 2

/** Makes a set of descriptors, all watched. */
export function makePoller(fds: readonly number[]): Poller {
  const memory = mapMemory(4 * WORDS * Math.max(1, fds.length))
  if (memory === null) throw new Error(`no memory to wait with: ${errnoName(errno())}`)
  const words = new Int32Array(memory.buffer)
  for (const [place, fd] of fds.entries()) {
    words[WORDS * place] = fd
    words[WORDS * place + 1] = POLLIN
  }
  let isOpen = true
  return {
    wait(timeoutMs) {
      if (poll(memory.address, fds.length, timeoutMs) >= 0) return
      const error = errno()
      if (error !== EINTR) throw new Error(`poll: ${errnoName(error)}`)
      for (const place of fds.keys()) words[WORDS * place + 1] = POLLIN
    },
    isReady: place => words[WORDS * place + 1]! >>> 16 !== 0,
    watch(place, isWatched) {
      // poll(2) passes over negative descriptors, and clears what it found there before.
      words[WORDS * place] = isWatched ? fds[place]! : -1
    },
    close() {
      if (isOpen) unmapMemory(memory)
      isOpen = false
    },
  }
}
