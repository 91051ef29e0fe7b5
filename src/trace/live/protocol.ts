/** What the main thread and the tracing thread say to each other. Plain data: it crosses a thread boundary. */
import type { Facts } from '../../facts/facts.js'
import type { CaptureFilter } from '../../wire/bpf.js'
import type { Tables } from '../core/tables.js'
import type { Wanted } from '../core/target.js'
import type { TracedPath, TraceSummary, Verdict } from '../core/traced.js'
import type { TraceLimit, Waits } from '../core/tracer.js'

/** What the thread is started with (`workerData`). */
export interface TraceStart {
  readonly wanted: Wanted
  readonly facts: Facts
  readonly filter: CaptureFilter
  /** Seconds since 1970 at the epoch of the trace, whole. */
  readonly epoch: number
  /** Size of each ring; null: the usual. */
  readonly ringBytes: number | null
  /** Other network namespaces to capture in, by name or as `pid:123`. */
  readonly namespaces: readonly string[]
  /** No interface is made promiscuous. */
  readonly passive: boolean
  /** A pcapng file to write; null: none. */
  readonly write: string | null
  readonly version: string
  readonly waits: Waits
  readonly limit: TraceLimit | null
  /** An eventfd; a write of 1 wakes the thread so that it reads its messages. */
  readonly wakeFd: number
}

export type ToTracer =
  | { readonly type: 'host'; readonly facts: Facts; readonly filter: CaptureFilter }
  | { readonly type: 'tables'; readonly tables: Tables }
  /** So many paths were taken: there is room for as many again. `verdicts`: of those that died, when a file is written. */
  | {
      readonly type: 'taken'
      readonly count: number
      readonly verdicts: readonly { readonly id: number; readonly verdict: Verdict }[]
    }
  /** Begins to write a capture file, unless one is written already. */
  | { readonly type: 'write'; readonly path: string }
  | { readonly type: 'stop' }

export type FromTracer =
  | { readonly type: 'ready'; readonly notes: readonly string[] }
  | { readonly type: 'paths'; readonly paths: readonly TracedPath[] }
  /** `flows`: connections have appeared that tables may know of. */
  | { readonly type: 'state'; readonly summary: TraceSummary; readonly flows: boolean; readonly untold: number }
  /** Interfaces came, went or changed: the host is to be looked at again. */
  | { readonly type: 'links' }
  | { readonly type: 'note'; readonly text: string }
  | {
      readonly type: 'stopped'
      readonly summary: TraceSummary
      readonly untold: number
      /** Packets in the file; null: none is written. */
      readonly written: number | null
    }
  | {
      readonly type: 'failed'
      readonly message: string
      readonly nextSteps: readonly string[]
      /** null: a bug. */
      readonly exitCode: number | null
      readonly stack: string
    }
