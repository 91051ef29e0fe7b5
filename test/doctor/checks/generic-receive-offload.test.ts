import { describe, expect, it } from 'vitest'
import { genericReceiveOffload } from '../../../src/doctor/checks/generic-receive-offload.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, rising } from '../jool-host.js'

const offload = (feature: string, facts: Facts = joolHost()): Facts =>
  having(facts, { offloads: [{ device: 'eno1', features: { [feature]: true, 'rx-checksumming': true } }] })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['GRO, the default', offload('generic-receive-offload'), []],
  [
    'GRO, and packets are too big',
    rising({ JSTAT_PKT_TOO_BIG: 50, JSTAT_SUCCESS: 100 }, offload('generic-receive-offload')),
    ['N64-252 warning eno1'],
  ],
  ['lists of packets', offload('rx-gro-list'), ['N64-252 warning eno1']],
  ['merged UDP', offload('rx-udp-gro-forwarding'), ['N64-252 warning eno1']],
  ['lists of packets, with Tayga', offload('rx-gro-list', recorded('remedy-tayga')), []],
  ['nothing', offload('tx-checksumming'), []],
]

describe('generic-receive-offload', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(genericReceiveOffload, facts)).toEqual(expected)
  })
})
