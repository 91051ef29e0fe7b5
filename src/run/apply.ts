/** Makes the changes of a plan, one by one behind the journal, and takes them back. */
import { EXIT, UserError } from '../errors.js'
import { complaint, run } from '../host/exec.js'
import { ipJson, parseAddresses, parseLinks, parseRoutes } from '../host/ip.js'
import { readNftTables } from '../host/nft.js'
import { readSysctl, writeSysctl } from '../host/sysctl.js'
import { type Journal, keepChanges, noteChange, otherJournals } from './journal.js'
import {
  applyCommands,
  type Change,
  describeChange,
  sameWish,
  shellCommand,
  shellLine,
  undoCommands,
} from './plan/change.js'
import type { InstanceLock } from './runtime-dir.js'

/** A change that could not be made. */
export class ApplyError extends Error {
  readonly change: Change

  constructor(change: Change, reason: string) {
    super(`Could not ${describeChange(change)}: ${reason}`)
    this.change = change
  }
}

/**
 * Makes the changes in order. On the first that fails, throws an {@link ApplyError}; the journal knows what to undo.
 * `lock`: the lock of the instance. A program that outlives a kill -9 of this process has it as well, so that whoever
 * undoes waits for its end.
 */
export async function applyChanges(changes: readonly Change[], journal: Journal, lock?: InstanceLock): Promise<void> {
  for (const change of changes) {
    noteChange(journal, change)
    try {
      await applyChange(change, lock)
    } catch (error) {
      throw error instanceof ApplyError ? error : new ApplyError(change, (error as Error).message)
    }
  }
}

async function applyChange(change: Change, lock?: InstanceLock): Promise<void> {
  if (change.kind === 'device') return
  if (change.kind === 'sysctl') return writeSysctl(change.key, change.to)
  for (const command of applyCommands(change)) {
    const ran = await run(command, { ...timeout(change), keeps: lock?.fd })
    // An old ip(8) or kernel without addrgenmode: the device only chatters a little.
    if (ran.exit !== 0 && !command.includes('addrgenmode')) throw new ApplyError(change, complaint(ran))
  }
}

export interface Undone {
  readonly undone: readonly Change[]
  /** Somebody else has changed or removed it since; left as it is. */
  readonly left: readonly { readonly change: Change; readonly why: string }[]
  readonly failed: readonly { readonly change: Change; readonly why: string }[]
}

/**
 * Takes back what the journal lists, last change first, and only what is still as we made it. What fails stays in the
 * journal. May be repeated.
 * @param only restricts it to some of the changes
 */
export async function undoChanges(journal: Journal, only: (change: Change) => boolean = () => true): Promise<Undone> {
  const undone: Change[] = []
  const left: { change: Change; why: string }[] = []
  const failed: { change: Change; why: string }[] = []
  for (const change of [...journal.record.changes].reverse()) {
    if (!only(change)) continue
    try {
      const why = await whyNotOurs(change, journal)
      if (why === null) await undoChange(change)
      if (why === null) undone.push(change)
      else if (why !== '') left.push({ change, why })
    } catch (error) {
      // Somebody may have been quicker: a program that outlived the translator that it undid for.
      if ((await whyNotOurs(change, journal).catch(() => null)) === null) {
        failed.push({ change, why: (error as Error).message })
        continue
      }
    }
    // A journal that cannot be shortened is no reason to stop: undoing is repeatable.
    tryKeep(
      journal,
      journal.record.changes.filter(c => c !== change),
    )
  }
  return { undone, left, failed }
}

function tryKeep(journal: Journal, changes: readonly Change[]): void {
  try {
    keepChanges(journal, changes)
  } catch {
    journal.record = { ...journal.record, changes }
  }
}

async function undoChange(change: Change): Promise<void> {
  if (change.kind === 'device') return
  if (change.kind === 'sysctl') {
    writeSysctl(change.key, change.from)
    for (const [key, value] of change.restore) if (readSysctl(key) !== undefined) writeSysctl(key, value)
    return
  }
  for (const command of undoCommands(change)) {
    const ran = await run(command, timeout(change))
    if (ran.exit !== 0) throw new Error(complaint(ran))
  }
}

/** Commands of a remedy may wait for a service. */
const timeout = (change: Change) => (change.kind === 'commands' ? { timeoutMs: 30_000 } : {})

/** null: it is as we made it. Empty: it is gone already. Otherwise why it is not ours any more. */
async function whyNotOurs(change: Change, journal: Journal): Promise<string | null> {
  switch (change.kind) {
    case 'device':
      return ''
    case 'sysctl': {
      // Another translator needs it, and has it in its journal: the last one to stop undoes it.
      if (otherJournals(journal.path).some(other => other.changes.some(c => sameWish(c, change)))) return ''
      const now = readSysctl(change.key)
      if (now === change.to) return null
      return now === undefined || now === change.from ? '' : `it is ${now} now`
    }
    case 'nft':
      return (await readNftTables()).ipTables.includes(change.table) ? null : ''
    case 'commands':
      return change.holds === '' || (await run(shellCommand(change.holds))).exit === 0 ? null : ''
    default:
      return deviceHas(change, journal)
  }
}

async function deviceHas(
  change: Extract<Change, { kind: 'link' | 'address' | 'route' }>,
  journal: Journal,
): Promise<string | null> {
  const link = parseLinks(await ipJson('-d', 'link', 'show')).find(l => l.name === change.dev)
  if (!link) return ''
  if (journal.record.tunIndex !== 0 && link.index !== journal.record.tunIndex)
    return `${change.dev} is another device now`
  if (change.kind === 'link') return link.mtu === change.mtu.to || link.up !== change.wasUp ? null : ''
  if (change.kind === 'address') {
    const addresses = parseAddresses(await ipJson('address', 'show', 'dev', change.dev))
    return addresses.some(a => `${a.address}/${a.length}` === change.address) ? null : ''
  }
  const routes = parseRoutes(await ipJson(`-${change.family}`, 'route', 'show', 'dev', change.dev), change.family)
  return routes.some(r => r.prefix === change.prefix) ? null : ''
}

/** The error for a set-up that failed and was taken back; says what could not be taken back, too. */
export function rolledBackError(error: ApplyError, undone: Undone): UserError {
  if (undone.failed.length === 0) {
    return new UserError(`${error.message}. Everything before it was taken back: the host is as it was.`, {
      exitCode: EXIT.rolledBack,
      cause: error,
    })
  }
  return new UserError(`${error.message}. Taking back what was done before it failed, too.`, {
    exitCode: EXIT.rolledBack,
    nextSteps: leftLines(undone),
    cause: error,
  })
}

/** What is left to do by hand, as shell lines. */
export function leftLines(undone: Undone): string[] {
  return [
    ...undone.failed.flatMap(({ change, why }) => [
      `Still there: ${describeChange(change)} (${why}). To undo it:`,
      ...undoCommands(change).map(c => `  ${shellLine(c)}`),
    ]),
    'Or all of it, once the cause is gone:  nat64 run --undo',
  ]
}
