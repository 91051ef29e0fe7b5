/** Capture files as a tracer's sightings: one file, several, all of a folder, or standard input, in the order of time. */
import type { Readable } from 'node:stream'
import type { Facts } from '../../facts/facts.js'
import type { Frame, Tap } from '../core/frame.js'
import { listCaptures } from './capture-files.js'
import { nextSighting, notesOf, openSource, type Reading, refill, type Source } from './source.js'
import { createTaps, type DeviceNames } from './taps.js'
import { createTimeOrder, type Sighting, type TimeOrder } from './time-order.js'

/** Who takes what the files hold. */
export interface CaptureSink {
  /** Before all frames: milliseconds since 1970 at the epoch of the trace, a whole second. */
  start(epochMs: number): void
  /**
   * A place where packets were captured, before its first frame; one that a file describes also if it has none. Its number
   * is its own, but they do not come in that order.
   */
  tap(tap: Tap): void
  /**
   * A packet, valid until the call returns. Times do not go backwards, save for packets that stand more than a second too
   * late in their file; one that stands before the epoch has a negative time.
   */
  frame(frame: Frame): void
  /** The capture itself lost packets between these times, as a file says. */
  loss(count: number, from: number, to: number): void
  /** After all frames, where a file says it: until when packets were captured. */
  end(time: number): void
  /** A sentence to say once: a file that ends too early, packets of a link type that is not known. */
  note(text: string): void
}

export interface ReadOptions {
  /** Names of interfaces for captures on `any`; without, they are called `if7`. */
  readonly deviceOf?: DeviceNames
  /** What `-` is: standard input unless told. */
  readonly input?: Readable & { readonly isTTY?: boolean }
  /** Ends the reading; what was read is handed over. */
  readonly signal?: AbortSignal
}

export interface ReadSummary {
  readonly frames: number
  /** Sightings that stood in two captures and were handed over once. */
  readonly twins: number
}

/** Packets wait this long for earlier ones, ns of their own time. */
const SLACK_NS = 1e9
/** A pipe that is silent this long, ms of ours: what waits is handed over. */
const IDLE_MS = 300

/**
 * Reads captures (`-`: standard input) and hands their frames to `sink`, in bounded memory. Frames of all link types become
 * Ethernet or raw IP. A malformed file is an error only after what could be read of it, and all other files, was handed over.
 * @throws UserError exit status 3, with file, offset and what is wrong; 2 when standard input is a terminal
 */
export async function readCaptures(
  paths: readonly string[],
  options: ReadOptions,
  sink: CaptureSink,
): Promise<ReadSummary> {
  const { signal, input = process.stdin, deviceOf = () => null } = options
  const files = listCaptures(paths, input.isTTY === true)
  const sources = files.map(file => openSource(file, files.length, input, signal))
  const taps = createTaps(deviceOf, tap => sink.tap(tap))
  const reading: Reading = { taps, base: null, captures: 0, losses: [], end: null }
  const hand = handTo(sink, reading)
  const order = createTimeOrder(hand.frame)
  try {
    for (let live = sources; live.length > 0; live = live.filter(s => !s.isDone)) {
      await readSome(live, reading, order, signal)
    }
  } finally {
    for (const { stream } of sources) stream.destroy()
  }
  order.release(Number.POSITIVE_INFINITY)
  hand.end()
  for (const note of sources.flatMap(notesOf)) sink.note(note)
  const problem = sources.find(s => s.problem !== null)?.problem
  if (problem) throw problem
  return { frames: hand.count(), twins: order.twins }
}

/** Names of interfaces by index, as the facts of a host tell them: its own, and those of Jool's namespaces. */
export function deviceNames(facts: Facts): DeviceNames {
  const names = new Map<string, string>()
  const learn = (netns: string | null, links: readonly { readonly index: number; readonly name: string }[]) => {
    for (const { index, name } of links) names.set(`${index} ${netns ?? ''}`, name)
  }
  if (facts.links.ok) learn(null, facts.links.value)
  if (facts.jool.ok)
    for (const { netns, links } of facts.jool.value.instances) learn(netns, netns === null ? [] : (links ?? []))
  return (ifindex, netns) => names.get(`${ifindex} ${netns ?? ''}`) ?? null
}

/** Reads from the source that is furthest behind, until one needs more bytes. */
async function readSome(
  live: readonly Source[],
  reading: Reading,
  order: TimeOrder,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const source = live.reduce((a, b) => (b.latest < a.latest ? b : a))
    order.release(source.latest - SLACK_NS)
    const sighting = nextSighting(source, reading)
    if (sighting !== null) {
      order.add(sighting)
      continue
    }
    // With several, the silent one may still have the earliest packet.
    const idle = live.length > 1 ? undefined : setTimeout(() => order.release(Number.POSITIVE_INFINITY), IDLE_MS)
    await refill(source, signal)
    clearTimeout(idle)
    return
  }
}

/** Hands frames over, their times counted from the whole second of the first. */
function handTo(sink: CaptureSink, reading: Reading) {
  let epoch: number | null = null
  let count = 0
  const losses = (since: number) => {
    for (const loss of reading.losses.splice(0)) sink.loss(loss.count, loss.from - since, loss.to - since)
  }
  return {
    count: () => count,
    frame(sighting: Sighting): void {
      if (epoch === null) {
        const seconds = Math.floor(sighting.time / 1e9)
        epoch = seconds * 1e9
        sink.start(((reading.base ?? 0) + seconds) * 1000)
      }
      if (reading.losses.length > 0) losses(epoch)
      reading.taps.announce(sighting.tap)
      count++
      sighting.time -= epoch
      sink.frame(sighting)
    },
    end(): void {
      if (epoch === null) return
      losses(epoch)
      if (reading.end !== null) sink.end(reading.end - epoch)
    },
  }
}
