import { describe, expect, it } from 'vitest'
import { tunAddress } from '../../../src/doctor/checks/tun-address.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, tayga, withAddress, withTayga } from '../hosts.js'

const bare = changed(tayga(), 'addresses', all => all.filter(a => a.device !== 'nat64'))

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['as recorded: an address of the pool, not lent', tayga(), ['N64-305 warning nat64']],
  ['no address', bare, []],
  ["the pool's network address", withAddress(bare, 'nat64', '192.168.255.0/32'), []],
  [
    'lent to a guest',
    withTayga(tayga(), t => t, { map: '192.168.255.2\t2001:db8:100::100\t1700000000\n' }),
    ['N64-305 error nat64'],
  ],
  [
    'lent: another one',
    withTayga(tayga(), t => t, { map: '192.168.255.3\t2001:db8:100::100\t1700000000\n' }),
    ['N64-305 warning nat64'],
  ],
  ['without a dynamic pool', withTayga(tayga(), t => t.replace(/^dynamic-pool.*$/m, '')), []],
]

describe('tun-address', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(tunAddress, facts)).toEqual(expected)
  })
})
