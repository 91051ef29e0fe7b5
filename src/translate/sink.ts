/**
 * Where the output goes: a file, which appears under its name only once it is complete, or standard output.
 * Writing is batched, and waits for whoever reads.
 */

import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { fileError } from '../errors.js'

/** Bytes gathered before they are written. */
const BATCH = 1024 * 1024
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Sink {
  /** Takes the bytes; they may be reused after the call. Await {@link Sink.flush} now and then. */
  push(bytes: Uint8Array): void
  /** Writes what was gathered, if it is much or `all` is set. */
  flush(all?: boolean): Promise<void>
  /** Whether there is still somebody to write for: false after the reader of a pipe has gone. */
  readonly isOpen: boolean
  /** Completes the output. */
  close(): Promise<void>
  /** Gives up: nothing is left behind. */
  discard(): Promise<void>
}

/** Opens the output. Throws UserError when it cannot be written. */
export async function openSink(name: string): Promise<Sink> {
  return name === '-' ? stdoutSink() : fileSink(name)
}

async function fileSink(name: string): Promise<Sink> {
  const target = await realpath(name).catch(() => name)
  const present = await stat(target).catch(() => undefined)
  // A device or pipe is written directly: it cannot be replaced by a file.
  const isFile = present === undefined || present.isFile()
  const path = isFile ? `${target}.${process.pid}.partial` : target
  // wx: in a directory that others may write to, nobody must have put a link there.
  const handle = await open(path, isFile ? 'wx' : 'a').catch(error => {
    throw fileError('write', name, error)
  })
  // The permissions of a file that is replaced stay.
  if (present?.isFile()) await handle.chmod(present.mode & 0o777).catch(() => {})
  const gathered = gather(async bytes => {
    try {
      await writeFully(handle, bytes)
    } catch (error) {
      throw fileError('write', name, error)
    }
  })
  // Interrupted, the program ends as it would have, but leaves no half of a file.
  const onSignal = (signal: NodeJS.Signals) => {
    forgetSignals()
    if (isFile) rmSync(path, { force: true })
    process.kill(process.pid, signal)
  }
  const forgetSignals = () => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  const discard = async () => {
    forgetSignals()
    await handle.close().catch(() => {})
    if (isFile) await rm(path, { force: true }).catch(() => {})
  }
  return {
    ...gathered,
    isOpen: true,
    discard,
    async close() {
      try {
        await gathered.flush(true)
        await handle.close()
        if (isFile) await rename(path, target)
        forgetSignals()
      } catch (error) {
        await discard()
        throw error instanceof Error && 'exitCode' in error ? error : fileError('write', name, error)
      }
    },
  }
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let o = 0; o < bytes.length; ) o += (await handle.write(bytes, o, bytes.length - o)).bytesWritten
}

function stdoutSink(): Sink {
  let isOpen = true
  let failure: unknown
  process.stdout.on('error', error => {
    isOpen = false
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') failure = error
  })
  const gathered = gather(async bytes => {
    // The stream may keep what it cannot write at once.
    if (isOpen && !process.stdout.write(bytes.slice()))
      await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(() => {})
    if (failure !== undefined) throw fileError('write', 'standard output', failure)
  })
  return {
    ...gathered,
    get isOpen() {
      return isOpen
    },
    close: () => gathered.flush(true),
    discard: async () => {},
  }
}

/** Collects small pieces into batches. */
function gather(write: (bytes: Uint8Array) => Promise<void>): Pick<Sink, 'push' | 'flush'> {
  let buffer = new Uint8Array(2 * BATCH)
  let used = 0
  return {
    push(bytes) {
      if (used + bytes.length > buffer.length) {
        const larger = new Uint8Array(2 * (used + bytes.length))
        larger.set(buffer.subarray(0, used))
        buffer = larger
      }
      buffer.set(bytes, used)
      used += bytes.length
    },
    async flush(all = false) {
      if (used === 0 || (used < BATCH && !all)) return
      const length = used
      used = 0
      await write(buffer.subarray(0, length))
    },
  }
}
