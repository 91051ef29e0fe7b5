/** Counts while a capture is translated. */
import type { CaptureRecord } from '../wire/capture.js'
import { REASON, REASONS } from '../xlat/reason.js'
import { STAT } from '../xlat/stats.js'
import type { Offline, OfflineVerdict } from './offline.js'
import type { TranslateSummary } from './summary.js'

export interface Tally {
  packets: number
  bytes: number
  /** Time of the first and last packet, seconds since 1970; null without packets. */
  firstTime: number | null
  lastTime: number | null
  readonly verdicts: Record<OfflineVerdict, number>
  /** Packets cut short by the capture; those of them that were not even shown to the translator. */
  cutShort: number
  unread: number
}

export function createTally(): Tally {
  return {
    packets: 0,
    bytes: 0,
    firstTime: null,
    lastTime: null,
    verdicts: { translated: 0, hairpinned: 0, emitted: 0, replied: 0, stored: 0, dropped: 0, passed: 0 },
    cutShort: 0,
    unread: 0,
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
  if (record.length <= record.end - record.start) return
  tally.cutShort++
  if (offline.verdict === 'dropped' && offline.reason === REASON.truncated) tally.unread++
}

/** Packets that were not translated by reason, most frequent first; those that waited in vain included. */
export function reasonList(tally: Tally, stats: Float64Array): TranslateSummary['reasons'] {
  return REASONS.map(({ code, explanation }, i) => {
    const count = (stats[STAT.drops + i] ?? 0) + (i === REASON.truncated ? tally.unread : 0)
    return { code, count, explanation }
  })
    .filter(r => r.count > 0)
    .sort((a, b) => b.count - a.count)
}
