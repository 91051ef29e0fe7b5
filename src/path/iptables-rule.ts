/**
 * Rules as iptables-save prints them, and what they do to a packet. Knows the matches that decide NAT64 paths; a rule
 * with a match it does not know is taken as not matching and named, so that a prediction can say what it left out.
 */
import { parseIpv4 } from '../addr/ipv4.js'
import { parseIpv6 } from '../addr/ipv6.js'
import { contains4, contains6, mask32, maskIpv6 } from '../addr/prefix.js'
import type { IptablesFact, IptablesRule } from '../facts/facts.js'

export type CtState = 'new' | 'established' | 'invalid' | 'untracked'

/** What a rule can look at. Addresses as text. */
export interface RulePacket {
  readonly family: 4 | 6
  readonly source: string
  readonly destination: string
  readonly protocol: string
  /** 0: none. */
  readonly sport: number
  readonly dport: number
  readonly inDevice: string
  readonly outDevice: string
  /** Bridge ports; empty where there is none, or none is known yet (PREROUTING knows no outgoing port). */
  readonly physIn: string
  readonly physOut: string
  readonly ctState: CtState
  /** Empty: the address that the rules expect of the guest. */
  readonly mac: string
}

interface Match {
  readonly negated: boolean
  readonly test: (p: RulePacket) => boolean
}

interface ParsedRule {
  readonly matches: readonly Match[]
  readonly target: string
  readonly unknown: readonly string[]
}

/** Says whether `name` fits an interface pattern: `fwbr+` is every name that begins with fwbr. */
export function matchesDevice(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function matchesAddress(text: string, family: 4 | 6): (address: string) => boolean {
  const [base, lengthText] = text.split('/') as [string, string | undefined]
  if (family === 4) {
    const length =
      lengthText === undefined ? 32 : lengthText.includes('.') ? maskLength(lengthText) : Number(lengthText)
    const address = parseIpv4(base)
    if (address === undefined) return () => false
    const prefix = { address: ((address & mask32(length)) >>> 0) as typeof address, length }
    return a => contains4(prefix, parseIpv4(a) ?? -1)
  }
  const length = lengthText === undefined ? 128 : Number(lengthText)
  const address = parseIpv6(base)
  if (address === undefined) return () => false
  const prefix = { address: maskIpv6(address, length), length }
  return a => {
    const parsed = parseIpv6(a)
    return parsed !== undefined && contains6(prefix, parsed)
  }
}

function maskLength(dotted: string): number {
  return Math.clz32(~(parseIpv4(dotted) ?? 0))
}

function matchesPorts(text: string): (port: number) => boolean {
  const ranges = text.split(',').map(part => {
    const [first, last] = part.split(':') as [string, string | undefined]
    return [Number(first || 0), last === undefined ? Number(first) : Number(last || 65535)] as const
  })
  return port => ranges.some(([first, last]) => port >= first && port <= last)
}

const ICMP_NAMES = new Set(['icmp', 'icmpv6', 'ipv6-icmp', 'icmp6'])
const sameProtocol = (rule: string, packet: string) =>
  rule === packet || rule === 'all' || (ICMP_NAMES.has(rule) && packet === 'icmp')

/** Options with one value that a packet is compared with. */
const TESTS: Readonly<Record<string, (value: string, family: 4 | 6) => (p: RulePacket) => boolean>> = {
  '-s': (v, family) => {
    const test = matchesAddress(v, family)
    return p => test(p.source)
  },
  '-d': (v, family) => {
    const test = matchesAddress(v, family)
    return p => test(p.destination)
  },
  '-i': v => p => matchesDevice(v, p.inDevice),
  '-o': v => p => matchesDevice(v, p.outDevice),
  '-p': v => p => sameProtocol(v, p.protocol),
  '--dport': v => {
    const test = matchesPorts(v)
    return p => test(p.dport)
  },
  '--dports': v => {
    const test = matchesPorts(v)
    return p => test(p.dport)
  },
  '--sport': v => {
    const test = matchesPorts(v)
    return p => test(p.sport)
  },
  '--sports': v => {
    const test = matchesPorts(v)
    return p => test(p.sport)
  },
  '--physdev-in': v => p => p.physIn !== '' && matchesDevice(v, p.physIn),
  '--physdev-out': v => p => p.physOut !== '' && matchesDevice(v, p.physOut),
  '--ctstate': v => p => v.toLowerCase().split(',').includes(p.ctState),
  '--state': v => p => v.toLowerCase().split(',').includes(p.ctState),
  '--mac-source': v => p => p.mac === '' || v.toLowerCase() === p.mac.toLowerCase(),
  // A reply or request of ours is an echo; the types that rules of this kind let through are others.
  '--icmpv6-type': v => p => p.protocol === 'icmp' && /^(128|129|echo-)/.test(v),
  '--icmp-type': v => p => p.protocol === 'icmp' && /^(0|8|any|echo-)/.test(v),
}

/** Options without a value. In PREROUTING the outgoing port is not known, so that nothing "is bridged" yet. */
const BARE: Readonly<Record<string, (p: RulePacket) => boolean>> = {
  '--physdev-is-bridged': p => p.physIn !== '' && p.physOut !== '',
  '--physdev-is-in': p => p.physIn !== '',
  '--physdev-is-out': p => p.physOut !== '',
}

const parsed = new WeakMap<IptablesRule, ParsedRule>()

/** Takes the text of a rule apart. */
export function parseRule(rule: IptablesRule): ParsedRule {
  let known = parsed.get(rule)
  if (!known) {
    known = takeApart(rule)
    parsed.set(rule, known)
  }
  return known
}

function takeApart(rule: IptablesRule): ParsedRule {
  const words = rule.text.match(/"[^"]*"|\S+/g) ?? []
  const matches: Match[] = []
  const unknown: string[] = []
  let target = ''
  let negated = false
  for (let i = 2; i < words.length; i++) {
    const word = words[i] as string
    if (word === '!') {
      negated = true
      continue
    }
    if (word === '-j' || word === '-g') {
      target = words[i + 1] ?? ''
      break
    }
    const test = TESTS[word]
    const bare = BARE[word]
    if (test) matches.push({ negated, test: test(words[++i] ?? '', rule.family) })
    else if (bare) matches.push({ negated, test: bare })
    else if (word === '-m' || word === '--comment') i++
    else if (word.startsWith('-')) unknown.push(word)
    negated = false
  }
  return { matches, target, unknown }
}

/** Says whether a packet fits all matches of a rule. */
export function ruleMatches(rule: IptablesRule, packet: RulePacket): boolean {
  const { matches, unknown } = parseRule(rule)
  return unknown.length === 0 && rule.family === packet.family && matches.every(m => m.test(packet) !== m.negated)
}

export interface ChainVerdict {
  readonly verdict: 'accept' | 'drop' | 'jool'
  /** The rule that decided; null: the chain's policy, or none. */
  readonly rule: IptablesRule | null
  /** Chains that the packet went through. */
  readonly chains: readonly string[]
}

const FINAL: Readonly<Record<string, 'accept' | 'drop' | 'jool'>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  JOOL: 'jool',
  JOOL_SIIT: 'jool',
}

const indexes = new WeakMap<IptablesFact, Map<string, IptablesRule[]>>()

/** Rules by chain: a host with 300 guests has thousands. */
function chainsOf(facts: IptablesFact): (family: 4 | 6, table: string, chain: string) => readonly IptablesRule[] {
  let index = indexes.get(facts)
  if (!index) {
    index = new Map()
    for (const rule of facts.rules) {
      const key = `${rule.family} ${rule.table} ${rule.chain}`
      const group = index.get(key)
      if (group) group.push(rule)
      else index.set(key, [rule])
    }
    indexes.set(facts, index)
  }
  const found = index
  return (family, table, chain) => found.get(`${family} ${table} ${chain}`) ?? []
}

/** Sends a packet through a chain of a table. Targets that do not end the walk (LOG, MARK …) are passed over. */
export function runChain(facts: IptablesFact, table: string, chain: string, packet: RulePacket): ChainVerdict {
  const chains: string[] = []
  const rulesOf = chainsOf(facts)
  const walk = (name: string, depth: number): IptablesRule | null => {
    chains.push(name)
    for (const rule of rulesOf(packet.family, table, name)) {
      if (!ruleMatches(rule, packet)) continue
      const { target } = parseRule(rule)
      if (target === 'RETURN') return null
      if (FINAL[target]) return rule
      if (depth < 16 && rulesOf(packet.family, table, target).length > 0) {
        const inner = walk(target, depth + 1)
        if (inner) return inner
        if (rule.text.includes(` -g ${target}`)) return null
      }
    }
    return null
  }
  const rule = walk(chain, 0)
  if (rule) return { verdict: FINAL[parseRule(rule).target] as 'accept', rule, chains }
  const policy = facts.policies.find(p => p.family === packet.family && p.table === table && p.chain === chain)
  return { verdict: policy?.policy === 'DROP' ? 'drop' : 'accept', rule: null, chains }
}
