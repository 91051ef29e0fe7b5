/** At most once a minute: what was dropped, and a warning when a limit turned guests away. */
import { REASON, REASONS } from '../xlat/reason.js'
import { STAT } from '../xlat/stats.js'
import type { Fields, Log } from './log.js'

const INTERVAL_MS = 60_000

/** Reasons that say that somebody who should be served was not. */
export const SHORTAGES: ReadonlySet<number> = new Set([
  REASON.pool4_exhausted,
  REASON.ports_per_guest,
  REASON.sessions_per_guest,
  REASON.bib_full,
  REASON.sessions_full,
  REASON.fragments_full,
  REASON.pool_exhausted,
  REASON.write_error,
])

export interface DropSummary {
  reported: Float64Array
  lastMs: number
}

export function makeDropSummary(nowMs: number): DropSummary {
  return { reported: new Float64Array(REASONS.length), lastMs: nowMs }
}

/** To be called about once a second. `verbose`: all reasons on level info, not only shortages as warnings. */
export function summarise(summary: DropSummary, stats: Float64Array, nowMs: number, verbose: boolean, log: Log): void {
  if (nowMs - summary.lastMs < INTERVAL_MS) return
  const seconds = Math.round((nowMs - summary.lastMs) / 1000)
  summary.lastMs = nowMs
  const all: Record<string, number> = {}
  const shortages: Record<string, number> = {}
  for (let reason = 1; reason < REASONS.length; reason++) {
    const count = stats[STAT.drops + reason]!
    const grown = count - summary.reported[reason]!
    summary.reported[reason] = count
    if (grown <= 0) continue
    all[REASONS[reason]!.code] = grown
    if (SHORTAGES.has(reason)) shortages[REASONS[reason]!.code] = grown
  }
  const fields = (counts: Record<string, number>): Fields => ({ ...counts, seconds })
  if (Object.keys(shortages).length > 0)
    log.warning('packets were refused because a limit was reached', fields(shortages))
  if (Object.keys(all).length === 0) return
  if (verbose) log.info('dropped packets by reason', fields(all))
  else log.debug('dropped packets by reason', fields(all))
}
