/**
 * The translator at work on a capture: one record in, any number of packets out. Time is the capture's own, so that the
 * same file, configuration and seed give the same output.
 */
import type { CaptureRecord } from '../wire/capture.js'
import { describePacket } from '../wire/describe.js'
import { findIp, type IpSpot, turnRound, writeVersion } from '../wire/link.js'
import type { XlatConfig } from '../xlat/config.js'
import type { Outbox } from '../xlat/outbox.js'
import { HEADROOM, Packet } from '../xlat/packet.js'
import { completeChecksum } from '../xlat/partial-checksum.js'
import { REASON, REASONS } from '../xlat/reason.js'
import { DROPPED, EMITTED, HAIRPINNED, REPLIED, TRANSLATED, VERDICTS, type Verdict } from '../xlat/verdict.js'
import { declaredLength, isEnoughCaptured } from './cut-short.js'
import { guessOffloads } from './offload.js'
import { passTime, versionOf } from './virtual-time.js'

/** What of the translator is used here. */
export interface PacketTranslator {
  reason: number
  readonly outbox: Outbox
  /** Counters, see xlat/stats.ts. */
  readonly stats: Float64Array
  translate(p: Packet, nowMs: number): Verdict
  expire(nowMs: number, budget: number): number
}

/** A packet to write. Valid during the call. */
export interface OutPacket {
  /** Link header and IP packet; the packet may be cut short as its original was. */
  header: Uint8Array
  packet: Uint8Array
  /** Length of both on the wire, bytes. */
  length: number
  interfaceId: number
  /** Packet flags of the original, or -1. */
  flags: number
  seconds: number
  nanoseconds: number
  /** Comments of the original, and the verdict. */
  comments: string[]
  /** The original that was not translated, or a translation. */
  isOriginal: boolean
}

/** What became of a record. `passed`: the frame carries no IP packet. */
export type OfflineVerdict = Exclude<(typeof VERDICTS)[number], ''> | 'passed'

/** The state of translating one capture. */
export interface Offline {
  readonly translator: PacketTranslator
  readonly config: XlatConfig
  readonly write: (out: OutPacket) => void
  /** Write what was not translated, too. */
  readonly keepDropped: boolean
  /** Drop link headers. */
  readonly raw: boolean
  /** Say what became of packets in comments. */
  readonly comments: boolean
  readonly packet: Packet
  readonly spot: IpSpot
  readonly buffer: Uint8Array
  /** Virtual time, ms; 1 at the first record; never goes back. */
  nowMs: number
  /** The capture's time that `nowMs` stands for, ms since 1970; NaN before the first record. */
  clockMs: number
  /** What became of the last record, and why (a reason's number). */
  verdict: OfflineVerdict
  reason: number
}

/** The longest IP packet: an IPv6 header and 65535 bytes. */
const MAX_PACKET = 65_535 + 40
/** Starts on a capture. `write` is called for each packet of the output, in order. */
export function createOffline(
  translator: PacketTranslator,
  config: XlatConfig,
  options: { readonly keepDropped: boolean; readonly raw: boolean; readonly comments: boolean },
  write: (out: OutPacket) => void,
): Offline {
  return {
    translator,
    config,
    write,
    keepDropped: options.keepDropped,
    raw: options.raw,
    comments: options.comments,
    packet: new Packet(),
    spot: { ip: -1, typeAt: -1 },
    buffer: new Uint8Array(HEADROOM + MAX_PACKET + 64),
    nowMs: 1,
    clockMs: Number.NaN,
    verdict: 'passed',
    reason: 0,
  }
}

/** Translates one record and writes what results; `offline.verdict` and `reason` say what became of it. */
export function translateRecord(offline: Offline, record: CaptureRecord, linkType: number): void {
  const { packet, spot, translator } = offline
  passTime(offline, record, linkType)
  if (!findIp(linkType, record.bytes, record.start, record.end, spot)) {
    keep(offline, record, linkType, 'passed', REASON.none)
    return
  }
  const captured = load(offline, record)
  if (captured < 0) {
    keep(offline, record, linkType, 'dropped', REASON.truncated)
    return
  }
  const isWhole = captured === packet.end
  guessOffloads(packet, offline.config.mtu, isWhole)
  const verdict = translator.translate(packet, offline.nowMs)
  if (verdict === TRANSLATED || verdict === HAIRPINNED) writeTranslated(offline, record, linkType, verdict, captured)
  else if (verdict === DROPPED || verdict === REPLIED) {
    keep(offline, record, linkType, VERDICTS[verdict], translator.reason)
  } else if (verdict === EMITTED && !isWhole) {
    // Its fragments would be filled up with zeros that were never captured.
    translator.outbox.clear()
    keep(offline, record, linkType, 'dropped', REASON.truncated)
  } else settle(offline, verdict === EMITTED ? 'emitted' : 'stored', REASON.none)
  writeOutbox(offline, record, linkType, verdict)
}

function settle(offline: Offline, verdict: OfflineVerdict, reason: number): void {
  offline.verdict = verdict
  offline.reason = reason
}

/** Puts the record's packet into the buffer. Returns where its captured bytes end; -1 when too little was captured. */
function load(offline: Offline, record: CaptureRecord): number {
  const { buffer, packet, spot } = offline
  const length = Math.min(record.end - spot.ip, MAX_PACKET)
  buffer.set(record.bytes.subarray(spot.ip, spot.ip + length), HEADROOM)
  const captured = HEADROOM + length
  const end = HEADROOM + declaredLength(buffer, HEADROOM, captured)
  const isCutShort = record.length > record.end - record.start && end > captured
  packet.set(buffer, HEADROOM, isCutShort ? end : captured)
  if (isCutShort) {
    if (!isEnoughCaptured(buffer, HEADROOM, captured)) return -1
    buffer.fill(0, captured, end)
  }
  return captured
}

function writeTranslated(
  offline: Offline,
  record: CaptureRecord,
  linkType: number,
  verdict: typeof TRANSLATED | typeof HAIRPINNED,
  captured: number,
): void {
  const { packet } = offline
  settle(offline, VERDICTS[verdict], REASON.none)
  if (captured >= packet.end) completeChecksum(packet)
  const end = Math.max(packet.start, Math.min(packet.end, captured))
  const header = linkHeader(offline, record, linkType, versionOf(packet.buf, packet.start))
  offline.write({
    header,
    packet: packet.buf.subarray(packet.start, end),
    length: header.length + packet.end - packet.start,
    ...origin(offline, record, () => `nat64 ${offline.verdict}; was: ${describeRecord(offline, record)}`),
    isOriginal: false,
  })
}

/** Writes what the translator made beside the packet: errors to its sender, fragments, packets that were waiting. */
function writeOutbox(offline: Offline, record: CaptureRecord, linkType: number, verdict: Verdict): void {
  const { outbox } = offline.translator
  const cause = verdict === REPLIED ? 'replied' : verdict === EMITTED ? 'emitted' : 'released'
  const why = verdict === REPLIED ? ` (${reasonText(offline.reason)})` : ''
  for (let i = 0; i < outbox.count; i++) {
    const packet = outbox.buf.subarray(outbox.start(i), outbox.end(i))
    const header = linkHeader(offline, record, linkType, versionOf(packet, 0))
    if (verdict === REPLIED) turnRound(header.length === 0 ? -1 : linkType, header, 0)
    offline.write({
      header,
      packet,
      length: header.length + packet.length,
      ...origin(offline, record, () => `nat64 ${cause}${why}; on: ${describeRecord(offline, record)}`),
      isOriginal: false,
    })
  }
  outbox.clear()
}

function linkHeader(offline: Offline, record: CaptureRecord, linkType: number, version: 4 | 6): Uint8Array {
  const { spot } = offline
  if (offline.raw) return new Uint8Array(0)
  const header = record.bytes.slice(record.start, spot.ip)
  writeVersion(linkType, header, spot.typeAt < 0 ? -1 : spot.typeAt - record.start, version)
  return header
}

function origin(offline: Offline, record: CaptureRecord, comment: () => string) {
  const { interfaceId, flags, seconds, nanoseconds } = record
  const comments = offline.comments ? [...record.comments, comment()] : []
  return { interfaceId, flags, seconds, nanoseconds, comments }
}

function describeRecord(offline: Offline, record: CaptureRecord): string {
  return describePacket(record.bytes, offline.spot.ip, record.end)
}

/** Settles that a record was not translated, and writes it when that is wanted and the output can hold it. */
function keep(
  offline: Offline,
  record: CaptureRecord,
  linkType: number,
  verdict: OfflineVerdict,
  reason: number,
): void {
  settle(offline, verdict, reason)
  if (!offline.keepDropped) return
  if (offline.raw && !findIp(linkType, record.bytes, record.start, record.end, offline.spot)) return
  const from = offline.raw ? offline.spot.ip : record.start
  const why = verdict === 'passed' ? ': the frame carries no IP packet' : ` (${reasonText(reason)})`
  offline.write({
    header: new Uint8Array(0),
    packet: record.bytes.subarray(from, record.end),
    length: record.length - (from - record.start),
    ...origin(offline, record, () => `nat64 ${verdict}${why}`),
    isOriginal: true,
  })
}

function reasonText(reason: number): string {
  const { code, explanation } = REASONS[reason] ?? { code: `reason ${reason}`, explanation: '' }
  return `${code}: ${explanation}`
}
