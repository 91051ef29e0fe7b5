/** What is measured from one place: the same through each translator, in turn. */

import { EXIT, UserError } from '../../errors.js'
import { collectFacts } from '../../facts/collect/collect.js'
import type { Facts } from '../../facts/facts.js'
import { type EngineInfo, findNics, type GuestNic, isInside6, optionsFor } from '../../path/inventory.js'
import { predict } from '../../path/predict.js'
import { openProbe, type Probe } from '../../probe/probe.js'
import type { TracedPath } from '../../trace/core/traced.js'
import type { MeasuredEngine, MeasuredPlace } from '../measured.js'
import { targetBehind } from '../predict-engine.js'
import { startCpuClock } from './cpu.js'
import { addedTo, seenWay, sumOf, throughputOf, timingOf } from './figures.js'
import { seeHops } from './see-hops.js'

export interface MeasureRequest {
  readonly version: string
  /** How this program is started. */
  readonly program: readonly string[]
  readonly target4: string
  /** TCP port of a server that is known to serve; null: only pings. */
  readonly port: number | null
  /** What to ask the server for by HTTP, when it does not send by itself. */
  readonly path: string | null
  /** How long to read from it, for each translator and place. */
  readonly seconds: number
  /** Pings for each translator and place. */
  readonly count: number
  readonly signal: AbortSignal
  /** Tells what is going on. */
  say(line: string): void
}

/** A translator as it is now. */
export interface Subject {
  readonly id: string
  readonly info: EngineInfo
  /** Of its process; null: it has none. */
  readonly pid: number | null
  /** Prefixes that Jool instances beside it take first. */
  readonly hooked6: readonly string[]
}

export const INTERVAL_MS = 25

export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new UserError('Interrupted; nothing was left behind.', { exitCode: EXIT.unable })
}

/** Measures from a port beside `nic`. `base`: the host's own median to the target, microseconds. */
export async function measurePlace(
  facts: Facts,
  nic: GuestNic,
  firewallBridge: boolean,
  subjects: readonly Subject[],
  base: number,
  request: MeasureRequest,
): Promise<MeasuredPlace> {
  const { version, target4, signal } = request
  const probe = await openProbe(facts, nic, { firewallBridge: firewallBridge ? 'with' : 'without', signal })
  try {
    // A translator that was just started is slow at first, and neighbours are asked for.
    await eachOf(subjects, signal, s => probe.send(echoes(s, target4, WARM_UP)))
    const pings = await alternately(subjects, request, s =>
      probe.send(echoes(s, target4, Math.round(request.count / roundsFor(request.count)))),
    )
    const tcp = request.port === null ? null : await eachOf(subjects, signal, s => connectThrough(probe, s, request))
    const paths = await seeHops({ version, target4, guest: probe.nicDevice }, async () => {
      await eachOf(subjects, signal, s => probe.send(echoes(s, target4, TRACED, 100)))
    })
    const now = (await collectFacts({ version })).facts
    const engines: MeasuredEngine[] = []
    for (const [i, subject] of subjects.entries()) {
      throwIfStopped(signal)
      const { rttUs, ...ping } = sumOf(pings.map(round => round[i] as (typeof round)[number]))
      const rtt = timingOf(rttUs)
      const own = ownPaths(paths, subject, subjects)
      const predicted = predictedFor(now, probe, subject, target4)
      const isDelivered = ping.answered > 0
      engines.push({
        id: subject.id,
        label: subject.id === 'trial' ? 'nat64 run, on trial' : subject.info.label,
        pool6: subject.info.pool6 as string,
        predicted,
        ping,
        tcp: tcp?.[i] ? deliveryOf(tcp[i]) : null,
        rtt,
        added: addedTo(base, rtt),
        throughput: isDelivered ? await readThrough(probe, subject, request) : null,
        request: seenWay(own, 'request'),
        reply: seenWay(own, 'reply'),
        asPredicted: predicted.delivered === isDelivered,
      })
    }
    return { firewallBridge, device: probe.nicDevice, address6: probe.address6, engines }
  } finally {
    await probe.close()
  }
}

const deliveryOf = ({ sent, answered, complaint }: { sent: number; answered: number; complaint: string | null }) => {
  return { sent, answered, complaint }
}

const towards = ({ info }: Subject, target4: string): string => targetBehind(info.pool6 as string, target4)

/** How often the translators take turns at most, so that what else the host does concerns both. */
const MOST_ROUNDS = 4
const A_ROUND = 10

const roundsFor = (count: number): number => Math.max(1, Math.min(MOST_ROUNDS, Math.floor(count / A_ROUND)))

async function alternately<T>(
  subjects: readonly Subject[],
  { signal, count }: MeasureRequest,
  act: (subject: Subject) => Promise<T>,
): Promise<T[][]> {
  const rounds: T[][] = []
  for (let i = 0; i < roundsFor(count); i++) rounds.push(await eachOf(subjects, signal, act))
  return rounds
}

async function eachOf<T>(
  subjects: readonly Subject[],
  signal: AbortSignal,
  act: (s: Subject) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  for (const subject of subjects) {
    throwIfStopped(signal)
    results.push(await act(subject))
  }
  return results
}

const WARM_UP = 10
/** Packets whose way is traced. */
const TRACED = 3

const echoes = (subject: Subject, target4: string, count: number, intervalMs = INTERVAL_MS) => {
  return { protocol: 'icmp', target6: towards(subject, target4), count, intervalMs } as const
}

const CONNECTIONS = 5

function connectThrough(probe: Probe, subject: Subject, { target4, port }: MeasureRequest) {
  const target6 = towards(subject, target4)
  return probe.send({ protocol: 'tcp', port, target6, count: CONNECTIONS, intervalMs: 50 })
}

async function readThrough(probe: Probe, subject: Subject, { target4, port, path, seconds, say }: MeasureRequest) {
  if (port === null) return null
  say(`reading through ${subject.id === 'trial' ? 'the one on trial' : subject.info.label} for ${seconds} s`)
  const clock = startCpuClock(subject.pid)
  const get = path === null ? undefined : Buffer.from(`GET ${path} HTTP/1.0\r\nHost: ${target4}\r\n\r\n`)
  const read = await probe.read({ target6: towards(subject, target4), port, seconds, ...(get && { request: get }) })
  return throughputOf(read, clock.read())
}

function predictedFor(facts: Facts, probe: Probe, { info, hooked6 }: Subject, target4: string) {
  const nic = findNics(facts).find(n => n.device === probe.nicDevice)
  const options = nic ? optionsFor(facts, info, { ...nic, address6: probe.address6 }) : null
  if (!options) return { delivered: false, reason: 'unknown_device' }
  const flow = { nic: probe.nicDevice, target4, protocol: 'icmp', port: 0 } as const
  const { delivered, reason } = predict(facts, flow, { ...options, hooked6 })
  return { delivered, reason }
}

/** Paths through one translator: by its device, else by the prefix at the guest's side. */
function ownPaths(paths: readonly TracedPath[], subject: Subject, subjects: readonly Subject[]): TracedPath[] {
  const prefixOf = (path: TracedPath) =>
    subjects.find(s =>
      path.hops.some(h => h.family === 6 && [h.source, h.destination].some(a => isInside6(s.info.pool6 as string, a))),
    )
  return paths.filter(p => prefixOf(p) === subject)
}
