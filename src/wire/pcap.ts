/**
 * The classic capture file (draft-ietf-opsawg-pcap): a header of 24 bytes, then records.
 *
 *     magic(4) major(2) minor(2) reserved(8) snaplen(4) linktype(4)
 *     seconds(4) micro- or nanoseconds(4) captured(4) length(4) bytes
 */
import { type CaptureReader, get16, get32, giveUp, MAX_BLOCK, type Step, set16, set32 } from './capture.js'

export const PCAP_HEADER = 24
export const PCAP_RECORD_HEADER = 16

const MAGIC_MICROSECONDS = 0xa1b2c3d4
const MAGIC_NANOSECONDS = 0xa1b23c4d
/** Link types use the lower 16 bits; frame check sequence flags the upper. */
const LINK_MASK = 0xffff
/** What we write: the largest packet libpcap accepts. */
const SNAP_LENGTH = 262144

/** Says how to read a file that begins with these 4 bytes, or undefined when it is not this format. */
export function detectPcap(b: Uint8Array, o: number): { little: boolean; nanoseconds: boolean } | undefined {
  for (const little of [true, false]) {
    const magic = get32(b, o, little)
    if (magic === MAGIC_MICROSECONDS) return { little, nanoseconds: false }
    if (magic === MAGIC_NANOSECONDS) return { little, nanoseconds: true }
  }
  return undefined
}

/** Reads the file's header, once {@link detectPcap} has recognised it. */
export function readPcapHeader(reader: CaptureReader): Step {
  const { buffer, at, little } = reader
  if (reader.end - at < PCAP_HEADER) return 'more'
  const major = get16(buffer, at + 4, little)
  if (major !== 2) return giveUp(reader, at + 4, `this is version ${major} of the pcap format; version 2 is known`)
  reader.interfaces.push({
    linkType: get32(buffer, at + 20, little) & LINK_MASK,
    name: '',
    description: '',
    snapLength: get32(buffer, at + 16, little),
  })
  reader.at += PCAP_HEADER
  return 'other'
}

/** Reads one record. */
export function readPcapRecord(reader: CaptureReader): Step {
  const { buffer, at, little, record } = reader
  if (reader.end - at < PCAP_RECORD_HEADER) return 'more'
  const captured = get32(buffer, at + 8, little)
  if (captured > MAX_BLOCK) return giveUp(reader, at + 8, `a packet claims ${captured} captured bytes`)
  const start = at + PCAP_RECORD_HEADER
  if (reader.end - start < captured) return 'more'
  const unitsPerSecond = reader.nanoseconds ? 1e9 : 1e6
  const fraction = get32(buffer, at + 4, little)
  record.bytes = buffer
  record.start = start
  record.end = start + captured
  record.length = Math.max(captured, get32(buffer, at + 12, little))
  record.interfaceId = 0
  record.seconds = get32(buffer, at, little) + Math.floor(fraction / unitsPerSecond)
  record.nanoseconds = (fraction % unitsPerSecond) * (1e9 / unitsPerSecond)
  reader.at = record.end
  return 'record'
}

/** The header of a file that we write: little-endian. */
export function emitPcapHeader(linkType: number, nanoseconds: boolean): Uint8Array {
  const b = new Uint8Array(PCAP_HEADER)
  set32(b, 0, nanoseconds ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS)
  set16(b, 4, 2)
  set16(b, 6, 4)
  set32(b, 16, SNAP_LENGTH)
  set32(b, 20, linkType)
  return b
}

/** The header of a record; `captured` bytes of the frame follow. Times past 2106 wrap. */
export function emitPcapRecordHeader(
  time: { readonly seconds: number; readonly nanoseconds: number },
  captured: number,
  length: number,
  nanoseconds: boolean,
): Uint8Array {
  const b = new Uint8Array(PCAP_RECORD_HEADER)
  set32(b, 0, time.seconds >>> 0)
  set32(b, 4, nanoseconds ? time.nanoseconds : Math.floor(time.nanoseconds / 1000))
  set32(b, 8, captured)
  set32(b, 12, length)
  return b
}
