/** Reads captures as the tracer does, and keeps all that it is told. */

import type { Frame, Tap } from '../../../src/trace/core/frame.js'
import { type CaptureSink, type ReadOptions, readCaptures } from '../../../src/trace/file/read.js'

export interface Collected {
  epochMs: number | null
  readonly taps: Tap[]
  readonly frames: Frame[]
  readonly notes: string[]
  readonly losses: [count: number, from: number, to: number][]
  end: number | null
  /** What it was thrown, if anything. */
  error: unknown
  twins: number
}

export async function collect(
  paths: readonly string[],
  options: ReadOptions = {},
  onFrame?: (frame: Frame) => void,
): Promise<Collected> {
  const all: Collected = {
    epochMs: null,
    taps: [],
    frames: [],
    notes: [],
    losses: [],
    end: null,
    error: null,
    twins: 0,
  }
  const sink: CaptureSink = {
    start(epochMs) {
      if (all.epochMs !== null || all.frames.length > 0) throw new Error('started twice, or too late')
      all.epochMs = epochMs
    },
    tap(tap) {
      if (all.taps[tap.id] !== undefined) throw new Error(`tap ${tap.id} twice`)
      all.taps[tap.id] = tap
    },
    frame(frame) {
      if (all.epochMs === null || all.taps[frame.tap] === undefined) throw new Error('a frame before its tap')
      all.frames.push({ ...frame })
      onFrame?.(frame)
    },
    loss: (count, from, to) => void all.losses.push([count, from, to]),
    end(time) {
      all.end = time
    },
    note: text => all.notes.push(text),
  }
  try {
    all.twins = (await readCaptures(paths, options, sink)).twins
  } catch (error) {
    all.error = error
  }
  return all
}

/** Frames by place and direction: `tap100i0 in` -> 10. */
export function census({ taps, frames }: Collected): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { tap, direction } of frames) {
    const { device, netns } = taps[tap] as Tap
    const key = `${device}${netns === null ? '' : `@${netns}`} ${direction}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return Object.fromEntries(Object.entries(counts).sort())
}
