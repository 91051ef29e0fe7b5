import type { IptablesRule, NftFact } from '../../facts/facts.js'
import { defineCheck, type Evidence } from '../check.js'

/** M06. */
export const icmpFiltered = defineCheck({
  code: 'N64-256',
  origin: 'M06',
  id: 'icmp-filtered',
  title: 'Errors about packets that are too big get through',
  explanation: `Between IPv4 and IPv6 the size of packets changes, so senders have to be told what fits: ICMPv6 "Packet Too Big" (type 2) and
ICMPv4 "Fragmentation Needed" (type 3, code 4). RFC 4890 section 4.3.1 says that a firewall must not drop the first. A rule that
drops all ICMP, or these types, makes connections open and then hang with the first full packet.

Reported are such rules in FORWARD and PREROUTING when no rule before them accepts these types or RELATED traffic, and in other
chains when nothing in the table accepts RELATED traffic. What INPUT does concerns the host alone. pve-firewall's own chains let
these errors pass.`,
  needs: ['iptables'],
  wants: ['nft'],
  after: [],
  run(facts, model) {
    if (!model.engines.some(e => e.active)) return []
    const rules = facts.iptables.rules.filter(r => drops(r) && !isHarmless(r, facts.iptables.rules))
    const evidence: Evidence[] = [
      ...rules.map(r => ({
        source: r.family === 6 ? `ip6tables-save -t ${r.table}` : `iptables-save -t ${r.table}`,
        text: r.text,
        mark: r.target ?? 'DROP',
      })),
      ...nftDrops(facts.maybe('nft') ?? []).map(text => ({ source: 'nft list ruleset', text, mark: 'drop' })),
    ]
    if (evidence.length === 0) return []
    return [
      {
        severity: 'warning' as const,
        title: 'The firewall drops errors about packets that are too big',
        because: 'Senders that are not told send the same packet again: connections open, then hang.',
        evidence,
        affects: [],
        remedies: [
          {
            text: 'Accept them before that rule.',
            commands: [
              'ip6tables -I FORWARD -p ipv6-icmp --icmpv6-type packet-too-big -j ACCEPT',
              'iptables -I FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT',
            ],
            risk: 'safe' as const,
            price: 'none',
            undo: [
              'ip6tables -D FORWARD -p ipv6-icmp --icmpv6-type packet-too-big -j ACCEPT',
              'iptables -D FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT',
            ],
          },
        ],
        references: ['RFC 4890 §4.3.1', 'RFC 2923 §2.1'],
      },
    ]
  },
})

const ELSEWHERE = new Set(['INPUT', 'OUTPUT', 'POSTROUTING'])
const TYPE6 = /--icmpv6-type (2(\/0)?|packet-too-big)( |$)/
const TYPE4 = /--icmp-type (3(\/4)?|any|fragmentation-needed|destination-unreachable)( |$)/

/** All ICMP of a family, or the types in question. */
function isAbout(rule: IptablesRule): boolean {
  if (!/ -p (ipv6-icmp|icmpv6|icmp) /.test(rule.text)) return false
  return rule.family === 6
    ? !/--icmpv6-type/.test(rule.text) || TYPE6.test(rule.text)
    : !/--icmp-type/.test(rule.text) || TYPE4.test(rule.text)
}

function drops(rule: IptablesRule): boolean {
  if (ELSEWHERE.has(rule.chain) || (rule.target !== 'DROP' && rule.target !== 'REJECT')) return false
  return (
    isAbout(rule) &&
    !/ ! | -[sd] |-m (limit|hashlimit|connlimit|conntrack|state|set|mark|length|recent)/.test(rule.text)
  )
}

/** Something lets these errors pass, or the chain is one that refuses whatever is sent there (`-j reject`). */
function isHarmless(rule: IptablesRule, all: readonly IptablesRule[]): boolean {
  const table = all.filter(r => r.family === rule.family && r.table === rule.table)
  const chain = table.filter(r => r.chain === rule.chain)
  const accepts = (r: IptablesRule) => r.target === 'ACCEPT' || r.target === 'RETURN'
  const before = chain.slice(0, chain.indexOf(rule))
  if (before.some(r => accepts(r) && (/RELATED/.test(r.text) || isAbout(r)))) return true
  if (rule.chain === 'FORWARD' || rule.chain === 'PREROUTING') return false
  // Who jumps there is not followed: firewalls let RELATED pass before they ask a guest's chain.
  const refusesAll = chain.some(r => r !== rule && /^-A \S+ (-p tcp )?-j (DROP|REJECT)/.test(r.text))
  return refusesAll || table.some(r => r.target === 'ACCEPT' && /RELATED/.test(r.text))
}

type Expression = Readonly<Record<string, unknown>>
interface NftRule {
  readonly family: string
  readonly table: string
  readonly chain: string
  readonly expr: readonly Expression[]
}

/** Rules that drop these errors, as text. */
function nftDrops(nft: NftFact): string[] {
  const hooks = new Map<string, string | undefined>(
    nft.flatMap(o => {
      const chain = o.chain as { family: string; table: string; name: string; hook?: string } | undefined
      return chain ? [[`${chain.family} ${chain.table} ${chain.name}`, chain.hook] as const] : []
    }),
  )
  const passed = new Set<string>()
  return nft.flatMap(o => {
    const rule = o.rule as NftRule | undefined
    if (!rule) return []
    const where = `${rule.family} ${rule.table} ${rule.chain}`
    const hook = hooks.get(where)
    if (hook !== 'prerouting' && hook !== 'forward') return []
    const matches = rule.expr.flatMap(e => ('match' in e ? [e.match as NftMatch] : []))
    const isIcmp = matches.length > 0 && matches.every(isIcmpMatch)
    if (rule.expr.some(e => 'accept' in e) && (isIcmp || /"related"/.test(JSON.stringify(rule.expr)))) passed.add(where)
    const isDrop = rule.expr.some(e => 'drop' in e || 'reject' in e)
    const isPlain = rule.expr.every(e => 'match' in e || 'counter' in e || 'drop' in e || 'reject' in e || 'log' in e)
    if (!isDrop || !isPlain || !isIcmp || passed.has(where)) return []
    return [`${where}: ${matches.map(m => JSON.stringify(m)).join(' ')} drop`]
  })
}

interface NftMatch {
  readonly op: string
  readonly left: {
    readonly meta?: { readonly key: string }
    readonly payload?: { readonly protocol: string; readonly field: string }
  }
  readonly right: unknown
}

function isIcmpMatch({ op, left, right }: NftMatch): boolean {
  if (op !== '==' && op !== 'in') return false
  const values = (right as { set?: unknown[] } | null)?.set ?? [right]
  if (left.meta?.key === 'l4proto' || left.payload?.field === 'nexthdr') {
    return values.some(v => v === 'ipv6-icmp' || v === 'icmpv6' || v === 'icmp')
  }
  if (left.payload?.field !== 'type') return false
  return left.payload.protocol === 'icmpv6'
    ? values.includes('packet-too-big')
    : values.includes('destination-unreachable')
}
