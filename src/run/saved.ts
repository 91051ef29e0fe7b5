/** What is kept in the state directory from one run to the next. Failing to keep it is a warning, never an end. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { RunConfig } from '../config/run-config.js'
import type { Log } from './log.js'
import { loadPoolMap, savePoolMap } from './pool-map.js'
import type { RuntimePaths } from './runtime-dir.js'
import { readStateFile, removeStateFile, writeStateFile } from './state-file.js'

export interface Saved {
  readonly state: Uint8Array | null
  readonly chosenPool: string | null
  readonly ageMs: number
  /** To be called when it has been taken over: it is used once, and one that cannot be used is not kept. */
  used(): void
}

function statePath(config: RunConfig, paths: RuntimePaths): string {
  return join(config.stateDir, basename(paths.lock).replace(/\.lock$/, '.state'))
}

/** Reads what the last run saved; says why it cannot be used. */
export function loadSaved(config: RunConfig, paths: RuntimePaths, log: Log): Saved {
  const nothing: Saved = { state: null, chosenPool: null, ageMs: 0, used() {} }
  if (!config.saveState || config.xlat.mode === 'siit') return nothing
  if (config.xlat.mode === 'pool') return { ...nothing, state: loadPoolMap(config.stateDir, log) }
  const path = statePath(config, paths)
  const found = readStateFile(path, config.xlat.mode, config.xlat.timeouts.tcpEstablished)
  if (found === null) return nothing
  if (typeof found === 'string') {
    log.warning(`the sessions saved in ${path} are not used: ${found}`)
    return { ...nothing, used: () => removeStateFile(path) }
  }
  return { ...found, used: () => removeStateFile(path) }
}

/** Says at the start what would otherwise come to light at the stop: that nothing can be kept in the state directory. */
export function warnUnwritable(config: RunConfig, log: Log): void {
  if (!config.saveState || config.xlat.mode === 'siit') return
  let existing = config.stateDir
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  try {
    accessSync(existing, constants.W_OK)
    if (statfsSync(existing).bavail > 0) return
    log.warning(`the file system of ${config.stateDir} is full; what should outlive a restart cannot be saved`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    log.warning(`${config.stateDir} cannot be written (${code}); what should outlive a restart cannot be saved`)
  }
}

/** Saves the exported state. A full or read-only directory costs the sessions and a warning. */
export function saveOnStop(
  config: RunConfig,
  paths: RuntimePaths,
  chosenPool: string | null,
  state: Uint8Array | null,
  log: Log,
): void {
  if (!state || config.xlat.mode === 'siit') return
  const path = statePath(config, paths)
  try {
    if (config.xlat.mode === 'pool') {
      const guests = savePoolMap(config.stateDir, state)
      log.info('the addresses of guests are kept for the next start', {
        file: join(config.stateDir, 'dynamic.map'),
        guests,
      })
      return
    }
    writeStateFile(path, config.xlat.mode, chosenPool, state)
    log.info('sessions are saved for the next start', { file: path, bytes: state.length })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    const loss = config.xlat.mode === 'pool' ? 'guests may get other addresses' : 'connections will have to start anew'
    log.warning(`the state could not be saved in ${config.stateDir} (${code}); ${loss}`)
  }
}
