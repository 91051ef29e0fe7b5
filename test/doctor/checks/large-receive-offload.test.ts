import { describe, expect, it } from 'vitest'
import { largeReceiveOffload } from '../../../src/doctor/checks/large-receive-offload.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, withoutInstances } from '../jool-host.js'

const offload = (facts: Facts, on: boolean): Facts =>
  having(facts, { offloads: [{ device: 'eno1', features: { 'large-receive-offload': on } }] })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['off', offload(joolHost(), false), []],
  ['on, with Jool', offload(joolHost(), true), ['N64-251 error eno1']],
  ['on, with Tayga', offload(recorded('remedy-tayga'), true), ['N64-251 warning eno1']],
  ['on, without a translator', offload(withoutInstances(joolHost()), true), []],
]

describe('large-receive-offload', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(largeReceiveOffload, facts)).toEqual(expected)
  })
})
