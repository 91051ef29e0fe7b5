import { describe, expect, it } from 'vitest'
import { joolTooBig } from '../../../src/doctor/checks/jool-too-big.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['none', joolHost(), []],
  ['path MTU discovery', rising({ JSTAT_PKT_TOO_BIG: 3, JSTAT_SUCCESS: 1000 }), []],
  [
    'a share',
    rising({ JSTAT_PKT_TOO_BIG: 60, JSTAT_SUCCESS: 1000, JSTAT_ICMP4ERR_SUCCESS: 60 }),
    [`N64-526 warning ${JOOL}`],
  ],
  ['a share, ever', totals({ JSTAT_PKT_TOO_BIG: 600, JSTAT_SUCCESS: 10000 }), [`N64-526 warning ${JOOL}`]],
]

describe('jool-too-big', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolTooBig, facts)).toEqual(expected)
  })
})
