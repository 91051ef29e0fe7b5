/** The tracing thread: captures, joins and judges. Started by tracing-thread.ts; see protocol.ts. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { UserError } from '../../errors.js'
import { openLinkWatch } from '../../host/link-watch.js'
import { openNamespace } from '../../host/netns.js'
import { type Capture, openCapture } from '../../host/packet-socket.js'
import { makePoller } from '../../host/poll.js'
import type { Frame } from '../core/frame.js'
import type { TracedPath } from '../core/traced.js'
import { makeTracer, type Tracer } from '../core/tracer.js'
import { type CaptureSource, makeCaptureLoop } from './capture-loop.js'
import type { FromTracer, ToTracer, TraceStart } from './protocol.js'

const port = parentPort!
const start = workerData as TraceStart
const post = (message: FromTracer) => port.postMessage(message)

const TURN_MS = 50
const STATE_NS = 250e6
const ADVANCE_NS = 50e6
/** Paths handed over and not yet taken; what comes above this is counted, not told. */
const MOST_UNTAKEN = 20_000
const BATCH = 500

const epochNs = start.epoch * 1e9
/** Nanoseconds since the epoch, by the clock of the kernel's timestamps. */
const now = () => Date.now() * 1e6 - epochNs

function openSources(): {
  sources: CaptureSource[]
  captures: Capture[]
  fds: number[]
  close(): void
  notes: string[]
} {
  const notes: string[] = []
  const sources: CaptureSource[] = []
  const captures: Capture[] = []
  const fds: number[] = [start.wakeFd]
  const closers: (() => void)[] = []
  for (const netns of [null, ...start.namespaces]) {
    try {
      const netnsFd = netns === null ? undefined : openNamespace(netns)
      const inside = netnsFd === undefined ? {} : { netnsFd }
      const ring = start.ringBytes === null ? {} : { ringBytes: start.ringBytes }
      const capture = openCapture({ filter: start.filter, epoch: start.epoch, ...ring, ...inside })
      const links = openLinkWatch(netnsFd)
      sources.push({ netns, capture, links })
      captures.push(capture)
      fds.push(capture.fd, links.fd)
      closers.push(
        () => capture.close(),
        () => links.close(),
      )
    } catch (error) {
      // Without its own namespace there is nothing to trace; another one may be gone again.
      if (netns === null) throw error
      notes.push(`the namespace ${netns} is not captured: ${(error as Error).message}`)
    }
  }
  return {
    sources,
    captures,
    fds,
    notes,
    close() {
      for (const close of closers) close()
    },
  }
}

function work(): void {
  const opened = openSources()
  let batch: TracedPath[] = []
  let untaken = 0
  let untold = 0
  let knownFlows = 0
  let stop = false
  const tracer: Tracer = makeTracer(start.facts, {
    wanted: start.wanted,
    waits: start.waits,
    isVisible: place => place.visibility !== 'promiscuous' || !start.passive,
    onPath(path) {
      if (untaken >= MOST_UNTAKEN) {
        untold++
        return
      }
      untaken++
      batch.push(path)
      if (batch.length >= BATCH) tell()
    },
  })
  const tell = () => {
    if (batch.length === 0) return
    post({ type: 'paths', paths: batch })
    batch = []
  }

  function handleMessages(): void {
    for (;;) {
      const received = receiveMessageOnPort(port) as { message: ToTracer } | undefined
      if (received === undefined) return
      const { message } = received
      if (message.type === 'stop') stop = true
      else if (message.type === 'tables') tracer.learn(message.tables)
      else if (message.type === 'taken') untaken -= message.count
      else {
        tracer.setHost(message.facts)
        for (const capture of opened.captures) capture.refilter(message.filter)
      }
    }
  }

  let advancedTo = 0
  let countedTo = now()
  let statedAt = 0
  const advance = (to: number) => {
    advancedTo = to
    tracer.advance(to)
  }
  const loop = makeCaptureLoop({
    sources: opened.sources,
    poller: makePoller(opened.fds),
    wakeFd: start.wakeFd,
    now,
    ...(start.passive ? { isWanted: () => false } : {}),
    handlers: {
      onTap: tap => tracer.addTap(tap),
      see(frame: Frame) {
        tracer.see(frame)
        if (frame.time - advancedTo > ADVANCE_NS) advance(frame.time)
      },
      onLinks: () => post({ type: 'links' }),
      onIdle: (_now, settled) => advance(settled),
      onCounts(counts, at) {
        tracer.count(counts.seen, counts.lost)
        if (counts.lost > 0) tracer.noteLoss(countedTo, at)
        countedTo = at
      },
      onWake: handleMessages,
    },
  })
  post({ type: 'ready', notes: opened.notes })
  while (!stop) {
    loop.turn(TURN_MS)
    tell()
    const at = now()
    if (at - statedAt < STATE_NS) continue
    statedAt = at
    const flows = tracer.flows()
    post({ type: 'state', summary: tracer.summary(), flows: flows !== knownFlows, untold })
    knownFlows = flows
  }
  // What is still in the rings belongs to the trace.
  while (loop.turn(0) > 0) {}
  tracer.finish()
  tell()
  opened.close()
  post({ type: 'stopped', summary: tracer.summary(), untold })
}

try {
  work()
} catch (error) {
  const { message, stack = '' } = error as Error
  const known = error instanceof UserError ? error : null
  post({ type: 'failed', message, stack, nextSteps: known?.nextSteps ?? [], exitCode: known?.exitCode ?? null })
}
