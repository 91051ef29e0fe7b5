import { describe, expect, it } from 'vitest'
import { twoTranslators } from '../../../src/doctor/checks/two-translators.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const tayga = recorded('remedy-tayga')
const both = (jool: Facts): Facts => ({ ...tayga, jool: jool.jool })
const global = (facts: Facts, change: Record<string, string>): Facts => ({
  ...facts,
  jool: patch(facts.jool, j => ({
    ...j,
    instances: j.instances.map(i => ({ ...i, global: { ...i.global, ...change } })),
  })),
})
const hooked = both(recorded('jool-hairpin-fw'))
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['Jool is hooked in before Tayga', hooked, ['N64-901 error default,nat64']],
  ['a shorter prefix of Jool', global(hooked, { pool6: '64:ff9b::/64' }), ['N64-901 error default,nat64']],
  ['Jool is disabled', global(hooked, { 'manually-enabled': 'false' }), []],
  ['Jool has another prefix', global(hooked, { pool6: '2001:db8:64::/96' }), []],
  [
    'Jool in a namespace: the route decides',
    both(recorded('remedy-jool-netns', 'nat64')),
    ['N64-901 warning default,nat64'],
  ],
  ['only Tayga', { ...tayga, jool: patch(hooked.jool, j => ({ ...j, instances: [] })) }, []],
  ['only Jool', recorded('jool-hairpin-fw'), []],
]

describe('two-translators', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(twoTranslators, facts)).toEqual(expected)
  })
})
