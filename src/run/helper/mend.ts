/** Looks what somebody else has undone of the set-up, and makes it again. */
import { readLinks } from '../../host/ip.js'
import type { Touched } from '../../host/setup-watch.js'
import { applyChanges } from '../apply.js'
import { prepareHost } from '../host-setup.js'
import { type Journal, keepChanges } from '../journal.js'
import { tablesOf } from '../leftovers.js'
import { type Change, describeChange, resourceOf } from '../plan/change.js'
import { chosenText } from '../plan/choose-pool.js'
import type { HelperContext, Talk } from './context.js'
import { planOf, type Verbs } from './protocol.js'

/** Answers null when there is nothing to look at: a device that is gone, or down because somebody wants it down. */
export async function mendHost(
  { journal, inForce, start }: HelperContext,
  { touched, chosen, tired }: Verbs['mend']['asks'],
  talk: Talk<'mend'>,
): Promise<void> {
  const link = (await readLinks()).find(l => l.name === start.tun)
  if (!link?.up) return talk.answer({ data: null })
  const prepared = await prepareHost(inForce().run, chosen, tablesOf(journal.record.changes))
  const moved = chosenText(prepared) !== chosen
  const lost = moved ? [] : prepared.plan.changes.filter(c => isLost(c, touched))
  if (lost.length > 0 && !tired) await makeAgain(journal, lost)
  await talk.answer({ data: { moved, prepared: planOf(prepared), lost: lost.map(describeChange) } })
}

/** Whatever the plan still asks for; of the table it does not know what is in it. The device's MTU is followed. */
function isLost(change: Change, touched: Touched): boolean {
  if (change.kind === 'nft') return touched.table
  return change.kind === 'route' || change.kind === 'address' || change.kind === 'sysctl'
}

async function makeAgain(journal: Journal, lost: readonly Change[]): Promise<void> {
  const before = journal.record.changes
  await applyChanges(lost, journal)
  const isAgain = (old: Change) => lost.some(c => resourceOf(c) === resourceOf(old))
  keepChanges(
    journal,
    journal.record.changes.filter(c => !(before.includes(c) && isAgain(c))),
  )
}
