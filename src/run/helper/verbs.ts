/** What the helper does, by verb. */

import { EXIT, UserError } from '../../errors.js'
import { ipJson, parseAddresses, parseRoutes } from '../../host/ip.js'
import { leftLines, undoChanges } from '../apply.js'
import { openBibFile } from '../bib-log.js'
import { keepChanges } from '../journal.js'
import { LINGER_SECONDS, undoLater } from '../linger.js'
import type { Change } from '../plan/change.js'
import { describeChange } from '../plan/change.js'
import { hostAddresses4 } from '../plan/host-addresses.js'
import { savePoolMap } from '../pool-map.js'
import { saveOnStop } from '../saved.js'
import { type HelperContext, readLoaded, type Talk } from './context.js'
import { remakeDevice } from './device.js'
import { mendHost } from './mend.js'
import { removeTraces } from './orphan.js'
import type { Verb, Verbs } from './protocol.js'
import { reloadHost } from './reload.js'

export type Action<V extends Verb> = (
  context: HelperContext,
  request: Verbs[V]['asks'],
  talk: Talk<Verb>,
) => Promise<void>

const ACTIONS: { readonly [V in Exclude<Verb, 'commit' | 'revert'>]: Action<V> } = {
  reload: reloadHost,
  mend: mendHost,
  addresses: readAddresses,
  device: remakeDevice,
  'bib-log': reopenBibLog,
  map: writeMap,
  stop: undoAll,
}

/** What is done for a verb, with whatever it is asked with; null: there is no such verb. */
export function actionOf(
  verb: string,
): ((context: HelperContext, request: never, talk: Talk<Verb>) => Promise<void>) | null {
  return Object.hasOwn(ACTIONS, verb) ? ACTIONS[verb as keyof typeof ACTIONS] : null
}

async function readAddresses(context: HelperContext, _: null, talk: Talk<'addresses'>): Promise<void> {
  const [addresses, routes] = await Promise.all([
    ipJson('-4', 'address', 'show'),
    ipJson('-4', 'route', 'show', 'table', 'local'),
  ])
  const facts = {
    addresses: parseAddresses(addresses),
    // Of one table: the name of it is not printed.
    routes: parseRoutes(routes, 4).map(r => ({ ...r, table: 'local' })),
  }
  await talk.answer({ data: hostAddresses4(context.inForce().run, facts) })
}

async function reopenBibLog(context: HelperContext, _: null, talk: Talk<'bib-log'>): Promise<void> {
  const { file } = context.inForce().run.bibLog
  if (file === null) throw new Error('there is no BIB log')
  await talk.answer({ data: null, fds: [openBibFile(file)] })
}

async function writeMap(context: HelperContext, { state }: Verbs['map']['asks'], talk: Talk<'map'>): Promise<void> {
  savePoolMap(context.inForce().run.stateDir, state)
  await talk.answer({ data: null })
}

/** The end of a run: saves, undoes, and leaves the masquerade for a while where connections go through it. */
async function undoAll(
  context: HelperContext,
  { state, chosen, lingers }: Verbs['stop']['asks'],
  talk: Talk<'stop'>,
): Promise<void> {
  const { journal, paths, log, start } = context
  const run = readLoaded(paths)?.run
  if (!run && journal.record.changes.length === 0)
    throw new UserError(`${paths.dir} was emptied by somebody, and the journal is gone.`, { exitCode: EXIT.rolledBack })
  if (run?.saveState) saveOnStop(run, paths, chosen, state, log)
  const stays = (change: Change) => lingers && change.kind === 'nft'
  const undone = await undoChanges(journal, change => !stays(change))
  for (const { change, why } of undone.left) log.warning(`left as it is: ${describeChange(change)}; ${why}`)
  const left = undone.failed.length > 0 ? leftLines(undone) : []
  if (left.length === 0) keepChanges(journal, journal.record.changes.filter(stays))
  await removeTraces(paths)
  if (lingers) {
    log.info('connections are masqueraded for some seconds more, so that a restart keeps them', {
      seconds: LINGER_SECONDS,
    })
    undoLater(start.bin, journal.record)
  }
  await talk.answer({ data: { left } })
}
