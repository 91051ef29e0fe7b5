import { describe, expect, it } from 'vitest'
import { conntrackStrict } from '../../../src/doctor/checks/conntrack-strict.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const loose = (text: string, facts: Facts): Facts => ({
  ...facts,
  sysctls: patch(facts.sysctls, all => ({ ...all, 'net.netfilter.nf_conntrack_tcp_loose': text })),
})

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['loose, the default', loose('1', recorded('remedy-brnf-off')), []],
  ['strict, Jool takes requests before it', loose('0', recorded('remedy-brnf-off')), ['N64-152 warning tap100i0']],
  ['strict, Tayga, both halves are seen', loose('0', recorded('remedy-tayga')), []],
  ['not known', recorded('remedy-brnf-off'), []],
]

describe('conntrack-strict', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(conntrackStrict, facts)).toEqual(expected)
  })
})
