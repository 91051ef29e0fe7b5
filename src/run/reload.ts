/** SIGHUP: the configuration is read again, checked against this host, and swapped in; sessions stay. */
import type { LoadedConfig, RunConfig } from '../config/run-config.js'
import { EXIT, UserError } from '../errors.js'
import { applyChanges, undoChanges } from './apply.js'
import { type Prepared, prepareHost } from './host-setup.js'
import { keepChanges } from './journal.js'
import type { MetricsServer } from './metrics/server.js'
import { startMetrics } from './metrics/start.js'
import { type Change, resourceOf, sameWish } from './plan/change.js'
import { chosenText, type Service } from './service.js'

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
]

export interface Reloaded {
  readonly droppedSessions: number
  readonly changes: number
}

/**
 * Swaps a new configuration in. When anything is wrong with it, throws and everything is as before.
 * @throws UserError
 */
export async function reloadService(service: Service, loaded: LoadedConfig): Promise<Reloaded> {
  const fixed = FIXED.filter(([, value]) => value(loaded.run) !== value(service.loaded.run)).map(([name]) => name)
  if (fixed.length > 0) {
    throw new UserError(`${fixed.join(' and ')} can only be changed by a restart.`, { exitCode: EXIT.config })
  }
  const { journal } = service
  const before = journal.record.changes
  const ours = before.flatMap(c => (c.kind === 'nft' ? [c.table] : []))
  const prepared = await prepareHost(loaded.run, chosenText(service.prepared), ours)
  const fresh = prepared.plan.changes.filter(c => c.kind !== 'device' && !before.some(old => sameWish(old, c)))
  const obsolete = before.filter(old => isObsolete(old, prepared))
  const metrics = await swapMetrics(service, loaded.run.metrics)
  let droppedSessions: number
  try {
    if (loaded.run.bibLog.file !== null) await service.bibLog?.moveTo(loaded.run.bibLog.file)
    await applyChanges(fresh, journal)
    const mtu = prepared.config.host.setup ? {} : { mtu: service.config.xlat.mtu }
    droppedSessions = await service.worker.reconfigure({ ...prepared.config.xlat, ...mtu })
  } catch (error) {
    if (metrics !== service.metrics) metrics?.close()
    const { file } = service.loaded.run.bibLog
    if (file !== null) await service.bibLog?.moveTo(file).catch(() => {})
    await undoFresh(service, fresh, before)
    throw error
  }
  // A change of the same resource has been replaced by a fresh one: nothing is left of it to undo.
  const replaced = (change: Change) => fresh.some(f => f.kind === 'nft' && resourceOf(f) === resourceOf(change))
  keepChanges(
    journal,
    journal.record.changes.filter(c => !(before.includes(c) && replaced(c))),
  )
  await undoChanges(journal, change => obsolete.includes(change) && !replaced(change))
  if (metrics !== service.metrics) service.metrics?.close()
  service.metrics = metrics
  service.loaded = loaded
  service.prepared = prepared
  service.config = prepared.config
  service.log.level = loaded.run.logLevel
  return { droppedSessions, changes: fresh.length + obsolete.length }
}

/** The server of metrics that is to be: the one that runs, where the place stays the same. */
function swapMetrics(service: Service, at: RunConfig['metrics']): Promise<MetricsServer | null> | MetricsServer | null {
  const same = JSON.stringify(at) === JSON.stringify(service.loaded.run.metrics)
  return same ? service.metrics : startMetrics(service, at)
}

/** Forwarding that we turned on is on now, so the plan does not ask for it; it is needed all the same. */
function isObsolete(old: Change, { config, plan }: Prepared): boolean {
  if (old.kind === 'device' || old.kind === 'link') return false
  if (old.kind === 'sysctl') return !config.host.forwarding
  return !plan.wanted.some(w => sameWish(w, old))
}

async function undoFresh(service: Service, fresh: readonly Change[], before: readonly Change[]): Promise<void> {
  const { journal } = service
  await undoChanges(journal, change => fresh.includes(change))
  const lost = before.filter(c => c.kind === 'nft' && fresh.some(f => resourceOf(f) === resourceOf(c)))
  keepChanges(
    journal,
    journal.record.changes.filter(c => !lost.includes(c)),
  )
  await applyChanges(lost, journal).catch(error => service.log.error((error as Error).message))
}
