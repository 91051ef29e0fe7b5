import { describe, expect, it } from 'vitest'
import { joolPoolMismatch } from '../../../src/doctor/checks/jool-pool-mismatch.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { JOOL, rising, totals } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['netfilter: noise', rising({ JSTAT_POOL6_MISMATCH: 5000, JSTAT_POOL4_MISMATCH: 5000 }), []],
  ['netfilter: noise, ever', totals({ JSTAT_POOL6_MISMATCH: 500000, JSTAT_POOL4_MISMATCH: 500000 }), []],
  ['iptables: one stray packet', recorded('remedy-jool-iptables-iface'), []],
  [
    'iptables: most',
    rising({ JSTAT_POOL4_MISMATCH: 90, JSTAT_SUCCESS: 10 }, recorded('remedy-jool-iptables-iface')),
    [`N64-528 info ${JOOL}`],
  ],
  [
    'iptables: some',
    rising({ JSTAT_POOL4_MISMATCH: 20, JSTAT_SUCCESS: 100 }, recorded('remedy-jool-iptables-iface')),
    [],
  ],
]

describe('jool-pool-mismatch', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolPoolMismatch, facts)).toEqual(expected)
  })
})
