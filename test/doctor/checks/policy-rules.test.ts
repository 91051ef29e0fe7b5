import { describe, expect, it } from 'vitest'
import { policyRules } from '../../../src/doctor/checks/policy-rules.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { changed, jool, tayga, withRoute } from '../hosts.js'

const rules = (facts: Facts, selector: string, priority: number) =>
  withRoute(
    changed(facts, 'rules', all => [
      ...all,
      ...all.map(r => ({ ...r, family: 6 as const })),
      { family: 6 as const, priority, table: '100', selector },
    ]),
    '::/0',
    { device: 'wg0', table: '100' },
  )
const ruled = (selector: string, priority = 100) => rules(tayga(), selector, priority)
/** As wg-quick sets it up. */
const vpn = changed(ruled('not from all fwmark 0xca6c'), 'rules', all => [
  ...all,
  { family: 6 as const, priority: 99, table: 'main', selector: 'from all suppress_prefixlen 0' },
])

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['healthy in a namespace', recorded('remedy-jool-netns', 'nat64'), []],
  ['everything through a VPN', ruled('from all'), ['N64-323 warning nat64']],
  ['everything but what is marked, default routes of main ignored', vpn, []],
  ['what is marked', ruled('from all fwmark 0x1'), ['N64-323 warning nat64']],
  ['only one source', ruled('from 2001:db8:9:: srclen 64'), []],
  ['only another destination', ruled('from all to 2001:db8:9:: dstlen 48'), []],
  ['pool6 itself', ruled('from all to 64:ff9b:: dstlen 96'), ['N64-323 warning nat64']],
  ['after the main table', ruled('from all', 40000), []],
  [
    'a table without a route for it',
    changed(ruled('from all'), 'routes', all => all.filter(r => r.table !== '100')),
    [],
  ],
  ['VRFs', ruled('from all l3mdev'), []],
  ['Jool takes packets before', rules(jool(), 'from all', 100), []],
]

describe('policy-rules', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(policyRules, facts)).toEqual(expected)
  })
})
