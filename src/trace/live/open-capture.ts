/** Opens what a live capture needs, in each of its namespaces, and the loop over it. */
import { closeSync } from 'node:fs'
import { openLinkWatch } from '../../host/link-watch.js'
import { openNamespace } from '../../host/netns.js'
import { type Capture, openCapture } from '../../host/packet-socket.js'
import { makePoller } from '../../host/poll.js'
import type { CaptureFilter } from '../../wire/bpf.js'
import { type CaptureHandlers, type CaptureLoop, type CaptureLoopOptions, makeCaptureLoop } from './capture-loop.js'

export interface LiveCaptureOptions extends Pick<CaptureLoopOptions, 'wakeFd' | 'isWanted'> {
  /** Where to capture: null for the namespace of this thread, a name of `ip netns`, or `pid:123`. At least one. */
  readonly namespaces: readonly (string | null)[]
  readonly filter: CaptureFilter
  /** Seconds since 1970 that times are counted from, whole. */
  readonly epoch: number
  /** Ring of each namespace. */
  readonly ringBytes?: number
  readonly handlers: CaptureHandlers
}

export interface LiveCapture extends CaptureLoop {
  /** Memory of all rings. */
  readonly ringBytes: number
  /** Replaces the filter in all namespaces. */
  refilter(filter: CaptureFilter): void
  close(): void
}

/**
 * Opens captures and watches. Everything the thread switched on goes with {@link LiveCapture.close}, or with the process.
 * @throws UserError (exit status 3) that says what is missing
 */
export function openLiveCapture(options: LiveCaptureOptions): LiveCapture {
  const { namespaces, filter, epoch, ringBytes, wakeFd, isWanted, handlers } = options
  const opened: { close(): void }[] = []
  const keep = <T extends { close(): void }>(it: T): T => {
    opened.push(it)
    return it
  }
  const close = () => {
    for (const it of opened.splice(0)) it.close()
  }
  try {
    const sources = namespaces.map(netns => {
      const netnsFd = netns === null ? undefined : openNamespace(netns)
      try {
        const capture = keep(
          openCapture({ filter, epoch, ...(netnsFd && { netnsFd }), ...(ringBytes && { ringBytes }) }),
        )
        return { netns, capture, links: keep(openLinkWatch(netnsFd)) }
      } finally {
        if (netnsFd !== undefined) closeSync(netnsFd)
      }
    })
    const poller = keep(makePoller([wakeFd, ...sources.flatMap(s => [s.capture.fd, s.links.fd])]))
    const now = () => (Date.now() - epoch * 1000) * 1e6
    const loop = makeCaptureLoop({ sources, poller, wakeFd, now, handlers, ...(isWanted && { isWanted }) })
    const captures: readonly Capture[] = sources.map(s => s.capture)
    return {
      turn: loop.turn,
      ringBytes: captures.reduce((sum, c) => sum + c.ringBytes, 0),
      refilter(filter) {
        for (const c of captures) c.refilter(filter)
      },
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}
