/** Rules, and policies of chains, that drop packets: how they are called, and where one sees them. Pure. */
import type { IptablesFact, IptablesRule, NftFact } from '../facts/facts.js'
import { type NftChain, type NftRule, nativeRules } from './nft-rule.js'
import { nftRuleName, nftRuleText } from './nft-text.js'
import type { DropRule } from './path.js'

/** A {@link DropRule} with how people call it and find it. */
export interface ShownDrop {
  readonly rule: DropRule
  /** null: it may see both. */
  readonly family: 4 | 6 | null
  /** `rule "-A PREROUTING -d 64:ff9b::/96 -j DROP" of ip6tables -t raw`. */
  readonly name: string
  /** The command that shows it. */
  readonly source: string
  /** As that command prints it, its count included. */
  readonly text: string
  /** The part of `text` that drops. */
  readonly mark: string
  /** Packets that it dropped; null: it does not count. */
  readonly packets: number | null
}

const DROPS = new Set(['DROP', 'REJECT'])

/** The same for the same rule at another time. */
export function dropKey({ tool, table, chain, text }: DropRule): string {
  return `${tool} ${table} ${chain} ${text}`
}

/** Finds a rule, or a policy, among those of a host; null: it is not there any more. */
export function showDrop(iptables: IptablesFact, nft: NftFact, rule: DropRule): ShownDrop | null {
  const { tool, table, chain, text } = rule
  if (tool === 'nft') {
    const isThere = (o: { family: string; table: string }) => `${o.family} ${o.table}` === table
    const base = nft.map(o => o.chain as NftChain | undefined).find(c => c && isThere(c) && c.name === chain)
    if (text === 'policy drop') return base ? showNftPolicy(base) : null
    const found = nativeRules(nft).find(r => isThere(r) && `handle ${r.handle}` === text)
    return found ? showNftRule(nft, found) : null
  }
  const same = (s: ShownDrop) => dropKey(s.rule) === dropKey(rule)
  const policies = iptables.policies.filter(p => p.table === table && p.chain === chain)
  const rules = iptables.rules.filter(r => r.table === table && r.chain === chain && r.text === text)
  return [...rules.map(showIptablesRule), ...policies.map(showIptablesPolicy)].find(same) ?? null
}

/** A rule of iptables with target DROP or REJECT. */
export function showIptablesRule(rule: IptablesRule): ShownDrop {
  const { family, legacy, table, chain, text, packets } = rule
  const program = family === 6 ? 'ip6tables' : 'iptables'
  const tool = legacy ? (`${program}-legacy` as const) : program
  return {
    rule: { tool, table, chain, text },
    family,
    name: `rule "${text}" of ${program} -t ${table}`,
    source: `${tool}-save -c -t ${table}`,
    text: `[${packets}] ${text}`,
    mark: rule.target ?? 'DROP',
    packets,
  }
}

/** The policy of a built-in chain of iptables. */
export function showIptablesPolicy(policy: IptablesFact['policies'][number]): ShownDrop {
  const { family, table, chain, packets } = policy
  const tool = family === 6 ? 'ip6tables' : 'iptables'
  return {
    rule: { tool, table, chain, text: `-P ${chain} DROP` },
    family,
    name: `policy DROP of ${chain} in ${tool} -t ${table}`,
    source: `${tool}-save -c -t ${table}`,
    text: `:${chain} DROP${packets === undefined ? '' : ` [${packets}]`}`,
    mark: 'DROP',
    packets: packets ?? null,
  }
}

/** A rule of nftables that drops or rejects. */
export function showNftRule(nft: NftFact, rule: NftRule): ShownDrop {
  const table = `${rule.family} ${rule.table}`
  const place = `chain ${table} ${rule.chain}`
  return {
    rule: { tool: 'nft', table, chain: rule.chain, text: `handle ${rule.handle ?? '?'}` },
    family: familyOf(rule),
    name: `rule "${nftRuleName(rule)}" of nftables ${place}`,
    source: `nft -a list ${place}`,
    text: `${nftRuleText(rule)}${rule.handle === undefined ? '' : ` # handle ${rule.handle}`}`,
    mark: rule.expr.some(e => 'reject' in e) ? 'reject' : 'drop',
    packets: counted(nft, rule),
  }
}

/** The policy of a base chain of nftables. */
export function showNftPolicy(chain: NftChain): ShownDrop {
  const table = `${chain.family} ${chain.table}`
  const place = `chain ${table} ${chain.name}`
  return {
    rule: { tool: 'nft', table, chain: chain.name, text: 'policy drop' },
    family: familyOf(chain),
    name: `policy drop of nftables ${place}`,
    source: `nft list ${place}`,
    text: `type ${chain.type ?? 'filter'} hook ${chain.hook} priority ${chain.prio ?? 0}; policy drop;`,
    mark: 'policy drop',
    packets: null,
  }
}

function familyOf({ family }: { readonly family: string }): 4 | 6 | null {
  return family === 'ip' ? 4 : family === 'ip6' ? 6 : null
}

/** What a rule's counter says, its own or one with a name. */
function counted(nft: NftFact, rule: NftRule): number | null {
  for (const { counter } of rule.expr as readonly { counter?: string | { packets?: number } }[]) {
    if (typeof counter === 'object') return Number(counter.packets ?? 0)
    if (counter === undefined) continue
    const named = nft
      .map(o => o.counter as { family: string; table: string; name: string; packets: number } | undefined)
      .find(c => c?.name === counter && c.family === rule.family && c.table === rule.table)
    if (named) return named.packets
  }
  return null
}

/** Everything that drops and counts, in the order in which it is listed. */
export function countingDrops(iptables: IptablesFact, nft: NftFact): ShownDrop[] {
  const native = nativeRules(nft).filter(r => r.expr.some(e => 'drop' in e || 'reject' in e))
  return [
    ...iptables.rules.filter(r => DROPS.has(r.target ?? '')).map(showIptablesRule),
    ...iptables.policies.filter(p => p.policy === 'DROP').map(showIptablesPolicy),
    ...native.map(r => showNftRule(nft, r)),
  ].filter(d => d.packets !== null)
}
