/** The kernel's log as it grows: /dev/kmsg, one record a read (Documentation/ABI/testing/dev-kmsg). */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { lseek, SEEK_END } from './libc.js'

export interface KmsgRecord {
  /** Seconds since boot, by the clock of the kernel's log: no other clock reads it, and it drifts from all of them. */
  readonly time: number
  readonly text: string
  /** Task or CPU that printed it (CONFIG_PRINTK_CALLER): `T123`, `C3`. */
  readonly caller?: string
  /** The kernel itself said it; what programs write into its log comes out there, too. */
  readonly fromKernel: boolean
}

export interface Kmsg {
  /** What has come since the last call; at most `max` records, the others are for the next one. Never waits. */
  read(max?: number): KmsgRecord[]
  /**
   * Writes a line into the log and reads when the kernel says that it was written. Returns the time at the zero of the log's
   * clock, ms since 1970; null: it may not be written.
   */
  mark(text: string): number | null
  close(): void
}

/** Begins to follow the log at its end. A sentence: why that is not possible. */
export function followKmsg(path = '/dev/kmsg'): Kmsg | string {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return `the kernel's log cannot be followed: ${path} ${code === 'EPERM' || code === 'EACCES' ? 'may not be read' : code}`
  }
  lseek(fd, 0, SEEK_END)
  const buffer = Buffer.alloc(8192)
  const waiting: KmsgRecord[] = []
  const next = (): KmsgRecord | null => {
    for (;;) {
      try {
        const length = readSync(fd, buffer, 0, buffer.length, null)
        const record = parseKmsg(buffer.toString('utf8', 0, length))
        if (record) return record
        if (length === 0) return null
      } catch (error) {
        // The kernel wrote over records that were not read yet; the next read goes on behind them.
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return null
      }
    }
  }
  return {
    read(max = 5000) {
      const records = waiting.splice(0, max)
      while (records.length < max) {
        const record = next()
        if (record === null) break
        records.push(record)
      }
      return records
    },
    mark(text) {
      const written = writeLine(path, text)
      if (written === null) return null
      for (let record = next(); record !== null; record = next()) {
        if (record.text === text) return written - record.time * 1000
        waiting.push(record)
      }
      return null
    },
    close: () => closeSync(fd),
  }
}

/** Writes a line as a program's. Returns when, ms since 1970; null: it is not permitted. */
function writeLine(path: string, text: string): number | null {
  try {
    const fd = openSync(path, constants.O_WRONLY)
    try {
      const before = Date.now()
      writeSync(fd, `<${(USER << 3) | INFO}>${text}\n`)
      return (before + Date.now()) / 2
    } finally {
      closeSync(fd)
    }
  } catch {
    return null
  }
}

/** Facility and level of syslog(3). */
const USER = 1
const INFO = 6

/** Parses a record: `6,1234,32713288,-,caller=T451;text`, and below it properties of a device. */
export function parseKmsg(record: string): KmsgRecord | undefined {
  const match = /^(\d+),\d+,(\d+),[^,;]*(?:,[^;]*?caller=([TC]\d+))?[^;]*;([^\n]*)/.exec(record)
  if (!match) return undefined
  const [, priority, microseconds, caller, text] = match as unknown as string[]
  return {
    time: Number(microseconds) / 1e6,
    text: (text as string).replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    ...(caller !== undefined && { caller }),
    // The facility above the three bits of the level; the kernel's is 0.
    fromKernel: Number(priority) >> 3 === 0,
  }
}
