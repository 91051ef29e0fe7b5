import { describe, expect, it } from 'vitest'
import { forwardDrop } from '../../../src/doctor/checks/forward-drop.js'
import type { Facts, IptablesRule, NftFact } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found, resultOf } from '../found.js'

const tayga = recorded('remedy-tayga')
const rule = (text: string, family: 4 | 6 = 4): IptablesRule => ({
  family,
  legacy: false,
  table: 'filter',
  chain: text.split(' ')[1] as string,
  text,
  packets: 0,
  target: text.split(' ').at(-1) as string,
})
const policy = (family: 4 | 6, ...rules: IptablesRule[]): Facts => ({
  ...tayga,
  iptables: patch(tayga.iptables, i => ({
    rules: [...rules, ...i.rules.filter(r => r.family !== family || r.table !== 'filter')],
    policies: [
      ...i.policies.filter(p => p.family !== family || p.table !== 'filter'),
      { family, table: 'filter', chain: 'FORWARD', policy: 'DROP' },
    ],
  })),
})
const nftPolicy = (...rules: object[]): Facts => ({
  ...tayga,
  nft: patch(tayga.nft, all => [
    ...all,
    { chain: { family: 'inet', table: 'own', name: 'fwd', hook: 'forward', prio: 0, policy: 'drop', type: 'filter' } },
    ...rules.map(expr => ({ rule: { family: 'inet', table: 'own', chain: 'fwd', expr } })),
  ]) as Facts['nft'] as { ok: true; source: string; value: NftFact },
})
const device = (key: string, name = 'nat64') => [
  { match: { op: '==', left: { meta: { key } }, right: name } },
  { accept: null },
]
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ["IPv4's policy, as Docker sets it", policy(4), ['N64-402 error tap100i0,nat64']],
  ["IPv6's policy", policy(6), ['N64-402 error tap100i0,nat64']],
  [
    'with rules for the device',
    policy(4, rule('-A FORWARD -i nat64 -j ACCEPT'), rule('-A FORWARD -o nat64 -j ACCEPT')),
    [],
  ],
  ['only the way out is accepted', policy(4, rule('-A FORWARD -i nat64 -j ACCEPT')), ['N64-402 error tap100i0,nat64']],
  ['a chain of nftables', nftPolicy(), ['N64-402 error tap100i0,nat64']],
  [
    'a chain of nftables that accepts the device, and what crosses the firewall bridge',
    nftPolicy(device('iifname'), device('oifname'), device('iifname', 'fwbr*')),
    [],
  ],
  [
    'a chain of nftables that accepts the device only: br_netfilter hands it frames as well',
    nftPolicy(device('iifname'), device('oifname')),
    ['N64-402 error tap100i0,nat64'],
  ],
  ['nothing drops', tayga, []],
  ["Jool's netfilter hook does not pass FORWARD", { ...recorded('jool-ok-nofw'), iptables: policy(4).iptables }, []],
]

const commands = (facts: Facts) => {
  const result = resultOf(forwardDrop, facts)
  return result.status === 'findings' ? result.findings.map(f => f.remedies[0]?.commands) : []
}

describe('what helps is for the chain that drops', () => {
  it.each([
    ['bridged frames, a policy', policy(6), ['ip6tables -A FORWARD -m physdev --physdev-is-bridged -j ACCEPT']],
    [
      'bridged frames, nftables',
      nftPolicy(device('iifname')),
      [`nft 'add rule inet own fwd iifname "fwbr*" oifname "fwbr*" accept'`],
    ],
    [
      'routed packets, nftables',
      nftPolicy(device('iifname', 'fwbr*')),
      [`nft 'add rule inet own fwd iifname nat64 accept'`, `nft 'add rule inet own fwd oifname nat64 accept'`],
    ],
  ] as const)('%s', (_, facts, expected) => expect(commands(facts)).toEqual([expected]))
})

describe('forward-drop', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(forwardDrop, facts)).toEqual(expected)
  })

  it.each([
    ['UFW', rule('-A ufw-user-forward -j RETURN'), 'ufw route allow in on nat64'],
    ['Docker', rule('-A DOCKER-USER -j RETURN'), 'iptables -I DOCKER-USER -i nat64 -j ACCEPT'],
    ['nobody', rule('-A OTHER -j RETURN'), 'iptables -I FORWARD -i nat64 -j ACCEPT'],
  ])('offers the place that %s leaves for it', (_, extra, command) => {
    const result = resultOf(forwardDrop, policy(4, extra))
    expect(result.status === 'findings' && result.findings[0]?.remedies[0]?.commands[0]).toBe(command)
  })
})
