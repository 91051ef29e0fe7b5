/** The kernel's log as it grows: /dev/kmsg, one record a read (Documentation/ABI/testing/dev-kmsg). */
import { closeSync, constants, openSync, readSync } from 'node:fs'
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
  return {
    read(max = 5000) {
      const records: KmsgRecord[] = []
      while (records.length < max) {
        let length: number
        try {
          length = readSync(fd, buffer, 0, buffer.length, null)
        } catch (error) {
          // The kernel wrote over records that were not read yet; the next read goes on behind them.
          if ((error as NodeJS.ErrnoException).code === 'EPIPE') continue
          break
        }
        if (length === 0) break
        const record = parseKmsg(buffer.toString('utf8', 0, length))
        if (record) records.push(record)
      }
      return records
    },
    close: () => closeSync(fd),
  }
}

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
