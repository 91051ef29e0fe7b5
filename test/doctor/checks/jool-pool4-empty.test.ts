import { describe, expect, it } from 'vitest'
import { joolPool4Empty } from '../../../src/doctor/checks/jool-pool4-empty.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { JOOL, joolHost, log, rising, totals } from '../jool-host.js'

const EXHAUSTED = "Jool: I'm running out of pool4 addresses for mark 0."

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['enough', joolHost(), []],
  ['no entry for the protocol', rising({ JSTAT_MASK_DOMAIN_NOT_FOUND: 4 }), [`N64-524 error ${JOOL}`]],
  ['no port', rising({ JSTAT_BIB6_NOT_FOUND: 4, JSTAT_SUCCESS: 100 }), [`N64-524 error ${JOOL}`]],
  ['no port, ever', totals({ JSTAT_BIB6_NOT_FOUND: 400, JSTAT_SUCCESS: 9000 }), [`N64-524 warning ${JOOL}`]],
  ['a line of the log', joolHost({ kernelLog: log(EXHAUSTED) }), ['N64-524 warning']],
  [
    'a line of the log, and it goes on',
    rising({ JSTAT_BIB6_NOT_FOUND: 4 }, joolHost({ kernelLog: log(EXHAUSTED) })),
    [`N64-524 error ${JOOL}`],
  ],
]

describe('jool-pool4-empty', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolPool4Empty, facts)).toEqual(expected)
  })
})
