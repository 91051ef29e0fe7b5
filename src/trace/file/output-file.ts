/**
 * The file that a trace is written to: whole blocks, gathered and written in large pieces. It grows while the trace runs;
 * when the disk is full it keeps what was written until then.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import { EXIT, fileError, UserError } from '../../errors.js'

export interface OutputFile {
  /** Room for a block of `size` bytes at `at` of `buffer`; valid until the next call. */
  reserve(size: number): { readonly buffer: Uint8Array; readonly at: number }
  /** Writes what was gathered. */
  flush(): void
  /** Writes the rest. */
  close(): void
}

/** Bytes that are gathered: a piece is written in a fraction of a millisecond. */
const PIECE = 256 * 1024
/** As dumpcap does: packets are for their owner's eyes. */
const MODE = 0o600

/**
 * Opens a file for writing, in place of one that is there. `inputs`: files that must not be overwritten.
 * `onProblem` gets the first error of writing; afterwards nothing is written any more.
 * @throws UserError exit status 3: it cannot be opened; 2: it is one of `inputs`
 */
export function openOutputFile(
  path: string,
  inputs: readonly string[],
  onProblem: (error: UserError) => void,
): OutputFile {
  refuseInputs(path, inputs)
  const fd = open(path)
  const isFile = fstatSync(fd).isFile()
  let buffer = new Uint8Array(2 * PIECE)
  let used = 0
  let written = 0
  let isBroken = false

  function fail(error: UserError): void {
    isBroken = true
    onProblem(error)
  }

  function flush(): void {
    const size = used
    used = 0
    if (isBroken || size === 0) return
    try {
      for (let o = 0; o < size; ) o += writeSync(fd, buffer, o, size - o)
      written += size
    } catch (error) {
      if (isFile) dropRest(fd, written)
      fail(fileError('write', path, error))
    }
    if (!isBroken && isFile && fstatSync(fd).nlink === 0) {
      fail(new UserError(`cannot write ${path}: somebody has removed it.`, { exitCode: EXIT.unable }))
    }
  }

  return {
    reserve(size) {
      if (used + size > PIECE) flush()
      if (size > buffer.length) buffer = new Uint8Array(size)
      used += size
      return { buffer, at: used - size }
    },
    flush,
    close() {
      flush()
      try {
        closeSync(fd)
      } catch (error) {
        // A file system of the network says only now that it is full.
        if (!isBroken) fail(fileError('write', path, error))
      }
    },
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'w', MODE)
  } catch (error) {
    throw fileError('write', path, error)
  }
}

function refuseInputs(path: string, inputs: readonly string[]): void {
  const target = statSync(path, { throwIfNoEntry: false })
  const isTarget = (input: string) => {
    const about = input === '-' ? undefined : statSync(input, { throwIfNoEntry: false })
    return about?.isFile() === true && about.dev === target?.dev && about.ino === target.ino
  }
  const input = target?.isFile() ? inputs.find(isTarget) : undefined
  if (input === undefined) return
  throw new UserError(`${input} is read, and cannot be written at the same time; name another file to write to.`)
}

/** Whole blocks stay; a file that ends in the middle of one would be called damaged. */
function dropRest(fd: number, written: number): void {
  try {
    ftruncateSync(fd, written)
  } catch {
    // It is as it is.
  }
}
