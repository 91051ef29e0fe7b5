/**
 * What a capture file of ours says of itself, so that it can be analysed anywhere without another file: what was traced,
 * where it was captured, and the facts of the host. These are comments on the file, the facts compressed and in pieces:
 * `nat64-facts 1/2 H4sI…`. A custom block would need a number of our own; comments every reader knows, and passes by.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { EXIT, fileError, UserError } from '../../errors.js'
import type { Facts } from '../../facts/facts.js'
import { parseFacts } from '../../facts/save.js'
import { createCaptureReader, nextRecord, pushBytes } from '../../wire/capture-reader.js'
import { MAX_OPTION } from '../../wire/pcapng-write.js'

/**
 * Where packets were captured: on every interface, made promiscuous or not (passive), or at the places alone that the file
 * describes.
 */
export type CaptureExtent = 'promiscuous' | 'passive' | 'described'

export interface OwnFile {
  /** What was traced, in words. */
  readonly target: string
  readonly extent: CaptureExtent
  /** null: none were written. */
  readonly facts: Facts | null
}

const EXTENTS: Readonly<Record<CaptureExtent, string>> = {
  promiscuous: 'captured on all interfaces',
  passive: 'captured on all interfaces, none made promiscuous',
  described: 'captured on the interfaces of this file',
}
/** Of a comment, behind `nat64-facts 12/34 `. */
const PIECE = MAX_OPTION - 24
/** A host of 300 guests needs two pieces. */
const MAX_PIECES = 64
/** Facts unpacked: a capture file may come from anywhere. */
const MAX_TEXT = 64 * 1024 * 1024
/** Where the comments of a file end, at the latest. */
const MAX_HEADER = 16 * 1024 * 1024

/** The comments that say it. */
export function ownComments({ target, extent, facts }: OwnFile): string[] {
  return [`nat64 trace: ${target}`, EXTENTS[extent], ...(facts === null ? [] : factsComments(facts))]
}

function factsComments(facts: Facts): string[] {
  const text = gzipSync(JSON.stringify(facts), { level: 9 }).toString('base64')
  const count = Math.ceil(text.length / PIECE)
  if (count > MAX_PIECES) return ['the facts of the host are not in this file: they are too large']
  return Array.from(
    { length: count },
    (_, i) => `nat64-facts ${i + 1}/${count} ${text.slice(i * PIECE, (i + 1) * PIECE)}`,
  )
}

/**
 * Reads what a capture file says of itself; null: it is none of ours.
 * @throws UserError exit status 3: the file cannot be read; 4: its facts are damaged
 */
export function readOwnFile(path: string): OwnFile | null {
  const comments = readComments(path)
  const target = /^nat64 trace: (.*)$/s.exec(comments[0] ?? '')?.[1]
  if (target === undefined) return null
  const extents = Object.keys(EXTENTS) as CaptureExtent[]
  const extent = extents.find(e => comments[1] === EXTENTS[e]) ?? 'described'
  return { target, extent, facts: factsIn(comments, path) }
}

/**
 * Reads the facts that a capture file holds; null: none.
 * @throws UserError as {@link readOwnFile} does
 */
export function readFacts(path: string): Facts | null {
  return readOwnFile(path)?.facts ?? null
}

function factsIn(comments: readonly string[], path: string): Facts | null {
  const pieces = comments.flatMap(comment => {
    const [, number, , text] = /^nat64-facts (\d+)\/(\d+) ([A-Za-z0-9+/=]+)$/.exec(comment) ?? []
    return number === undefined || text === undefined ? [] : [{ number: Number(number), text }]
  })
  if (pieces.length === 0) return null
  const base64 = pieces.sort((a, b) => a.number - b.number).map(p => p.text)
  return parseFacts(unpack(base64.join(''), path), path)
}

function unpack(base64: string, path: string): string {
  try {
    return gunzipSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_TEXT }).toString('utf8')
  } catch (error) {
    throw new UserError(`the facts of the host in ${path} are damaged.`, { exitCode: EXIT.config, cause: error })
  }
}

/** The comments on the file as a whole, which stand in front of everything else. */
function readComments(path: string): readonly string[] {
  const reader = createCaptureReader()
  let fd = -1
  try {
    fd = openSync(path, 'r')
    for (let read = 0; read < MAX_HEADER; ) {
      const chunk = new Uint8Array(64 * 1024)
      const size = readSync(fd, chunk, 0, chunk.length, null)
      if (size === 0) break
      read += size
      pushBytes(reader, chunk.subarray(0, size))
      if (nextRecord(reader) || reader.malformed !== null || reader.interfaces.length > 0) break
    }
    return reader.comments
  } catch (error) {
    throw fileError('read', path, error)
  } finally {
    if (fd >= 0) closeSync(fd)
  }
}
