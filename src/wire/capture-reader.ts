/**
 * Reads capture files of either format, chunk by chunk, in bounded memory.
 *
 *     const reader = createCaptureReader()
 *     for each chunk: pushBytes(reader, chunk); while (nextRecord(reader)) use(reader.record)
 *     const problem = reader.malformed ?? checkEnd(reader)
 */
import type { CaptureReader, Malformed, Step } from './capture.js'
import { giveUp } from './capture.js'
import { detectPcap, readPcapHeader, readPcapRecord } from './pcap.js'
import { isPcapng, readPcapngBlock } from './pcapng.js'

const NOTHING = new Uint8Array(0)

/** Starts reading a file. */
export function createCaptureReader(): CaptureReader {
  return {
    buffer: NOTHING,
    at: 0,
    end: 0,
    base: 0,
    format: null,
    little: true,
    nanoseconds: false,
    interfaces: [],
    units: [],
    sectionStart: 0,
    comments: [],
    statistics: [],
    record: {
      bytes: NOTHING,
      start: 0,
      end: 0,
      length: 0,
      interfaceId: 0,
      seconds: 0,
      nanoseconds: 0,
      flags: -1,
      comments: [],
    },
    malformed: null,
  }
}

/**
 * Hands over the file's next bytes. The chunk may be kept until the next call, and is not written to.
 * What is left of earlier chunks is at most one record or block.
 */
export function pushBytes(reader: CaptureReader, chunk: Uint8Array): void {
  const rest = reader.end - reader.at
  reader.base += reader.at
  if (rest === 0) {
    reader.buffer = chunk
    reader.at = 0
    reader.end = chunk.length
    return
  }
  if (reader.at > 0 || rest + chunk.length > reader.buffer.length) {
    // Twice what is needed: a record that spans many chunks must not be copied once for each of them.
    const larger = new Uint8Array(Math.max(2 * (rest + chunk.length), 4096))
    larger.set(reader.buffer.subarray(reader.at, reader.end))
    reader.buffer = larger
    reader.at = 0
    reader.end = rest
  }
  reader.buffer.set(chunk, reader.end)
  reader.end += chunk.length
}

/**
 * Reads on to the next packet. Returns false when more bytes are needed, or the file is malformed (`reader.malformed`):
 * then it stays false.
 */
export function nextRecord(reader: CaptureReader): boolean {
  for (;;) {
    if (reader.malformed !== null) return false
    const step = readNext(reader)
    if (step === 'record') return true
    if (step !== 'other') return false
  }
}

function readNext(reader: CaptureReader): Step {
  if (reader.format === null) return recognise(reader)
  if (reader.format === 'pcapng') return readPcapngBlock(reader)
  return reader.interfaces.length === 0 ? readPcapHeader(reader) : readPcapRecord(reader)
}

function recognise(reader: CaptureReader): Step {
  if (reader.end - reader.at < 4) return 'more'
  if (isPcapng(reader.buffer, reader.at)) {
    reader.format = 'pcapng'
    return 'other'
  }
  const pcap = detectPcap(reader.buffer, reader.at)
  if (pcap === undefined) return giveUp(reader, reader.at, whatElse(reader.buffer, reader.at))
  reader.format = 'pcap'
  reader.little = pcap.little
  reader.nanoseconds = pcap.nanoseconds
  return 'other'
}

function whatElse(b: Uint8Array, o: number): string {
  const isGzip = b[o] === 0x1f && b[o + 1] === 0x8b
  return isGzip ? 'this file is compressed; unpack it first (gunzip)' : 'this is neither a pcap nor a pcapng file'
}

/** To be asked when all bytes were pushed and read: what is wrong with how the file ends, or null. */
export function checkEnd(reader: CaptureReader): Malformed | null {
  const offset = reader.base + reader.at
  if (reader.format === null || (reader.format === 'pcap' && reader.interfaces.length === 0)) {
    const text = reader.end + reader.base === 0 ? 'the file is empty' : 'the file is too short for a capture'
    return { offset, text }
  }
  return reader.end > reader.at ? { offset, text: 'the file ends in the middle of a packet' } : null
}
