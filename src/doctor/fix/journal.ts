/** Where a remedy keeps what it changed: beside the journals of translators, but none of theirs. */
import { existsSync } from 'node:fs'
import { isFirstNetns, netnsInode } from '../../host/netns.js'
import { type Journal, readJournal } from '../../run/journal.js'
import { runtimeDir } from '../../run/runtime-dir.js'

export function fixJournalPath(): string {
  return `${runtimeDir()}/doctor${isFirstNetns() ? '' : `@${netnsInode()}`}.fix.json`
}

/** The journal of a remedy in force; null: there is none. */
export function readFixJournal(): Journal | null {
  return existsSync(fixJournalPath()) ? readJournal(fixJournalPath(), 'commands') : null
}
