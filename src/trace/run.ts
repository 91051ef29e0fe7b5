/** A trace under way, live or from a file: what commands and screens see of it. */

import type { TracedPath, TraceSnapshot } from './core/traced.js'
import type { TraceLimit } from './core/tracer.js'

export interface TraceRun {
  readonly epochMs: number
  /** In words: `203.0.113.10`, `guest 100`. */
  readonly target: string
  /** It captures; else it reads files. */
  readonly isLive: boolean
  /** Paths in the order in which they were judged. */
  onPaths(listener: (paths: readonly TracedPath[]) => void): () => void
  /** Some times a second. */
  onSnapshot(listener: (snapshot: TraceSnapshot) => void): () => void
  /** Begins to write a capture file in the working directory. A sentence for people. null: it cannot. */
  readonly record: (() => string) | null
  /** Begins to hand over: nothing is said before there are listeners. */
  start(): void
  /** Ends it; what was under way is judged, and what was switched on is switched off. */
  stop(): Promise<void>
  /** The last snapshot. Rejects with a UserError, or with a bug. */
  readonly done: Promise<TraceSnapshot>
}

/** What a trace is asked for. */
export interface TraceRequest {
  readonly version: string
  readonly target?: string | undefined
  readonly protocols: readonly TracedPath['protocol'][]
  readonly ports: readonly number[]
  readonly guests: readonly string[]
  readonly interfaces: readonly string[]
  /** Captures to read instead of capturing: files, folders, `-`. */
  readonly read: readonly string[]
  /** Facts of the host: a file, a bundle, a recording. */
  readonly facts?: string | undefined
  readonly write?: string | undefined
  /** Network namespaces to capture in, beside those of translators. */
  readonly netns: readonly string[]
  readonly passive: boolean
  /** Packets of our own are sent and traced, as a guest would send them. */
  readonly probe: boolean
  /** End after so many packets; null: never. */
  readonly limit: TraceLimit | null
}

/** A set of listeners, and one call to all of them. */
export function makeEmitter<T>(): { on(listener: (value: T) => void): () => void; emit(value: T): void } {
  const listeners = new Set<(value: T) => void>()
  return {
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    emit(value) {
      for (const listener of listeners) listener(value)
    },
  }
}
