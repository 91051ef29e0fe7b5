import { describe, expect, it } from 'vitest'
import { joolSuspectCounters } from '../../../src/doctor/checks/jool-suspect-counters.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['none', joolHost(), []],
  ['one, ever', totals({ JSTAT_UNKNOWN: 1, JSTAT_SUCCESS: 100000 }), [`N64-531 warning ${JOOL}`]],
  ['several', totals({ JSTAT_SKB_TRUNCATED: 1, JSTAT_ENOMEM: 7 }), [`N64-531 warning ${JOOL}`]],
  ['one before, none now', rising({}, totals({ JSTAT_UNKNOWN: 1 })), []],
]

describe('jool-suspect-counters', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolSuspectCounters, facts)).toEqual(expected)
  })
})
