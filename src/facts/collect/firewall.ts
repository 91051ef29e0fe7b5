/**
 * nftables and iptables rules. Nothing is asked that would load a module: nft(8) and iptables-nft-save only with nf_tables
 * there, iptables-legacy-save only for tables that exist.
 */
import type { IptablesFact, NftFact } from '../facts.js'
import { parseNft } from '../parse-nft.js'
import { parseIptablesSave } from '../parse-text.js'
import { type Edge, Unreadable } from './edge.js'

/** The question alone would make the kernel load nf_tables: it is a module of this kernel, and not loaded. */
export function wouldLoadNftables(edge: Edge): boolean {
  if (/^nf_tables /m.test(edge.peek('/proc/modules') ?? '')) return false
  const release = edge.peek('/proc/sys/kernel/osrelease')?.trim() ?? ''
  return /\/nf_tables\.ko/m.test(edge.peek(`/lib/modules/${release}/modules.dep`) ?? '')
}

export async function collectNft(edge: Edge): Promise<NftFact> {
  if (wouldLoadNftables(edge)) return []
  const text = await edge.run(['nft', '-j', 'list', 'ruleset'])
  return parseNft((JSON.parse(text) as { nftables?: unknown } | null)?.nftables)
}

export async function collectIptables(edge: Edge): Promise<IptablesFact> {
  const saves = ([4, 6] as const).flatMap(family => [saveNft(edge, family), saveLegacy(edge, family)])
  // Half of the rules would look like a host without the other half.
  const facts = (await Promise.all(saves)).filter(f => f !== undefined)
  if (facts.length === 0 && !edge.which('iptables-save') && !edge.which('iptables-nft-save')) {
    throw new Unreadable('not-installed', 'there is no program iptables-save')
  }
  return { rules: facts.flatMap(f => f.rules), policies: facts.flatMap(f => f.policies) }
}

const prefix = (family: 4 | 6) => (family === 6 ? 'ip6tables' : 'iptables')

async function saveNft(edge: Edge, family: 4 | 6): Promise<IptablesFact | undefined> {
  const program = [`${prefix(family)}-nft-save`, `${prefix(family)}-save`].find(p => /-nft-/.test(edge.realPath(p)))
  if (program === undefined || wouldLoadNftables(edge)) return undefined
  return parseIptablesSave(await edge.run([program, '-c']), family)
}

async function saveLegacy(edge: Edge, family: 4 | 6): Promise<IptablesFact | undefined> {
  const tables = edge.peek(`/proc/net/ip${family === 6 ? '6' : ''}_tables_names`)?.trim()
  if (!tables) return undefined
  const name = prefix(family)
  const program = [`${name}-legacy-save`, `${name}-save`].find(p => edge.which(p) && !/-nft-/.test(edge.realPath(p)))
  if (program === undefined) return undefined
  return parseIptablesSave(await edge.run([program, '-c']), family, true)
}
