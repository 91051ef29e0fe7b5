import type { IptablesRule } from '../../facts/facts.js'
import { defineCheck } from '../check.js'

/** K03. */
export const conntrackBypassed = defineCheck({
  code: 'N64-153',
  origin: 'K03',
  id: 'conntrack-bypassed',
  title: 'Translated connections are tracked on both sides',
  explanation: `A translator on a TUN device gives guests addresses of a private IPv4 pool, and the kernel masquerades those when they leave.
Masquerading is done by connection tracking: a packet that a rule exempts from it (target NOTRACK, "CT --notrack", or nft's
notrack) keeps its private source, and no reply comes back. The guests' firewall needs tracking of the IPv6 half as well.

In a host that works, "conntrack -L -f ipv6 -d <pool6>" and "conntrack -L -s <pool>" show an entry each for a connection. Reported
are rules in PREROUTING that exempt everything, or the TUN device. The exemption of bridged frames on firewall bridges is none.`,
  needs: ['iptables'],
  wants: ['nft'],
  after: [],
  run(facts, model) {
    return model.engines.flatMap(({ active, engine, label }) => {
      if (!active || !('device' in engine)) return []
      const rules = facts.iptables.rules.filter(r => exempts(r, engine.device))
      const nft = (facts.maybe('nft') ?? []).filter(o => exemptsByNft(o, engine.device))
      if (rules.length === 0 && nft.length === 0) return []
      return [
        {
          severity: 'error' as const,
          title: `Packets of ${label} are exempt from connection tracking`,
          because: 'Without tracking nothing is masqueraded: translated packets leave with a private source.',
          evidence: [
            ...rules.map(r => ({
              source: r.family === 6 ? 'ip6tables-save -t raw' : 'iptables-save -t raw',
              text: r.text,
              mark: /NOTRACK|--notrack/.exec(r.text)?.[0] ?? r.text,
            })),
            ...nft.map(o => ({ source: 'nft list ruleset', text: JSON.stringify(o.rule), mark: 'notrack' })),
          ],
          affects: [engine.device],
          remedies: rules.map(r => {
            const program = r.family === 6 ? 'ip6tables' : 'iptables'
            return {
              text: 'Remove the rule, or let it leave out the translator.',
              commands: [`${program} -t raw ${r.text.replace(/^-A/, '-D')}`],
              risk: 'disruptive' as const,
              price: 'Whatever the rule exempted is tracked again: more entries, more work per packet.',
              undo: [`${program} -t raw ${r.text}`],
            }
          }),
          references: [],
        },
      ]
    })
  },
})

function exempts(rule: IptablesRule, device: string): boolean {
  if (rule.table !== 'raw' || rule.chain !== 'PREROUTING' || !/-j NOTRACK|-j CT .*--notrack/.test(rule.text))
    return false
  const [, not, input] = /(! )?-i (\S+)/.exec(rule.text) ?? []
  if (input !== undefined) return not === undefined && matchesDevice(input, device)
  return !/ -[sdp] /.test(rule.text)
}

function matchesDevice(pattern: string, device: string): boolean {
  return pattern.endsWith('+') ? device.startsWith(pattern.slice(0, -1)) : pattern === device
}

function exemptsByNft(object: Readonly<Record<string, unknown>>, device: string): boolean {
  const rule = object.rule as { expr?: readonly Readonly<Record<string, unknown>>[] } | undefined
  if (!rule?.expr?.some(e => 'notrack' in e)) return false
  return rule.expr
    .filter(e => 'match' in e)
    .every(e => {
      const { op, left, right } = e.match as { op: string; left: { meta?: { key: string } }; right: unknown }
      return op === '==' && left.meta?.key === 'iifname' && right === device
    })
}
