/** Has made again what somebody else has undone of the set-up, and gives way to addresses that are new on this host. */
import { UserError } from '../errors.js'
import type { Touched } from '../host/setup-watch.js'
import type { HostFollower } from './follow-host.js'
import { chosenText, describeChosen } from './plan/choose-pool.js'
import { reloadService } from './reload.js'
import { noteJournal, type Service } from './service.js'

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

/** Looks what is lost, and has it made again. Never throws: translation goes on with what there is. */
export async function mend(
  service: Service,
  touched: Touched,
  follower: HostFollower,
  memory: MendMemory,
): Promise<void> {
  try {
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
  const { helper, log } = service
  const now = performance.now()
  memory.times = memory.times.filter(t => now - t < WINDOW_MS)
  const tired = memory.times.length >= MAX_TIMES
  const { data, record } = await helper.ask('mend', { touched, chosen: chosenText(service.prepared), tired })
  if (data === null) return
  noteJournal(service, record)
  if (memory.problem !== '') log.info('the set-up fits this host again')
  memory.problem = ''
  if (data.moved) {
    const old = service.prepared.chosen
    const { droppedSessions } = await reloadService(service, true)
    follower.forget()
    const now = service.prepared.chosen
    log.warning(
      `${old && describeChosen(old)} is taken on this host now, so guests leave as ${now && describeChosen(now)}`,
      { dropped_sessions: droppedSessions },
    )
    return
  }
  if (data.lost.length === 0) return
  const what = data.lost.join('; ')
  memory.times.push(now)
  if (tired) {
    log.warning(
      `somebody keeps undoing a part of the set-up, which is left as it is for ${PAUSE_MS / 60_000} minutes: ${what}`,
    )
    log.warning('Find out who:  ip monitor; nft monitor')
    follower.pause(PAUSE_MS, touched)
    return
  }
  log.warning(`somebody else has undone a part of the set-up, which is made again: ${what}`)
  service.mended++
  follower.forget()
}
