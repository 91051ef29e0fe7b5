/** A trace that is written to a file as it goes: frames are kept until their path is judged, and those of no path forgotten. */
import type { Frame, Tap } from '../core/frame.js'
import type { TracedPath, Verdict } from '../core/traced.js'
import type { Ticket, Tracer, TracerOptions } from '../core/tracer.js'
import { commentsFor } from './comments.js'
import type { TraceWriter } from './write.js'

/** What a tracer has to be made with, so that a writer learns of its paths; and what becomes of paths later. */
export interface Recording extends Required<Pick<TracerOptions, 'onPath' | 'onUnwanted'>> {
  /** Paths whose last word has not been said. */
  readonly open: number
  /** Says the last word on a path. */
  settle(id: number, verdict: Verdict): void
  /** Writes the paths that are open as they were judged at first. */
  settleAll(): void
}

/** The writer of the moment; null: nothing is written, or not yet. */
export type CurrentWriter = () => TraceWriter | null

/**
 * `onPath` gets each path and returns it as it is to be written; null: its verdict will
 * be settled later.
 */
export function recording(writer: CurrentWriter, onPath: (path: TracedPath) => TracedPath | null): Recording {
  const open = new Map<number, { readonly path: TracedPath; readonly tickets: readonly Ticket[] }>()

  function write(path: TracedPath, tickets: readonly Ticket[]): void {
    for (const { ticket, hop } of tickets) writer()?.judge(ticket, commentsFor(path, hop))
  }

  return {
    get open() {
      return open.size
    },
    onPath(path, tickets) {
      const told = onPath(path)
      if (writer() === null) return
      if (told === null) open.set(path.id, { path, tickets })
      else write(told, tickets)
    },
    onUnwanted: ticket => writer()?.drop(ticket),
    settle(id, verdict) {
      const known = open.get(id)
      if (known === undefined) return
      open.delete(id)
      write({ ...known.path, verdict }, known.tickets)
    },
    settleAll() {
      for (const { path, tickets } of open.values()) write(path, tickets)
      open.clear()
    },
  }
}

/** Where frames and taps go: to the tracer, and those that are traced to the writer. */
export function recorded(writer: CurrentWriter, tracer: Tracer): { see(frame: Frame): void; tap(tap: Tap): void } {
  return {
    see(frame) {
      const current = writer()
      if (current === null) tracer.see(frame)
      else tracer.see(frame, () => current.see(frame))
    },
    tap(tap) {
      writer()?.tap(tap)
      tracer.addTap(tap)
    },
  }
}
