/** The most memory that a run takes, whatever comes: said at its start and in its status. */
import type { RunConfig } from '../config/run-config.js'
import { formatBytes, formatCount } from '../term/format.js'
import { savedBytes, tableBytes } from '../xlat/memory.js'
import { slotStart } from './arena.js'
import { SLOTS } from './batch.js'

/** Node itself, the program, and the room that its heaps need for short-lived objects: measured with `npm run abuse`. */
const PROGRAM_BYTES = 128 * 2 ** 20
/** Copies of the state while it is saved or taken over: as it is made or read, and for the file. */
const COPIES = 3

/** Bytes of resident memory while it runs, with everything in use. */
export function memoryBound({ xlat }: RunConfig): number {
  return PROGRAM_BYTES + slotStart(SLOTS) + tableBytes(xlat)
}

/** The same as a sentence for the log. */
export function memorySentence(config: RunConfig): string {
  const { mode, limits } = config.xlat
  const tables = `${formatCount(limits.bib)} BIB entries and ${formatCount(limits.sessions)} sessions`
  const full = mode === 'stateful' ? `, with ${tables} in use` : ''
  const saving = config.saveState ? COPIES * savedBytes(config.xlat) : 0
  const more = saving > 0 ? `; ${formatBytes(saving)} more for a moment when these are saved or taken over` : ''
  return `Takes ${formatBytes(memoryBound(config))} of memory at most${full}${more}.`
}
