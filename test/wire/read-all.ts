import type { CaptureReader } from '../../src/wire/capture.js'
import { checkEnd, createCaptureReader, nextRecord, pushBytes } from '../../src/wire/capture-reader.js'

/** One record as plain data. */
export interface Seen {
  readonly interfaceId: number
  readonly time: string
  readonly data: string
  readonly length: number
  readonly flags: number
  readonly comments: readonly string[]
}

/** Reads a whole file in chunks of `size` bytes. `problem` is "offset: sentence" or null. */
export function readAll(
  file: Uint8Array,
  size = file.length || 1,
): { reader: CaptureReader; seen: Seen[]; problem: string | null } {
  const reader = createCaptureReader()
  const seen: Seen[] = []
  for (let o = 0; o < file.length; o += size) {
    pushBytes(reader, file.subarray(o, o + size))
    while (nextRecord(reader)) {
      const r = reader.record
      seen.push({
        interfaceId: r.interfaceId,
        time: `${r.seconds}.${String(r.nanoseconds).padStart(9, '0')}`,
        data: Buffer.from(r.bytes.subarray(r.start, r.end)).toString('hex'),
        length: r.length,
        flags: r.flags,
        comments: [...r.comments],
      })
    }
  }
  const malformed = reader.malformed ?? checkEnd(reader)
  return { reader, seen, problem: malformed === null ? null : `${malformed.offset}: ${malformed.text}` }
}
