/**
 * A translator on trial: `nat64 run` as a child, with a device, a prefix and a pool of its own. It ends with this process,
 * however that ends, and takes back what it changed; after a kill -9 of both the next trial does.
 */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, UserError } from '../../errors.js'
import { leftLines, undoChanges } from '../../run/apply.js'
import { removeTraces } from '../../run/helper/orphan.js'
import { readJournal } from '../../run/journal.js'
import { isAlive } from '../../run/local-server.js'
import { devicesWithJournal, isLocked, lockInstance, runtimePaths } from '../../run/runtime-dir.js'
import { TRIAL_TUN, type TrialPlan } from './choose-trial.js'

export interface Trial {
  readonly plan: TrialPlan
  /** Ends it, and sees to it that nothing is left. May be repeated. @throws UserError that says what is left */
  stop(): Promise<void>
}

/** Ends the translator when the pipe ends, be it that this process was killed. */
const GUARD = '"$@" 3<&- & p=$!; (cat <&3 > /dev/null; kill -TERM $p 2> /dev/null) 2> /dev/null & wait $p'

const READY_MS = 30_000
const STOP_MS = 15_000

/** Starts it. `program`: how this program is started. @throws UserError with what it complained about */
export async function startTrial(plan: TrialPlan, program: readonly string[], signal?: AbortSignal): Promise<Trial> {
  await removeStaleTrials()
  const { tun, pool6, pool4 } = plan
  const flags = ['--tun', tun, '--pool6', pool6, '--pool4', pool4, '--no-save-state', '--log-level', 'warning']
  const child = spawn('sh', ['-c', GUARD, 'sh', ...program, 'run', ...flags, '--plain'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    // A terminal's Ctrl-C is for us to act on.
    detached: true,
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096)
  })
  let isOver = false
  const over = new Promise<void>(resolve => {
    const end = () => {
      isOver = true
      resolve()
    }
    // Not `close`: that waits for the pipe, too.
    child.once('exit', end).once('error', end)
  })
  const pipe = child.stdio[3] as import('node:stream').Writable | null
  pipe?.on('error', () => {})
  let stopping: Promise<void> | null = null
  const stop = () => {
    stopping ??= (async () => {
      pipe?.destroy()
      await Promise.race([over, sleep(STOP_MS, undefined, { ref: false })])
      if (!isOver) killGroup(child.pid)
      await over
      await removeTrial(tun)
    })()
    return stopping
  }
  try {
    for (const deadline = performance.now() + READY_MS; performance.now() < deadline; await sleep(100)) {
      if (signal?.aborted) throw new UserError('interrupted', { exitCode: EXIT.unable })
      if (isOver) throw complaintIn(said)
      if (await isAlive(runtimePaths(tun).socket)) return { plan, stop }
    }
    throw new UserError(`it was not ready within ${READY_MS / 1000} s`, { exitCode: EXIT.unable })
  } catch (error) {
    await stop()
    const { message, nextSteps } = error as UserError
    const text = `The translator on trial did not start: ${message.replace(/\.$/, '')}.`
    throw new UserError(text, { exitCode: EXIT.unable, nextSteps: nextSteps ?? [], cause: error })
  }
}

/** The shell and what it started. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone meanwhile.
  }
}

/** What it said on standard error: a sentence, and what to do. */
function complaintIn(said: string): UserError {
  const lines = said.trim().split('\n')
  const at = lines.findIndex(l => l.startsWith('nat64: '))
  const text = at < 0 ? lines.at(-1) : lines[at]?.slice('nat64: '.length)
  const nextSteps = at < 0 ? [] : lines.slice(at + 1).map(l => l.trim())
  return new UserError(text || 'it ended at once', { exitCode: EXIT.unable, nextSteps })
}

/** Undoes what trials left whose process is dead; also their translator's, which undoes it by itself when it can. */
export async function removeStaleTrials(): Promise<void> {
  for (const tun of devicesWithJournal().filter(name => TRIAL_TUN.test(name))) await removeTrial(tun)
}

/** @throws UserError when something cannot be undone */
async function removeTrial(tun: string): Promise<void> {
  const paths = runtimePaths(tun)
  if (isLocked(paths)) return
  const lock = lockInstance(paths, tun)
  try {
    const journal = readJournal(paths.journal)
    const undone = journal && (await undoChanges(journal))
    await removeTraces(paths)
    if (!undone || undone.failed.length === 0) return
    throw new UserError('What the translator on trial had set up could not all be undone.', {
      exitCode: EXIT.rolledBack,
      nextSteps: leftLines(undone),
    })
  } finally {
    lock.release()
  }
}
