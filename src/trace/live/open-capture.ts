/** Opens what a live capture needs, in each of its namespaces, and the loop over it. */
import { closeSync } from 'node:fs'
import { UserError } from '../../errors.js'
import { openLinkWatch } from '../../host/link-watch.js'
import { openNamespace } from '../../host/netns.js'
import { openCapture } from '../../host/packet-socket.js'
import { makePoller } from '../../host/poll.js'
import type { CaptureFilter } from '../../wire/bpf.js'
import { type CaptureHandlers, type CaptureLoopOptions, LATENESS_MS, makeCaptureLoop } from './capture-loop.js'

export interface LiveCaptureOptions extends Pick<CaptureLoopOptions, 'wakeFd' | 'isWanted'> {
  /**
   * Where to capture: null for the namespace of this thread, a name of `ip netns`, or `pid:123`. The first has to be
   * there, others may be {@link LiveCapture.missing}.
   */
  readonly namespaces: readonly (string | null)[]
  readonly filter: CaptureFilter
  /** Seconds since 1970 that times are counted from, whole. */
  readonly epoch: number
  /** Size of each namespace's ring; undefined: the usual one. */
  readonly ringBytes: number | undefined
  readonly handlers: CaptureHandlers
}

/** A capture that is open. All that it switched on goes with it. */
export interface LiveCapture {
  /** Memory of all rings. */
  readonly ringBytes: number
  /** Namespaces that cannot be captured, and why. */
  readonly missing: readonly { readonly netns: string; readonly error: UserError }[]
  /** Nanoseconds since the epoch, by the clock of the kernel's timestamps. */
  now(): number
  /** Waits up to `timeoutMs` (-1: no limit) and hands over what there is. Returns how many frames. */
  turn(timeoutMs: number): number
  /** Takes no more packets, and hands over those that came before; waits {@link LATENESS_MS} for the last of them. */
  finish(): void
  /** Replaces the filter in all namespaces; not after {@link finish}. */
  refilter(filter: CaptureFilter): void
  close(): void
}

const NOTHING: CaptureFilter = { four: [], six: [], errors: false, snapLength: 0 }

/**
 * Opens captures and watches.
 * @throws UserError (exit status 3) that says why the first namespace cannot be captured
 */
export function openLiveCapture(options: LiveCaptureOptions): LiveCapture {
  const { namespaces, epoch, wakeFd, isWanted, handlers } = options
  const sources: ReturnType<typeof openSource>[] = []
  const missing: { netns: string; error: UserError }[] = []
  for (const netns of namespaces) {
    try {
      sources.push(openSource(options, netns))
    } catch (error) {
      if (!(error instanceof UserError) || netns === null || sources.length === 0) throw error
      missing.push({ netns, error })
    }
  }
  const poller = makePoller([wakeFd, ...sources.flatMap(s => [s.capture.fd, s.links.fd])])
  const now = () => (Date.now() - epoch * 1000) * 1e6
  const loop = makeCaptureLoop({ sources, poller, wakeFd, now, handlers, ...(isWanted && { isWanted }) })
  let isFinished = false
  const refilter = (filter: CaptureFilter) => {
    for (const { capture } of sources) if (!isFinished) capture.refilter(filter)
  }
  return {
    ringBytes: sources.reduce((sum, s) => sum + s.capture.ringBytes, 0),
    missing,
    now,
    turn: loop.turn,
    refilter,
    finish() {
      refilter(NOTHING)
      isFinished = true
      // One millisecond more than the last packet is held back for: now() counts whole ones.
      const end = performance.now() + LATENESS_MS + 2
      for (;;) {
        const left = Math.max(0, Math.ceil(end - performance.now()))
        if (loop.turn(left) === 0 && left === 0) return
      }
    },
    close() {
      for (const { capture, links } of sources) {
        capture.close()
        links.close()
      }
      poller.close()
    },
  }
}

function openSource({ filter, epoch, ringBytes }: LiveCaptureOptions, netns: string | null) {
  const netnsFd = netns === null ? undefined : openNamespace(netns)
  try {
    const capture = openCapture({ filter, epoch, ringBytes, netnsFd })
    try {
      return { netns, capture, links: openLinkWatch(netnsFd) }
    } catch (error) {
      capture.close()
      throw error
    }
  } finally {
    if (netnsFd !== undefined) closeSync(netnsFd)
  }
}
