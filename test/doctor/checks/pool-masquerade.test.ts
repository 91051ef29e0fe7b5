import { describe, expect, it } from 'vitest'
import { poolMasquerade } from '../../../src/doctor/checks/pool-masquerade.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { changed, having, jool, tayga, withoutRoute, withRoute } from '../hosts.js'

const only = (rules: { text: string; target: string }[]) =>
  having(
    changed(tayga(), 'iptables', all => ({
      ...all,
      rules: [
        ...all.rules.filter(r => r.table !== 'nat'),
        ...rules.map(r => ({
          ...r,
          family: 4 as const,
          legacy: false,
          table: 'nat',
          chain: 'POSTROUTING',
          packets: 0,
        })),
      ],
    })),
    'nft',
    [],
  )
const rule = (text: string) =>
  only([{ text: `-A POSTROUTING ${text}`, target: text.includes('SNAT') ? 'SNAT' : 'MASQUERADE' }])
const without = only([])
const nftRule = {
  rule: {
    family: 'inet',
    expr: [{ match: { op: '==', left: { meta: { key: 'oifname' } }, right: 'eno1' } }, { masquerade: null }],
  },
}

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['healthy in a namespace', recorded('remedy-jool-netns', 'nat64'), []],
  ['Jool on the host needs none', jool(), []],
  ['no rule', without, ['N64-309 error nat64']],
  ['a rule for another device', rule('-s 192.168.255.0/24 -o eno2 -j MASQUERADE'), ['N64-309 error nat64']],
  ['a rule for another pool', rule('-s 10.0.0.0/24 -o eno1 -j MASQUERADE'), ['N64-309 error nat64']],
  ['a rule for everything', rule('-o eno1 -j MASQUERADE'), []],
  ['source translation', rule('-s 192.168.255.0/24 -o eno1 -j SNAT --to-source 198.51.100.2'), []],
  [
    'a rule of nftables, iptables unknown',
    having({ ...without, iptables: recorded('original-case').iptables }, 'nft', [nftRule]),
    [],
  ],
  ['a public pool', withRoute(withoutRoute(without, '192.168.255.0/24'), '203.0.113.0/29', { device: 'nat64' }), []],
]

describe('pool-masquerade', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(poolMasquerade, facts)).toEqual(expected)
  })
})
