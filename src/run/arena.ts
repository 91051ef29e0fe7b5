/**
 * Memory that packets are read into and written from: slots with room for a header to grow, and the outbox.
 * Outside the JavaScript heap, because the kernel is given addresses of it.
 */
import { mapMemory, unmapMemory } from '../host/libc.js'
import { OUTBOX_BYTES } from '../xlat/outbox.js'
import { HEADROOM } from '../xlat/packet.js'

/** The longest packet, bytes: an IPv6 header and the most that its length field can say, rounded up. */
export const SLOT_PACKET = 65_600
/** Not a multiple of a page, or the headers of all packets would compete for the same lines of the cache. */
const SLOT_STRIDE = HEADROOM + SLOT_PACKET + 64

export interface Arena {
  /** All of it. */
  readonly bytes: Uint8Array
  /** Address of the first byte. */
  readonly address: number
  /** Memory for the outbox, at the beginning of `bytes`. */
  readonly outbox: Uint8Array
  close(): void
}

/** Maps room for `slots` packets and the outbox. Only what is used takes memory. */
export function openArena(slots: number): Arena {
  const memory = mapMemory(OUTBOX_BYTES + slots * SLOT_STRIDE)
  if (memory === null) throw new Error('out of memory for packets')
  return {
    bytes: new Uint8Array(memory.buffer),
    address: memory.address,
    outbox: new Uint8Array(memory.buffer, 0, OUTBOX_BYTES),
    close: () => unmapMemory(memory),
  }
}

/** Where the packet of slot `i` begins in the arena; HEADROOM bytes before it are free. A multiple of 64. */
export function slotStart(i: number): number {
  return OUTBOX_BYTES + i * SLOT_STRIDE + HEADROOM
}
