/** The translators that a host has, and those that it could have: each with the host as it would be with it. Pure. */
import type { Facts, JoolInstanceFact } from '../facts/facts.js'
import type { EngineInfo, Model } from '../path/inventory.js'
import { findEngines, hookedBeside } from '../path/inventory.js'
import type { Engine } from '../path/path.js'
import { type EngineSetup, withEngine } from '../path/with-engine.js'

export const ENGINE_KINDS = ['jool-netfilter', 'jool-iptables', 'jool-netns', 'tayga', 'nat64', 'tundra'] as const
export type EngineKind = (typeof ENGINE_KINDS)[number]

/** active: it takes packets now. off: it is there and does not. proposed: it would have to be set up. */
export type EngineState = 'active' | 'off' | 'proposed'

export interface Candidate {
  /** What `--engines` takes: the kind, with a name behind it when there are several: `jool-netfilter:home`. */
  readonly id: string
  readonly kind: EngineKind
  readonly label: string
  readonly state: EngineState
  /** The host with it; this host when it is active. */
  readonly facts: Facts
  readonly info: EngineInfo
  /** Prefixes that Jool instances beside it take first. */
  readonly hooked6: readonly string[]
  /** The rule that hands IPv6 packets to Jool, beside pool6: `! -i fwbr+`. */
  readonly match: string | null
}

export const WELL_KNOWN = '64:ff9b::/96'
/** What Jool's rules match beside pool6 so that firewall bridges are left out. */
export const LEAVE_OUT_FWBR = '! -i fwbr+'
/** Name that the rules of `--engines` know: Jool's iptables framework with rules that leave out firewall bridges. */
export const BETTER_RULES = 'jool-iptables-fwbr'

export function kindOf(engine: Engine): EngineKind | null {
  if (engine.kind === 'none') return null
  if (engine.kind !== 'jool') return engine.kind
  return engine.netns !== null ? 'jool-netns' : engine.framework === 'iptables' ? 'jool-iptables' : 'jool-netfilter'
}

/** All candidates: those that are there first. `pool6`: of proposals. */
export function candidates(facts: Facts, model: Model, pool6: string): Candidate[] {
  const there = model.engines.flatMap(info => present(facts, model.engines, info))
  const proposals = PROPOSALS.filter(p => !there.some(c => c.kind === p.kind)).map(p => proposed(facts, p, pool6))
  const better = there.some(c => c.kind === 'jool-iptables') ? [proposed(facts, betterRules(there), pool6)] : []
  return [...withNames(there), ...better, ...proposals]
}

function present(facts: Facts, all: readonly EngineInfo[], info: EngineInfo): Candidate[] {
  const kind = kindOf(info.engine)
  if (kind === null) return []
  const setup = { ...(info.pool6 ? { pool6: info.pool6 } : {}) }
  const whole = info.active ? { facts, info } : only(withEngine(facts, info.engine, setup), info)
  const state = info.active ? 'active' : 'off'
  const hooked6 = info.active ? hookedBeside(info, all) : []
  return [{ id: kind, kind, label: info.label, state, ...whole, hooked6, match: null }]
}

function only(facts: Facts, like: EngineInfo): { facts: Facts; info: EngineInfo } {
  const info = findEngines(facts)[0] ?? like
  return { facts, info: { ...info, label: like.label } }
}

/** Several of a kind are told apart by instance or device. */
function withNames(there: readonly Candidate[]): Candidate[] {
  return there.map(c => {
    if (there.filter(o => o.kind === c.kind).length === 1) return c
    const { engine } = c.info
    return {
      ...c,
      id: `${c.kind}:${engine.kind === 'jool' ? engine.instance : 'device' in engine ? engine.device : ''}`,
    }
  })
}

interface Proposal {
  readonly id: string
  readonly kind: EngineKind
  readonly label: string
  readonly engine: Engine
  readonly match: string | null
}

const jool = (framework: 'netfilter' | 'iptables', netns: string | null = null): Engine => {
  return { kind: 'jool', framework, netns, instance: 'default' }
}
const proposal = (kind: EngineKind, label: string, engine: Engine, match: string | null = null): Proposal => {
  return { id: kind, kind, label, engine, match }
}

const PROPOSALS: readonly Proposal[] = [
  proposal('nat64', 'nat64 run', { kind: 'nat64', device: 'nat64' }),
  proposal('jool-netfilter', 'Jool (netfilter)', jool('netfilter')),
  proposal('jool-iptables', `Jool (iptables, ${LEAVE_OUT_FWBR})`, jool('iptables'), LEAVE_OUT_FWBR),
  proposal('jool-netns', 'Jool in a namespace', jool('netfilter', 'nat64')),
  proposal('tayga', 'Tayga', { kind: 'tayga', device: 'nat64' }),
]

function betterRules(there: readonly Candidate[]): Proposal {
  const present = there.find(c => c.kind === 'jool-iptables') as Candidate
  const label = `Jool (iptables, ${LEAVE_OUT_FWBR})`
  return { id: BETTER_RULES, kind: 'jool-iptables', label, engine: present.info.engine, match: LEAVE_OUT_FWBR }
}

function proposed(facts: Facts, { engine, match, ...rest }: Proposal, pool6: string): Candidate {
  const pool4 = engine.kind === 'jool' && engine.netns === null ? firstPool4(facts) : undefined
  const setup: EngineSetup = { pool6, ...(pool4 ? { pool4 } : {}), ...(match === null ? {} : { match }) }
  const { label } = rest
  const like = { engine, label, pool6, mapped4: null, active: true }
  return { ...rest, state: 'proposed', ...only(withEngine(facts, engine, setup), like), hooked6: [], match }
}

/** An instance in this namespace that has a pool4 would keep it. */
function firstPool4(facts: Facts): string | undefined {
  return joolHere(facts)?.pool4[0]?.address
}

/** Jool's instance in this namespace: the one that a change concerns. */
export function joolHere(facts: Facts): JoolInstanceFact | undefined {
  const instances = facts.jool.ok ? facts.jool.value.instances : []
  return instances.find(i => i.netns === null && !i.siit)
}
