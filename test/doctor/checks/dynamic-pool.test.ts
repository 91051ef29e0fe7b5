import { describe, expect, it } from 'vitest'
import { dynamicPool } from '../../../src/doctor/checks/dynamic-pool.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, tayga, withRoute, withTayga } from '../hosts.js'

const guests = (count: number) =>
  changed(tayga(), 'neighbours', all => [
    ...all,
    ...Array.from({ length: count }, (_, i) => ({
      address: `2001:db8:100::${(i + 256).toString(16)}`,
      device: 'vmbr0',
      mac: 'bc:24:11:00:00:01',
      state: 'STALE',
    })),
  ])
const leases = (count: number) =>
  Array.from({ length: count }, (_, i) => `192.168.255.${i + 3}\t2001:db8:100::${i + 3}\t1700000000\n`).join('')

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  [
    'a LAN has a part of it',
    withRoute(tayga(), '192.168.255.128/25', { device: 'docker0' }),
    ['N64-308 error docker0'],
  ],
  ['it is a part of a LAN', withRoute(tayga(), '192.168.0.0/16', { device: 'vmbr1' }), ['N64-308 error vmbr1']],
  [
    'it is a part of what a VPN reaches',
    withRoute(tayga(), '192.168.0.0/16', { device: 'wg0', gateway: '10.0.0.1' }),
    ['N64-308 warning wg0'],
  ],
  ['another network', withRoute(tayga(), '192.168.254.0/24', { device: 'vmbr1' }), []],
  ['another table', withRoute(tayga(), '192.168.0.0/16', { device: 'vmbr1', table: '100' }), []],
  ['fewer addresses than guests', withTayga(guests(20), t => t.replace('255.0/24', '255.0/28')), ['N64-308 warning']],
  ['as many guests in a /24', guests(20), []],
  ['nearly all are lent', withTayga(tayga(), t => t, { map: leases(240) }), ['N64-308 warning']],
  ['half of them are lent', withTayga(tayga(), t => t, { map: leases(120) }), []],
]

describe('dynamic-pool', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(dynamicPool, facts)).toEqual(expected)
  })
})
