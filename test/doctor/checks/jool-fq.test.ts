import { describe, expect, it } from 'vitest'
import { joolFq } from '../../../src/doctor/checks/jool-fq.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch } from '../../path/recording.js'
import { found } from '../found.js'
import { JOOL, joolHost, joolVersions, rising, totals } from '../jool-host.js'

const host = (qdisc: string, version: string, release: string): Facts => {
  const facts = joolVersions(joolHost({ kernel: { release, machine: 'x86_64', version: '' } }), version, version)
  return { ...facts, sysctls: patch(facts.sysctls, all => ({ ...all, 'net.core.default_qdisc': qdisc })) }
}

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['fq_codel', host('fq_codel', '4.1.9', '6.1.0'), []],
  ['fq, an affected version', host('fq', '4.1.9', '6.1.0'), [`N64-512 warning ${JOOL}`]],
  [
    'fq, an affected version, packets lost',
    totals({ JSTAT_DST_OUTPUT: 40 }, host('fq', '4.1.9', '6.1.0')),
    [`N64-512 error ${JOOL}`],
  ],
  ['fq, an old kernel', host('fq', '4.1.9', '5.10.0'), []],
  ['fq, a new version', host('fq', '4.1.13', '6.8.0'), []],
  [
    'fq, a new version, packets lost',
    rising({ JSTAT_DST_OUTPUT: 12 }, host('fq', '4.1.13', '6.8.0')),
    [`N64-512 error ${JOOL}`],
  ],
  ['packets lost, but not to fq', totals({ JSTAT_DST_OUTPUT: 40 }, host('fq_codel', '4.1.9', '6.1.0')), []],
]

describe('jool-fq', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolFq, facts)).toEqual(expected)
  })
})
