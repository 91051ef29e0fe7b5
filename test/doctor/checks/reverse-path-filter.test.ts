import { describe, expect, it } from 'vitest'
import { reversePathFilter } from '../../../src/doctor/checks/reverse-path-filter.js'
import type { Facts, IptablesRule } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const tayga = recorded('remedy-tayga')
const strict = (facts: Facts, device: string, value = '1'): Facts => ({
  ...facts,
  sysctls: patch(facts.sysctls, s => ({ ...s, [`net.ipv4.conf.${device}.rp_filter`]: value })),
})
const moved = (facts: Facts, destination: string): Facts => ({
  ...facts,
  routes: patch(facts.routes, all => [
    ...all.filter(r => r.destination === destination).map(r => ({ ...r, device: 'eno1', metric: 0, destination })),
    ...all.map(r => (r.destination === destination ? { ...r, metric: 2000 } : r)),
  ]),
})
const nftRule: Facts = {
  ...tayga,
  nft: patch(tayga.nft, all => [
    ...all,
    {
      rule: {
        family: 'inet',
        table: 'firewalld',
        chain: 'filter_PREROUTING',
        expr: [
          { match: { op: '==', left: { fib: { flags: ['saddr', 'iif'], result: 'oif' } }, right: false } },
          { drop: null },
        ],
      },
    },
  ]),
}
const iptablesRule: Facts = {
  ...tayga,
  iptables: patch(tayga.iptables, i => ({
    ...i,
    rules: [
      ...i.rules,
      {
        family: 6,
        legacy: false,
        table: 'raw',
        chain: 'PREROUTING',
        text: '-A PREROUTING -m rpfilter --validmark --invert -j DROP',
        packets: 2,
        target: 'DROP',
      } satisfies IptablesRule,
    ],
  })),
}
const POOL4 = '192.168.255.0/24'
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['strict, and the pool is routed elsewhere', moved(strict(tayga, 'nat64'), POOL4), ['N64-131 error nat64']],
  ['strict for all', moved(strict(tayga, 'all'), POOL4), ['N64-131 error nat64']],
  ['loose for the device', strict(moved(strict(tayga, 'all'), POOL4), 'nat64', '2'), []],
  ['strict, and the route is right', strict(tayga, 'all'), []],
  ['not strict', moved(tayga, POOL4), []],
  ["nftables' filter, pool6 is routed elsewhere", moved(nftRule, '64:ff9b::/96'), ['N64-131 error nat64']],
  ["nftables' filter, the route is right", nftRule, []],
  ["ip6tables' filter, pool6 is routed elsewhere", moved(iptablesRule, '64:ff9b::/96'), ['N64-131 error nat64']],
  ["ip6tables' filter, the route is right", iptablesRule, []],
  ['Jool receives nothing from itself', strict(recorded('jool-ok-nofw'), 'all'), []],
]

describe('reverse-path-filter', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(reversePathFilter, facts)).toEqual(expected)
  })
})
