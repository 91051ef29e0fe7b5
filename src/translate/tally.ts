/** Counts while a capture is translated. */
import type { CaptureRecord } from '../wire/capture.js'
import { REASONS } from '../xlat/reason.js'
import type { Offline, OfflineVerdict } from './offline.js'

export interface Tally {
  packets: number
  bytes: number
  /** Time of the first and last packet, seconds since 1970; null without packets. */
  firstTime: number | null
  lastTime: number | null
  readonly verdicts: Record<OfflineVerdict, number>
  /** By the reason's number. */
  readonly reasons: Float64Array
  /** Packets cut short by the capture. */
  cutShort: number
}

export function createTally(): Tally {
  return {
    packets: 0,
    bytes: 0,
    firstTime: null,
    lastTime: null,
    verdicts: { translated: 0, hairpinned: 0, emitted: 0, replied: 0, stored: 0, dropped: 0, passed: 0 },
    reasons: new Float64Array(REASONS.length),
    cutShort: 0,
  }
}

/** Counts the record that was just translated. */
export function count(tally: Tally, offline: Offline, record: CaptureRecord): void {
  const time = record.seconds + record.nanoseconds / 1e9
  tally.packets++
  tally.bytes += record.length
  tally.firstTime = Math.min(tally.firstTime ?? time, time)
  tally.lastTime = Math.max(tally.lastTime ?? time, time)
  tally.verdicts[offline.verdict]++
  tally.reasons[offline.reason] = (tally.reasons[offline.reason] ?? 0) + 1
  if (record.length > record.end - record.start) tally.cutShort++
}
