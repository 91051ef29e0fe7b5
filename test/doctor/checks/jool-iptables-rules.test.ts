import { describe, expect, it } from 'vitest'
import { joolIptablesRules } from '../../../src/doctor/checks/jool-iptables-rules.js'
import type { Facts, IptablesRule } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const base = recorded('remedy-jool-iptables-iface')
const rules = (facts: Facts, change: (r: IptablesRule) => IptablesRule | null): Facts => ({
  ...facts,
  iptables: patch(facts.iptables, all => ({ ...all, rules: all.rules.flatMap(r => change(r) ?? []) })),
})
const isJool = (r: IptablesRule) => r.target === 'JOOL'
const text = (facts: Facts, family: 4 | 6, from: string | RegExp, to: string) =>
  rules(facts, r => (isJool(r) && r.family === family ? { ...r, text: r.text.replace(from, to) } : r))
const quiet = (facts: Facts): Facts => ({
  ...facts,
  sysctls: patch(facts.sysctls, s => ({ ...s, 'net.bridge.bridge-nf-call-ip6tables': '0' })),
  links: patch(facts.links, all =>
    all.map(l => (l.bridge ? { ...l, bridge: { ...l.bridge, nfCallIp6tables: false } } : l)),
  ),
})
const error = 'N64-405 error default'
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['no rules at all', rules(base, r => (isJool(r) ? null : r)), [error, error]],
  ['none for requests', rules(base, r => (isJool(r) && r.family === 6 ? null : r)), [error]],
  ['rules for an instance that is not there', text(base, 6, 'default', 'gone'), ['N64-405 error gone', error]],
  ['fewer ports than pool4 has', text(base, 4, '61001:65535', '61001:62000'), [error, error]],
  ['more ports', text(base, 4, '61001:65535', '1024:65535'), []],
  ['no protocol', text(base, 4, / -p tcp -m tcp --dport \S+/, ''), []],
  ['-d pool6 alone', text(base, 6, ' -i vmbr0', ''), ['N64-405 warning default']],
  ['-d pool6 alone, without br_netfilter', quiet(text(base, 6, ' -i vmbr0', '')), []],
  ['-i vmbr+', text(base, 6, '-i vmbr0', '-i vmbr+'), []],
  ['! -i fwbr+', recorded('remedy-jool-iptables-notfwbr'), []],
  ['-i vmbr0', base, []],
  ['the netfilter framework', recorded('jool-hairpin-fw'), []],
]

describe('jool-iptables-rules', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolIptablesRules, facts)).toEqual(expected)
  })
})
