import { describe, expect, it } from 'vitest'
import { withEarlier } from '../../src/facts/earlier.js'
import type { Facts } from '../../src/facts/facts.js'
import { patch, recorded, value } from '../path/recording.js'

const at = (time: string, received: number, name = 'default'): Facts => {
  const facts = recorded('jool-ok-nofw')
  return {
    ...facts,
    collected: { ...facts.collected, at: time },
    jool: patch(facts.jool, j => ({
      ...j,
      instances: j.instances.map(i => ({ ...i, name, stats: { JSTAT_RECEIVED6: received } })),
    })),
  }
}

const rows: readonly (readonly [string, Facts, Facts, unknown])[] = [
  [
    'ten seconds apart',
    at('2026-01-01T00:00:10.500Z', 9),
    at('2026-01-01T00:00:00.000Z', 4),
    { seconds: 10.5, stats: { JSTAT_RECEIVED6: 4 } },
  ],
  ['another instance', at('2026-01-01T00:00:10Z', 9), at('2026-01-01T00:00:00Z', 4, 'other'), undefined],
  ['the same moment', at('2026-01-01T00:00:10Z', 9), at('2026-01-01T00:00:10Z', 4), undefined],
  ['the clock was set back', at('2026-01-01T00:00:10Z', 9), at('2026-01-01T00:01:00Z', 4), undefined],
  ['no time', at('', 9), at('2026-01-01T00:00:00Z', 4), undefined],
]

describe('withEarlier', () => {
  it.each(rows)('%s', (_, now, then, expected) => {
    expect(value(withEarlier(now, then).jool).instances[0]?.earlier).toEqual(expected)
  })
})
