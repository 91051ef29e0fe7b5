/** Keeps guests from the addresses that this host has now, not from those that it had at the start. */
import { formatPrefix4, type Prefix4 } from '../addr/prefix.js'
import type { Service } from './service.js'

/** To be called when addresses may have changed. Never throws: translation goes on as it is. */
export async function followAddresses(service: Service): Promise<void> {
  const { log, worker, helper, state } = service
  if (state !== 'running') return
  try {
    const { data: now } = await helper.ask('addresses', null)
    const { config } = service
    if (textOf(now) === textOf(config.xlat.hostAddresses4)) return
    service.config = { ...config, xlat: { ...config.xlat, hostAddresses4: now } }
    const dropped = await worker.reconfigure(service.config.xlat)
    log.debug('guests are kept from the addresses that this host has now', { dropped_sessions: dropped })
  } catch (error) {
    log.warning(`this host's new addresses are not kept from guests: ${(error as Error).message}`)
  }
}

const textOf = (prefixes: readonly Prefix4[]) => prefixes.map(formatPrefix4).join()
