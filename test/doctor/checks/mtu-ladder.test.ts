import { describe, expect, it } from 'vitest'
import { mtuLadder } from '../../../src/doctor/checks/mtu-ladder.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { joolHost, withLink, withoutInstances } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['all 1500', joolHost(), []],
  ['all 1500, with a firewall bridge', recorded('jool-hairpin-fw'), []],
  ['all 1500, Tayga', recorded('remedy-tayga'), []],
  ['a smaller tap', withLink(joolHost(), 'tap100i0', { mtu: 1400 }), ['N64-253 warning tap100i0']],
  ['a smaller fwpr', withLink(recorded('jool-hairpin-fw'), 'fwpr100p0', { mtu: 1400 }), ['N64-253 warning tap100i0']],
  ['a smaller tap, no translator', withLink(withoutInstances(joolHost()), 'tap100i0', { mtu: 1400 }), []],
  ['a bigger tap', withLink(joolHost(), 'tap100i0', { mtu: 9000 }), []],
  [
    'a bridge below 1280',
    withLink(withLink(joolHost(), 'vmbr0', { mtu: 1200 }), 'tap100i0', { mtu: 1200 }),
    ['N64-253 error vmbr0'],
  ],
  ['a TUN device below 1280', withLink(recorded('remedy-tayga'), 'nat64', { mtu: 1200 }), ['N64-253 error nat64']],
]

describe('mtu-ladder', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(mtuLadder, facts)).toEqual(expected)
  })
})
