/**
 * Native nftables rules as `nft -j list ruleset` prints them, and what they do to a packet. Knows the matches that decide
 * NAT64 paths; a rule with one it does not know is taken as not matching. Chains that iptables-nft made are left out:
 * they are read from iptables-save, which shows all of their matches.
 */
import { parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6 } from '../addr/ipv6.js'
import { contains4, contains6, parsePrefix4, parsePrefix6 } from '../addr/prefix.js'
import type { NftFact } from '../facts/facts.js'
import type { RulePacket } from './iptables-rule.js'

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'bridge' | 'netdev'
export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'

export interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook?: string
  readonly prio?: number
  readonly policy?: string
  /** `filter`, `nat`, `route`. */
  readonly type?: string
  /** Devices of an ingress chain. */
  readonly dev?: string | readonly string[]
}

type Expression = Readonly<Record<string, unknown>>

export interface NftRule {
  readonly family: string
  readonly table: string
  readonly chain: string
  /** The kernel's number for it, within its table. */
  readonly handle?: number
  readonly expr: readonly Expression[]
  readonly comment?: string
}

export interface NftVerdict {
  readonly verdict: 'accept' | 'drop'
  /** The base chain that decided; null: none dropped. */
  readonly chain: NftChain | null
  /** The rule that dropped, of that chain or of one that it jumps to; null: the policy, or none. */
  readonly rule: NftRule | null
}

/** Chains jump to chains and sets hold sets, but in no ruleset that the kernel takes without end. */
const MAX_DEPTH = 16

const IPTABLES_CHAINS = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** Base chains of a hook in the order in which they run, without those of iptables-nft. */
export function nftChains(nft: NftFact, families: readonly NftFamily[], hook: NftHook | 'ingress'): NftChain[] {
  return nft
    .map(o => o.chain as NftChain | undefined)
    .filter(c => c !== undefined)
    .filter(c => c.hook === hook && families.includes(c.family as NftFamily) && !IPTABLES_CHAINS.has(c.name))
    .sort((a, b) => (a.prio ?? 0) - (b.prio ?? 0))
}

const indexes = new WeakMap<NftFact, Map<string, NftRule[]>>()
const keyOf = (family: string, table: string, chain: string) => `${family} ${table} ${chain}`

/** Rules of a chain, in order. */
export function nftRules(nft: NftFact, chain: Pick<NftChain, 'family' | 'table' | 'name'>): readonly NftRule[] {
  let index = indexes.get(nft)
  if (!index) {
    index = new Map()
    for (const rule of nft.map(o => o.rule as NftRule | undefined).filter(r => r !== undefined)) {
      const key = keyOf(rule.family, rule.table, rule.chain)
      index.set(key, [...(index.get(key) ?? []), rule])
    }
    indexes.set(nft, index)
  }
  return index.get(keyOf(chain.family, chain.table, chain.name)) ?? []
}

/** All rules but those of tables that iptables-nft made. */
export function nativeRules(nft: NftFact): NftRule[] {
  const made = new Set(
    nft.flatMap(o => {
      const chain = o.chain as NftChain | undefined
      return chain && IPTABLES_CHAINS.has(chain.name) ? [`${chain.family} ${chain.table}`] : []
    }),
  )
  return nft
    .map(o => o.rule as NftRule | undefined)
    .filter(r => r !== undefined)
    .filter(r => !made.has(`${r.family} ${r.table}`))
}

/** Sends a packet through all base chains of a hook: one that drops it is enough. */
export function runNft(nft: NftFact, families: readonly NftFamily[], hook: NftHook, packet: RulePacket): NftVerdict {
  return runNftChains(nft, nftChains(nft, families, hook), packet)
}

/** As {@link runNft}, through given base chains. */
export function runNftChains(nft: NftFact, chains: readonly NftChain[], packet: RulePacket): NftVerdict {
  for (const chain of chains) {
    const decided = walk(nft, chain, packet, 0)
    const verdict = decided?.verdict ?? (chain.policy === 'drop' ? 'drop' : 'accept')
    if (verdict === 'drop') return { verdict, chain, rule: decided?.rule ?? null }
  }
  return { verdict: 'accept', chain: null, rule: null }
}

interface Decision {
  readonly verdict: 'accept' | 'drop'
  readonly rule: NftRule
}

type Outcome = Decision | 'return' | null

function walk(nft: NftFact, chain: NftChain, packet: RulePacket, depth: number): Decision | null {
  for (const rule of nftRules(nft, chain)) {
    const outcome = runRule(nft, rule, packet, depth)
    if (outcome === 'return') return null
    if (outcome) return outcome
  }
  return null
}

function runRule(nft: NftFact, rule: NftRule, packet: RulePacket, depth: number): Outcome {
  for (const e of rule.expr ?? []) {
    if ('match' in e && !matches(nft, rule, e.match as Match, packet)) return null
    if ('xt' in e) return null
    const decided = 'vmap' in e ? mapped(nft, rule, e.vmap as VerdictMap, packet) : e
    if (decided === null) continue
    if ('accept' in decided) return { verdict: 'accept', rule }
    if ('drop' in decided || 'reject' in decided) return { verdict: 'drop', rule }
    if ('return' in decided) return 'return'
    const target = ((decided.jump ?? decided.goto) as { target?: string } | undefined)?.target
    if (target !== undefined && depth < MAX_DEPTH) {
      const inner = walk(nft, { family: rule.family, table: rule.table, name: target }, packet, depth + 1)
      if (inner) return inner
      if ('goto' in decided) return 'return'
    }
  }
  return null
}

interface Match {
  readonly op: string
  readonly left: Left
  readonly right: unknown
}

type Left = Readonly<Record<string, { readonly key?: string; readonly protocol?: string; readonly field?: string }>>

interface VerdictMap {
  readonly key: Left
  readonly data: { readonly set?: readonly (readonly [unknown, Expression])[] } | string
}

function mapped(nft: NftFact, rule: NftRule, map: VerdictMap, packet: RulePacket): Expression | null {
  const values = valuesOf(map.key, packet)
  const entries = typeof map.data === 'string' ? elements(nft, rule, map.data) : (map.data.set ?? [])
  const hit = entries.find(
    entry => Array.isArray(entry) && values?.some(v => isIn(nft, rule, (entry as unknown[])[0], v)),
  )
  return hit ? ((hit as unknown[])[1] as Expression) : null
}

function elements(nft: NftFact, rule: NftRule, reference: string): readonly unknown[] {
  const name = reference.replace('@', '')
  for (const o of nft) {
    const set = (o.set ?? o.map) as { family: string; table: string; name: string; elem?: unknown[] } | undefined
    if (set?.name === name && set.family === rule.family && set.table === rule.table) return set.elem ?? []
  }
  return []
}

function matches(nft: NftFact, rule: NftRule, match: Match, packet: RulePacket): boolean {
  const values = valuesOf(match.left, packet)
  if (!values) return false
  return values.some(v => isIn(nft, rule, match.right, v)) !== (match.op === '!=')
}

/** What a packet has where a rule looks; null: this is not known here, or the packet has no such field. */
function valuesOf(left: Left, p: RulePacket): readonly (string | number)[] | null {
  const { meta, payload, ct } = left
  if (ct?.key === 'state') return [p.ctState]
  const icmp = p.family === 6 ? ['ipv6-icmp', 'icmpv6', 58] : ['icmp', 1]
  const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17 }
  const protocols = p.protocol === 'icmp' ? icmp : [p.protocol, numbers[p.protocol] ?? -1]
  switch (meta?.key) {
    case 'iifname':
    case 'iif':
      return [p.physIn === '' ? p.inDevice : p.physIn]
    case 'oifname':
    case 'oif':
      return [p.physOut === '' ? p.outDevice : p.physOut]
    case 'ibrname':
    case 'obrname':
      return [p.inDevice]
    case 'l4proto':
      return protocols
    case 'nfproto':
      return [p.family === 6 ? 'ipv6' : 'ipv4']
    case 'protocol':
      return [p.family === 6 ? 'ip6' : 'ip']
  }
  if (!payload) return null
  const { protocol, field } = payload
  if ((protocol === 'ip' && p.family !== 4) || (protocol === 'ip6' && p.family !== 6)) return null
  if (field === 'saddr' && protocol !== 'ether') return [p.source]
  if (field === 'daddr' && protocol !== 'ether') return [p.destination]
  if (protocol === 'ether' && field === 'type') return [p.family === 6 ? 'ip6' : 'ip']
  if (field === 'nexthdr' || (field === 'protocol' && protocol === 'ip')) return protocols
  if (protocol !== 'th' && protocol !== p.protocol) return null
  if (p.protocol === 'icmp') return null
  if (field === 'dport') return [p.dport]
  return field === 'sport' ? [p.sport] : null
}

function isIn(nft: NftFact, rule: NftRule, right: unknown, value: string | number, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false
  const isInOne = (r: unknown) => isIn(nft, rule, r, value, depth + 1)
  if (typeof right === 'string' && right.startsWith('@')) return elements(nft, rule, right).some(isInOne)
  if (Array.isArray(right)) return right.some(isInOne)
  if (typeof right === 'object' && right !== null) {
    const { set, prefix, range, elem } = right as {
      set?: unknown
      prefix?: { addr: string; len: number } | null
      range?: [number, number]
      elem?: { val: unknown }
    }
    if (Array.isArray(set)) return set.some(isInOne)
    if (elem) return isInOne(elem.val)
    if (range) return Number(value) >= Number(range[0]) && Number(value) <= Number(range[1])
    return (
      prefix !== undefined &&
      prefix !== null &&
      typeof value === 'string' &&
      isInside(`${prefix.addr}/${prefix.len}`, value)
    )
  }
  if (typeof right === 'string' && right.endsWith('*')) return String(value).startsWith(right.slice(0, -1))
  return right === value || (typeof right === 'string' && isInside(right, String(value)))
}

function isInside(prefix: string, address: string): boolean {
  if (address.includes(':')) {
    const p = parsePrefix6(prefix)
    const a = parseIpv6(address)
    return p !== undefined && a !== undefined && contains6(p, a)
  }
  const p = parsePrefix4(prefix)
  const a = parseIpv4(address)
  return p !== undefined && a !== undefined && contains4(p, a)
}
