import { describe, expect, it } from 'vitest'
import { tunDown } from '../../../src/doctor/checks/tun-down.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { having, jool, tayga, withLink } from '../hosts.js'

const owner = { device: 'nat64', pid: 7, program: 'tayga', command: 'tayga -d' }

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['no TUN device', jool(), []],
  [
    'down, and open',
    having(withLink(tayga(), 'nat64', { up: false, carrier: false }), 'tunOwners', [owner]),
    ['N64-603 error nat64'],
  ],
  [
    'down, and nobody has it open',
    having(withLink(tayga(), 'nat64', { up: false, carrier: false }), 'tunOwners', []),
    [],
  ],
  ['up, and open', having(tayga(), 'tunOwners', [owner]), []],
]

describe('tun-down', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(tunDown, facts)).toEqual(expected)
  })
})
