/** What the helper knows when it is started for one thing: the journal, the configuration in force. */
import { readFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { loadConfig } from '../../config/load.js'
import type { LoadedConfig } from '../../config/run-config.js'
import { EXIT, UserError } from '../../errors.js'
import { writeFileAtomically } from '../atomic-write.js'
import { type Journal, newJournal, readJournal } from '../journal.js'
import type { Log } from '../log.js'
import { type RuntimePaths, runtimePaths } from '../runtime-dir.js'
import type { HelperStart, Verb, Verbs } from './protocol.js'

export interface HelperContext {
  readonly start: HelperStart
  readonly paths: RuntimePaths
  readonly journal: Journal
  readonly log: Log
  /** The configuration in force. @throws UserError when it is gone */
  inForce(): LoadedConfig
  /** As it is written by now. @throws UserError */
  readAnew(): LoadedConfig
}

/** What a verb has to say. */
export interface Outcome<V extends Verb> {
  readonly data: Verbs[V]['answers']
  readonly fds?: readonly number[]
}

/** How an action says something, once or more, and what it is told meanwhile. */
export interface Talk<V extends Verb> {
  answer(outcome: Outcome<V>): Promise<void>
  /** Waits for the next verb; null: the translator is gone. */
  next(): string | null
}

export function makeContext(start: HelperStart, log: Log): HelperContext {
  const paths = runtimePaths(start.tun)
  return {
    start,
    paths,
    journal: readJournal(paths.journal) ?? newJournal(paths.journal, start.tun, [], start.pid),
    log,
    inForce: () => {
      const loaded = readLoaded(paths)
      if (loaded !== null) return loaded
      throw new UserError(`${paths.loaded} is gone, which has the configuration in force.`, { exitCode: EXIT.unable })
    },
    readAnew: () => loadConfig({ file: start.config ?? undefined, env: process.env, flags: start.flags }),
  }
}

/** Keeps the configuration in force where only root reads and writes it. @throws UserError; then the one before is there still */
export function writeLoaded(paths: RuntimePaths, loaded: LoadedConfig): void {
  try {
    writeFileAtomically(paths.loaded, serialize(loaded))
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new UserError(`${paths.loaded} cannot be written (${code}).`, { exitCode: EXIT.unable })
  }
}

/** null: there is none, or none that can be read. */
export function readLoaded(paths: RuntimePaths): LoadedConfig | null {
  try {
    return deserialize(readFileSync(paths.loaded)) as LoadedConfig
  } catch {
    return null
  }
}
