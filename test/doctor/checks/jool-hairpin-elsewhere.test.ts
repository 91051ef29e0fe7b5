import { describe, expect, it } from 'vitest'
import { joolHairpinElsewhere } from '../../../src/doctor/checks/jool-hairpin-elsewhere.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const ok = recorded('jool-ok-nofw')
const counted = (loops: number, before?: number): Facts => ({
  ...ok,
  jool: patch(ok.jool, j => ({
    ...j,
    instances: j.instances.map(i => ({
      ...i,
      stats: { ...i.stats, JSTAT_HAIRPIN_LOOP: loops },
      ...(before !== undefined && { earlier: { seconds: 10, stats: { ...i.stats, JSTAT_HAIRPIN_LOOP: before } } }),
    })),
  })),
})
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['the counter rises, and nothing predicts it', counted(12, 5), ['N64-203 error default']],
  ['it has counted once', counted(12), ['N64-203 info default']],
  ['it stands still', counted(12, 12), []],
  ['it is zero', ok, []],
  ['a firewall bridge explains it', recorded('jool-hairpin-fw'), []],
]

describe('jool-hairpin-elsewhere', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolHairpinElsewhere, facts)).toEqual(expected)
  })
})
