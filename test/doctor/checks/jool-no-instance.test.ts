import { describe, expect, it } from 'vitest'
import { joolNoInstance } from '../../../src/doctor/checks/jool-no-instance.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { joolHost, withoutInstances } from '../jool-host.js'

const unasked = (facts: Facts): Facts => ({
  ...facts,
  jool: patch(facts.jool, j => ({ ...j, unasked: ['pid:77: timeout'] })),
})

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['an instance', joolHost(), []],
  ['none', withoutInstances(joolHost()), ['N64-505 error']],
  ['none, but Tayga works', recorded('remedy-tayga'), []],
  ['a namespace could not be asked', unasked(withoutInstances(joolHost())), []],
  ['not even loaded', withoutInstances(joolHost({ modules: [] })), []],
  [
    'SIIT only loaded',
    withoutInstances(joolHost({ modules: [{ name: 'jool_siit', version: null }] })),
    ['N64-505 error'],
  ],
]

describe('jool-no-instance', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolNoInstance, facts)).toEqual(expected)
  })
})
