import { describe, expect, it } from 'vitest'
import { joolNoRoute } from '../../../src/doctor/checks/jool-no-route.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['none failed', joolHost(), []],
  ['rising', rising({ JSTAT_FAILED_ROUTES: 5, JSTAT_SUCCESS: 1 }), [`N64-523 error ${JOOL}`]],
  ['a share of all, ever', totals({ JSTAT_FAILED_ROUTES: 500, JSTAT_SUCCESS: 9500 }), [`N64-523 warning ${JOOL}`]],
  ['some at boot', totals({ JSTAT_FAILED_ROUTES: 500, JSTAT_SUCCESS: 900000 }), []],
  ['three, long ago', totals({ JSTAT_FAILED_ROUTES: 3 }), []],
  ['many, and none of them now', rising({ JSTAT_SUCCESS: 9 }, totals({ JSTAT_FAILED_ROUTES: 500 })), []],
]

describe('jool-no-route', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolNoRoute, facts)).toEqual(expected)
  })
})
