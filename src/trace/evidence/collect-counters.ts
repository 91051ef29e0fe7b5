/** Reads counters again, and nothing else. Loads no module, and changes nothing. Edge. */
import { collectFacts } from '../../facts/collect/collect.js'
import type { Facts } from '../../facts/facts.js'

/** Facts of Jool, iptables and nftables alone, and when reading them began, ms since 1970. Never throws. */
export async function collectCounters(version: string): Promise<{ readonly begun: number; readonly facts: Facts }> {
  const begun = Date.now()
  const { facts } = await collectFacts({ version, only: ['jool', 'iptables', 'nft'], timeoutMs: 10_000 })
  return { begun, facts }
}
