/** What the helper does when the translator has gone without a word: the host becomes what it was. */
import { removeWritten } from '../atomic-write.js'
import { removeDeadSocket } from '../control.js'
import { undoLeftovers } from '../leftovers.js'
import type { Log } from '../log.js'
import { lockSetup, pathsFor, type RuntimePaths, runtimePaths, takeInstance } from '../runtime-dir.js'
import { readLoaded } from './context.js'
import type { HelperStart } from './protocol.js'

/** Undoes what is left, unless a new translator has the device by now, which does it itself. Never throws. */
export async function undoOrphan(start: HelperStart, log: Log): Promise<void> {
  const paths = runtimePaths(start.tun)
  try {
    // Programs that it had started to change the host may be at work still.
    const lock = await takeInstance(paths, start.tun)
    const setup = await lockSetup(paths)
    try {
      const changes = await undoLeftovers(paths, log)
      await removeTraces(paths)
      if (changes > 0)
        log.warning('the translator ended without cleaning up; what it had set up is undone', { changes })
    } finally {
      setup.release()
      lock.release()
    }
  } catch (error) {
    log.debug((error as Error).message)
  }
}

/** Sockets that nobody listens on any more, and what was kept for the helper. What cannot be removed does no harm. */
export async function removeTraces(paths: RuntimePaths): Promise<void> {
  const loaded = readLoaded(paths)
  const metrics = loaded?.run.metrics
  const sockets = [
    loaded ? pathsFor(loaded.run).socket : paths.socket,
    ...(metrics && 'path' in metrics ? [metrics.path] : []),
  ]
  for (const socket of sockets) await removeDeadSocket(socket)
  removeWritten(paths.loaded)
}
