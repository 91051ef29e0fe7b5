/** Makes the TUN device anew after somebody deleted it, with all that vanished along with it. */
import { applyChanges } from '../apply.js'
import { openDevice } from '../device.js'
import { prepareHost } from '../host-setup.js'
import { keepChanges } from '../journal.js'
import { tablesOf } from '../leftovers.js'
import type { HelperContext, Talk } from './context.js'
import { planOf, type Verbs } from './protocol.js'

/** Only for a device of our own. What start throws, this throws; what it made until then stays in the journal. */
export async function remakeDevice(
  { journal, inForce }: HelperContext,
  { chosen }: Verbs['device']['asks'],
  talk: Talk<'device'>,
): Promise<void> {
  const kept = journal.record.changes.filter(c => c.kind === 'sysctl' || c.kind === 'nft')
  keepChanges(journal, kept)
  const prepared = await prepareHost(inForce().run, chosen, tablesOf(kept))
  const { tun } = await openDevice(prepared, journal)
  const missing = prepared.plan.changes.filter(c => c.kind !== 'device' && c.kind !== 'nft')
  await applyChanges(missing, journal)
  const { name, vnetHeader, offloads, attached } = tun
  await talk.answer({
    data: { prepared: planOf(prepared), tun: { name, vnetHeader, offloads, attached } },
    fds: tun.fds,
  })
}
