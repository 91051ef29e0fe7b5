/** The translator's clock offline: the times in the capture, which must not go back in it. */
import type { CaptureRecord } from '../wire/capture.js'
import { blankHeader } from '../wire/link.js'
import type { Offline } from './offline.js'

/** Steps in which time between two records passes, ms. */
const TICK_MS = 100
/** A pause longer than this many ticks takes larger steps. */
const MAX_TICKS = 10_000
/** Longer pauses, as broken clocks make them, count as this long. */
const MAX_PAUSE_MS = 7 * 86_400_000
const EXPIRE_BUDGET = 1_000

/** Lets the time up to the record pass in the translator, and writes what expires on the way. */
export function passTime(offline: Offline, record: CaptureRecord, linkType: number): void {
  const clockMs = record.seconds * 1000 + Math.floor(record.nanoseconds / 1e6)
  if (Number.isNaN(offline.clockMs)) offline.clockMs = clockMs
  const pause = Math.min(clockMs - offline.clockMs, MAX_PAUSE_MS)
  if (pause <= 0) return
  offline.clockMs = clockMs
  const target = offline.nowMs + pause
  const step = Math.max(TICK_MS, Math.ceil(pause / MAX_TICKS))
  const firstTick = Math.floor(offline.nowMs / TICK_MS) * TICK_MS + TICK_MS
  for (let t = firstTick; t <= target; t += step) {
    while (offline.translator.expire(t, EXPIRE_BUDGET) >= EXPIRE_BUDGET)
      writeExpired(offline, record, linkType, target - t)
    writeExpired(offline, record, linkType, target - t)
  }
  offline.nowMs = target
}

/** Writes what the passage of time made the translator send, `earlierMs` before the record at hand. */
function writeExpired(offline: Offline, record: CaptureRecord, linkType: number, earlierMs: number): void {
  const { outbox } = offline.translator
  const timeMs = record.seconds * 1000 + Math.floor(record.nanoseconds / 1e6) - earlierMs
  for (let i = 0; i < outbox.count; i++) {
    const packet = outbox.buf.subarray(outbox.start(i), outbox.end(i))
    const header = offline.raw ? new Uint8Array(0) : blankHeader(linkType, versionOf(packet, 0))
    offline.write({
      header,
      packet,
      length: header.length + packet.length,
      interfaceId: record.interfaceId,
      flags: -1,
      seconds: Math.floor(timeMs / 1000),
      nanoseconds: (timeMs % 1000) * 1e6,
      comments: ['nat64 sent this because a lifetime ended'],
      isOriginal: false,
    })
  }
  outbox.clear()
}

/** The IP version that the packet at `o` says. */
export function versionOf(b: Uint8Array, o: number): 4 | 6 {
  return (b[o] as number) >>> 4 === 4 ? 4 : 6
}
