import { describe, expect, it } from 'vitest'
import { joolNotLoaded } from '../../../src/doctor/checks/jool-not-loaded.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, withoutInstances } from '../jool-host.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['installed and loaded', joolHost({ packages: { 'jool-dkms': '4.1.9-1' } }), []],
  [
    'installed, not loaded',
    withoutInstances(joolHost({ packages: { 'jool-dkms': '4.1.9-1' }, modules: [] })),
    ['N64-515 error'],
  ],
  ['not installed', withoutInstances(joolHost({ packages: {}, modules: [] })), []],
  [
    'another translator works',
    having(recorded('remedy-tayga'), { packages: { 'jool-dkms': '4.1.9-1' }, modules: [] }),
    [],
  ],
]

describe('jool-not-loaded', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolNotLoaded, facts)).toEqual(expected)
  })
})
