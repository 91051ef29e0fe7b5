/** The main thread's side of the tracing thread: starts it, feeds it, stops it. Messages are in protocol.ts. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type ExitCode, UserError } from '../../errors.js'
import { closeEventfd, openEventfd, signalEventfd } from '../../host/eventfd.js'
import type { FromTracer, ToTracer, TraceStart } from './protocol.js'

export interface TracingThread {
  send(message: ToTracer): void
  /** Ends the capture; what was under way is judged. Resolves when the thread is gone. */
  stop(): Promise<void>
}

const START_MS = 30_000
const STOP_MS = 10_000

/**
 * Starts the thread; resolves when it captures. `listen` gets all that it says.
 * @throws UserError when it cannot capture
 */
export async function startTracing(
  options: Omit<TraceStart, 'wakeFd'>,
  listen: (message: FromTracer) => void,
): Promise<TracingThread> {
  const wakeFd = openEventfd()
  // Its sockets come from libc: Node need not know of them.
  const worker = new Worker(threadFile(), {
    workerData: { ...options, wakeFd },
    name: 'trace',
    trackUnmanagedFds: false,
  })
  const gone = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  let isGone = false
  void gone.then(() => {
    isGone = true
    closeEventfd(wakeFd)
  })
  const send = (message: ToTracer) => {
    if (isGone) return
    worker.postMessage(message)
    signalEventfd(wakeFd)
  }
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the tracing thread does not start')), START_MS)
    worker.on('message', (message: FromTracer) => {
      if (message.type === 'ready') {
        clearTimeout(timer)
        resolve()
      } else if (message.type === 'failed') {
        clearTimeout(timer)
        reject(errorOf(message))
      }
      listen(message)
    })
    worker.on('error', error => {
      clearTimeout(timer)
      reject(error)
      listen({ type: 'failed', message: error.message, nextSteps: [], exitCode: null, stack: error.stack ?? '' })
    })
  })
  return {
    send,
    async stop() {
      send({ type: 'stop' })
      const timer = setTimeout(() => void worker.terminate(), STOP_MS)
      await gone
      clearTimeout(timer)
    },
  }
}

/** What a thread that failed had to say, as an error of the main thread. */
export function errorOf(failed: Extract<FromTracer, { type: 'failed' }>): Error {
  const { message, nextSteps, exitCode, stack } = failed
  if (exitCode !== null) return new UserError(message, { exitCode: exitCode as ExitCode, nextSteps })
  return Object.assign(new Error(message), { stack })
}

/** The bundled thread, wherever the bundler has put the code that starts it. */
function threadFile(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let up = 0; up < 5; up++) {
    for (const name of ['src/trace/live/worker.js', 'dist/src/trace/live/worker.js']) {
      const file = join(folder, name)
      if (existsSync(file)) return file
    }
    folder = dirname(folder)
  }
  throw new Error('the tracing thread is missing: the program is not built')
}
