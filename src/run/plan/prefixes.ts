/** Which prefixes the translator needs routed to its device, for each mode. */
import {
  formatPrefix4,
  formatPrefix6,
  overlaps4,
  overlaps6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
} from '../../addr/prefix.js'
import type { RunConfig } from '../../config/run-config.js'
import type { Eam } from '../../xlat/config.js'
import type { HostFacts } from './facts.js'

export interface RoutedPrefixes {
  readonly four: readonly Prefix4[]
  readonly six: readonly Prefix6[]
}

/**
 * The prefixes to route to the device. `chosen` is the private block that was picked because no pool4 was given.
 * An explicit mapping has a real side, which the host reaches already, and a side that stands for it: that one is routed.
 */
export function routedPrefixes(config: RunConfig, chosen: Prefix4 | null, facts: HostFacts): RoutedPrefixes {
  const { xlat, host } = config
  const four: Prefix4[] = [...host.routes4]
  const six: Prefix6[] = [...host.routes6]
  if (xlat.pool6) six.push(xlat.pool6)
  if (chosen) four.push(chosen)
  if (xlat.mode === 'stateful') {
    for (const range of xlat.pool4) four.push(range.prefix)
    for (const bib of xlat.staticBib) four.push({ address: bib.mapped4, length: 32 })
  }
  if (xlat.mode === 'pool' && xlat.dynamicPool) four.push(xlat.dynamicPool)
  if (xlat.mode !== 'stateful') {
    for (const eam of xlat.eam) {
      if (realSide(eam, config, facts) === 4) six.push(eam.prefix6)
      else four.push(eam.prefix4)
    }
  }
  if (config.ownAddress4 !== null) four.push({ address: config.ownAddress4, length: 32 })
  if (config.ownAddress6 !== null) six.push({ address: config.ownAddress6, length: 128 })
  return {
    four: outermost(four, overlaps4, formatPrefix4),
    six: outermost(six, overlaps6, formatPrefix6),
  }
}

function realSide(eam: Eam, config: RunConfig, facts: HostFacts): 4 | 6 {
  const here = facts.routes.some(route => {
    if (route.family !== 4 || route.dev === null || route.dev === config.tun.name) return false
    if (route.type !== 'unicast' && route.type !== 'local') return false
    const prefix = parsePrefix4(route.prefix)
    return prefix !== undefined && prefix.length > 0 && overlaps4(prefix, eam.prefix4)
  })
  return here ? 4 : 6
}

/** Drops prefixes that another one covers, and repetitions. */
function outermost<P extends { readonly length: number }>(
  prefixes: readonly P[],
  overlap: (a: P, b: P) => boolean,
  format: (p: P) => string,
): P[] {
  const byLength = [...prefixes].sort((a, b) => a.length - b.length || (format(a) < format(b) ? -1 : 1))
  const kept: P[] = []
  for (const prefix of byLength) if (!kept.some(outer => overlap(outer, prefix))) kept.push(prefix)
  return kept
}
