/** Opens the TUN device of a run, behind the journal. */
import type { RunConfig } from '../config/run-config.js'
import { readLinks } from '../host/ip.js'
import { openTun, type Tun } from '../host/tun.js'
import type { Prepared } from './host-setup.js'
import { type Journal, keepChanges, noteChange, noteDevice } from './journal.js'

/** Opens the device and notes it; the configuration comes back with the MTU that counts. */
export async function openDevice(prepared: Prepared, journal: Journal): Promise<{ tun: Tun; config: RunConfig }> {
  const { config, plan } = prepared
  if (config.host.setup) for (const change of plan.changes) if (change.kind === 'device') noteChange(journal, change)
  let tun: Tun
  try {
    tun = openTun({ name: config.tun.name, queues: config.tun.queues })
  } catch (error) {
    forgetDevice(journal)
    throw error
  }
  try {
    if (!config.host.setup) return { tun, config: withMtu(config, tun.mtu()) }
    const index = (await readLinks()).find(l => l.name === tun.name)?.index ?? 0
    noteDevice(journal, index)
    return { tun, config }
  } catch (error) {
    tun.close()
    forgetDevice(journal)
    throw error
  }
}

/** Without set-up the device's MTU is somebody else's decision. */
function withMtu(config: RunConfig, mtu: number): RunConfig {
  if (mtu === 0 || mtu === config.tun.mtu) return config
  return { ...config, tun: { ...config.tun, mtu }, xlat: { ...config.xlat, mtu } }
}

/** It is not there: nothing to undo. What was taken over from an earlier run stays noted. */
function forgetDevice(journal: Journal): void {
  keepChanges(
    journal,
    journal.record.changes.filter(c => c.kind !== 'device'),
  )
}
