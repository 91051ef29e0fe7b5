/** `nat64 doctor --fix CODE` and `--undo`: shows the steps, asks, makes them, verifies, and takes them back if in vain. */
import { mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, type ExitCode, UserError } from '../../errors.js'
import { collectFacts } from '../../facts/collect/collect.js'
import type { Facts } from '../../facts/facts.js'
import { hasNetAdmin } from '../../host/caps.js'
import { run } from '../../host/exec.js'
import { describeProbe } from '../../probe/plan.js'
import { planProbeFor } from '../../probe/probe.js'
import { removeStaleProbes } from '../../probe/stale.js'
import { ApplyError, applyChanges, leftLines, type Undone, undoChanges } from '../../run/apply.js'
import { newJournal } from '../../run/journal.js'
import { isAlive } from '../../run/local-server.js'
import { describeChange, shellLine, undoCommands } from '../../run/plan/change.js'
import { runtimeDir, runtimePaths } from '../../run/runtime-dir.js'
import { CHECKS } from '../checks/index.js'
import { diagnose } from '../runner.js'
import { fixJournalPath, readFixJournal } from './journal.js'
import { type FixPlan, planFix, stepLines } from './plan-fix.js'
import { UNIT } from './take-over.js'
import { askDiagnosis, askModel, probeTarget, type Verified, verify } from './verify.js'

export interface FixOptions {
  readonly code: string
  readonly version: string
  /** How this program is started. */
  readonly program: readonly string[]
  /** `ADDRESS` or `ADDRESS:PORT` that the probe asks for. */
  readonly probe?: string | undefined
  /** Only show the steps. */
  readonly dryRun?: boolean
  /** Tells what is going on, a line at a time. */
  say(line: string): void
  /** Asks whether to go on; null: nobody is there to be asked, and nobody said yes. */
  readonly confirm: ((question: string) => Promise<boolean>) | null
}

export interface FixResult {
  readonly json: object
  readonly exitCode: ExitCode
}

/** A slow machine starts Node in some seconds; much longer is a failure. */
const READY_MS = 60_000

/** Applies the remedy. @throws UserError with its exit status; the host is then as it was, or the error says what is left */
export async function applyFix(options: FixOptions): Promise<FixResult> {
  const { say } = options
  const code = codeOf(options.code)
  requireRoot(`--fix ${code}`)
  if (readFixJournal()) {
    throw new UserError('A remedy is in force already.', {
      exitCode: EXIT.unable,
      nextSteps: ['Take it back first:  nat64 doctor --undo'],
    })
  }
  if (!options.dryRun) await removeStaleProbes()
  const { facts } = await collectFacts({ version: options.version })
  const target = probeTarget(options.probe, facts)
  const fix = await planFix(code, { program: options.program, facts, diagnosis: diagnose(facts, CHECKS) })
  for (const line of stepLines(fix)) say(line)
  say('')
  say(
    target === null
      ? 'Then the path is predicted anew.'
      : `Then a probe asks for ${target.address4} as the guest would.`,
  )
  const shown = { fix: code, steps: jsonSteps(fix), notes: fix.notes }
  if (options.dryRun && target !== null) for (const line of probeLines(facts, fix)) say(line)
  if (options.dryRun) return { json: { ...json(shown), applied: false }, exitCode: EXIT.ok }
  await confirmed(options)
  const interrupted = watchSignals()
  mkdirSync(runtimeDir(), { recursive: true, mode: 0o755 })
  const journal = newJournal(fixJournalPath(), fix.tun ?? 'doctor')
  try {
    for (const step of fix.steps) {
      say(`… ${describeChange(step)}`)
      await applyChanges([step], journal)
      if (interrupted.why !== null) throw new UserError(`Stopped (${interrupted.why}).`)
    }
    if (fix.tun !== null) await untilReady(fix, interrupted)
    const after = (await collectFacts({ version: options.version })).facts
    const model = fix.tun === null ? askDiagnosis(diagnose(after, CHECKS), fix) : askModel(after, fix)
    const verified = await verify(after, fix, model, target)
    sayVerified(verified, say)
    if (!verified.good) throw new UserError('The traffic does not pass after all.')
    for (const line of keptLines(fix)) say(line)
    return { json: { ...json(shown), applied: true, verified }, exitCode: EXIT.ok }
  } catch (error) {
    throw takenBack(error, await undoChanges(journal))
  } finally {
    interrupted.end()
  }
}

/** Takes back what a remedy changed. */
export async function undoFix(say: (line: string) => void): Promise<FixResult> {
  requireRoot('--undo')
  await removeStaleProbes()
  const journal = readFixJournal()
  if (!journal) {
    say('No remedy is in force: there is nothing to undo.')
    return { json: json({ undone: [] }), exitCode: EXIT.ok }
  }
  const undone = await undoChanges(journal)
  for (const change of undone.undone) {
    say(`undone: ${describeChange(change)}`)
    for (const command of undoCommands(change)) say(`     ${shellLine(command)}`)
  }
  if (undone.failed.length > 0) {
    throw new UserError('Not everything could be undone.', {
      exitCode: EXIT.rolledBack,
      nextSteps: [...leftLines(undone).slice(0, -1), 'Or all of it, once the cause is gone:  nat64 doctor --undo'],
    })
  }
  say('The host is as it was before the remedy.')
  return { json: json({ undone: undone.undone.map(describeChange) }), exitCode: EXIT.ok }
}

const json = (rest: object) => ({ schema: 'nat64.doctor.fix/1', ...rest })

const jsonSteps = (fix: FixPlan) =>
  fix.steps.map(step => ({
    what: describeChange(step),
    apply: step.kind === 'commands' ? step.apply : [],
    undo: undoCommands(step).map(shellLine),
  }))

/** What the probe is made of; it is gone when it has its answer. */
function probeLines(facts: Facts, fix: FixPlan): string[] {
  const [nic] = fix.nics
  if (nic === undefined || fix.pool6 === null) return []
  try {
    return describeProbe(planProbeFor(facts, nic)).map(line => (line === '' ? line : `     ${line}`))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return [`   ${error.message}`]
  }
}

/** A code in any case, or the name of a check. */
function codeOf(asked: string): string {
  const check = CHECKS.find(c => c.code === asked.toUpperCase() || c.id === asked.toLowerCase())
  if (check) return check.code
  throw new UserError(`There is no check ${asked}.`, { nextSteps: ['All of them:  nat64 doctor --list'] })
}

function requireRoot(flags: string): void {
  if (process.geteuid?.() === 0 || hasNetAdmin()) return
  throw new UserError('Changing this host needs root.', {
    exitCode: EXIT.unable,
    nextSteps: [`Run it as root:  sudo nat64 doctor ${flags}`],
  })
}

async function confirmed({ confirm, code }: FixOptions): Promise<void> {
  if (confirm === null) {
    throw new UserError('Nobody is there to be asked: input is no terminal. Nothing was changed.', {
      exitCode: EXIT.usage,
      nextSteps: [`To do all this without being asked:  nat64 doctor --fix ${code} --yes`],
    })
  }
  if (!(await confirm('Do this now?'))) {
    throw new UserError('Nothing was changed.', { exitCode: EXIT.unable })
  }
}

interface Interrupted {
  why: string | null
  end(): void
}

/** A signal stops between two steps, and then everything is taken back. */
function watchSignals(): Interrupted {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const interrupted: Interrupted = {
    why: null,
    end() {
      for (const name of names) process.off(name, note)
    },
  }
  const note = (name: NodeJS.Signals) => {
    interrupted.why = name
  }
  for (const name of names) process.on(name, note)
  return interrupted
}

/** Waits until the translator answers; throws what it complained about when it does not come up. */
async function untilReady(fix: FixPlan, interrupted: Interrupted): Promise<void> {
  const { socket } = runtimePaths(fix.tun as string)
  const deadline = performance.now() + READY_MS
  while (performance.now() < deadline && interrupted.why === null) {
    if (await isAlive(socket)) return
    const complaint = await complaintOf(fix)
    if (complaint !== null) throw new UserError(`The translator did not start: ${complaint}`)
    await sleep(200)
  }
  throw new UserError(
    interrupted.why === null
      ? `The translator did not get ready within ${READY_MS / 1000} seconds.`
      : `Stopped (${interrupted.why}).`,
  )
}

async function complaintOf(fix: FixPlan): Promise<string | null> {
  if (fix.steps.some(s => s.kind === 'commands' && s.apply.some(line => line.startsWith('systemd-run')))) {
    const state = await run(['systemctl', 'is-failed', UNIT])
    return state.stdout.trim() === 'failed' ? `see journalctl -u ${UNIT}` : null
  }
  try {
    return /^nat64: (.+)$/m.exec(readFileSync(fix.log, 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}

function sayVerified({ model, probe }: Verified, say: (line: string) => void): void {
  say(`${model.delivered ? 'ok' : 'not'}  ${model.text}`)
  say(`${{ passed: 'ok', failed: 'not', unknown: '?' }[probe.outcome]}  ${probe.text}`)
}

function keptLines(fix: FixPlan): string[] {
  const back = ['To take it back:  nat64 doctor --undo']
  if (fix.tun === null) return back
  return [
    ...back,
    'It lasts until the next boot. To keep it, run the same line as a service, and disable Jool at boot:',
    '     systemctl disable jool',
  ]
}

function takenBack(error: unknown, undone: Undone): unknown {
  if (!(error instanceof UserError) && !(error instanceof ApplyError)) return error
  const steps = error instanceof UserError ? error.nextSteps : []
  const message = error.message.replace(/\.?$/, '.')
  if (undone.failed.length === 0) {
    return new UserError(`${message} Everything was taken back: the host is as it was.`, {
      exitCode: EXIT.rolledBack,
      nextSteps: steps,
      cause: error,
    })
  }
  return new UserError(`${message} Taking back what was done failed, too.`, {
    exitCode: EXIT.rolledBack,
    nextSteps: [...steps, ...leftLines(undone)],
    cause: error,
  })
}
