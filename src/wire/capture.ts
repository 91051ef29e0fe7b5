/**
 * Capture files as a stream: chunks of bytes in, one record at a time out. What pcap.ts and pcapng.ts share.
 * Malformed input becomes a value with an offset and a sentence; nothing here throws.
 */

/** One interface of a capture. */
export interface CaptureInterface {
  readonly linkType: number
  /** Empty when the file does not say. */
  readonly name: string
  /** What else the file says of it; empty when it says nothing. */
  readonly description: string
  /** Most bytes captured of a packet; 0: no limit. */
  readonly snapLength: number
}

/** One captured packet. The reader reuses it: valid until the next call. */
export interface CaptureRecord {
  /** Holds the frame at `[start, end)`. */
  bytes: Uint8Array
  start: number
  end: number
  /** Length on the wire, bytes; more than `end - start` when the capture cut it short. */
  length: number
  /** Index into {@link CaptureReader.interfaces}. */
  interfaceId: number
  /** Time since 1970: whole seconds, and nanoseconds in 0 to 999999999. */
  seconds: number
  nanoseconds: number
  /** pcapng's packet flags (direction and more); -1 when the file has none. */
  flags: number
  /** Comments in the file. */
  comments: string[]
}

/** What a file says of its capture as such, at some time or at its end. */
export interface CaptureStatistics {
  readonly interfaceId: number
  /** When it was so: seconds since 1970, and nanoseconds. */
  readonly seconds: number
  readonly nanoseconds: number
  /** Packets that were lost since the capture began. */
  readonly lost: number
}

/** What is wrong with a file. */
export interface Malformed {
  /** Bytes from the start of the file. */
  readonly offset: number
  /** One sentence without the offset. */
  readonly text: string
}

/** How time is counted on a pcapng interface. */
export interface TimeUnit {
  readonly ticksPerSecond: bigint
  readonly offsetSeconds: number
}

/** The state of reading one file. Make it with {@link createCaptureReader} of capture-reader.ts. */
export interface CaptureReader {
  /** Unread bytes are `buffer[at, end)`; `base` is the offset of `buffer[0]` in the file. */
  buffer: Uint8Array
  at: number
  end: number
  base: number
  format: 'pcap' | 'pcapng' | null
  /** Multi-byte fields are little-endian. */
  little: boolean
  /** pcap: record times carry nanoseconds, not microseconds. */
  nanoseconds: boolean
  /** All interfaces of all sections, in order of appearance. */
  readonly interfaces: CaptureInterface[]
  /** pcapng: time unit by interface, and where the current section's interfaces begin. */
  readonly units: TimeUnit[]
  sectionStart: number
  /** pcapng: comments on the file as a whole. */
  readonly comments: string[]
  /** pcapng: what was said of the capture; to be taken out by who wants to know. */
  readonly statistics: CaptureStatistics[]
  readonly record: CaptureRecord
  malformed: Malformed | null
}

/** What one step of a format's parser did: filled the record, read something else, needs bytes, gave up. */
export type Step = 'record' | 'other' | 'more' | 'malformed'

/** The largest record or block that is believed, bytes; the same limit as in Wireshark. */
export const MAX_BLOCK = 16 * 1024 * 1024

/** Remembers what is wrong at `at` of the buffer; the first problem stays. */
export function giveUp(reader: CaptureReader, at: number, text: string): Step {
  reader.malformed ??= { offset: reader.base + at, text }
  return 'malformed'
}

/** Reads 16 bits in the file's byte order. */
export function get16(b: Uint8Array, o: number, little: boolean): number {
  const x = b[o] as number
  const y = b[o + 1] as number
  return little ? x | (y << 8) : (x << 8) | y
}

/** Reads 32 bits, unsigned, in the file's byte order. */
export function get32(b: Uint8Array, o: number, little: boolean): number {
  const first = get16(b, o, little)
  const second = get16(b, o + 2, little)
  return (little ? (second << 16) | first : (first << 16) | second) >>> 0
}

/** Writes 16 bits, little-endian: the byte order of all files we write. */
export function set16(b: Uint8Array, o: number, value: number): void {
  b[o] = value
  b[o + 1] = value >>> 8
}

/** Writes 32 bits, little-endian. */
export function set32(b: Uint8Array, o: number, value: number): void {
  set16(b, o, value)
  set16(b, o + 2, value >>> 16)
}
