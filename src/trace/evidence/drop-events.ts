/** The kernel's drop events, in a tracing instance of this process's own that goes with it. Edge. */
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DropEvent, dropEventReader, dropFilter } from './drop-event.js'
import type { Switched, SwitchJournal } from './switch-journal.js'
import { switchOff, TRACE_INSTANCE, TRACEFS } from './switch-off.js'

export interface DropEvents {
  /** What has come since the last call. Never waits, and reads so much at most that it takes some milliseconds. */
  read(): DropEvent[]
  /** Events that the kernel had no room for. */
  lost(): number
  /** Switches them off. A sentence: what is left. */
  close(): Promise<string | null>
}

/** Of each CPU. */
const BUFFER_KB = 256
/** In one call. */
const MAX_BYTES = 256 * 1024
const EVENT = 'events/skb/kfree_skb'

/** Switches them on. A sentence: why that is not possible. */
export async function openDropEvents(
  journal: SwitchJournal,
  roots: readonly string[] = TRACEFS,
): Promise<DropEvents | string> {
  const cannot = (why: string) => `The kernel's drop events cannot be seen: ${why}.`
  const root = roots.find(r => existsSync(join(r, 'instances')))
  if (root === undefined)
    return cannot(`tracefs is not mounted, or not for this user (mount -t tracefs tracefs ${roots[0]})`)
  if (!existsSync(join(root, EVENT))) return cannot('this kernel has no event skb:kfree_skb')
  const path = join(root, 'instances', `${TRACE_INSTANCE}${process.pid}`)
  const switched: Switched = { kind: 'tracefs', path }
  try {
    journal.add(switched)
  } catch (error) {
    return cannot(`no journal can be written (${(error as Error).message})`)
  }
  const close = async () => {
    const trouble = await switchOff(switched)
    if (trouble === null) journal.remove(switched)
    return trouble
  }
  let fd: number
  try {
    fd = begin(path)
  } catch (error) {
    const trouble = await close()
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    const why = code === 'EPERM' || code === 'EACCES' ? 'tracing is not permitted here' : code
    return cannot(trouble === null ? why : `${why}. ${trouble}`)
  }
  const reader = dropEventReader()
  const buffer = Buffer.alloc(64 * 1024)
  return {
    read() {
      const found: DropEvent[] = []
      for (let bytes = 0; bytes < MAX_BYTES; ) {
        const length = tryRead(fd, buffer)
        if (length === 0) return [...found, ...reader.flush()]
        found.push(...reader.read(buffer.toString('latin1', 0, length)))
        bytes += length
      }
      return found
    },
    lost: reader.lost,
    async close() {
      closeSync(fd)
      return close()
    },
  }
}

/** Makes the instance, and returns its pipe. Throws what the system says. */
function begin(path: string): number {
  mkdirSync(path)
  const write = (file: string, text: string) => writeFileSync(join(path, file), text)
  // The clock of CLOCK_MONOTONIC, which programs can read, too.
  write('trace_clock', 'mono')
  write('buffer_size_kb', String(BUFFER_KB))
  write('options/stacktrace', '1')
  write(`${EVENT}/filter`, dropFilter(readFileSync(join(path, EVENT, 'format'), 'utf8')))
  const fd = openSync(join(path, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    write(`${EVENT}/enable`, '1')
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** 0: there is nothing now. */
function tryRead(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, null)
  } catch {
    return 0
  }
}
