/** The tracing thread: captures, joins and judges. Started by tracing-thread.ts; see protocol.ts. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { UserError } from '../../errors.js'
import type { Frame, Tap } from '../core/frame.js'
import { makeTracer, type Tracer } from '../core/tracer.js'
import { recorded, recording } from '../file/record.js'
import { openTraceWriter, type TraceWriter } from '../file/write.js'
import { openLiveCapture } from './open-capture.js'
import type { FromTracer, ToTracer, TraceStart } from './protocol.js'
import { makeTelling } from './telling.js'
import { makeThrottle } from './throttle.js'

const port = parentPort!
const start = workerData as TraceStart
const post = (message: FromTracer) => port.postMessage(message)

const TURN_MS = 50
const STATE_NS = 250e6
const ADVANCE_NS = 50e6
const LAST_NS = 250e6
const LAST_WORD_MS = 2000
const PAUSE_MS = 20

function work(): void {
  let knownFlows = 0
  let isBusy = false
  /** Packets that are under way when the end is asked for get a moment to arrive. */
  let stopAt = Number.POSITIVE_INFINITY
  const taps: Tap[] = []
  const file: { writer: TraceWriter | null } = { writer: null }
  function openWriter(path: string): void {
    if (file.writer !== null) return
    const writer = openTraceWriter({
      path,
      application: `nat64 ${start.version}`,
      target: start.wanted.text,
      facts,
      extent: start.passive ? 'passive' : 'promiscuous',
      onProblem: error => post({ type: 'note', text: error.message }),
    })
    writer.start(start.epoch * 1000)
    for (const tap of taps) writer.tap(tap)
    file.writer = writer
  }
  let { facts } = start
  if (start.write !== null) openWriter(start.write)
  const telling = makeTelling(
    paths => post({ type: 'paths', paths }),
    () => performance.now(),
    () => isBusy,
  )
  const record = recording(
    () => file.writer,
    path => (telling.tell(path) && path.verdict.kind === 'died' ? null : path),
  )
  const tracer: Tracer = makeTracer(start.facts, {
    wanted: start.wanted,
    waits: start.waits,
    limit: start.limit,
    isVisible: ({ netns, visibility }) =>
      (visibility !== 'promiscuous' || !start.passive) && !live.missing.some(m => m.netns === (netns ?? null)),
    hasRoom: telling.hasRoom,
    onPath: record.onPath,
    onUnwanted: record.onUnwanted,
  })
  const seeing = recorded(() => file.writer, tracer)

  function tryToWrite(path: string): void {
    try {
      openWriter(path)
    } catch (error) {
      post({ type: 'note', text: (error as Error).message })
    }
  }

  function handleMessages(): void {
    for (;;) {
      const received = receiveMessageOnPort(port) as { message: ToTracer } | undefined
      if (received === undefined) return
      const { message } = received
      if (message.type === 'stop') stopAt = Math.min(stopAt, live.now() + LAST_NS)
      else if (message.type === 'tables') tracer.learn(message.tables)
      else if (message.type === 'write') tryToWrite(message.path)
      else if (message.type === 'taken') {
        telling.taken(message.count)
        for (const { id, verdict } of message.verdicts) record.settle(id, verdict)
      } else {
        facts = message.facts
        tracer.setHost(facts)
        throttle.use(message.filter)
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
      onTap(tap) {
        taps.push(tap)
        seeing.tap(tap)
      },
      see(frame: Frame) {
        seeing.see(frame)
        if (frame.time - advancedTo > ADVANCE_NS) advance(frame.time)
      },
      onLinks: () => post({ type: 'links' }),
      onIdle: (_now, settled) => advance(settled),
      onCounts(strain, at) {
        tracer.count(strain.seen - strain.lost, strain.lost)
        if (strain.lost > 0) {
          tracer.noteLoss(countedTo, at)
          file.writer?.loss(strain.lost, countedTo, at)
        }
        countedTo = at
        throttle.note({ ...strain, isCrowded: tracer.isCrowded() }, at)
        isBusy = throttle.isOn
      },
      onWake: handleMessages,
    },
  })
  const throttle = makeThrottle(start.filter, tracer, live.refilter)
  const notes = live.missing.map(m => `the namespace ${m.netns} is not captured: ${m.error.message}`)
  post({ type: 'ready', notes })
  while (live.now() < stopAt && !tracer.isFull()) {
    live.turn(TURN_MS)
    telling.flush()
    const at = live.now()
    if (at - statedAt < STATE_NS) continue
    statedAt = at
    file.writer?.flush()
    const flows = tracer.flows()
    const summary = tracer.summary()
    post({ type: 'state', summary, flows: flows !== knownFlows, untold: summary.paths - telling.told })
    knownFlows = flows
  }
  // What is still in the rings belongs to the trace.
  const endedAt = live.now()
  live.finish()
  tracer.finish()
  telling.flush()
  live.close()
  awaitVerdicts()
  const written = file.writer?.close(endedAt) ?? null
  const summary = tracer.summary()
  const untold = summary.paths - telling.told
  post({ type: 'stopped', summary, untold, written: written?.packets ?? null })
}

try {
  work()
} catch (error) {
  const { message, stack = '' } = error as Error
  const known = error instanceof UserError ? error : null
  post({ type: 'failed', message, stack, nextSteps: known?.nextSteps ?? [], exitCode: known?.exitCode ?? null })
}
