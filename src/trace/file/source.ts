/** One capture file as a source of sightings, read chunk by chunk. */
import { createReadStream } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import { EXIT, fileError, UserError } from '../../errors.js'
import { countOf } from '../../term/format.js'
import type { CaptureInterface, CaptureReader, CaptureStatistics } from '../../wire/capture.js'
import { checkEnd, createCaptureReader, nextRecord, pushBytes } from '../../wire/capture-reader.js'
import { isKnownLink, LINK, linkName } from '../../wire/link.js'
import type { Tap } from '../core/frame.js'
import type { CaptureFile } from './capture-files.js'
import { createFrameReader } from './device-frame.js'
import { describedIndex, type TapTable } from './taps.js'
import type { Sighting } from './time-order.js'

/** What the files of one reading share. */
export interface Reading {
  readonly taps: TapTable
  /** Seconds since 1970 that times count from, so that nanoseconds fit a number; null until a packet was read. */
  base: number | null
  /** How many captures there are: interfaces of files. */
  captures: number
  /** What files say of packets that their capture lost, until somebody takes it. */
  readonly losses: Loss[]
  /** Until when packets were captured, ns since the base; null: no file says it. */
  end: number | null
}

/** Packets that were lost between two times, ns since the base. */
export interface Loss {
  readonly count: number
  readonly from: number
  readonly to: number
}

export interface Source {
  readonly file: CaptureFile
  readonly reader: CaptureReader
  readonly readFrame: ReturnType<typeof createFrameReader>
  readonly stream: Readable
  readonly chunks: AsyncIterator<Uint8Array>
  /** Numbers of its interfaces among all captures. */
  readonly captures: number[]
  /** How many of the interfaces that it describes were looked at. */
  described: number
  /** By interface: the latest count of packets that the capture lost. */
  readonly counted: Map<number, { readonly time: number; readonly lost: number }>
  /** Packets that the capture lost at times that are not known. */
  lost: number
  /** Packets that were passed over, and why. */
  readonly skipped: Map<string, number>
  /** The latest time that was read, ns since the base. */
  latest: number
  isDone: boolean
  problem: UserError | null
}

/** Bytes read at once, of all files together and of one. */
const READ_ALL = 16 * 1024 * 1024
const READ_ONE = 1024 * 1024

/** Statistics of a capture are written when it is this much further, at the most. */
const STATISTICS_LATE_NS = 60e9

/** Opens a file, one of `howMany`; `input` is what `-` means. */
export function openSource(
  file: CaptureFile,
  howMany: number,
  input: Readable,
  signal: AbortSignal | undefined,
): Source {
  const highWaterMark = Math.max(16 * 1024, Math.min(READ_ONE, Math.floor(READ_ALL / howMany)))
  const stream = file.path === '-' ? input : createReadStream(file.path, { highWaterMark })
  if (signal !== undefined) addAbortSignal(signal, stream)
  return {
    file,
    reader: createCaptureReader(),
    readFrame: createFrameReader(),
    stream,
    chunks: stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
    captures: [],
    described: 0,
    counted: new Map(),
    lost: 0,
    skipped: new Map(),
    latest: Number.NEGATIVE_INFINITY,
    isDone: false,
    problem: null,
  }
}

/** Reads on in the file, after {@link nextSighting} had nothing more. At its end, `isDone` is set, and `problem`. */
export async function refill(source: Source, signal: AbortSignal | undefined): Promise<void> {
  const { reader, file } = source
  if (reader.malformed === null) {
    try {
      const chunk = await source.chunks.next()
      if (!chunk.done) {
        pushBytes(reader, chunk.value)
        return
      }
    } catch (error) {
      if (!signal?.aborted) source.problem = fileError('read', file.title, error)
    }
  }
  source.isDone = true
  const end = checkEnd(reader)
  // A capture that merely ends too early is still worth its packets.
  const malformed = reader.malformed ?? (reader.interfaces.length === 0 ? end : null)
  if (malformed !== null && !signal?.aborted) {
    source.problem ??= new UserError(`cannot read ${file.title}: at byte ${malformed.offset}, ${malformed.text}.`, {
      exitCode: EXIT.unable,
    })
  }
}

/** What is to be said of a file that was read. */
export function notesOf({ file, reader, lost, skipped, problem }: Source): string[] {
  const end = problem === null && reader.interfaces.length > 0 ? checkEnd(reader) : null
  return [
    ...(end === null ? [] : [`${file.title}: ${end.text} (byte ${end.offset}); what came before was read.`]),
    ...(lost === 0 ? [] : [`${file.title}: the capture lost ${countOf(lost, 'packet')}, and does not say when.`]),
    ...[...skipped].map(([why, count]) => `${file.title}: ${countOf(count, 'packet')} passed over: ${why}.`),
  ]
}

/** The next packet of the bytes that are there, or null. */
export function nextSighting(source: Source, reading: Reading): Sighting | null {
  const { reader } = source
  while (hasNext(source, reading)) {
    const { record, interfaces } = reader
    const { interfaceId } = record
    const described = interfaces[interfaceId]
    if (described === undefined || !isKnownLink(described.linkType)) {
      skip(source, `${linkName(described?.linkType ?? -1)} is not known`)
      continue
    }
    const frame = source.readFrame(described.linkType, record)
    if (frame === null) {
      skip(source, 'cut short within the link header')
      continue
    }
    const tap = tapOf(source, reading.taps, interfaceId, frame)
    if (tap === null) {
      skip(source, 'more interfaces than any host has')
      continue
    }
    const time = timeOf(record, reading)
    source.latest = Math.max(source.latest, time)
    source.captures[interfaceId] ??= reading.captures++
    const { bytes, start, ip, end, length, vlan, direction, isCooked } = frame
    const captures = [source.captures[interfaceId]]
    return { time, tap: tap.id, direction, bytes, start, ip, end, length, vlan, captures, isCooked, isGone: false }
  }
  return null
}

/** Reads on to the next packet. Interfaces with a name that the file describes on the way are taps, packets or not. */
function hasNext(source: Source, reading: Reading): boolean {
  const { reader } = source
  const { taps } = reading
  const isThere = nextRecord(reader)
  for (; source.described < reader.interfaces.length; source.described++) {
    const { name, linkType } = reader.interfaces[source.described] as CaptureInterface
    if (name === '' || !isKnownLink(linkType) || linkType === LINK.SLL || linkType === LINK.SLL2) continue
    const link = linkType === LINK.ETHERNET ? LINK.ETHERNET : LINK.RAW
    const tap = tapOf(source, taps, source.described, { ifindex: 0, linkType: link })
    if (tap !== null) taps.announce(tap.id)
  }
  for (const statistics of reader.statistics.splice(0)) takeStatistics(source, reading, statistics)
  return isThere
}

function takeStatistics(source: Source, reading: Reading, statistics: CaptureStatistics): void {
  const { interfaceId, lost } = statistics
  const time = timeOf(statistics, reading)
  const before = source.counted.get(interfaceId)
  source.counted.set(interfaceId, { time, lost })
  // Wireshark 4.0 writes these times in microseconds where the file counts in nanoseconds: they lie in 1970 then.
  const isTimed = time > source.latest - STATISTICS_LATE_NS
  if (isTimed) reading.end = Math.max(reading.end ?? time, time)
  const count = lost - (before?.lost ?? 0)
  if (count <= 0) return
  if (before === undefined || !isTimed) source.lost += count
  else reading.losses.push({ count, from: before.time, to: time })
}

function timeOf(at: { readonly seconds: number; readonly nanoseconds: number }, reading: Reading): number {
  reading.base ??= at.seconds
  return (at.seconds - reading.base) * 1e9 + at.nanoseconds
}

function tapOf(
  { file, reader }: Source,
  taps: TapTable,
  interfaceId: number,
  frame: { readonly ifindex: number; readonly linkType: number },
): Tap | null {
  const { name, description } = reader.interfaces[interfaceId] as CaptureInterface
  const place = interfaceId === 0 ? file.place : { ...file.place, device: `${file.place.device}:${interfaceId}` }
  return taps.find(place, name, frame.ifindex || describedIndex(description), frame.linkType)
}

function skip({ skipped }: Source, why: string): void {
  skipped.set(why, (skipped.get(why) ?? 0) + 1)
}
