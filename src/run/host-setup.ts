/** From a configuration to a plan for this host, or to the reason why it would not work here. */
import { formatPrefix4, formatPrefix6, type Prefix4 } from '../addr/prefix.js'
import type { RunConfig } from '../config/run-config.js'
import { EXIT, UserError } from '../errors.js'
import { hasNetAdmin } from '../host/caps.js'
import { countOf } from '../term/format.js'
import type { XlatConfig } from '../xlat/config.js'
import { collectFacts } from './collect.js'
import { applyCommands, describeChange, shellLine, undoCommands } from './plan/change.js'
import { choosePool, describeChosen } from './plan/choose-pool.js'
import { conflictError, findConflicts } from './plan/conflicts.js'
import type { HostFacts } from './plan/facts.js'
import { hostAddresses4 } from './plan/host-addresses.js'
import { type Plan, plan } from './plan/plan.js'

export interface Prepared {
  /** Complete: a pool4 that was to be chosen is filled in, and what this host has for addresses. */
  readonly config: RunConfig
  readonly chosen: Prefix4 | null
  readonly plan: Plan
  readonly facts: HostFacts
}

/**
 * Reads the host and plans. Changes nothing.
 * @param preferred the private block that an earlier run had chosen
 * @param ours what a plan in force has made and is no conflict: the table of masquerading
 * @throws UserError for every conflict at once
 */
export async function prepareHost(
  config: RunConfig,
  preferred: string | null,
  ours: readonly string[] = [],
): Promise<Prepared> {
  const seen = await collectFacts()
  const facts = { ...seen, nft: { ...seen.nft, ipTables: seen.nft.ipTables.filter(t => !ours.includes(t)) } }
  const { config: pooled, chosen } = choosePool(config, facts, preferred)
  const filled = { ...pooled, xlat: { ...pooled.xlat, hostAddresses4: hostAddresses4(pooled, facts) } }
  const planned = plan(filled, chosen, facts)
  const conflicts = findConflicts(filled, chosen, facts, planned)
  if (conflicts.length > 0) throw conflictError(conflicts)
  const warnings = facts.joolUnknown
    ? [
        ...planned.warnings,
        'A Jool module is loaded, but its program is missing, so its instances are unknown; one with the same pool6 would take the packets.',
      ]
    : planned.warnings
  return { config: filled, chosen, plan: { ...planned, warnings }, facts }
}

/** Throws the sentence for a process that may not set up a host. */
export function requirePrivilege(config: RunConfig): void {
  if (!config.host.setup || hasNetAdmin()) return
  throw new UserError('Setting up addresses, routes and forwarding needs root or CAP_NET_ADMIN.', {
    exitCode: EXIT.unable,
    nextSteps: ['Run it as root:   sudo nat64 run', 'See what it would do, without root:  nat64 run --dry-run'],
  })
}

/** The plan as lines for a shell; sentences are comments. */
export function dryRunLines(prepared: Prepared): string[] {
  const { plan: planned, config } = prepared
  const lines = [`# ${sentence(prepared)}`, ...planned.warnings.map(w => `# Note: ${w}`), '']
  if (planned.changes.length === 0)
    lines.push('# Everything on this host is as it has to be: nothing would be changed.')
  for (const change of planned.changes) {
    lines.push(`# ${describeChange(change)}`, ...applyCommands(change).map(shellLine))
  }
  const undo = [...planned.changes].reverse().flatMap(undoCommands)
  if (undo.length > 0) lines.push('', '# On exit:', ...undo.map(shellLine))
  if (config.host.setup && planned.wanted.length > planned.changes.length) {
    const kept = planned.wanted.filter(w => w.kind !== 'link' && !planned.changes.includes(w))
    lines.push('', ...kept.map(c => `# Already so, and left alone: ${describeChange(c)}`))
  }
  return lines
}

/** What the translator does here, in one sentence. */
export function sentence({ config, chosen, plan: planned }: Omit<Prepared, 'facts'>): string {
  const { xlat, tun } = config
  const mappings = countOf(xlat.eam.length, 'explicit mapping')
  const six = xlat.pool6 ? formatPrefix6(xlat.pool6) : mappings
  const what = `Translates ${six} on ${tun.name}`
  const masqueraded = planned.masquerade.join(', ')
  if (chosen && !config.host.setup) {
    return `${what}; no pool4 was given, so guests leave as ${describeChosen(chosen)}, a private address that was unused. Routes and masquerade are left to you.`
  }
  if (chosen) {
    return `${what}; no pool4 was given, so guests leave as ${describeChosen(chosen)}, a private address that was unused, masqueraded behind this host's own.`
  }
  const behind = masqueraded === '' ? '' : `; ${masqueraded} is masqueraded behind this host's own address`
  if (xlat.mode === 'pool') {
    const pool = xlat.dynamicPool
      ? `one address a guest out of ${formatPrefix4(xlat.dynamicPool)}`
      : 'mapped addresses only'
    return `${what}; ${pool}${behind}.`
  }
  if (xlat.mode === 'siit') return `${what}, stateless${xlat.pool6 ? `, with ${mappings}` : ''}${behind}.`
  return `${what}; guests leave as ${poolAddresses(xlat.pool4)}${behind}.`
}

/** Each address once, however many ranges of ports it has. */
function poolAddresses(pool4: XlatConfig['pool4']): string {
  return [...new Set(pool4.map(r => formatPrefix4(r.prefix).replace(/\/32$/, '')))].join(', ')
}
