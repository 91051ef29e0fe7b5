/** Metrics of a service: where they are read from, and when it counts as healthy. */
import type { ListenAt } from '../../config/run-config.js'
import { idleMs } from '../loop-stats.js'
import type { Service } from '../service.js'
import { expose } from './exposition.js'
import { type MetricsServer, serveMetrics } from './server.js'
import { METRICS, type MetricsSource } from './table.js'

/** Serves them at `at`, on `fd` where somebody listens there for us; null serves none. Throws what {@link serveMetrics} does. */
export async function startMetrics(
  service: Service,
  at: ListenAt | null,
  fd: number | null = null,
): Promise<MetricsServer | null> {
  if (at === null) return null
  const handler = {
    metrics: () => expose(METRICS, sourceOf(service)),
    isHealthy: async () => {
      await service.worker.query('guests', 0)
      return service.state === 'running' || service.state === 'reloading'
    },
  }
  return serveMetrics(at, handler, fd)
}

function sourceOf(service: Service): MetricsSource {
  const { worker, config, options, lastReload, recreations, mended, bibLog } = service
  const { user, system } = process.cpuUsage()
  const idle = idleMs(worker.loop)
  return {
    stats: worker.stats,
    loop: worker.loop,
    config,
    io: worker.io,
    version: options.version,
    node: process.versions.node,
    startedAt: performance.timeOrigin / 1000,
    lastPacketAt: idle === null ? null : (Date.now() - idle) / 1000,
    reload: lastReload,
    recreations,
    mended,
    bibLog: bibLog?.counts ?? null,
    memory: process.memoryUsage(),
    cpuSeconds: (user + system) / 1e6,
  }
}
