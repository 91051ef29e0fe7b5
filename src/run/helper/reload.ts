/** The host's part of a reload: what a new configuration asks for is made, and stays or goes as the translator says then. */
import { createServer, type Server } from 'node:net'
import type { LoadedConfig, RunConfig } from '../../config/run-config.js'
import { EXIT, UserError } from '../../errors.js'
import { applyChanges, undoChanges } from '../apply.js'
import { openBibFile } from '../bib-log.js'
import { removeDeadSocket } from '../control.js'
import { prepareHost } from '../host-setup.js'
import { keepChanges } from '../journal.js'
import { tablesOf } from '../leftovers.js'
import { listenLocally } from '../local-server.js'
import { METRICS_SOCKET } from '../metrics/server.js'
import { type Change, resourceOf, sameWish } from '../plan/change.js'
import { type HelperContext, type Talk, writeLoaded } from './context.js'
import { type PreparedHost, planOf, type Verbs } from './protocol.js'

/** What only a restart can change, and how people call it. */
const FIXED: readonly (readonly [name: string, value: (c: RunConfig) => unknown])[] = [
  ['mode', c => c.xlat.mode],
  ['tun.name', c => c.tun.name],
  ['tun.queues', c => c.tun.queues],
  ['host.setup', c => c.host.setup],
  ['socket', c => c.socket],
  ['io', c => c.io],
  ['log.bib (on or off)', c => c.bibLog.file === null],
  ['log.bib-block', c => c.xlat.portBlock],
  ['limits.bib', c => c.xlat.limits.bib],
  ['limits.sessions', c => c.xlat.limits.sessions],
  ['user', c => c.user],
]

/**
 * Changes the host to what the configuration says, answers, and waits for `commit` or `revert`.
 * @throws UserError when anything is wrong with it; then everything is as before
 */
export async function reloadHost(
  context: HelperContext,
  { again, chosen }: Verbs['reload']['asks'],
  talk: Talk<'reload' | 'commit' | 'revert'>,
): Promise<void> {
  const { journal, paths, log } = context
  const old = context.inForce()
  const loaded = again ? old : context.readAnew()
  requireSame(old.run, loaded.run)
  const before = journal.record.changes
  const prepared = await prepareHost(loaded.run, chosen, tablesOf(before))
  const fresh = prepared.plan.changes.filter(c => c.kind !== 'device' && !before.some(b => sameWish(b, c)))
  const obsolete = before.filter(b => isObsolete(b, prepared))
  const opened = await openFor(old, loaded)
  const revert = async () => {
    await undoChanges(journal, change => fresh.includes(change))
    const lost = before.filter(c => c.kind === 'nft' && fresh.some(f => resourceOf(f) === resourceOf(c)))
    keepChanges(
      journal,
      journal.record.changes.filter(c => !lost.includes(c)),
    )
    await applyChanges(lost, journal).catch(error => log.error((error as Error).message))
  }
  try {
    await applyChanges(fresh, journal)
    writeLoaded(paths, loaded)
  } catch (error) {
    await revert()
    throw error
  }
  const { fds, bibLog, metrics } = opened
  await talk.answer({
    data: { loaded, prepared: planOf(prepared), changes: fresh.length + obsolete.length, bibLog, metrics },
    fds,
  })
  if (talk.next() !== 'commit') {
    opened.server?.close()
    await revert()
    writeLoaded(paths, old)
  } else {
    // A change of the same resource has been replaced by a fresh one: nothing is left of it to undo.
    const replaced = (c: Change) => fresh.some(f => f.kind === 'nft' && resourceOf(f) === resourceOf(c))
    keepChanges(
      journal,
      journal.record.changes.filter(c => !(before.includes(c) && replaced(c))),
    )
    await undoChanges(journal, change => obsolete.includes(change) && !replaced(change))
    const left = old.run.metrics
    if (left !== null && 'path' in left) await removeDeadSocket(left.path)
  }
  await talk.answer({ data: null })
}

function requireSame(old: RunConfig, fresh: RunConfig): void {
  const fixed = FIXED.filter(([, value]) => value(fresh) !== value(old)).map(([name]) => name)
  if (fixed.length === 0) return
  throw new UserError(`${fixed.join(' and ')} can only be changed by a restart.`, { exitCode: EXIT.config })
}

/** Forwarding that we turned on is on now, so the plan does not ask for it; it is needed all the same. */
function isObsolete(old: Change, { config, plan }: PreparedHost): boolean {
  if (old.kind === 'device' || old.kind === 'link') return false
  if (old.kind === 'sysctl') return !config.host.forwarding
  return !plan.wanted.some(w => sameWish(w, old))
}

interface Opened {
  readonly fds: readonly number[]
  /** Which of these the descriptors are of, in this order. */
  readonly bibLog: boolean
  readonly metrics: boolean
  readonly server: Server | null
}

/** Opens the BIB log, which may have been moved away, and listens where metrics are from now on. @throws UserError */
async function openFor(old: LoadedConfig, fresh: LoadedConfig): Promise<Opened> {
  const at = fresh.run.metrics
  const isElsewhere = at !== null && JSON.stringify(at) !== JSON.stringify(old.run.metrics)
  const server = isElsewhere ? createServer() : null
  if (server !== null && at !== null) await listenLocally(server, at, METRICS_SOCKET)
  const { file } = fresh.run.bibLog
  const fds = file === null ? [] : [openBibFile(file)]
  if (server !== null) fds.push((server as unknown as { _handle: { fd: number } })._handle.fd)
  return { fds, bibLog: file !== null, metrics: server !== null, server }
}
