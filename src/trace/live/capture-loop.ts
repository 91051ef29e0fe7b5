// hot path
/**
 * The loop of a live capture: waits for packets, changes of interfaces and its owner's signal at once, and hands over
 * frames in the order of time. Runs in a thread of its own and blocks it.
 *
 * The kernel hands packets over in blocks, up to {@link LATENESS_MS} after they came. With one namespace the order of its
 * ring is the order of the packets. With several, frames wait that long, in their rings, so that none of another
 * namespace can come before them any more; unless a ring is half full.
 */
import { drainEventfd } from '../../host/eventfd.js'
import type { LinkEvent, LinkWatch } from '../../host/link-watch.js'
import { type Capture, RETIRE_MS } from '../../host/packet-socket.js'
import type { Poller } from '../../host/poll.js'
import type { Frame, Tap } from '../core/frame.js'
import type { Strain } from './overload.js'
import { makeTapTable, type TapTable } from './taps.js'

/**
 * After so long every packet of before is ready, ms: the kernel looks twice before it gives up a block, and on a busy
 * machine its timers, and this thread, are late (77 ms was the most that was measured).
 */
export const LATENESS_MS = 5 * RETIRE_MS
const LATENESS_NS = LATENESS_MS * 1e6
/** A frame from further in the future than this means that the clock was set back: it does not wait. */
const AHEAD_NS = 1e9
const COUNTS_NS = 100e6
/** Frames between two looks at everything else. */
const BUDGET = 4096

/** What a capture tells. Frames are valid until the call returns. */
export interface CaptureHandlers {
  /** A new place; comes before its first frame. */
  onTap(tap: Tap): void
  see(frame: Frame): void
  /** What became of the interfaces of a namespace; at the start, all of them as `new`. */
  onLinks(netns: string | null, events: readonly LinkEvent[]): void
  /** Nothing more is ready. All frames up to `settledNs` have been seen, if the kernel lost none. */
  onIdle(nowNs: number, settledNs: number): void
  /** What became of the capture since the last call, all namespaces together; ten times a second. */
  onCounts(strain: Strain, nowNs: number): void
  /** The wake descriptor was signalled. */
  onWake(): void
}

/** A cursor over frames that are ready, as `PacketRing`. */
export interface FrameCursor {
  readonly frame: Frame
  readonly ifindex: number
  readonly hatype: number
  advance(): boolean
  isHalfFull(): boolean
}

/** A namespace that is captured. */
export interface CaptureSource {
  readonly netns: string | null
  readonly capture: Pick<Capture, 'name' | 'promiscuous' | 'counts'> & { readonly ring: FrameCursor }
  readonly links: Pick<LinkWatch, 'read'>
}

export interface CaptureLoopOptions {
  readonly sources: readonly CaptureSource[]
  /** Waits for the wake descriptor, and then for capture and links of each source in turn. */
  readonly poller: Pick<Poller, 'wait' | 'isReady' | 'watch'>
  readonly wakeFd: number
  /** Nanoseconds since the epoch of the capture, by the clock of the kernel's timestamps. */
  now(): number
  /** Which interfaces have to be promiscuous to be seen; firewall bridges (fwbr…) unless told. */
  readonly isWanted?: (name: string, kind: string | null) => boolean
  readonly handlers: CaptureHandlers
}

/** A loop that is ready to turn. */
export interface CaptureLoop {
  /** Waits up to `timeoutMs` (-1: no limit) and hands over what there is. Returns how many frames. */
  turn(timeoutMs: number): number
}

interface Source extends CaptureSource {
  readonly taps: TapTable
  readonly promiscuous: Set<number>
  /** A frame is read and not yet handed over. */
  isHolding: boolean
}

const isFirewallBridge = (name: string): boolean => name.startsWith('fwbr')

/** Makes the loop over captures and watches that are open. */
export function makeCaptureLoop(options: CaptureLoopOptions): CaptureLoop {
  const { poller, handlers, now } = options
  const isWanted = options.isWanted ?? isFirewallBridge
  let nextId = 0
  const sources = options.sources.map(
    (source): Source => ({
      ...source,
      promiscuous: new Set(),
      isHolding: false,
      taps: makeTapTable({
        netns: source.netns,
        nextId: () => nextId++,
        nameOf: source.capture.name,
        onTap: tap => handlers.onTap(tap),
      }),
    }),
  )
  const isMerging = sources.length > 1
  let isMore = false
  let countedAt = now()
  let waitedMs = 0
  let read = 0

  function wait(timeoutMs: number): void {
    let timeout = isMore ? 0 : timeoutMs
    if (isMerging && !isMore) {
      const at = now()
      for (const [i, source] of sources.entries()) {
        // Its blocks would end every wait at once.
        poller.watch(1 + 2 * i, !source.isHolding)
        if (!source.isHolding) continue
        const left = Math.ceil((source.capture.ring.frame.time + LATENESS_NS - at) / 1e6)
        const due = Math.min(LATENESS_MS, Math.max(0, left))
        if (timeout < 0 || due < timeout) timeout = due
      }
    }
    const since = performance.now()
    poller.wait(timeout)
    waitedMs += performance.now() - since
  }

  function noteLinks(source: Source): void {
    const events = source.links.read()
    if (events.length === 0) return
    source.taps.note(events, now())
    for (const event of events) {
      if (event.event === 'resync') source.promiscuous.clear()
      else if (event.event === 'gone') source.promiscuous.delete(event.ifindex)
      else if (!source.promiscuous.has(event.ifindex) && isWanted(event.name, event.kind)) {
        if (source.capture.promiscuous(event.ifindex)) source.promiscuous.add(event.ifindex)
      }
    }
    handlers.onLinks(source.netns, events)
  }

  function handOver(source: Source): void {
    const { ring } = source.capture
    ring.frame.tap = source.taps.of(ring.ifindex, ring.hatype).id
    handlers.see(ring.frame)
  }

  function readOne(source: Source): number {
    let frames = 0
    while (frames < BUDGET && source.capture.ring.advance()) {
      handOver(source)
      frames++
    }
    return frames
  }

  function isTight(): boolean {
    for (const { capture } of sources) if (capture.ring.isHalfFull()) return true
    return false
  }

  function merge(nowNs: number): number {
    let frames = 0
    while (frames < BUDGET) {
      let first: Source | null = null
      for (const source of sources) {
        if (!source.isHolding) source.isHolding = source.capture.ring.advance()
        if (source.isHolding && (first === null || source.capture.ring.frame.time < first.capture.ring.frame.time))
          first = source
      }
      if (first === null) break
      const { time } = first.capture.ring.frame
      if (time > nowNs - LATENESS_NS && time < nowNs + AHEAD_NS && !isTight()) break
      handOver(first)
      first.isHolding = false
      frames++
    }
    return frames
  }

  function count(nowNs: number): void {
    const passed = Math.abs(nowNs - countedAt)
    if (passed < COUNTS_NS) return
    countedAt = nowNs
    let [seen, lost] = [0, 0]
    for (const { capture } of sources) {
      const counts = capture.counts()
      seen += counts.seen
      lost += counts.lost
    }
    const idle = Math.min(1, (waitedMs * 1e6) / passed)
    handlers.onCounts({ seen, lost, read, idle, isTight: isTight() }, nowNs)
    waitedMs = 0
    read = 0
  }

  return {
    turn(timeoutMs) {
      wait(timeoutMs)
      if (poller.isReady(0)) {
        drainEventfd(options.wakeFd)
        handlers.onWake()
      }
      for (const [i, source] of sources.entries()) if (poller.isReady(2 + 2 * i)) noteLinks(source)
      const nowNs = now()
      // What was lost among frames has to be known before they are judged.
      count(nowNs)
      const frames = isMerging ? merge(nowNs) : readOne(sources[0]!)
      isMore = frames === BUDGET
      read += frames
      if (!isMore) handlers.onIdle(nowNs, nowNs - LATENESS_NS)
      return frames
    },
  }
}
