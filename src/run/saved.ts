/** What is kept in the state directory from one run to the next. Failing to keep it is a warning, never an end. */
import { basename, join } from 'node:path'
import type { RunConfig } from '../config/run-config.js'
import type { Log } from './log.js'
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
  if (!config.saveState) return nothing
  const path = statePath(config, paths)
  const maxAge = config.xlat.mode === 'pool' ? Number.POSITIVE_INFINITY : config.xlat.timeouts.tcpEstablished
  const found = readStateFile(path, config.xlat.mode, maxAge)
  if (found === null) return nothing
  if (typeof found === 'string') {
    log.warning(`the sessions saved in ${path} are not used: ${found}`)
    return { ...nothing, used: () => removeStateFile(path) }
  }
  return { ...found, used: () => removeStateFile(path) }
}

/** Saves the exported state. A full or read-only directory costs the sessions and a warning. */
export function saveOnStop(
  config: RunConfig,
  paths: RuntimePaths,
  chosenPool: string | null,
  state: Uint8Array | null,
  log: Log,
): void {
  if (!state) return
  const path = statePath(config, paths)
  try {
    writeStateFile(path, config.xlat.mode, chosenPool, state)
    log.info('sessions are saved for the next start', { file: path, bytes: state.length })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    log.warning(`the sessions could not be saved in ${config.stateDir} (${code}); connections will have to start anew`)
  }
}
