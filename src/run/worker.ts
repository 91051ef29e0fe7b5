/** The packet worker: a thread with a translator and the packet loop. Started by packet-worker.ts; see protocol.ts. */
import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { describeRingRefusal, openRing, type Ring } from '../host/io-uring.js'
import { dropCapabilities } from '../host/privileges.js'
import { Outbox } from '../xlat/outbox.js'
import { makeStats, STAT } from '../xlat/stats.js'
import { Translator } from '../xlat/translator.js'
import { openArena } from './arena.js'
import { RING_ENTRIES, SLOTS } from './batch.js'
import { makeLeaseLog } from './lease-ring.js'
import { PacketLoop } from './loop.js'
import { makeLoopStats } from './loop-stats.js'
import type { FromWorker, Imported, ToWorker, WorkerDevice, WorkerStart } from './protocol.js'

const port = parentPort!
const start = workerData as Omit<WorkerStart, 'state'> & { state: WorkerStart['state'] }
const stats = makeStats(start.stats)

const post = (message: FromWorker) => port.postMessage(message)
/** As post(); the state is handed over, not copied. */
const postState = (message: FromWorker & { readonly state: Uint8Array | null }) =>
  port.postMessage(message, message.state ? [message.state.buffer as ArrayBuffer] : [])
const now = () => Math.floor(performance.now())

/** Unpredictable numbers of 32 bits, fetched from the system a thousand at a time. */
function makeRandom32(): () => number {
  const pool = new Uint32Array(1024)
  let next = pool.length
  return () => {
    if (next === pool.length) {
      randomFillSync(pool)
      next = 0
    }
    return pool[next++]!
  }
}

function tryRing(): { ring: Ring | null; refusal: string } {
  if (start.io === 'read-write') return { ring: null, refusal: '' }
  const ring = openRing(RING_ENTRIES)
  return typeof ring === 'number' ? { ring: null, refusal: describeRingRefusal(ring) } : { ring, refusal: '' }
}

type Ending = ToWorker & { type: 'stop' }
type Device = ToWorker & { type: 'device' }

const arena = openArena(SLOTS)
const translator = new Translator(start.config, {
  random32: makeRandom32(),
  secret: start.secret,
  stats,
  outbox: new Outbox(arena.outbox),
  ...(start.leases && { leaseLog: makeLeaseLog(start.leases) }),
})

/** Handles a message; hands back those that are about the loop itself. */
function handle(message: ToWorker): Ending | Device | null {
  if (message.type === 'stop' || message.type === 'device') return message
  if (message.type === 'reconfigure') {
    const droppedSessions = translator.reconfigure(message.config, now())
    post({ type: 'reconfigured', id: message.id, droppedSessions })
  } else if (message.type === 'export') {
    postState({ type: 'state', id: message.id, state: translator.exportState(now()) })
  } else {
    const { id, what, limit } = message
    if (what === 'bib') post({ type: 'rows', id, rows: translator.bibRows(limit), total: stats[STAT.bibEntries]! })
    else if (what === 'sessions')
      post({ type: 'rows', id, rows: translator.sessionRows(limit), total: stats[STAT.sessions]! })
    else post({ type: 'rows', id, rows: translator.guestRows(limit), total: stats[STAT.guests]! })
  }
  return null
}

/** Handles the messages that are waiting. Returns the one that ends the loop, if it is among them. */
function handleWaiting(): Ending | null {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: ToWorker } | undefined
    if (received === undefined) return null
    const about = handle(received.message)
    if (about?.type === 'stop') return about
  }
}

/** Moves packets of a device until told to stop, or until it is gone: then the translator waits for another one. */
function serve({ fds, vnetHeader, uso }: WorkerDevice, imported: Imported): void {
  // One for each device: what waits in it is for that one.
  const { ring, refusal } = tryRing()
  // The descriptors are all that is needed to move packets. Root becomes somebody else, and needs them for that.
  if (process.geteuid?.() !== 0) dropCapabilities()
  let stop: Ending | null = null
  const loop = new PacketLoop({
    translator,
    fds,
    vnetHeader,
    uso: vnetHeader && uso === true,
    ring,
    arena,
    wakeFd: start.wakeFd,
    spinUs: start.spinUs,
    stats,
    loop: makeLoopStats(start.loopStats),
    control: () => {
      stop ??= handleWaiting()
      return stop !== null
    },
  })
  post({ type: 'ready', io: ring === null ? 'read-write' : 'io_uring', ringRefusal: refusal, imported })
  const end = loop.run()
  loop.close()
  ring?.close()
  if (end.reason === 'stopped') finish(stop)
  else post({ type: 'device-lost', errno: end.errno })
}

function finish(stop: Ending | null): void {
  postState({ type: 'stopped', state: stop?.exportState ? translator.exportState(now()) : null })
  port.close()
}

const guarded = (work: () => void) => {
  try {
    work()
  } catch (error) {
    const { message, stack = '' } = error as Error
    post({ type: 'failed', message, stack })
    port.close()
  }
}

const NOTHING: Imported = { bib: 0, sessions: 0, refused: 0 }

/** What was saved; it would be kept for as long as the thread lives. */
function takeOver(): Imported {
  const { state } = start
  start.state = null
  return state === null ? NOTHING : translator.importState(state, now())
}

guarded(() => serve(start, takeOver()))
// Heard only while there is no loop.
port.on('message', (message: ToWorker) =>
  guarded(() => {
    const about = handle(message)
    if (about?.type === 'stop') finish(about)
    if (about?.type === 'device') serve(about, NOTHING)
  }),
)
