import { describe, expect, it } from 'vitest'
import { pool6Collision } from '../../../src/doctor/checks/pool6-collision.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, jool, tayga, withAddress } from '../hosts.js'

const neighbour = (address: string, state: string) =>
  changed(jool(), 'neighbours', all => [...all, { address, device: 'vmbr0', mac: 'bc:24:11:00:00:01', state }])

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ['a bridge with an address in pool6', withAddress(jool(), 'vmbr0', '64:ff9b::a00:1/96'), ['N64-301 error vmbr0']],
  ['the TUN device with one', withAddress(tayga(), 'nat64', '64:ff9b::c0a8:ff01/128'), ['N64-301 warning nat64']],
  ['link-local addresses never', withAddress(jool(), 'vmbr0', '64:ff9b::1/64', { scope: 'link' }), []],
  ['a guest in pool6', neighbour('64:ff9b::beef', 'REACHABLE'), ['N64-301 error vmbr0']],
  ['an address that nobody answered for', neighbour('64:ff9b::beef', 'FAILED'), []],
  ['a guest elsewhere', neighbour('2001:db8:100::beef', 'REACHABLE'), []],
]

describe('pool6-collision', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(pool6Collision, facts)).toEqual(expected)
  })
})
