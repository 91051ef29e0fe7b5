/** Makes again what somebody else has undone of the set-up, and gives way to addresses that are new on this host. */
import { UserError } from '../errors.js'
import { readLinks } from '../host/ip.js'
import type { Touched } from '../host/setup-watch.js'
import { applyChanges } from './apply.js'
import type { HostFollower } from './follow-host.js'
import { prepareHost } from './host-setup.js'
import { keepChanges } from './journal.js'
import { tablesOf } from './leftovers.js'
import { type Change, describeChange, resourceOf } from './plan/change.js'
import { describeChosen } from './plan/choose-pool.js'
import { reloadService } from './reload.js'
import { chosenText, type Service } from './service.js'

/** What is remembered from one time to the next, so that nothing is said twice. */
export interface MendMemory {
  /** When something was made again, ms. */
  times: number[]
  /** Why the set-up does not fit this host at the moment; '': it does. */
  problem: string
}

export const newMemory = (): MendMemory => ({ times: [], problem: '' })

/** How often somebody may undo it before it is left to him for a while. */
const MAX_TIMES = 5
const WINDOW_MS = 60_000
const PAUSE_MS = 600_000

/** Looks what is lost, and makes it again. Never throws: translation goes on with what there is. */
export async function mend(
  service: Service,
  touched: Touched,
  follower: HostFollower,
  memory: MendMemory,
): Promise<void> {
  try {
    const link = (await readLinks()).find(l => l.name === service.tun.name)
    // One that is gone is for recoverService(); one that is down, somebody wants down.
    if (!link?.up) return
    await mendNow(service, touched, follower, memory)
  } catch (error) {
    const { message } = error as Error
    if (message === memory.problem) return
    memory.problem = message
    service.log.warning(`this host has changed, and the set-up does not fit it any more: ${message}`)
    if (error instanceof UserError) for (const step of error.nextSteps) service.log.warning(step)
  }
}

async function mendNow(service: Service, touched: Touched, follower: HostFollower, memory: MendMemory): Promise<void> {
  const { journal, loaded, log } = service
  const prepared = await prepareHost(loaded.run, chosenText(service.prepared), tablesOf(journal.record.changes))
  if (memory.problem !== '') log.info('the set-up fits this host again')
  memory.problem = ''
  if (chosenText(prepared) !== chosenText(service.prepared)) {
    const old = service.prepared.chosen
    const { droppedSessions } = await reloadService(service, loaded)
    follower.forget()
    const now = service.prepared.chosen
    log.warning(
      `${old && describeChosen(old)} is taken on this host now, so guests leave as ${now && describeChosen(now)}`,
      { dropped_sessions: droppedSessions },
    )
    return
  }
  const lost = prepared.plan.changes.filter(c => isLost(c, touched))
  if (lost.length === 0) return
  const what = lost.map(describeChange).join('; ')
  const now = performance.now()
  memory.times = memory.times.filter(t => now - t < WINDOW_MS)
  if (memory.times.push(now) > MAX_TIMES) {
    log.warning(
      `somebody keeps undoing a part of the set-up, which is left as it is for ${PAUSE_MS / 60_000} minutes: ${what}`,
    )
    log.warning('Find out who:  ip monitor; nft monitor')
    follower.pause(PAUSE_MS, touched)
    return
  }
  log.warning(`somebody else has undone a part of the set-up, which is made again: ${what}`)
  await makeAgain(service, lost)
  follower.forget()
}

/** Whatever the plan still asks for; of the table it does not know what is in it. The device's MTU is followed. */
function isLost(change: Change, touched: Touched): boolean {
  if (change.kind === 'nft') return touched.table
  return change.kind === 'route' || change.kind === 'address' || change.kind === 'sysctl'
}

async function makeAgain(service: Service, lost: readonly Change[]): Promise<void> {
  const { journal } = service
  const before = journal.record.changes
  await applyChanges(lost, journal)
  const isAgain = (old: Change) => lost.some(c => resourceOf(c) === resourceOf(old))
  keepChanges(
    journal,
    journal.record.changes.filter(c => !(before.includes(c) && isAgain(c))),
  )
  service.mended++
}
