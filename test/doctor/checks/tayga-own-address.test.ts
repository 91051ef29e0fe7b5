import { describe, expect, it } from 'vitest'
import { taygaOwnAddress } from '../../../src/doctor/checks/tayga-own-address.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { having, tayga, withAddress, withLink, withTayga } from '../hosts.js'

const own6 = (address: string) => withTayga(tayga(), t => t.replace(/^ipv6-addr.*$/m, `ipv6-addr ${address}`))

/** `nat64 run` on the device that a tayga.conf left over names. */
const takenOver = having(
  having(own6('64:ff9b::1'), 'tunOwners', [{ device: 'nat64', pid: 7, program: 'nat64', command: 'nat64 run' }]),
  'services',
  {},
)

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ["the host has tayga's IPv4 address", withAddress(tayga(), 'nat64', '192.168.255.1/24'), ['N64-306 error']],
  ["the host has tayga's IPv6 address", withAddress(tayga(), 'lo', '2001:db8:64::64/128'), ['N64-306 error']],
  ['a file that is left over', having(withLink(own6('64:ff9b::1'), 'nat64', { carrier: false }), 'services', {}), []],
  ['a file whose device nat64 run took over', takenOver, []],
  ['inside the prefix', own6('64:ff9b::1'), ['N64-306 error']],
  [
    'inside the well-known prefix, which is not the prefix',
    withTayga(tayga(), t =>
      t.replace(/^prefix.*$/m, 'prefix 2001:db8:64:64::/96').replace(/^ipv6-addr.*$/m, 'ipv6-addr 64:ff9b::1'),
    ),
    ['N64-306 error'],
  ],
  [
    'none, and the IPv4 address is private',
    withTayga(tayga(), t => t.replace(/^ipv6-addr.*$/m, '')),
    ['N64-306 error'],
  ],
  ['none, private, and not strict', withTayga(tayga(), t => t.replace(/^ipv6-addr.*$/m, 'wkpf-strict no')), []],
  [
    'none, and a prefix of its own',
    withTayga(tayga(), t => t.replace(/^ipv6-addr.*$/m, '').replace(/^prefix.*$/m, 'prefix 2001:db8:64:64::/96')),
    [],
  ],
]

describe('tayga-own-address', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(taygaOwnAddress, facts)).toEqual(expected)
  })
})
