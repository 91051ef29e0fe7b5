/** `--json`: one line a path, a line a note, and the summary as the last line. Schema `nat64.trace/1`. Pure. */
import { TRACE_SCHEMA, type TracedPath, type TraceSnapshot } from '../core/traced.js'
import { isoTime } from './time.js'

/** A path; `at` is the absolute time of its first hop. Times of hops count from the epoch that the summary has. */
export function pathJson(path: TracedPath, epochMs: number): string {
  return JSON.stringify({ schema: TRACE_SCHEMA, type: 'path', at: isoTime(epochMs, path.time), ...path })
}

/** The first line: packets that come from now on are seen. */
export function startJson(target: string, epochMs: number): string {
  return JSON.stringify({ schema: TRACE_SCHEMA, type: 'start', target, epoch: isoTime(epochMs, 0) })
}

/** What was switched on, what cannot be seen. */
export function noteJson(text: string): string {
  return JSON.stringify({ schema: TRACE_SCHEMA, type: 'note', text })
}

/** The last line. */
export function summaryJson(snapshot: TraceSnapshot): string {
  const { target, state, epochMs, lanes, summary } = snapshot
  const epoch = isoTime(epochMs, 0)
  return JSON.stringify({ schema: TRACE_SCHEMA, type: 'summary', target, state, epoch, lanes, ...summary })
}
