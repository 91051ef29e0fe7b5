/** Keeps guests from the addresses that this host has now, not from those that it had at the start. */
import { formatPrefix4 } from '../addr/prefix.js'
import { ipJson, parseAddresses, parseRoutes } from '../host/ip.js'
import { hostAddresses4 } from './plan/host-addresses.js'
import type { Service } from './service.js'

/** To be called when addresses may have changed. Never throws: translation goes on as it is. */
export async function followAddresses(service: Service): Promise<void> {
  const { log, worker, state } = service
  if (state !== 'running') return
  try {
    const [addresses, routes] = await Promise.all([
      ipJson('-4', 'address', 'show'),
      ipJson('-4', 'route', 'show', 'table', 'local'),
    ])
    const facts = {
      addresses: parseAddresses(addresses),
      // Of one table: the name of it is not printed.
      routes: parseRoutes(routes, 4).map(r => ({ ...r, table: 'local' })),
    }
    const { config } = service
    const now = hostAddresses4(config, facts)
    if (textOf(now) === textOf(config.xlat.hostAddresses4)) return
    service.config = { ...config, xlat: { ...config.xlat, hostAddresses4: now } }
    const dropped = await worker.reconfigure(service.config.xlat)
    log.debug('guests are kept from the addresses that this host has now', { dropped_sessions: dropped })
  } catch (error) {
    log.warning(`this host's new addresses are not kept from guests: ${(error as Error).message}`)
  }
}

const textOf = (prefixes: Service['config']['xlat']['hostAddresses4']) => prefixes.map(formatPrefix4).join()
