/** What `nat64 run` does, by its flags. The command itself only parses and prints. */
import { existsSync } from 'node:fs'

import type { FlagValues } from '../config/flags.js'
import { loadConfig } from '../config/load.js'
import { configJson, printConfig } from '../config/print.js'
import type { LoadedConfig } from '../config/run-config.js'
import { EXIT, type ExitCode, UserError } from '../errors.js'
import { makeTun, removeTun } from '../host/tun.js'
import { countOf } from '../term/format.js'
import { removeTemporaries } from './atomic-write.js'
import { removeTraces } from './helper/orphan.js'
import { dryRunLines, prepareHost, sentence } from './host-setup.js'
import { readJournal } from './journal.js'
import { tablesOf, undoLeftovers } from './leftovers.js'
import { type RunOptions, runUntilStopped } from './lifecycle.js'
import { nameOfRun, UNDO_OF } from './linger.js'
import type { Log } from './log.js'
import { applyCommands, describeChange, undoCommands } from './plan/change.js'
import { requireUser } from './rights.js'
import { devicesWithJournal, isLocked, lockSetup, pathsFor, type RuntimePaths, takeInstance } from './runtime-dir.js'
import { loadSaved } from './saved.js'
import { statusOf } from './service.js'
import type { StatusSnapshot } from './status-types.js'

export interface RunActions {
  readonly 'print-config': boolean
  readonly 'dry-run': boolean
  readonly undo: boolean
  readonly mktun: boolean
  readonly rmtun: boolean
}

/** What to print: lines for people, an object for `--json`. */
export interface RunResult {
  readonly lines: readonly string[]
  readonly json: object
  readonly exitCode: ExitCode
}

/** @throws UserError with its exit status */
export async function runCommand(actions: RunActions, options: RunOptions): Promise<RunResult> {
  const { loaded, log } = options
  if (actions['print-config']) return result(printConfig(loaded).trimEnd().split('\n'), configJson(loaded))
  if (actions['dry-run']) return dryRun(loaded, log)
  if (actions.undo) return undo(loaded, log)
  const { name } = loaded.run.tun
  if (actions.mktun) {
    makeTun(name, { multiQueue: loaded.run.tun.queues > 1 })
    return result([`Made the persistent TUN device ${name}.`], { made: name })
  }
  if (actions.rmtun) {
    const removed = removeTun(name)
    return result([removed ? `Removed the TUN device ${name}.` : `There is no TUN device ${name}.`], {
      removed: removed ? name : null,
    })
  }
  return translate(options)
}

function result(lines: readonly string[], json: object, exitCode: ExitCode = EXIT.ok): RunResult {
  return { lines, json: { schema: 'nat64.run/1', ...json }, exitCode }
}

async function translate(options: RunOptions): Promise<RunResult> {
  let last: StatusSnapshot | null = null
  const exitCode = await runUntilStopped({
    ...options,
    onReady: async (service, stop) => {
      const leave = await options.onReady?.(service, stop)
      return async () => {
        await leave?.()
        last = await statusOf(service).catch(() => null)
      }
    },
  })
  return result([], { status: last }, exitCode)
}

async function dryRun(loaded: LoadedConfig, log: Log): Promise<RunResult> {
  const saved = loadSaved(loaded.run, pathsFor(loaded.run), log)
  if (isLocked(pathsFor(loaded.run))) {
    log.warning(`nat64 runs on ${loaded.run.tun.name} already, so a second one would refuse to start`)
  }
  requireUser(loaded.run.user)
  // What a translator that runs, or was killed, has set up here is no conflict with itself.
  const left = readJournal(pathsFor(loaded.run).journal)?.record.changes ?? []
  const prepared = await prepareHost(loaded.run, saved.chosenPool, tablesOf(left))
  const steps = prepared.plan.changes.map(change => ({
    describe: describeChange(change),
    apply: applyCommands(change),
    undo: undoCommands(change),
  }))
  const warnings = [...loaded.warnings, ...prepared.plan.warnings]
  for (const warning of loaded.warnings) log.warning(warning)
  return result(dryRunLines(prepared), { dryRun: true, summary: sentence(prepared), steps, warnings })
}

/** Undoes on the device that was named, or on every device that something is left of. */
async function undo(loaded: LoadedConfig, log: Log): Promise<RunResult> {
  const named = (loaded.origins['tun.name'] ?? 'default') !== 'default'
  const left = named ? [] : devicesWithJournal()
  const names = left.length > 0 ? left : [loaded.run.tun.name]
  const lines: string[] = []
  let total = 0
  for (const name of names) {
    const paths = pathsFor({ ...loaded.run, tun: { ...loaded.run.tun, name } })
    // With several, those that run are none of our business.
    if (names.length > 1 && isLocked(paths)) continue
    if (!existsSync(paths.journal)) {
      removeTemporaries(paths.journal)
      lines.push(`Nothing of an earlier run on ${name} is left to undo.`)
      continue
    }
    const lock = await takeInstance(paths, name).catch(error => {
      if (!isLocked(paths)) throw error
      throw new UserError(`nat64 runs on ${name}; it undoes what it has set up when it ends.`, {
        exitCode: EXIT.unable,
        nextSteps: [`Which process that is:  nat64 status --tun ${name}`],
      })
    })
    const setup = await lockSetup(paths)
    try {
      if (isTakenOver(paths)) {
        lines.push(`What that run had left on ${name} is a later one's.`)
        continue
      }
      const changes = await undoLeftovers(paths, log)
      await removeTraces(paths)
      total += changes
      lines.push(
        changes === 0
          ? `What an earlier run had set up on ${name} is gone already.`
          : `Undone: ${countOf(changes, 'change')} of an earlier run on ${name}.`,
      )
    } finally {
      setup.release()
      lock.release()
    }
  }
  return result(lines, { undone: total })
}

/** Says whether this is to undo what one run has left, and another has the journal by now. */
function isTakenOver({ journal }: RuntimePaths): boolean {
  const of = process.env[UNDO_OF]
  const record = of === undefined ? undefined : readJournal(journal)?.record
  return record !== undefined && nameOfRun(record) !== of
}

/** Undoing needs only the name of the device: a configuration that is broken by now must not prevent it. */
export function loadForUndo(flags: FlagValues & { readonly config?: string | undefined }): LoadedConfig {
  try {
    return loadConfig({ file: flags.config, env: process.env, flags })
  } catch {
    return loadConfig({ env: {}, flags: flags.tun === undefined ? {} : { tun: flags.tun }, defaultFile: '' })
  }
}
