/** Picks a private address for the translator when no pool4 was given. */
import { ipv4 } from '../../addr/ipv4.js'
import { contains4, formatPrefix4, overlaps4, type Prefix4, parsePrefix4, size4 } from '../../addr/prefix.js'
import { embed } from '../../addr/rfc6052.js'
import type { RunConfig } from '../../config/run-config.js'
import { EXIT, UserError } from '../../errors.js'
import type { HostFacts } from './facts.js'

/** Where to look, in this order; corners of private space that networks seldom use. */
const CANDIDATES = ['192.168.255.0/24', '172.31.255.0/24', '10.255.255.0/24', '100.127.255.0/24', '192.168.0.0/16']
const BLOCK_LENGTH = 30

export interface ChosenPool {
  readonly config: RunConfig
  /** The block: its first address is the translator's own, its second the pool; null when pool4 was given. */
  readonly chosen: Prefix4 | null
}

/**
 * Fills in pool4 when it is to be chosen: the first block of four private addresses that no address, route or denylist
 * of this host touches, or `preferred` (what an earlier run used) while that is free. Throws a UserError when none is.
 */
export function choosePool(config: RunConfig, facts: HostFacts, preferred: string | null = null): ChosenPool {
  if (!config.pool4Auto || config.xlat.mode !== 'stateful') return { config, chosen: null }
  const taken = takenPrefixes(config, facts)
  const free = (block: Prefix4) => !taken.some(t => overlaps4(t, block))
  const first = preferred === null ? undefined : parsePrefix4(preferred)
  if (first && first.length === BLOCK_LENGTH && isCandidate(first) && free(first)) return fill(config, first)
  for (const text of CANDIDATES) {
    const range = parsePrefix4(text) as Prefix4
    const step = 2 ** (32 - BLOCK_LENGTH)
    for (let offset = 0; offset < size4(range); offset += step) {
      const block = { address: ipv4(range.address + offset), length: BLOCK_LENGTH }
      if (free(block)) return fill(config, block)
    }
  }
  throw new UserError('No pool4 was given, and no private IPv4 address is unused on this host.', {
    exitCode: EXIT.unable,
    nextSteps: ['Give one that is routed to this host: --pool4 ADDRESS'],
  })
}

const isCandidate = (block: Prefix4) => CANDIDATES.some(text => contains4(parsePrefix4(text) as Prefix4, block.address))

function takenPrefixes(config: RunConfig, facts: HostFacts): Prefix4[] {
  const taken: Prefix4[] = [...config.xlat.denylist4, ...config.host.routes4]
  for (const { family, address } of facts.addresses) {
    const prefix = family === 4 ? parsePrefix4(address) : undefined
    if (prefix) taken.push(prefix)
  }
  for (const { family, prefix: text, dev } of facts.routes) {
    const prefix = family === 4 && dev !== config.tun.name ? parsePrefix4(text) : undefined
    if (prefix && prefix.length > 0) taken.push(prefix)
  }
  for (const { address } of config.tun.addresses4) taken.push({ address, length: 32 })
  return taken
}

function fill(config: RunConfig, chosen: Prefix4): ChosenPool {
  const own4 = config.ownAddress4 ?? ipv4(chosen.address + 1)
  const address = ipv4(chosen.address + 2)
  const { xlat } = config
  const own6 = config.ownAddress6 ?? (xlat.pool6 && contains4(chosen, own4) ? embed(xlat.pool6, own4) : null)
  return {
    chosen,
    config: {
      ...config,
      ownAddress4: own4,
      ownAddress6: own6,
      xlat: {
        ...xlat,
        pool4: [{ prefix: { address, length: 32 }, protocols: ['tcp', 'udp', 'icmp'], ports: [1024, 65535] }],
        icmpSource4: xlat.icmpSource4 ?? own4,
        icmpSource6: xlat.icmpSource6 ?? own6,
      },
    },
  }
}

/** The pool as people read it. */
export function describeChosen(chosen: Prefix4): string {
  const address = { address: ipv4(chosen.address + 2), length: 32 }
  return formatPrefix4(address).replace('/32', '')
}

/** As `preferred` of {@link choosePool}. */
export const chosenText = ({ chosen }: { readonly chosen: Prefix4 | null }): string | null =>
  chosen === null ? null : formatPrefix4(chosen)
