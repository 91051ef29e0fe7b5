/**
 * The translator that is there and one on trial, at once, on the live host: the same probes through both, from a port on the
 * guest's bridge, as the guest is wired and the other way. Everything is bounded, journalled, and gone afterwards.
 */
import { randomBytes } from 'node:crypto'
import { EXIT, UserError } from '../../errors.js'
import { collectFacts } from '../../facts/collect/collect.js'
import type { Facts } from '../../facts/facts.js'
import { type EngineInfo, findEngines, type GuestNic, hookedBeside } from '../../path/inventory.js'
import { sendProbes } from '../../probe/send.js'
import type { Measured, MeasuredPlace } from '../measured.js'
import { chooseTrial, TRIAL_BYTES } from './choose-trial.js'
import { timingOf } from './figures.js'
import { INTERVAL_MS, type MeasureRequest, measurePlace, type Subject, throwIfStopped } from './measure-place.js'
import { startTrial } from './trial.js'

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

const OWN_COUNT = 20
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
