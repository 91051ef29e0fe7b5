import { describe, expect, it } from 'vitest'
import { joolBadMtu } from '../../../src/doctor/checks/jool-bad-mtu.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals, withLink } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['none', joolHost(), []],
  ['one, ever', totals({ JSTAT46_BAD_MTU: 1, JSTAT_SUCCESS: 100000 }), [`N64-527 warning ${JOOL}`]],
  ['now', rising({ JSTAT46_BAD_MTU: 1 }), [`N64-527 error ${JOOL}`]],
  [
    'now, and the device is seen',
    rising({ JSTAT46_BAD_MTU: 1 }, withLink(joolHost(), 'vmbr0', { mtu: 1200 })),
    [`N64-527 error ${JOOL}`],
  ],
]

describe('jool-bad-mtu', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolBadMtu, facts)).toEqual(expected)
  })
})
