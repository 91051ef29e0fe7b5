/**
 * Reading pcapng (draft-ietf-opsawg-pcapng): sections of blocks. Interfaces and packets are read, other blocks skipped.
 *
 *     type(4) total length(4) body total length(4); padded to 4 bytes; each section has its own byte order
 */
import { type CaptureReader, get16, get32, giveUp, MAX_BLOCK, type Step, type TimeUnit } from './capture.js'

/** Block types. */
export const BLOCK = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete, still written by old tools. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  STATISTICS: 5,
  ENHANCED_PACKET: 6,
} as const

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d

/** Option codes; `comment` and `end` belong to every block. */
export const OPTION = {
  end: 0,
  comment: 1,
  epbFlags: 2,
  ifName: 2,
  ifDescription: 3,
  ifTsresol: 9,
  ifTsoffset: 14,
  isbEndtime: 3,
  isbIfdrop: 5,
  isbOsdrop: 7,
  shbHardware: 2,
  shbOs: 3,
  shbUserappl: 4,
} as const

/** Type, both lengths. */
export const BLOCK_OVERHEAD = 12
/** Fixed bodies before packet data or options. */
const SECTION_BODY = 16
const INTERFACE_BODY = 8
export const PACKET_BODY = 20
export const STATISTICS_BODY = 12
const SIMPLE_BODY = 4
const OPTION_HEADER = 4
/** More interfaces than this are not believed; a name is cut to this many bytes. */
const MAX_INTERFACES = 65_536
const MAX_NAME = 255
/** More statistics than this are not kept until somebody takes them. */
const MAX_STATISTICS = 1024
/** More comments than this on one packet are not kept. */
const MAX_COMMENTS = 16
/** And more than this on sections; with the largest option there is, these are 16 MiB. */
const MAX_SECTION_COMMENTS = 256

const MICROSECONDS: TimeUnit = { ticksPerSecond: 1_000_000n, offsetSeconds: 0 }

/** Says whether a file that begins with these 4 bytes is pcapng. */
export function isPcapng(b: Uint8Array, o: number): boolean {
  return get32(b, o, true) === BLOCK.SECTION
}

/** Reads one block. */
export function readPcapngBlock(reader: CaptureReader): Step {
  const { buffer, at } = reader
  if (reader.end - at < BLOCK_OVERHEAD) return 'more'
  const isSection = get32(buffer, at, true) === BLOCK.SECTION
  if (isSection && !readByteOrder(reader)) {
    return giveUp(reader, at + 8, 'a section does not begin with the byte-order magic')
  }
  const length = get32(buffer, at + 4, reader.little)
  if (length < BLOCK_OVERHEAD || length % 4 !== 0 || length > MAX_BLOCK) {
    return giveUp(reader, at + 4, `a block claims a length of ${length} bytes`)
  }
  if (reader.end - at < length) return 'more'
  if (get32(buffer, at + length - 4, reader.little) !== length) {
    return giveUp(reader, at + length - 4, 'the two lengths of a block differ')
  }
  const step = readBody(reader, get32(buffer, at, reader.little), at + 8, at + length - 4)
  if (step !== 'malformed') reader.at = at + length
  return step
}

function readByteOrder(reader: CaptureReader): boolean {
  const { buffer, at } = reader
  if (get32(buffer, at + 8, true) === BYTE_ORDER_MAGIC) reader.little = true
  else if (get32(buffer, at + 8, false) === BYTE_ORDER_MAGIC) reader.little = false
  else return false
  return true
}

function readBody(reader: CaptureReader, type: number, start: number, end: number): Step {
  switch (type) {
    case BLOCK.SECTION:
      return readSection(reader, start, end)
    case BLOCK.INTERFACE:
      return readInterface(reader, start, end)
    case BLOCK.ENHANCED_PACKET:
    case BLOCK.PACKET:
      return readPacket(reader, type === BLOCK.PACKET, start, end)
    case BLOCK.SIMPLE_PACKET:
      return readSimplePacket(reader, start, end)
    case BLOCK.STATISTICS:
      return readStatistics(reader, start, end)
    default:
      return 'other'
  }
}

function readSection(reader: CaptureReader, start: number, end: number): Step {
  if (end - start < SECTION_BODY) return giveUp(reader, start, 'a section header is too short')
  const major = get16(reader.buffer, start + 4, reader.little)
  if (major !== 1) return giveUp(reader, start + 4, `this is version ${major} of the pcapng format; version 1 is known`)
  reader.sectionStart = reader.interfaces.length
  const ok = forEachOption(reader, start + SECTION_BODY, end, (code, o, length) => {
    if (code === OPTION.comment && reader.comments.length < MAX_SECTION_COMMENTS) {
      reader.comments.push(text(reader.buffer, o, length))
    }
  })
  return ok ? 'other' : 'malformed'
}

function readInterface(reader: CaptureReader, start: number, end: number): Step {
  const { buffer, little } = reader
  if (end - start < INTERFACE_BODY) return giveUp(reader, start, 'an interface description is too short')
  let name = ''
  let description = ''
  let ticksPerSecond = MICROSECONDS.ticksPerSecond
  let offsetSeconds = 0
  const ok = forEachOption(reader, start + INTERFACE_BODY, end, (code, o, length) => {
    if (code === OPTION.ifName) name = text(buffer, o, Math.min(length, MAX_NAME))
    else if (code === OPTION.ifDescription) description = text(buffer, o, Math.min(length, MAX_NAME))
    else if (code === OPTION.ifTsresol && length === 1) ticksPerSecond = ticks(buffer[o] as number)
    else if (code === OPTION.ifTsoffset && length === 8) offsetSeconds = signed64(buffer, o, little)
  })
  if (!ok) return 'malformed'
  if (reader.interfaces.length === MAX_INTERFACES) {
    return giveUp(reader, start, `the file describes more than ${MAX_INTERFACES} interfaces`)
  }
  reader.interfaces.push({
    linkType: get16(buffer, start, little),
    name,
    description,
    snapLength: get32(buffer, start + 4, little),
  })
  reader.units.push({ ticksPerSecond, offsetSeconds })
  return 'other'
}

/** if_tsresol: a negative power of 10, or of 2 when the highest bit is set. */
function ticks(resolution: number): bigint {
  return resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution)
}

function signed64(b: Uint8Array, o: number, little: boolean): number {
  const high = get32(b, little ? o + 4 : o, little) | 0
  return high * 2 ** 32 + get32(b, little ? o : o + 4, little)
}

const DECODER = new TextDecoder()

function text(b: Uint8Array, o: number, length: number): string {
  return DECODER.decode(b.subarray(o, o + length)).replace(/\0+$/, '')
}

function readPacket(reader: CaptureReader, isObsolete: boolean, start: number, end: number): Step {
  const { buffer, little, record } = reader
  if (end - start < PACKET_BODY) return giveUp(reader, start, 'a packet block is too short')
  const id = isObsolete ? get16(buffer, start, little) : get32(buffer, start, little)
  if (!takeInterface(reader, id, start)) return 'malformed'
  const captured = get32(buffer, start + 12, little)
  if (captured > end - start - PACKET_BODY) {
    return giveUp(reader, start + 12, `a packet claims ${captured} captured bytes, more than its block holds`)
  }
  setTime(reader, get32(buffer, start + 4, little), get32(buffer, start + 8, little))
  record.bytes = buffer
  record.start = start + PACKET_BODY
  record.end = record.start + captured
  record.length = Math.max(captured, get32(buffer, start + 16, little))
  const ok = forEachOption(reader, record.start + pad4(captured), end, (code, o, length) => {
    if (code === OPTION.epbFlags && length === 4) record.flags = get32(buffer, o, little)
    else if (code === OPTION.comment && record.comments.length < MAX_COMMENTS) {
      record.comments.push(text(buffer, o, length))
    }
  })
  return ok ? 'record' : 'malformed'
}

/** A simple packet has no time of its own; it keeps that of the packet before. */
function readSimplePacket(reader: CaptureReader, start: number, end: number): Step {
  const { buffer, little, record } = reader
  if (end - start < SIMPLE_BODY) return giveUp(reader, start, 'a simple packet block is too short')
  if (!takeInterface(reader, 0, start)) return 'malformed'
  const snapLength = reader.interfaces[record.interfaceId]?.snapLength || MAX_BLOCK
  record.length = get32(buffer, start, little)
  record.bytes = buffer
  record.start = start + SIMPLE_BODY
  record.end = record.start + Math.min(record.length, snapLength, end - record.start)
  return 'record'
}

function takeInterface(reader: CaptureReader, id: number, at: number): boolean {
  if (id >= reader.interfaces.length - reader.sectionStart) {
    giveUp(reader, at, `a packet names interface ${id}, which the file does not describe`)
    return false
  }
  reader.record.interfaceId = reader.sectionStart + id
  reader.record.flags = -1
  reader.record.comments.length = 0
  return true
}

function setTime(reader: CaptureReader, high: number, low: number): void {
  const { record } = reader
  const { seconds, nanoseconds } = timeOf(reader, record.interfaceId, high, low)
  record.seconds = seconds
  record.nanoseconds = nanoseconds
}

function timeOf(
  reader: CaptureReader,
  interfaceId: number,
  high: number,
  low: number,
): { seconds: number; nanoseconds: number } {
  const { ticksPerSecond, offsetSeconds } = reader.units[interfaceId] ?? MICROSECONDS
  const time = (BigInt(high) << 32n) | BigInt(low)
  return {
    seconds: Number(time / ticksPerSecond) + offsetSeconds,
    nanoseconds: Number(((time % ticksPerSecond) * 1_000_000_000n) / ticksPerSecond),
  }
}

/** Counts of a capture, which tools write at its end; what they say of an unknown interface is passed over. */
function readStatistics(reader: CaptureReader, start: number, end: number): Step {
  const { buffer, little } = reader
  if (end - start < STATISTICS_BODY) return giveUp(reader, start, 'interface statistics are too short')
  const interfaceId = reader.sectionStart + get32(buffer, start, little)
  let time = timeOf(reader, interfaceId, get32(buffer, start + 4, little), get32(buffer, start + 8, little))
  let lost = 0
  const ok = forEachOption(reader, start + STATISTICS_BODY, end, (code, o, length) => {
    if (length !== 8) return
    // Times have their upper half first in either byte order; counts are numbers of 64 bits.
    if (code === OPTION.isbEndtime) {
      time = timeOf(reader, interfaceId, get32(buffer, o, little), get32(buffer, o + 4, little))
    } else if (code === OPTION.isbIfdrop || code === OPTION.isbOsdrop) lost += unsigned64(buffer, o, little)
  })
  if (!ok) return 'malformed'
  if (interfaceId < reader.interfaces.length && reader.statistics.length < MAX_STATISTICS) {
    reader.statistics.push({ interfaceId, ...time, lost })
  }
  return 'other'
}

function unsigned64(b: Uint8Array, o: number, little: boolean): number {
  return get32(b, little ? o + 4 : o, little) * 2 ** 32 + get32(b, little ? o : o + 4, little)
}

/** Calls `visit` for each option in `[start, end)`. Returns false, with the problem noted, when one runs past the block. */
function forEachOption(
  reader: CaptureReader,
  start: number,
  end: number,
  visit: (code: number, o: number, length: number) => void,
): boolean {
  let o = start
  while (o + OPTION_HEADER <= end) {
    const code = get16(reader.buffer, o, reader.little)
    const length = get16(reader.buffer, o + 2, reader.little)
    if (code === OPTION.end) return true
    if (o + OPTION_HEADER + length > end) {
      giveUp(reader, o, `an option of ${length} bytes runs past its block`)
      return false
    }
    visit(code, o + OPTION_HEADER, length)
    o += OPTION_HEADER + pad4(length)
  }
  return true
}

/** Rounds up to a multiple of 4. */
export function pad4(length: number): number {
  return (length + 3) & ~3
}
