/** How much memory a translator's tables take when everything in them is used, bytes. Unused parts take none. */
import { size4 } from '../addr/prefix.js'
import { BIB_BYTES } from './bib.js'
import type { XlatConfig } from './config.js'
import { poolBytes } from './dynamic-pool.js'
import { fragmentStoreBytes } from './fragment-store.js'
import { blockBytes } from './guest-blocks.js'
import { GUEST_BYTES } from './guests.js'
import { indexBytes } from './hash-index.js'
import { pendingBytes } from './pending.js'
import { poolMapBytes } from './pool-state.js'
import { PROTOCOLS } from './port-alloc.js'
import { PORT_BLOCK_BYTES } from './port-block.js'
import { SESSION_BYTES } from './session.js'
import { exportBytes } from './state-export.js'

/** The most that the tables of this configuration can take. */
export function tableBytes(config: XlatConfig): number {
  if (config.mode !== 'stateful') return config.dynamicPool === null ? 0 : poolBytes(config.dynamicPool)
  const { limits, filtering } = config
  const entries = limits.bib + config.staticBib.length
  const indexes = filtering === 'endpoint-independent' ? 2 : 3
  return (
    limits.sessions * SESSION_BYTES +
    indexes * indexBytes(limits.sessions) +
    entries * (BIB_BYTES + GUEST_BYTES) +
    3 * indexBytes(entries) +
    pendingBytes(limits.storedSyns) +
    fragmentStoreBytes(limits) +
    portBytes(config, entries)
  )
}

/** Ports are counted for each address and protocol, from its first use on. */
function portBytes({ pool4, portBlock }: XlatConfig, entries: number): number {
  let blocks = 0
  for (const p of PROTOCOLS) {
    for (const r of pool4) if (r.protocols.includes(p)) blocks += size4(r.prefix)
  }
  const addresses = pool4.reduce((sum, r) => sum + size4(r.prefix), 0)
  return blocks * PORT_BLOCK_BYTES + (portBlock > 0 ? Math.min(addresses, entries) * blockBytes(portBlock) : 0)
}

/** The most that its state takes as bytes, beside the tables. */
export function savedBytes({ mode, limits, staticBib, dynamicPool }: XlatConfig): number {
  if (mode === 'stateful') return exportBytes(limits.bib + staticBib.length, limits.sessions)
  return dynamicPool === null ? 0 : poolMapBytes(size4(dynamicPool))
}
