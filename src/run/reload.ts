/** SIGHUP: the configuration is read again, checked against this host, and swapped in; sessions stay. */
import { closeSync } from 'node:fs'
import type { Verbs } from './helper/protocol.js'
import { startMetrics } from './metrics/start.js'
import { chosenText } from './plan/choose-pool.js'
import { noteJournal, type Service } from './service.js'

export interface Reloaded {
  readonly droppedSessions: number
  readonly changes: number
  readonly warnings: readonly string[]
}

/**
 * Swaps a new configuration in, or, `again`, the one in force into a host that has changed. When anything is wrong with
 * it, throws and everything is as before.
 * @throws UserError
 */
export async function reloadService(service: Service, again = false): Promise<Reloaded> {
  const { helper } = service
  const request = { again, chosen: chosenText(service.prepared) }
  let droppedSessions = 0
  const { data, record } = await helper.change(request, async ({ data, takeFds }) => {
    droppedSessions = await swap(service, data, takeFds())
  })
  noteJournal(service, record)
  return { droppedSessions, changes: data.changes, warnings: [...data.loaded.warnings, ...data.prepared.plan.warnings] }
}

/** The translator's part. Throws, and is as it was, when something does not work. */
async function swap(service: Service, data: Verbs['reload']['answers'], fds: number[]): Promise<number> {
  const { loaded, prepared } = data
  const bibFd = data.bibLog ? (fds.shift() as number) : null
  const metricsFd = data.metrics ? (fds.shift() as number) : null
  const kept = loaded.run.metrics === null ? null : service.metrics
  const metrics = metricsFd === null ? kept : await startMetrics(service, loaded.run.metrics, metricsFd)
  let dropped: number
  try {
    const mtu = prepared.config.host.setup ? {} : { mtu: service.config.xlat.mtu }
    dropped = await service.worker.reconfigure({ ...prepared.config.xlat, ...mtu })
  } catch (error) {
    if (metrics !== service.metrics) metrics?.close()
    if (bibFd !== null) closeSync(bibFd)
    throw error
  }
  if (bibFd !== null && loaded.run.bibLog.file !== null) service.bibLog?.moveTo(loaded.run.bibLog.file, bibFd)
  if (metrics !== service.metrics) service.metrics?.close()
  service.metrics = metrics
  service.loaded = loaded
  service.prepared = prepared
  service.config = prepared.config
  service.log.level = loaded.run.logLevel
  return dropped
}
