/** A trace that is written to a file as it goes: frames are kept until their path is judged, and those of no path forgotten. */

import type { Frame, Tap } from '../core/frame.js'
import type { TracedPath } from '../core/traced.js'
import type { Ticket, Tracer, TracerOptions } from '../core/tracer.js'
import { commentsFor } from './comments.js'
import type { TraceWriter } from './write.js'

/** What a tracer has to be made with, so that a writer learns of its paths. null: nothing is written. */
export function recording(
  writer: TraceWriter | null,
  onPath: (path: TracedPath) => void,
): Pick<TracerOptions, 'onPath' | 'onUnwanted'> {
  if (writer === null) return { onPath }
  return {
    onPath(path, tickets: readonly Ticket[]) {
      for (const { ticket, hop } of tickets) writer.judge(ticket, commentsFor(path, hop))
      onPath(path)
    },
    onUnwanted: writer.drop,
  }
}

/** Where frames and taps go: to the tracer, and those that are traced to the writer. */
export function recorded(writer: TraceWriter | null, tracer: Tracer): { see(frame: Frame): void; tap(tap: Tap): void } {
  if (writer === null) return { see: frame => void tracer.see(frame), tap: tracer.addTap }
  return {
    see: frame => void tracer.see(frame, () => writer.see(frame)),
    tap(tap) {
      writer.tap(tap)
      tracer.addTap(tap)
    },
  }
}
