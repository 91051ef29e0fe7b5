/**
 * Sessions over a restart: one file with a line of JSON about it, and the bytes that the translator exported. It is used
 * once. Whatever is wrong with it costs the sessions, never the start.
 */
import { createHash } from 'node:crypto'
import { readFileSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { parsePrefix4 } from '../addr/prefix.js'
import { bootId, uptimeSeconds } from '../host/netns.js'
import type { Mode } from '../xlat/config.js'
import { makeDirectory, writeFileAtomically } from './atomic-write.js'

const MAGIC = 'nat64-state/1'

export interface SavedState {
  readonly state: Uint8Array
  /** Private block that was chosen because no pool4 was given. */
  readonly chosenPool: string | null
  /** Since it was saved. */
  readonly ageMs: number
}

interface Header {
  readonly magic: string
  readonly mode: Mode
  readonly chosenPool: string | null
  readonly savedAt: number
  readonly uptime: number
  readonly bootId: string
  readonly bytes: number
  readonly sha256: string
}

/** Writes the state. Throws what the system says: a full or read-only directory. */
export function writeStateFile(path: string, mode: Mode, chosenPool: string | null, state: Uint8Array): void {
  const header: Header = {
    magic: MAGIC,
    mode,
    chosenPool,
    savedAt: Date.now(),
    uptime: uptimeSeconds(),
    bootId: bootId(),
    bytes: state.length,
    sha256: createHash('sha256').update(state).digest('hex'),
  }
  makeDirectory(dirname(path), 0o750)
  writeFileAtomically(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), state]))
}

/** Reads it. null: there is none. A string: why it cannot be used. */
export function readStateFile(path: string, mode: Mode, maxAgeMs: number): SavedState | string | null {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOENT' ? null : `it cannot be read (${code})`
  }
  const header = parseHeader(bytes)
  if (!header) return 'it is not a state file, or is damaged'
  const state = bytes.subarray(bytes.indexOf(10) + 1)
  if (state.length !== header.bytes || createHash('sha256').update(state).digest('hex') !== header.sha256) {
    return 'it is damaged: its checksum is wrong'
  }
  if (header.mode !== mode) return `it is of mode ${header.mode}, and this is mode ${mode}`
  const ageMs = ageOf(header)
  if (ageMs > maxAgeMs) return `it is ${Math.round(ageMs / 60_000)} minutes old, longer than any session lives`
  return { state: new Uint8Array(state), chosenPool: header.chosenPool, ageMs }
}

function parseHeader(bytes: Buffer): Header | undefined {
  const end = bytes.subarray(0, 4096).indexOf(10)
  if (end < 0) return undefined
  try {
    const header = JSON.parse(bytes.toString('utf8', 0, end)) as Header
    return isHeader(header) ? header : undefined
  } catch {
    return undefined
  }
}

/** The checksum is of the state alone. */
function isHeader({ magic, mode, chosenPool, savedAt, uptime, bootId, bytes, sha256 }: Header): boolean {
  const isPool = chosenPool === null || (typeof chosenPool === 'string' && parsePrefix4(chosenPool) !== undefined)
  const areTexts = [bootId, sha256].every(text => typeof text === 'string')
  const areNumbers = [savedAt, uptime, bytes].every(number => Number.isFinite(number))
  return magic === MAGIC && /^(?:stateful|siit|pool)$/.test(mode) && isPool && areTexts && areNumbers
}

/** By the clock that nobody sets, where it is the same boot. */
function ageOf(header: Header): number {
  if (header.bootId === bootId()) return Math.max(0, (uptimeSeconds() - header.uptime) * 1000)
  return Math.max(0, Date.now() - header.savedAt)
}

export function removeStateFile(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone, or the directory is read-only: the next start looks at its age.
  }
}
