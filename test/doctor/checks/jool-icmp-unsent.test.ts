import { describe, expect, it } from 'vitest'
import { joolIcmpUnsent } from '../../../src/doctor/checks/jool-icmp-unsent.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['none', joolHost(), []],
  ['all failed', rising({ JSTAT_ICMP6ERR_FAILURE: 5, JSTAT_SUCCESS: 50 }), [`N64-529 warning ${JOOL}`]],
  ['few failed', rising({ JSTAT_ICMP6ERR_FAILURE: 1, JSTAT_ICMP6ERR_SUCCESS: 99, JSTAT_SUCCESS: 50 }), []],
  ['many failed, ever', totals({ JSTAT_ICMP4ERR_FAILURE: 50, JSTAT_SUCCESS: 5000 }), [`N64-529 warning ${JOOL}`]],
]

describe('jool-icmp-unsent', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolIcmpUnsent, facts)).toEqual(expected)
  })
})
