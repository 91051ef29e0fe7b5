/** The packet worker: a thread with a translator and the packet loop. Started by packet-worker.ts; see protocol.ts. */
import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { describeRingRefusal, openRing, type Ring } from '../host/io-uring.js'
import { Outbox } from '../xlat/outbox.js'
import { makeStats, STAT } from '../xlat/stats.js'
import { Translator } from '../xlat/translator.js'
import { openArena } from './arena.js'
import { RING_ENTRIES, SLOTS } from './batch.js'
import { makeLeaseLog } from './lease-ring.js'
import { PacketLoop } from './loop.js'
import { makeLoopStats } from './loop-stats.js'
import type { FromWorker, ToWorker, WorkerStart } from './protocol.js'

const port = parentPort!
const start = workerData as WorkerStart
const stats = makeStats(start.stats)

const post = (message: FromWorker) => port.postMessage(message)
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

/** Handles the messages that are waiting. Returns the one that ends the loop, if it is among them. */
function handleMessages(translator: Translator): (ToWorker & { type: 'stop' }) | null {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: ToWorker } | undefined
    if (received === undefined) return null
    const { message } = received
    if (message.type === 'stop') return message
    if (message.type === 'reconfigure') {
      const droppedSessions = translator.reconfigure(message.config, now())
      post({ type: 'reconfigured', id: message.id, droppedSessions })
    } else if (message.type === 'export') {
      post({ type: 'state', id: message.id, state: translator.exportState(now()) })
    } else {
      const { id, what, limit } = message
      if (what === 'bib') post({ type: 'rows', id, rows: translator.bibRows(limit), total: stats[STAT.bibEntries]! })
      else if (what === 'sessions')
        post({ type: 'rows', id, rows: translator.sessionRows(limit), total: stats[STAT.sessions]! })
      else post({ type: 'rows', id, rows: translator.guestRows(limit), total: stats[STAT.guests]! })
    }
  }
}

function work(): void {
  const arena = openArena(SLOTS)
  const { ring, refusal } = tryRing()
  const translator = new Translator(start.config, {
    random32: makeRandom32(),
    secret: start.secret,
    stats,
    outbox: new Outbox(arena.outbox),
    ...(start.leases && { leaseLog: makeLeaseLog(start.leases) }),
  })
  const imported = start.state ? translator.importState(start.state, now()) : { bib: 0, sessions: 0, refused: 0 }
  let stop: (ToWorker & { type: 'stop' }) | null = null
  const loop = new PacketLoop({
    translator,
    fds: start.fds,
    vnetHeader: start.vnetHeader,
    uso: start.vnetHeader && start.uso === true,
    ring,
    arena,
    wakeFd: start.wakeFd,
    spinUs: start.spinUs,
    stats,
    loop: makeLoopStats(start.loopStats),
    control: () => {
      stop ??= handleMessages(translator)
      return stop !== null
    },
  })
  post({ type: 'ready', io: ring === null ? 'read-write' : 'io_uring', ringRefusal: refusal, imported })
  const end = loop.run()
  if (end.reason === 'device-lost') {
    const state = translator.exportState(now())
    translator.end()
    post({ type: 'device-lost', errno: end.errno, state })
  } else {
    const wanted = (stop as (ToWorker & { type: 'stop' }) | null)?.exportState
    post({ type: 'stopped', state: wanted ? translator.exportState(now()) : null })
  }
  ring?.close()
}

try {
  work()
} catch (error) {
  const { message, stack = '' } = error as Error
  post({ type: 'failed', message, stack })
}
