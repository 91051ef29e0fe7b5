/**
 * Jool's debug log, switched on for a while: some 15 lines a packet, so only where few packets come, and never for long.
 * An instance that prints it already is left as it is. Edge.
 */
import type { JoolInstanceFact } from '../../facts/facts.js'
import { isEnabled, joolFlag, joolLabel, joolProgram } from '../../facts/jool-instance.js'
import { parsePairs } from '../../facts/parse-text.js'
import { complaint, run } from '../../host/exec.js'
import type { Switched, SwitchJournal } from './switch-journal.js'
import { switchOff } from './switch-off.js'

export interface JoolDebugOptions {
  readonly journal: SwitchJournal
  /** How long at most. */
  readonly seconds: number
  /** Packets a second that an instance may get. */
  readonly maxRate: number
  /** Takes sentences about what is done, and why something is not. */
  readonly say: (text: string) => void
}

export interface JoolDebug {
  /** Looks at counters that were read anew, and switches off where the packets have become too many. */
  watch(instances: readonly JoolInstanceFact[], nowMs: number): Promise<void>
  /** Switches on once more what is off because its time was over; not so soon after that. */
  renew(): void
  /** Switches off all that was switched on. May be called more than once. */
  restore(): Promise<void>
}

interface On {
  readonly instance: JoolInstanceFact
  readonly switched: Switched
  received: number
  readAt: number
}

const MEASURE_MS = 500
/** Between two times that it is on. */
const PAUSE_MS = 15_000

const receivedOf = (stats: Readonly<Record<string, number>>): number =>
  (stats.JSTAT_RECEIVED6 ?? 0) + (stats.JSTAT_RECEIVED4 ?? 0)

/** Switches it on for those instances where that is right. Never throws. */
export async function openJoolDebug(
  instances: readonly JoolInstanceFact[],
  options: JoolDebugOptions,
): Promise<JoolDebug> {
  const { journal, seconds, maxRate, say } = options
  const on: On[] = []
  let expired: JoolInstanceFact[] = []
  let expiredAt = 0
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  /** One thing after the other: switching on takes some time. */
  let last: Promise<void> = Promise.resolve()
  const inTurn = (what: () => Promise<void>): Promise<void> => {
    last = last.then(what)
    return last
  }
  const off = async (which: readonly On[]): Promise<void> => {
    for (const one of which.filter(o => on.includes(o))) {
      on.splice(on.indexOf(one), 1)
      const trouble = await switchOff(one.switched)
      // What could not be switched off stays in the journal for the next start.
      if (trouble === null) journal.remove(one.switched)
      else say(trouble)
    }
  }
  const expire = async () => {
    if (on.length > 0) say(`${names(on)}: the debug log is off again, after ${seconds} s.`)
    expired = on.map(o => o.instance)
    expiredAt = performance.now()
    await off([...on])
  }
  const switchAllOn = async (wanted: readonly JoolInstanceFact[]) => {
    if (isOver) return
    const tries = await Promise.all(wanted.filter(isEnabled).map(i => switchOn(i, options)))
    on.push(...tries.filter(o => o !== null))
    timer = setTimeout(() => void inTurn(expire), seconds * 1000)
    timer.unref()
  }
  await inTurn(() => switchAllOn(instances))
  return {
    async watch(now, nowMs) {
      for (const one of [...on]) {
        const { netns, name, siit } = one.instance
        const fresh = now.find(i => i.netns === netns && i.name === name && i.siit === siit)
        if (!fresh || nowMs <= one.readAt) continue
        const rate = ((receivedOf(fresh.stats) - one.received) / (nowMs - one.readAt)) * 1000
        one.received = receivedOf(fresh.stats)
        one.readAt = nowMs
        if (rate <= maxRate) continue
        say(`${joolLabel(one.instance)} gets ${Math.round(rate)} packets/s now: its debug log is off again.`)
        await inTurn(() => off([one]))
      }
    },
    renew() {
      if (expired.length === 0 || performance.now() - expiredAt < PAUSE_MS) return
      const again = expired
      expired = []
      void inTurn(() => switchAllOn(again))
    },
    async restore() {
      isOver = true
      await inTurn(() => off([...on]))
      clearTimeout(timer)
    },
  }
}

const names = (on: readonly On[]): string => on.map(o => joolLabel(o.instance)).join(', ')

/** null: it stays as it is, and why has been said. */
async function switchOn(instance: JoolInstanceFact, options: JoolDebugOptions): Promise<On | null> {
  const { journal, seconds, maxRate, say } = options
  const { netns, name, siit } = instance
  const label = joolLabel(instance)
  const ask = (...words: string[]) => run([...joolProgram(instance), ...words], { timeoutMs: 3000 })
  const settings = await ask('global', 'display', '--csv')
  const flag = joolFlag({ global: parsePairs(settings.stdout) }, 'logging-debug')
  if (settings.exit !== 0 || flag === undefined) {
    say(`${label} has no debug log that could be switched on${settings.exit === 0 ? '' : ` (${complaint(settings)})`}.`)
    return null
  }
  if (flag) {
    say(`${label} prints its debug log already; that stays as it is.`)
    return null
  }
  const counted = async () => {
    const stats = parsePairs((await ask('stats', 'display', '--all', '--csv')).stdout)
    const numbers = Object.fromEntries(Object.entries(stats).map(([k, v]) => [k, Number(v)]))
    return { received: receivedOf(numbers), at: Date.now() }
  }
  const before = await counted()
  await new Promise(resolve => setTimeout(resolve, MEASURE_MS))
  const after = await counted()
  const rate = ((after.received - before.received) / Math.max(1, after.at - before.at)) * 1000
  if (rate > maxRate) {
    say(`${label} gets ${Math.round(rate)} packets/s: its debug log stays off, for it is too much above ${maxRate}.`)
    return null
  }
  const switched: Switched = { kind: 'jool-debug', instance: { netns, name, siit } }
  try {
    journal.add(switched)
  } catch (error) {
    say(`The debug log of ${label} stays off, because no journal can be written: ${(error as Error).message}.`)
    return null
  }
  const ran = await ask('global', 'update', 'logging-debug', 'true')
  if (ran.exit !== 0) {
    journal.remove(switched)
    say(`The debug log of ${label} could not be switched on (${complaint(ran)}).`)
    return null
  }
  say(`${label} prints its debug log into the kernel's log, for at most ${seconds} s.`)
  return { instance, switched, received: after.received, readAt: after.at }
}
