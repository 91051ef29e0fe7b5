/** The tracing thread: captures, joins and judges. Started by tracing-thread.ts; see protocol.ts. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { UserError } from '../../errors.js'
import type { Frame } from '../core/frame.js'
import type { TracedPath } from '../core/traced.js'
import { makeTracer, type Tracer } from '../core/tracer.js'
import { recorded, recording } from '../file/record.js'
import { openTraceWriter } from '../file/write.js'
import { openLiveCapture } from './open-capture.js'
import type { FromTracer, ToTracer, TraceStart } from './protocol.js'

const port = parentPort!
const start = workerData as TraceStart
const post = (message: FromTracer) => port.postMessage(message)

const TURN_MS = 50
const STATE_NS = 250e6
const ADVANCE_NS = 50e6
const LAST_NS = 250e6
/** Paths handed over and not yet taken; what comes above this is counted, not told. */
const MOST_UNTAKEN = 20_000
const BATCH = 500
const LAST_WORD_MS = 2000
const PAUSE_MS = 20

function work(): void {
  let batch: TracedPath[] = []
  let untaken = 0
  let untold = 0
  let knownFlows = 0
  /** Packets that are under way when the end is asked for get a moment to arrive. */
  let stopAt = Number.POSITIVE_INFINITY
  const writer =
    start.write === null
      ? null
      : openTraceWriter({
          path: start.write,
          application: `nat64 ${start.version}`,
          target: start.wanted.text,
          facts: start.facts,
          extent: start.passive ? 'passive' : 'promiscuous',
          onProblem: error => post({ type: 'note', text: error.message }),
        })
  writer?.start(start.epoch * 1000)
  const record = recording(writer, path => {
    if (untaken >= MOST_UNTAKEN) {
      untold++
      return path
    }
    untaken++
    batch.push(path)
    if (batch.length >= BATCH) tell()
    return path.verdict.kind === 'died' ? null : path
  })
  const tracer: Tracer = makeTracer(start.facts, {
    wanted: start.wanted,
    waits: start.waits,
    limit: start.limit,
    isVisible: ({ netns, visibility }) =>
      (visibility !== 'promiscuous' || !start.passive) && !live.missing.some(m => m.netns === (netns ?? null)),
    onPath: record.onPath,
    onUnwanted: record.onUnwanted,
  })
  const seeing = recorded(writer, tracer)
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
      if (message.type === 'stop') stopAt = Math.min(stopAt, live.now() + LAST_NS)
      else if (message.type === 'tables') tracer.learn(message.tables)
      else if (message.type === 'taken') {
        untaken -= message.count
        for (const { id, verdict } of message.verdicts) record.settle(id, verdict)
      } else {
        tracer.setHost(message.facts)
        live.refilter(message.filter)
      }
    }
  }

  /** Evidence for the last packets that died is still being looked for; the file waits for it, but not for ever. */
  function awaitVerdicts(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4))
    for (let waited = 0; record.open > 0 && waited < LAST_WORD_MS; waited += PAUSE_MS) {
      Atomics.wait(pause, 0, 0, PAUSE_MS)
      handleMessages()
    }
    record.settleAll()
  }

  let advancedTo = 0
  let countedTo = 0
  let statedAt = 0
  const advance = (to: number) => {
    advancedTo = to
    tracer.advance(to)
  }
  const live = openLiveCapture({
    ...start,
    namespaces: [null, ...start.namespaces],
    ringBytes: start.ringBytes ?? undefined,
    ...(start.passive ? { isWanted: () => false } : {}),
    handlers: {
      onTap: seeing.tap,
      see(frame: Frame) {
        seeing.see(frame)
        if (frame.time - advancedTo > ADVANCE_NS) advance(frame.time)
      },
      onLinks: () => post({ type: 'links' }),
      onIdle: (_now, settled) => advance(settled),
      onCounts(counts, at) {
        tracer.count(counts.seen, counts.lost)
        if (counts.lost > 0) {
          tracer.noteLoss(countedTo, at)
          writer?.loss(counts.lost, countedTo, at)
        }
        countedTo = at
      },
      onWake: handleMessages,
    },
  })
  const notes = live.missing.map(m => `the namespace ${m.netns} is not captured: ${m.error.message}`)
  post({ type: 'ready', notes })
  while (live.now() < stopAt && !tracer.isFull()) {
    live.turn(TURN_MS)
    tell()
    const at = live.now()
    if (at - statedAt < STATE_NS) continue
    statedAt = at
    writer?.flush()
    const flows = tracer.flows()
    post({ type: 'state', summary: tracer.summary(), flows: flows !== knownFlows, untold })
    knownFlows = flows
  }
  // What is still in the rings belongs to the trace.
  const endedAt = live.now()
  live.finish()
  tracer.finish()
  tell()
  live.close()
  awaitVerdicts()
  const written = writer?.close(endedAt) ?? null
  post({ type: 'stopped', summary: tracer.summary(), untold, written: written?.packets ?? null })
}

try {
  work()
} catch (error) {
  const { message, stack = '' } = error as Error
  const known = error instanceof UserError ? error : null
  post({ type: 'failed', message, stack, nextSteps: known?.nextSteps ?? [], exitCode: known?.exitCode ?? null })
}
