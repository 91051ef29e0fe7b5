/** What an earlier run has left behind, or another one that runs shares with us: undone, taken over, or left alone. */
import type { RunConfig } from '../config/run-config.js'
import { EXIT, UserError } from '../errors.js'
import { readSysctl } from '../host/sysctl.js'
import { leftLines, undoChanges } from './apply.js'
import type { Prepared } from './host-setup.js'
import { type Journal, journalsBeside, keepChanges, readJournal } from './journal.js'
import type { Log } from './log.js'
import { type Change, describeChange, resourceOf, sameWish } from './plan/change.js'
import type { RuntimePaths } from './runtime-dir.js'

/**
 * Undoes what an earlier run left behind, but for what `keep` says. Returns how many changes were undone.
 * @throws UserError when something could not be undone
 */
export async function undoLeftovers(
  paths: RuntimePaths,
  log: Log,
  keep: (change: Change) => boolean = () => false,
): Promise<number> {
  const journal = readJournal(paths.journal)
  if (!journal) return 0
  const undone = await undoChanges(journal, change => !keep(change))
  for (const change of undone.undone) log.info(`undone: ${describeChange(change)}`)
  for (const { change, why } of undone.left) log.warning(`left as it is: ${describeChange(change)}; ${why}`)
  if (undone.failed.length > 0) {
    throw new UserError('What an earlier run had changed on this host could not all be undone.', {
      exitCode: EXIT.rolledBack,
      nextSteps: leftLines(undone),
    })
  }
  keepChanges(journal, journal.record.changes.filter(keep))
  return undone.undone.length
}

/** What was taken over, but is not wanted any more, is undone; what a change has replaced is forgotten. */
export async function dropInherited(journal: Journal, inherited: readonly Change[], { plan }: Prepared): Promise<void> {
  const { wanted } = plan
  const stale = inherited.filter(i => i.kind === 'nft' && !wanted.some(w => sameWish(w, i)))
  const replaced = stale.filter(i => wanted.some(w => resourceOf(w) === resourceOf(i)))
  if (replaced.length > 0) {
    keepChanges(
      journal,
      journal.record.changes.filter(c => !replaced.includes(c)),
    )
  }
  await undoChanges(journal, change => stale.includes(change))
}

/**
 * Forwarding that another translator turned on is needed here as well: whoever stops last undoes it. Also one that was
 * killed since, because what it left is undone sooner or later.
 */
export function sharedForwarding(config: RunConfig, paths: RuntimePaths): Change[] {
  if (!config.host.setup || !config.host.forwarding) return []
  const shared = journalsBeside(paths.journal).flatMap(other =>
    other.changes.filter(c => c.kind === 'sysctl' && readSysctl(c.key) === c.to),
  )
  return shared.filter((change, i) => shared.findIndex(c => sameWish(c, change)) === i)
}

/** Names of the nftables tables among the changes. */
export const tablesOf = (changes: readonly Change[]) => changes.flatMap(c => (c.kind === 'nft' ? [c.table] : []))
