import { describe, expect, it } from 'vitest'
import { joolNoState } from '../../../src/doctor/checks/jool-no-state.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['all known', joolHost(), []],
  ['forgotten', rising({ JSTAT_SYN6_EXPECTED: 10, JSTAT_SUCCESS: 90 }), [`N64-525 warning ${JOOL}`]],
  ['forgotten, one of many', rising({ JSTAT_SYN6_EXPECTED: 1, JSTAT_SUCCESS: 900 }), []],
  ['forgotten at the last restart', totals({ JSTAT_SYN6_EXPECTED: 300 }), []],
  ['scanners beside traffic', rising({ JSTAT_BIB4_NOT_FOUND: 30, JSTAT_SUCCESS: 900 }), []],
  ['scanners only', rising({ JSTAT_BIB4_NOT_FOUND: 30, JSTAT_ADF: 2 }), [`N64-525 info ${JOOL}`]],
]

describe('jool-no-state', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolNoState, facts)).toEqual(expected)
  })
})
