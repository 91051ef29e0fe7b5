import { describe, expect, it } from 'vitest'
import { joolOddTraffic } from '../../../src/doctor/checks/jool-odd-traffic.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['none', joolHost(), []],
  ['large pings', rising({ JSTAT64_FRAGMENTED_ICMP: 5, JSTAT_SUCCESS: 50 }), [`N64-530 info ${JOOL}`]],
  [
    'two kinds',
    rising({ JSTAT64_FRAGMENTED_ICMP: 5, JSTAT46_SRC_ROUTE: 1 }),
    [`N64-530 info ${JOOL}`, `N64-530 info ${JOOL}`],
  ],
  ['a few, long ago', totals({ JSTAT64_SEGMENTS_LEFT: 3 }), []],
  ['the older name', totals({ JSTAT_FRAGMENTED_PING: 30 }), [`N64-530 info ${JOOL}`]],
]

describe('jool-odd-traffic', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolOddTraffic, facts)).toEqual(expected)
  })
})
