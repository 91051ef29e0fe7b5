/** From a finding to the steps that remedy it, with what they would meet on this host; nothing is changed yet. */
import { existsSync } from 'node:fs'
import { loadConfig } from '../../config/load.js'
import type { LoadedConfig } from '../../config/run-config.js'
import { EXIT, UserError } from '../../errors.js'
import type { Facts, JoolInstanceFact } from '../../facts/facts.js'
import type { EngineInfo, GuestNic } from '../../path/inventory.js'
import { collectFacts } from '../../run/collect.js'
import { type Change, describeChange, shellLine, undoCommands } from '../../run/plan/change.js'
import { choosePool } from '../../run/plan/choose-pool.js'
import { conflictError, findConflicts } from '../../run/plan/conflicts.js'
import type { HostFacts } from '../../run/plan/facts.js'
import { type Plan, plan } from '../../run/plan/plan.js'
import { runtimeDir, runtimePaths } from '../../run/runtime-dir.js'
import type { Finding, Remedy } from '../check.js'
import type { Diagnosis } from '../runner.js'
import { flagsFor, type TakeOverHost, takeOverSteps } from './take-over.js'

export interface FixPlan {
  readonly finding: Finding
  readonly remedy: Remedy
  /** Made in this order through the journal, undone in reverse. */
  readonly steps: readonly Change[]
  /** What the translator then does by itself, and takes back when it is stopped. */
  readonly byTranslator: readonly Change[]
  readonly notes: readonly string[]
  /** Devices of guests whose traffic has to pass afterwards. */
  readonly nics: readonly GuestNic[]
  /** Device of the translator that the steps start; null: none. */
  readonly tun: string | null
  readonly pool6: string | null
  readonly log: string
}

export interface FixContext {
  readonly program: readonly string[]
  readonly facts: Facts
  readonly diagnosis: Diagnosis
}

/**
 * Plans the remedy for `code`.
 * @throws UserError when there is no such finding here, no remedy that can be applied, or a conflict
 */
export async function planFix(code: string, context: FixContext): Promise<FixPlan> {
  const all = context.diagnosis.findings.flatMap(t => [t.finding, ...t.consequences])
  const finding = all.find(f => f.code === code) ?? all.find(f => offers(f, code))
  if (!finding) {
    throw new UserError(`${code} is not found on this host: there is nothing to remedy.`, {
      exitCode: EXIT.unable,
      nextSteps: [
        ...(all.length === 0 ? [] : [`Found are: ${[...new Set(all.map(f => f.code))].join(', ')}`]),
        ...unread(context.facts).map(name => `${name} could not be read in time: try again`),
      ],
    })
  }
  const remedy = finding.remedies.find(r => r.fix !== undefined && !r.warning)
  if (!remedy) {
    throw new UserError(`None of the remedies for ${code} is one that nat64 can apply by itself.`, {
      exitCode: EXIT.unable,
      nextSteps: [`They are for you to choose from:  nat64 doctor --only ${code}`],
    })
  }
  const nics = context.diagnosis.model.nics.filter(n => finding.affects.includes(n.device))
  if (remedy.fix === 'take-over') return planTakeOver(finding, remedy, nics, context)
  const step: Change = { kind: 'commands', what: remedy.text, apply: remedy.commands, undo: remedy.undo, holds: '' }
  return { finding, remedy, steps: [step], byTranslator: [], notes: [], nics, tun: null, pool6: null, log: '' }
}

/** A busy host may not answer in time; a finding that needs what it did not say is not there then. */
function unread(facts: Facts): string[] {
  return Object.entries(facts).flatMap(([name, fact]) =>
    typeof fact === 'object' && 'ok' in fact && !fact.ok && fact.reason === 'timeout' ? [name] : [],
  )
}

/** Findings with the same way out name the code of the first of them in their command. */
const offers = (finding: Finding, code: string) =>
  finding.remedies.some(r => r.fix !== undefined && r.commands.includes(`nat64 doctor --fix ${code}`))

async function planTakeOver(
  finding: Finding,
  remedy: Remedy,
  nics: readonly GuestNic[],
  { facts, diagnosis, program }: FixContext,
): Promise<FixPlan> {
  const instance = instanceOf(facts, diagnosis, nics)
  const seen = await collectFacts()
  const host = hostFor(seen, program)
  // The plan of the translator is made for a host on which Jool is off already.
  const without = { ...seen, jool: seen.jool.map(j => (j.name === instance.name ? { ...j, enabled: false } : j)) }
  let taken = flagsFor(instance, host)
  let tried = tryPlan(taken.flags, without)
  if (tried instanceof UserError && taken.flags.pool4 !== undefined) {
    const because = tried.message
    taken = flagsFor({ ...instance, pool4: [] }, host, false)
    taken = { ...taken, notes: [...taken.notes, `pool4 of Jool cannot be served by routing: ${because}`] }
    tried = tryPlan(taken.flags, without)
  }
  if (tried instanceof UserError) throw tried
  return {
    finding,
    remedy,
    steps: takeOverSteps(instance, taken, host),
    byTranslator: tried.changes,
    notes: [...taken.notes, ...tried.warnings],
    nics,
    tun: host.tun,
    pool6: instance.global.pool6 ?? null,
    log: host.log,
  }
}

/** The instance whose packets are concerned: the one that the guests' predictions go through, or the only one. */
function instanceOf(facts: Facts, diagnosis: Diagnosis, nics: readonly GuestNic[]): JoolInstanceFact {
  const isHere = (e: EngineInfo) => e.engine.kind === 'jool' && e.engine.netns === null && e.active
  const through = diagnosis.model.predictions.filter(p => nics.includes(p.nic) && isHere(p.engine)).map(p => p.engine)
  const engines = [...new Set(through.length > 0 ? through : diagnosis.model.engines.filter(isHere))]
  if (engines.length !== 1) {
    const names = engines.map(e => e.label).join(', ')
    throw new UserError(
      engines.length === 0
        ? 'No Jool instance is at work in this network namespace: there is nothing to take over.'
        : `Several Jool instances are concerned (${names}); only one can be taken over at a time.`,
      {
        exitCode: EXIT.unable,
        nextSteps: engines.length === 0 ? ['Start the translator:  nat64 run'] : ['Remove the others first.'],
      },
    )
  }
  const { engine } = engines[0] as EngineInfo
  const instances = facts.jool.ok ? facts.jool.value.instances : []
  const name = engine.kind === 'jool' ? engine.instance : ''
  return instances.find(i => i.netns === null && i.name === name) as JoolInstanceFact
}

function hostFor(seen: HostFacts, program: readonly string[]): TakeOverHost {
  const taken = new Set(seen.links.map(l => l.name))
  const tun = ['nat64', ...Array.from({ length: 9 }, (_, i) => `nat64x${i + 1}`)].find(n => !taken.has(n)) ?? 'nat64'
  return {
    program,
    systemd: existsSync('/run/systemd/system'),
    tunDevice: existsSync('/dev/net/tun'),
    addresses4: seen.addresses.filter(a => a.family === 4).map(a => a.address),
    tun,
    lock: runtimePaths(tun).lock,
    log: `${runtimeDir()}/${tun}.log`,
  }
}

/** The plan that `nat64 run` with these flags would make; its conflicts as an error. */
function tryPlan(flags: Readonly<Record<string, unknown>>, seen: HostFacts): Plan | UserError {
  try {
    const loaded: LoadedConfig = loadConfig({ env: process.env, flags })
    const { config, chosen } = choosePool(loaded.run, seen, null)
    const planned = plan(config, chosen, seen)
    const conflicts = findConflicts(config, chosen, seen, planned)
    return conflicts.length > 0 ? conflictError(conflicts) : planned
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

/** The steps as text: each with its commands, and what takes it back. */
export function stepLines(fix: FixPlan): string[] {
  const lines = [
    `${fix.finding.code}  ${fix.finding.title}`,
    '',
    `${fix.remedy.text}`,
    `Price: ${fix.remedy.price}`,
    '',
  ]
  for (const [i, step] of fix.steps.entries()) {
    lines.push(`${i + 1}. ${describeChange(step)}`)
    if (step.kind === 'commands') lines.push(...step.apply.map(c => `     ${c}`))
    for (const command of undoCommands(step)) lines.push(`   undo: ${shellLine(command)}`)
  }
  if (fix.byTranslator.length > 0) {
    lines.push('', 'The translator then does, and takes back when it stops:')
    lines.push(...fix.byTranslator.map(c => `   - ${describeChange(c)}`))
  }
  if (fix.notes.length > 0) lines.push('', ...fix.notes.map(n => `Note: ${n}`))
  return lines
}
