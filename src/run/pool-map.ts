/** Pool mode: who has which address, kept in tayga's dynamic.map, so that either program goes on where the other stopped. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DYNAMIC_MAP_FILE, formatDynamicMap, parseDynamicMap } from '../config/dynamic-map.js'
import { decodePool, encodePool } from '../xlat/pool-state.js'
import { makeDirectory, writeFileAtomically } from './atomic-write.js'
import type { Log } from './log.js'

/** The state that the map in `stateDir` stands for; null when there is none. Lines that are no entry cost a warning. */
export function loadPoolMap(stateDir: string, log: Log): Uint8Array | null {
  const path = join(stateDir, DYNAMIC_MAP_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT') log.warning(`${path} cannot be read (${code}); guests may get other addresses than before`)
    return null
  }
  const { entries, malformed } = parseDynamicMap(text)
  if (malformed.length > 0) log.warning(`${path}: lines that are no entry are left out`, { lines: malformed.join(',') })
  if (entries.length === 0) return null
  const now = Date.now()
  return encodePool(
    entries.map(({ host6, address4, lastUse }) => ({ host6, address4, idleMs: Math.max(0, now - lastUse * 1000) })),
  )
}

/** Writes the map for the exported `state`; returns how many guests are in it. Throws what the system says. */
export function savePoolMap(stateDir: string, state: Uint8Array): number {
  const now = Date.now()
  const entries = (decodePool(state) ?? []).map(({ host6, address4, idleMs }) => ({
    host6,
    address4,
    lastUse: Math.floor((now - idleMs) / 1000),
  }))
  makeDirectory(stateDir, 0o750)
  writeFileAtomically(join(stateDir, DYNAMIC_MAP_FILE), formatDynamicMap(entries, Math.floor(now / 1000)), 0o640)
  return entries.length
}
