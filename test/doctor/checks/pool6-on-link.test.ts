import { describe, expect, it } from 'vitest'
import { pool6OnLink } from '../../../src/doctor/checks/pool6-on-link.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool, withRoute } from '../hosts.js'

const withPool6 = (pool6: string) =>
  changed(jool(), 'jool', all => ({
    ...all,
    instances: all.instances.map(i => ({ ...i, global: { ...i.global, pool6 } })),
  }))
const inLan = withPool6('2001:db8:100:0:64::/96')
const ndppd = (rule: string) => `proxy vmbr0 {\n  rule ${rule} {\n    static\n  }\n}\n`

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', jool(), []],
  ["pool6 in the guests' /64", inLan, ['N64-302 error tap100i0']],
  ['ndppd answers for it', having(inLan, 'configFiles', { '/etc/ndppd.conf': ndppd('2001:db8:100:0:64::/96') }), []],
  [
    'ndppd answers for something else',
    having(inLan, 'configFiles', { '/etc/ndppd.conf': ndppd('2001:db8:7::/64') }),
    ['N64-302 error tap100i0'],
  ],
  ["pool6 in the uplink's prefix is not on the guests' link", withPool6('2001:db8:51:0:64::/96'), []],
  ['a default route is no link', withRoute(jool(), '::/0', { device: 'vmbr0' }), []],
]

describe('pool6-on-link', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(pool6OnLink, facts)).toEqual(expected)
  })
})
