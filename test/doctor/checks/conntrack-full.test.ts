import { describe, expect, it } from 'vitest'
import { conntrackFull } from '../../../src/doctor/checks/conntrack-full.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { joolHost, log } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['nearly empty', joolHost({ conntrack: { count: 40, max: 262144 } }), []],
  ['89 %', joolHost({ conntrack: { count: 8900, max: 10000 } }), []],
  ['90 %', joolHost({ conntrack: { count: 9000, max: 10000 } }), ['N64-151 error']],
  [
    'it was full',
    joolHost({
      conntrack: { count: 40, max: 10000 },
      kernelLog: log('nf_conntrack: nf_conntrack: table full, dropping packet'),
    }),
    ['N64-151 warning'],
  ],
  ['without a limit', joolHost({ conntrack: { count: 40, max: 0 } }), []],
]

describe('conntrack-full', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(conntrackFull, facts)).toEqual(expected)
  })
})
