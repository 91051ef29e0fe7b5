/** The main thread's side of the packet worker: starts it, asks it, stops it. Messages are in protocol.ts. */
import { randomFillSync } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { closeEventfd, openEventfd, signalEventfd } from '../host/eventfd.js'
import type { XlatConfig } from '../xlat/config.js'
import { makeStats, STAT_BYTES } from '../xlat/stats.js'
import { builtFile } from './built-file.js'
import { LOOP_BYTES, makeLoopStats } from './loop-stats.js'
import type {
  BibRow,
  FromWorker,
  GuestRow,
  Imported,
  IoKind,
  SessionRow,
  ToWorker,
  WorkerDevice,
  WorkerStart,
} from './protocol.js'

/** What a packet worker is started with; the rest is made here. */
export interface PacketWorkerOptions
  extends Pick<WorkerStart, 'config' | 'fds' | 'vnetHeader' | 'uso' | 'io' | 'spinUs' | 'state'>,
    Partial<Pick<WorkerStart, 'leases'>> {
  /** The device is gone; see {@link PacketWorker.attach}. */
  readonly onLost?: (errno: string) => void
  /** Absent: random. */
  readonly secret?: WorkerStart['secret']
  /** The bundled worker.js; absent: the one of this build. */
  readonly file?: string
}

/** How a worker ended that nobody had stopped. */
export type WorkerEnd = Extract<FromWorker, { type: 'failed' }>

export interface Rows {
  readonly rows: readonly (BibRow | SessionRow | GuestRow)[]
  /** How many there are in all. */
  readonly total: number
}

export interface PacketWorker {
  /** How packets are moved; another device may be another way. */
  readonly io: IoKind
  /** Why io_uring is not used although it was asked for, as a sentence; else ''. */
  readonly ringRefusal: string
  /** What was taken over from `state`. */
  readonly imported: Imported
  /** Counters, live: see xlat/stats.ts and loop-stats.ts. */
  readonly stats: Float64Array
  readonly loop: Float64Array
  /** Resolves when the worker ends without being told to: a bug. Never rejects. */
  readonly ended: Promise<WorkerEnd>
  /** Swaps the configuration; resolves with the number of sessions that it no longer covers. */
  reconfigure(config: XlatConfig): Promise<number>
  query(what: 'bib' | 'sessions' | 'guests', limit: number): Promise<Rows>
  exportState(): Promise<Uint8Array>
  /** Goes on with another device after one was lost; sessions and counters stay. Resolves when packets are moved. */
  attach(device: WorkerDevice): Promise<void>
  /** Ends the loop; resolves with the state when it is wanted. To be called once. The descriptors stay open. */
  stop(exportState: boolean): Promise<Uint8Array | null>
}

const START_MS = 30_000
const ANSWER_MS = 10_000
const STOP_MS = 15_000

interface Pending {
  resolve(message: FromWorker): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/**
 * Starts the worker; resolves when it moves packets.
 * @throws Error when it cannot start, with what the worker said
 */
export async function startPacketWorker(options: PacketWorkerOptions): Promise<PacketWorker> {
  const { file, secret, onLost, ...rest } = options
  const wakeFd = openEventfd()
  const buffers = { stats: new SharedArrayBuffer(STAT_BYTES), loopStats: new SharedArrayBuffer(LOOP_BYTES) }
  const data: WorkerStart = { leases: null, ...rest, ...buffers, wakeFd, secret: secret ?? randomSecret() }
  // Handed over, not copied: with very many sessions it is large.
  const transferList = data.state ? [data.state.buffer as ArrayBuffer] : []
  const script = file ?? builtFile('src/run/worker.js')
  const worker = new Worker(script, { workerData: data, transferList, name: 'packets' })

  const pending = new Map<string, Pending>()
  let nextId = 1
  let isOver = false
  let isStopping = false
  let noteEnd: (end: WorkerEnd) => void = () => {}
  const ended = new Promise<WorkerEnd>(resolve => {
    noteEnd = resolve
  })

  const expect = (key: string, ms: number, what: string) =>
    new Promise<FromWorker>((resolve, reject) => {
      if (isOver) return reject(new Error('the packet worker has ended'))
      const late = () => {
        pending.delete(key)
        reject(new Error(`the packet worker did not ${what} within ${ms / 1000} seconds`))
      }
      pending.set(key, { resolve, reject, timer: setTimeout(late, ms) })
    })
  const settle = (key: string, act: (p: Pending) => void) => {
    const p = pending.get(key)
    if (!p) return
    pending.delete(key)
    clearTimeout(p.timer)
    act(p)
  }
  const send = (message: ToWorker) => {
    // The event descriptor is closed then, and its number may be somebody else's.
    if (isOver) return
    worker.postMessage(message)
    signalEventfd(wakeFd)
  }
  const failAll = (error: Error) => {
    for (const key of [...pending.keys()]) settle(key, p => p.reject(error))
  }
  const over = (end: WorkerEnd) => {
    failAll(new Error(`the packet worker ended: ${end.message}`))
    noteEnd(end)
  }
  // A thread that waits for packets would keep the process from exiting.
  const onProcessExit = () => send({ type: 'stop', exportState: false })
  process.once('exit', onProcessExit)

  worker.on('message', (message: FromWorker) => {
    if (message.type === 'failed') over(message)
    else if (message.type === 'device-lost') onLost?.(message.errno)
    else settle('id' in message ? `${message.type} ${message.id}` : message.type, p => p.resolve(message))
  })
  worker.on('error', error => over({ type: 'failed', message: error.message, stack: error.stack ?? '' }))
  worker.on('exit', code => {
    isOver = true
    process.off('exit', onProcessExit)
    closeEventfd(wakeFd)
    if (isStopping) failAll(new Error('the packet worker has ended'))
    else over({ type: 'failed', message: `it exited with ${code}`, stack: '' })
  })

  let ready: Extract<FromWorker, { type: 'ready' }>
  try {
    ready = (await expect('ready', START_MS, 'start')) as typeof ready
  } catch (error) {
    await worker.terminate()
    throw error
  }

  return {
    get io() {
      return ready.io
    },
    ringRefusal: ready.ringRefusal,
    imported: ready.imported,
    stats: makeStats(buffers.stats),
    loop: makeLoopStats(buffers.loopStats),
    ended,
    async reconfigure(config) {
      const id = nextId++
      const answer = expect(`reconfigured ${id}`, START_MS, 'take the configuration')
      send({ type: 'reconfigure', id, config })
      return ((await answer) as Extract<FromWorker, { type: 'reconfigured' }>).droppedSessions
    },
    async query(what, limit) {
      const id = nextId++
      const answer = expect(`rows ${id}`, ANSWER_MS, 'answer')
      send({ type: 'query', id, what, limit })
      const { rows, total } = (await answer) as Extract<FromWorker, { type: 'rows' }>
      return { rows, total }
    },
    async exportState() {
      const id = nextId++
      const answer = expect(`state ${id}`, STOP_MS, 'export its state')
      send({ type: 'export', id })
      return ((await answer) as Extract<FromWorker, { type: 'state' }>).state
    },
    async attach(device) {
      const answer = expect('ready', START_MS, 'take the device')
      send({ type: 'device', ...device })
      ready = (await answer) as typeof ready
    },
    async stop(exportState) {
      if (isOver) return null
      isStopping = true
      const gone = new Promise(resolve => worker.once('exit', resolve))
      const answer = expect('stopped', STOP_MS, 'stop')
      send({ type: 'stop', exportState })
      try {
        const { state } = (await answer) as Extract<FromWorker, { type: 'stopped' }>
        await gone
        return state
      } catch (error) {
        void worker.terminate()
        throw error
      }
    },
  }
}

function randomSecret(): WorkerStart['secret'] {
  const [a, b, c, d] = randomFillSync(new Uint32Array(4)) as unknown as [number, number, number, number]
  return [a, b, c, d]
}
