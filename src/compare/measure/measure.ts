/**
 * The translator that is there and one on trial, at once, on the live host: the same probes through both, from a port on the
 * guest's bridge, as the guest is wired and the other way. Everything is bounded, journalled, and gone afterwards.
 */
import { randomBytes } from 'node:crypto'
import { EXIT, UserError } from '../../errors.js'
import { collectFacts } from '../../facts/collect/collect.js'
import type { Facts } from '../../facts/facts.js'
import {
  type EngineInfo,
  findEngines,
  findNics,
  type GuestNic,
  hookedBeside,
  isInside6,
  optionsFor,
} from '../../path/inventory.js'
import { predict } from '../../path/predict.js'
import { openProbe, type Probe } from '../../probe/probe.js'
import { sendProbes } from '../../probe/send.js'
import type { TracedPath } from '../../trace/core/traced.js'
import type { Measured, MeasuredEngine, MeasuredPlace } from '../measured.js'
import { targetBehind } from '../predict-engine.js'
import { chooseTrial, TRIAL_BYTES } from './choose-trial.js'
import { startCpuClock } from './cpu.js'
import { addedTo, seenWay, sumOf, throughputOf, timingOf } from './figures.js'
import { seeHops } from './see-hops.js'
import { startTrial } from './trial.js'

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

interface Subject {
  readonly id: string
  readonly info: EngineInfo
  readonly pid: number | null
  readonly hooked6: readonly string[]
}

/** Measures. `present`: who takes the guest's packets now; null: nobody. @throws UserError; nothing is left behind */
export async function measure(
  facts: Facts,
  nic: GuestNic,
  present: { readonly id: string; readonly info: EngineInfo } | null,
  request: MeasureRequest,
): Promise<Measured> {
  const started = performance.now()
  const { say, target4, signal } = request
  const plan = chooseTrial(facts, process.pid, randomBytes(TRIAL_BYTES))
  if (typeof plan === 'string') throw new UserError(`Nothing is measured here: ${plan}.`, { exitCode: EXIT.unable })
  say(`the host itself to ${target4}`)
  const baseline = await ownTiming(target4)
  say(`a translator on trial: device ${plan.tun}, prefix ${plan.pool6}, pool ${plan.pool4}`)
  const trial = await startTrial(plan, request.program, signal)
  try {
    const now = (await collectFacts({ version: request.version })).facts
    const subjects = subjectsOf(now, present, plan.tun)
    const asGuest = nic.firewallBridge !== null
    const places: MeasuredPlace[] = []
    for (const firewallBridge of [asGuest, !asGuest]) {
      throwIfStopped(signal)
      say(`a probe beside ${nic.device}, ${firewallBridge ? 'behind' : 'without'} a firewall bridge`)
      places.push(await measurePlace(now, nic, firewallBridge, subjects, baseline.median, request))
    }
    return {
      beside: nic.device,
      target4,
      port: request.port,
      trial: { device: plan.tun, pool6: plan.pool6, pool4: plan.pool4 },
      baseline,
      places,
      ms: Math.round(performance.now() - started),
    }
  } finally {
    await trial.stop()
  }
}

function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new UserError('Interrupted; nothing was left behind.', { exitCode: EXIT.unable })
}

const OWN_COUNT = 20
const INTERVAL_MS = 25

async function ownTiming(target4: string): Promise<Measured['baseline']> {
  const counts = await sendProbes([], { protocol: 'icmp', target: target4, count: OWN_COUNT, intervalMs: INTERVAL_MS })
  const timing = timingOf(counts.rttUs)
  if (timing) return { ...timing, sent: counts.sent, answered: counts.answered, complaint: counts.complaint }
  throw new UserError(`This host itself gets no answer to pings from ${target4}, so nothing can be measured.`, {
    exitCode: EXIT.unable,
    nextSteps: ['Name a target that answers:  nat64 compare --measure --to 192.0.2.1'],
  })
}

/** The two translators as they are now, with their processes. */
function subjectsOf(facts: Facts, present: { id: string; info: EngineInfo } | null, tun: string): Subject[] {
  const engines = findEngines(facts)
  const device = (e: EngineInfo) => ('device' in e.engine ? e.engine.device : null)
  const ofDevice = (e: EngineInfo) => {
    const owners = facts.tunOwners.ok ? facts.tunOwners.value : []
    return owners.find(o => o.device === device(e))?.pid ?? null
  }
  const subject = (id: string, info: EngineInfo): Subject => {
    return { id, info, pid: ofDevice(info), hooked6: hookedBeside(info, engines) }
  }
  const trial = engines.find(e => device(e) === tun)
  if (!trial) throw new UserError('The translator on trial is not to be seen.', { exitCode: EXIT.unable })
  const same = present && engines.find(e => JSON.stringify(e.engine) === JSON.stringify(present.info.engine))
  return [...(present && same ? [subject(present.id, same)] : []), subject('trial', trial)]
}

async function measurePlace(
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
    const pings = await alternately(subjects, request, s => pingThrough(probe, s, request))
    const tcp = request.port === null ? null : await eachOf(subjects, signal, s => connectThrough(probe, s, request))
    const paths = await seeHops({ version, target4, guest: probe.nicDevice }, async () => {
      await eachOf(subjects, signal, s =>
        probe.send({ protocol: 'icmp', target6: towards(s, target4), count: 3, intervalMs: 100 }),
      )
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

function pingThrough(probe: Probe, subject: Subject, { target4, count }: MeasureRequest) {
  const target6 = towards(subject, target4)
  return probe.send({
    protocol: 'icmp',
    target6,
    count: Math.round(count / roundsFor(count)),
    intervalMs: INTERVAL_MS,
  })
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
