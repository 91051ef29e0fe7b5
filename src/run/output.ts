/** Where log lines go: stderr, or the live screen while there is one. And what the screen is fed with. */
import type { LogLevel } from '../config/run-config.js'
import { isJournald, type Log, makeLog } from './log.js'
import { type Service, statusOf } from './service.js'
import type { StatusSnapshot } from './status-types.js'

const SNAPSHOT_MS = 1000
/** Lines that a screen shows which comes up later. */
const KEPT_LINES = 50

/** The feed of the live screen; both functions return one that ends the subscription. */
export interface Feed {
  onSnapshot(listener: (snapshot: StatusSnapshot) => void): () => void
  onLog(listener: (line: string) => void): () => void
}

export interface Output {
  readonly log: Log
  feed(service: Service): Feed
}

export function makeOutput(level: LogLevel): Output {
  const listeners = new Set<(line: string) => void>()
  const kept: string[] = []
  const write = (line: string) => {
    kept.push(line.trimEnd())
    if (kept.length > KEPT_LINES) kept.shift()
    if (listeners.size === 0) process.stderr.write(line)
    for (const listener of listeners) listener(line.trimEnd())
  }
  // A log that nobody reads any more, or a full disk under it, is no reason to stop translating.
  process.stderr.on('error', () => {})
  return {
    log: makeLog(level, write, isJournald()),
    feed: service => ({
      onSnapshot(listener) {
        const show = () => void statusOf(service).then(listener, () => {})
        show()
        const timer = setInterval(show, SNAPSHOT_MS)
        return () => clearInterval(timer)
      },
      onLog(listener) {
        for (const line of kept) listener(line)
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }),
  }
}
