import { describe, expect, it } from 'vitest'
import { captureChecksums } from '../../../src/doctor/checks/capture-checksums.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost } from '../jool-host.js'

const offload = (device: string, on: boolean): Facts =>
  joolHost({ offloads: [{ device, features: { 'tx-checksumming': on } }] })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['on a guest’s device', offload('tap100i0', true), ['N64-258 info tap100i0']],
  ['on a bridge', offload('vmbr0', true), []],
  ['off', offload('tap100i0', false), []],
  [
    'on a TUN device',
    having(recorded('remedy-tayga'), { offloads: [{ device: 'nat64', features: { 'tx-checksumming': true } }] }),
    ['N64-258 info nat64'],
  ],
]

describe('capture-checksums', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(captureChecksums, facts)).toEqual(expected)
  })
})
