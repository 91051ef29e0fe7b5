/** Journals of probes: each says whose probe it is, so that what a kill -9 left behind can be removed later. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, UserError } from '../errors.js'
import { isFirstNetns, netnsInode } from '../host/netns.js'
import { leftLines, type Undone, undoChanges } from '../run/apply.js'
import { isOwnerAlive, readJournal } from '../run/journal.js'
import { runtimeDir } from '../run/runtime-dir.js'
import type { ProbePlace } from './place.js'

/** Files outside the first network namespace carry its inode number, as those of translators do. */
const ending = () => `${isFirstNetns() ? '' : `@${netnsInode()}`}.probe.json`

/** Where the steps of a probe are noted before they are made. */
export function probeJournalPath({ namespace }: ProbePlace): string {
  return join(runtimeDir(), `${namespace}${ending()}`)
}

/**
 * Removes probes of this network namespace whose process is dead. Returns how many there were.
 * @throws UserError when something of one cannot be removed
 */
export async function removeStaleProbes(): Promise<number> {
  let removed = 0
  for (const file of journalFiles()) {
    const journal = readJournal(join(runtimeDir(), file), 'commands')
    if (journal === null || isOwnerAlive(journal.record)) continue
    const undone = await undoChanges(journal)
    if (undone.failed.length > 0) throw leftError('What an earlier probe left behind could not all be removed.', undone)
    removed++
  }
  return removed
}

/** The error for what is left of a probe: what, why, and how to remove it by hand. */
export function leftError(message: string, undone: Undone): UserError {
  // The last line is about translators.
  return new UserError(message, { exitCode: EXIT.rolledBack, nextSteps: leftLines(undone).slice(0, -1) })
}

function journalFiles(): string[] {
  try {
    const end = ending()
    return readdirSync(runtimeDir()).filter(f => f.endsWith(end) && !f.slice(0, -end.length).includes('@'))
  } catch {
    return []
  }
}
