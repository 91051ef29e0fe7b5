/** Writes a file so that after a crash there is the old one or the new one, never a part. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Replaces `path`, on disk when this returns. Throws what the system says, and then leaves no temporary file. */
export function writeFileAtomically(path: string, data: Uint8Array | string, mode = 0o600): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  removeTemporaries(path)
  const temporary = `${path}.${process.pid}.tmp`
  const fd = openSync(temporary, 'w', mode)
  try {
    try {
      let written = 0
      while (written < bytes.length) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch (error) {
    try {
      unlinkSync(temporary)
    } catch {
      // Nothing to remove.
    }
    throw error
  }
  syncDirectory(dirname(path))
}

/** Removes temporary files of `path` that processes left which were killed in the midst of writing. Never throws. */
export function removeTemporaries(path: string): void {
  const prefix = `${basename(path)}.`
  try {
    for (const file of readdirSync(dirname(path))) {
      const pid = file.startsWith(prefix) ? /^(\d+)\.tmp$/.exec(file.slice(prefix.length))?.[1] : undefined
      if (pid !== undefined && !isThere(Number(pid))) unlinkSync(join(dirname(path), file))
    }
  } catch {
    // Not there, or read-only: they do no harm.
  }
}

/** Removes a file that {@link writeFileAtomically} wrote, and what is left of writing it. Never throws. */
export function removeWritten(path: string): void {
  removeTemporaries(path)
  try {
    unlinkSync(path)
  } catch {
    // Gone already.
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function syncDirectory(path: string): void {
  try {
    const fd = openSync(path, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Some file systems have no fsync for directories.
  }
}

/**
 * Makes a directory and those above it that are missing. Unlike the recursive mkdir of Node 20 it ends where none can be
 * made, as in /proc. Throws what the system says.
 */
export function makeDirectory(path: string, mode: number): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeDirectory(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
