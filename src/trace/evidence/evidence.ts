/**
 * Evidence for a trace, live: what is switched on for it, what is read while it runs, and what that says of a packet. All
 * that is switched on is journalled first, and off again at the end, or at the next start. Edge; answer.ts decides.
 */
import type { Facts } from '../../facts/facts.js'
import { followKmsg, type Kmsg } from '../../host/kmsg.js'
import type { TraceEvidence } from '../core/traced.js'
import { type Answer, answer, concernsJool, type Question, type Snapshot } from './answer.js'
import { collectCounters } from './collect-counters.js'
import { readCounters } from './counters.js'
import type { DropEvent } from './drop-event.js'
import { type DropEvents, openDropEvents } from './drop-events.js'
import { type JoolDebug, openJoolDebug } from './jool-debug.js'
import { LOG_SOURCE } from './jool-record.js'
import { liveJoolLog } from './live-jool-log.js'
import { openSwitchJournal } from './switch-journal.js'
import { restoreLeftovers } from './switch-off.js'

export type { Question } from './answer.js'

export interface EvidenceOptions {
  /** What was collected before the trace. */
  readonly facts: Facts
  /** The program's version. */
  readonly version: string
  /** Nothing is switched on: counters, and what is logged anyway. */
  readonly passive: boolean
  /** How long Jool's debug log may be on. Default 30. */
  readonly deepSeconds?: number
  /** Packets a second up to which it is switched on. Default 500: every packet prints some 15 lines. */
  readonly maxRate?: number
  /** Rules came or went since the last reading. */
  readonly onRules?: (rules: Pick<Facts, 'iptables' | 'nft'>) => void
  /** ms since 1970. */
  readonly now?: () => number
  /** For tests. */
  readonly runtimeDir?: string
  readonly tracefs?: readonly string[]
}

export interface Evidence {
  /** Switches on what is wanted. Sentences: what was switched on, what is not available and why. */
  start(): Promise<string[]>
  /**
   * Reads what there is; to be called some times a second, also while an earlier call waits for programs that print
   * counters. These are asked once a second at most.
   */
  poll(sinceMs?: number): Promise<void>
  /** What is known of a packet that died, what decides first. */
  evidenceFor(question: Question): readonly TraceEvidence[]
  /** Who killed it; null: nobody can be named. */
  killerFor(question: Question): string | null
  /** What was said since `start`: what had to be switched off early, what was lost. */
  notes(): readonly string[]
  /** Switches everything off again. May be called more than once, and before `start` has ended. */
  stop(): Promise<void>
}

const COUNTERS_MS = 1000
const MAX_SNAPSHOTS = 12
const MAX_EVENTS = 5000
/** The kernel walks its stack for every event. */
const MAX_EVENT_RATE = 2000

/** Of asking Jool at the start. */
const TRIES = 3

/** Why instances of Jool are not known, though there are some; null: they are. */
function joolSilence({ jool }: Facts): string | null {
  if (!jool.ok) return jool.reason === 'absent' ? null : jool.detail
  return jool.value.unasked[0] ?? null
}

/** Something could not be read this time: the readings before it are worth more. */
function isPoorer(fresh: Facts, known: Facts): boolean {
  const names = ['jool', 'iptables', 'nft'] as const
  if (names.some(name => known[name].ok && !fresh[name].ok)) return true
  return joolSilence(known) === null && joolSilence(fresh) !== null
}

/** All rules, without what they counted and without the contents of sets. */
function rulesText({ iptables, nft }: Pick<Facts, 'iptables' | 'nft'>): string {
  const old = iptables.ok ? iptables.value : { rules: [], policies: [] }
  const objects = (nft.ok ? nft.value : []).filter(o => o.rule !== undefined || o.chain !== undefined)
  return JSON.stringify([old.rules, old.policies, objects], (key, value) => (COUNTS.has(key) ? undefined : value))
}

const COUNTS = new Set(['packets', 'bytes'])

/** Prepares; nothing is read or changed before `start`. */
export function openEvidence(options: EvidenceOptions): Evidence {
  const { passive, version, deepSeconds = 30, maxRate = 500, now = Date.now } = options
  let facts = options.facts
  const said: string[] = []
  const say = (text: string) => {
    if (!said.includes(text)) said.push(text)
  }
  const log = liveJoolLog()
  let logZeroMs: number | null = null
  let isMarked = false
  let kmsg: Kmsg | null = null
  let jool: JoolDebug | null = null
  let drops: DropEvents | null = null
  let events: DropEvent[] = []
  /** Kinds of deaths that Jool's log told of. */
  const logged = new Set<string>()
  const first = readCounters(facts)
  let snapshots: Snapshot[] = Number.isNaN(first.at) ? [] : [{ begun: first.at, counters: first }]
  let polledAt = now()
  let countedAt = 0
  let stopped = false
  let starting: Promise<void> = Promise.resolve()
  let counting: Promise<void> | null = null

  const readLog = () => {
    const lines = (kmsg?.read() ?? []).filter(l => l.fromKernel)
    const last = lines.at(-1)
    // Without a mark nothing tells the log's clock but its lines: one that was just read is at least as old as it says.
    if (last && !isMarked) logZeroMs = Math.min(logZeroMs ?? Infinity, now() - last.time * 1000)
    log.add(lines)
  }
  const readDrops = async () => {
    if (!drops) return
    const fresh = drops.read()
    events = [...events, ...fresh].slice(-MAX_EVENTS)
    if (drops.lost() > 0) say('The kernel had no room for some of its drop events.')
    const rate = (fresh.length / Math.max(200, now() - polledAt)) * 1000
    if (rate > MAX_EVENT_RATE) {
      say(`The kernel drops ${Math.round(rate)} packets/s: its drop events are off again.`)
      await closeDrops()
    }
  }
  const closeDrops = async () => {
    const trouble = await drops?.close()
    drops = null
    if (trouble) say(trouble)
  }
  const readAllCounters = async () => {
    const { begun, facts: fresh } = await collectCounters(version)
    if (isPoorer(fresh, facts)) return
    const { jool: instances, iptables, nft } = fresh
    const hasNewRules = rulesText(fresh) !== rulesText(facts)
    facts = { ...facts, jool: instances, iptables, nft }
    if (hasNewRules) options.onRules?.({ iptables, nft })
    snapshots = [...snapshots, { begun, counters: readCounters(fresh) }]
    // The first one stays: what rose since the start is known in any case.
    if (snapshots.length > MAX_SNAPSHOTS) snapshots.splice(1, 1)
    if (fresh.jool.ok) await jool?.watch(fresh.jool.value.instances, Date.parse(fresh.collected.at))
  }
  const begin = async () => {
    const opened = followKmsg()
    if (typeof opened === 'string') say(`${opened[0]?.toUpperCase()}${opened.slice(1)}.`)
    else kmsg = opened
    if (!passive) logZeroMs = kmsg?.mark(`nat64 trace[${process.pid}] reads this log`) ?? null
    isMarked = logZeroMs !== null
    await readAllCounters()
    // On a busy host programs may not answer in time.
    for (let i = 1; i < TRIES && !stopped && joolSilence(facts) !== null; i++) await readAllCounters()
    const silence = joolSilence(facts)
    if (silence !== null) say(`Jool could not be asked: ${silence}.`)
    if (!passive) {
      for (const text of await restoreLeftovers(options.runtimeDir, options.tracefs)) say(text)
      const journal = openSwitchJournal(options.runtimeDir)
      const instances = facts.jool.ok ? facts.jool.value.instances : []
      if (!stopped && kmsg !== null) {
        jool = await openJoolDebug(instances, { journal, seconds: deepSeconds, maxRate, say })
      }
      if (!stopped) {
        const on = await openDropEvents(journal, options.tracefs)
        if (typeof on === 'string') say(on)
        else drops = on
      }
    }
  }
  const count = () => {
    countedAt = now()
    counting ??= readAllCounters().finally(() => {
      counting = null
    })
    return counting
  }
  const poll = async (sinceMs = 0) => {
    if (stopped) return
    readLog()
    await readDrops()
    polledAt = now()
    if (polledAt - countedAt >= COUNTERS_MS) await count()
    else await counting
    // A reading that was under way when a packet died says nothing of it.
    if ((snapshots.at(-1)?.begun ?? 0) < sinceMs) await count()
  }
  const ask = (question: Question): Answer => {
    const said = answer(question, {
      facts,
      snapshots,
      records: log.records(),
      logZeroMs,
      logTolerance: isMarked ? 0.3 : 1.5,
      events,
      eventZeroMs: now() - Number(process.hrtime.bigint()) / 1e6,
    })
    // A death that Jool's log has not told of yet is worth having it on once more.
    const kind = `${question.reason} ${question.at}`
    if (said.evidence.some(e => e.source === LOG_SOURCE)) logged.add(kind)
    else if (concernsJool(question) && !logged.has(kind)) jool?.renew()
    return said
  }

  return {
    async start() {
      starting = begin()
      await starting
      return [...said]
    },
    poll,
    evidenceFor: question => ask(question).evidence,
    killerFor: question => ask(question).killer,
    notes: () => said,
    async stop() {
      stopped = true
      await starting.catch(() => {})
      await counting?.catch(() => {})
      await jool?.restore()
      await closeDrops()
      kmsg?.close()
      kmsg = null
    },
  }
}
