/** Facts of a host in, the comparison out: every translator, for each distinct kind of guest. Pure. */
import { CHECKS } from '../doctor/checks/index.js'
import { diagnose } from '../doctor/runner.js'
import type { Facts } from '../facts/facts.js'
import { missingFacts } from '../facts/missing.js'
import { viewHost } from '../path/host-view.js'
import { findEngines, type GuestNic, type Model, modelHost } from '../path/inventory.js'
import type { Flow } from '../path/path.js'
import { COMPARE_SCHEMA, type ComparedEngine, type ComparedGuest, type CompareReport, type Move } from './compared.js'
import { type Candidate, candidates, WELL_KNOWN } from './engines.js'
import { moveTo } from './moves.js'
import { predictEngine } from './predict-engine.js'
import { firstDifference } from './report/difference.js'
import { attempts, trapsFor, withCalls } from './traps.js'
import { verdictOf } from './verdict.js'

export interface CompareAbout {
  readonly version: string
  /** The file that the facts were read from. */
  readonly from: string | null
}

/** What is compared. */
export interface Question extends Omit<Flow, 'nic'> {
  /** At least one. */
  readonly nics: readonly GuestNic[]
  /** A guest's address, when it was named. */
  readonly guest6: string | null
  /** The prefix of the address that was named; null: any. */
  readonly pool6: string | null
  /** Ids for the left and the right column. */
  readonly engines: readonly string[]
}

/** Compares. Guests for which everything is the same are told once. */
export function compareHost(facts: Facts, question: Question, about: CompareAbout): CompareReport {
  const model = modelHost(facts)
  const diagnosis = diagnose(facts, CHECKS)
  const pool6 = question.pool6 ?? model.engines.find(e => e.active && e.pool6 !== null)?.pool6 ?? WELL_KNOWN
  const found = candidates(facts, model, pool6)
  const host: Host = {
    facts,
    pool6,
    candidates: found,
    called: found.map(c => ({ ...c, facts: withCalls(c.facts, true) })),
    attempts: attempts(facts, pool6),
    move: (c, nic) => moveTo(c, facts, diagnosis, nic),
  }
  const guests = question.nics.map(nic => compareGuest(host, nic, question))
  const { at, root, hostname } = facts.collected
  const { target4, protocol, port } = question
  return {
    schema: COMPARE_SCHEMA,
    version: about.version,
    host: {
      name: hostname,
      system: facts.os.ok ? facts.os.value.pretty : null,
      kernel: facts.kernel.ok ? facts.kernel.value.release : null,
    },
    facts: { at, root, from: about.from, missing: missingFacts(facts) },
    flow: { target4, protocol, port },
    guests: distinct(guests),
    measured: null,
    ok: guests.every(g => isFine(g)),
  }
}

/** What is there delivers, with the guest's firewall in force. */
export function isFine({ engines, present }: ComparedGuest): boolean {
  return engines.some(e => e.id === present && e.delivered && e.firewall.inForce)
}

/** What is the same for all guests of a host. */
interface Host {
  readonly facts: Facts
  readonly pool6: string
  readonly candidates: readonly Candidate[]
  /** The same with br_netfilter switched on. */
  readonly called: readonly Candidate[]
  readonly attempts: ReturnType<typeof attempts>
  move(candidate: Candidate, nic: GuestNic): Move
}

function compareGuest(host: Host, nic: GuestNic, question: Question): ComparedGuest {
  const { facts, pool6 } = host
  const { target4, protocol, port, guest6 } = question
  const flow: Flow = { nic: nic.device, target4, protocol, port }
  const ask = (c: Candidate) => predictEngine(c, nic, flow, guest6, host.move(c, nic))
  const engines = host.candidates.map(ask)
  const present = presentOf(engines, pool6)
  const bridge = nic.firewallBridge
  const isUncalled = bridge !== null && !viewHost(facts).callsIptables(bridge, 6)
  const verdict = verdictOf({
    engines,
    present,
    traps: trapsFor(host.attempts, facts, nic, flow),
    called: isUncalled ? host.called.map(ask) : null,
    firewallBridge: bridge,
  })
  const [left, right] = columns(engines, present, verdict.engine, question.engines)
  return {
    ...aboutNic(facts, nic),
    alike: [],
    engines,
    present: present?.id ?? null,
    left: left.id,
    right: right.id,
    first: firstDifference(left, right),
    verdict,
  }
}

/** Of several with this prefix the one that gets the packets: Jool's hook comes before anything is routed. */
function presentOf(engines: readonly ComparedEngine[], pool6: string): ComparedEngine | null {
  const active = engines.filter(e => e.state === 'active' && e.pool6 === pool6)
  return active.find(e => e.reason !== 'other_engine' && e.reason !== 'no_engine') ?? active[0] ?? null
}

function columns(
  engines: readonly ComparedEngine[],
  present: ComparedEngine | null,
  suiting: string | null,
  wanted: readonly string[],
): [ComparedEngine, ComparedEngine] {
  const byId = (id: string | null | undefined) => engines.find(e => e.id === id)
  const kernel = engines.find(e => e.kind === 'jool-netfilter')
  const ours = engines.find(e => e.kind === 'nat64')
  const first = engines[0] as ComparedEngine
  const left = byId(wanted[0]) ?? present ?? kernel ?? first
  const others = [byId(wanted[1]), byId(suiting), ours, kernel, ...engines]
  return [left, others.find(e => e !== undefined && e.id !== left.id) ?? left]
}

function aboutNic(facts: Facts, nic: GuestNic) {
  const guests = facts.proxmox.ok ? facts.proxmox.value.guests : []
  const name = guests.find(g => g.id === nic.guest)?.name ?? null
  const { device, guest, bridge, firewallBridge, address6 } = nic
  return { device, guest, name, bridge, firewallBridge, address6 }
}

/** Guests of one kind: the same in everything but the numbers in the names of their devices. */
function distinct(guests: readonly ComparedGuest[]): ComparedGuest[] {
  const kinds = new Map<string, ComparedGuest>()
  for (const guest of guests) {
    const { engines, bridge, firewallBridge } = guest
    const told = engines.map(e => [e.id, e.lanes, e.firewall, e.mtu, e.reason, e.offloads, e.ended?.drop.rule?.tool])
    const key = JSON.stringify([bridge, firewallBridge, told]).replace(/\b(tap|veth|fwbr|fwln|fwpr)\d+[iop]\d+/g, '$1')
    const known = kinds.get(key)
    kinds.set(key, known ? { ...known, alike: [...known.alike, guest.device] } : guest)
  }
  return [...kinds.values()]
}

/** Ids that `--engines` may name on this host. */
export function engineIds(facts: Facts, model: Model = modelHost(facts)): string[] {
  return candidates(facts, model, WELL_KNOWN).map(c => c.id)
}

/** Prefixes of the translators that are there. */
export function prefixesOf(facts: Facts): string[] {
  return [...new Set([...findEngines(facts).flatMap(e => (e.pool6 === null ? [] : [e.pool6])), WELL_KNOWN])]
}
