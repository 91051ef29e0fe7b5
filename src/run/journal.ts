/**
 * What a run has changed on the host, written before each change, so that whoever comes next can undo it: this process
 * on its way out, `nat64 run --undo`, or the next start after a kill -9.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EXIT, UserError } from '../errors.js'
import { bootId, netnsInode, processStart } from '../host/netns.js'
import { removeWritten, writeFileAtomically } from './atomic-write.js'
import { JOURNAL_VERSION, type JournalKind, type JournalRecord, parseRecord, printRecord } from './journal-record.js'
import type { Change } from './plan/change.js'

export interface Journal {
  record: JournalRecord
  readonly path: string
}

/** Starts a journal in memory, with what was taken over from another, for the translator `pid`; the first {@link noteChange} writes it. */
export function newJournal(
  path: string,
  tun: string,
  changes: readonly Change[] = [],
  pid: number = process.pid,
): Journal {
  const record = {
    version: JOURNAL_VERSION,
    tun,
    tunIndex: 0,
    pid,
    started: processStart(pid),
    bootId: bootId(),
    netns: netnsInode(),
    changes,
  }
  return { path, record }
}

/** Notes a change that is about to be made. Throws a UserError when it cannot be written: the change must not be made. */
export function noteChange(journal: Journal, change: Change): void {
  save(journal, { ...journal.record, changes: [...journal.record.changes, change] })
}

/** Notes which device the changes belong to. */
export function noteDevice(journal: Journal, tunIndex: number): void {
  save(journal, { ...journal.record, tunIndex })
}

/** Replaces the changes, because some were undone. An empty list removes the file. */
export function keepChanges(journal: Journal, changes: readonly Change[]): void {
  if (changes.length > 0) {
    save(journal, { ...journal.record, changes })
  } else {
    journal.record = { ...journal.record, changes }
    removeWritten(journal.path)
  }
}

function save(journal: Journal, record: JournalRecord): void {
  try {
    writeFileAtomically(journal.path, printRecord(record))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new UserError(
      `The journal ${journal.path} cannot be written (${code}); without it nothing is changed on this host.`,
      {
        exitCode: EXIT.unable,
      },
    )
  }
  journal.record = record
}

/**
 * Reads a journal; null when there is none, or it is from before the last boot, when nothing of it is left.
 * @throws UserError (exit status 3) when it is not as this program writes it: nothing of it is undone
 */
export function readJournal(path: string, kind: JournalKind = 'setup'): Journal | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  const record = parseRecord(text, kind)
  if (!record) {
    throw new UserError(`The journal ${path} is damaged, so what an earlier run changed cannot be undone by itself.`, {
      exitCode: EXIT.unable,
      nextSteps: [`Look at it, undo by hand what it lists, and remove it:  rm ${path}`],
    })
  }
  if (record.bootId !== bootId() || record.netns !== netnsInode()) {
    removeWritten(path)
    return null
  }
  return { path, record }
}

/** Journals of other translators that run in this network namespace: what they need, too, must stay. */
export const otherJournals = (path: string): JournalRecord[] => journalsBeside(path).filter(isOwnerAlive)

/** Journals of other translators of this network namespace, also of those that were killed. */
export function journalsBeside(path: string): JournalRecord[] {
  const dir = dirname(path)
  const found: JournalRecord[] = []
  for (const file of listDirectory(dir)) {
    const other = join(dir, file)
    if (!file.endsWith('.journal.json') || other === path) continue
    const record = parseRecord(readText(other), 'setup')
    if (record && record.bootId === bootId() && record.netns === netnsInode()) found.push(record)
  }
  return found
}

function listDirectory(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Says whether the process that wrote the journal is still there, and not another one that got its id. */
export function isOwnerAlive({ pid, started }: JournalRecord): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = processStart(pid)
  // Not to be seen, as with hidepid, is no proof of death.
  return now === null || (started ?? now) === now
}
