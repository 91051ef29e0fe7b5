import { describe, expect, it } from 'vitest'
import { tunQueues } from '../../../src/doctor/checks/tun-queues.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { tayga, withLink, withTayga } from '../hosts.js'

const TUN = { kind: 'tun', persistent: true, multiQueue: false, vnetHeader: false } as const
const device = (multiQueue: boolean, version: string) =>
  withTayga(withLink(tayga(), 'nat64', { carrier: false, tun: { ...TUN, multiQueue } }), t => t, { version })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['as recorded', tayga(), []],
  ['made by 0.9.6, opened by 0.9.2', device(true, '0.9.2-8'), ['N64-601 error nat64']],
  ['made by 0.9.2, opened by 0.9.6', device(false, '0.9.6-15'), ['N64-601 error nat64']],
  ['made and opened by 0.9.2', device(false, '0.9.2-8'), []],
  ['made and opened by 0.9.6', device(true, '0.9.6-15'), []],
  ['it runs', withLink(device(true, '0.9.2-8'), 'nat64', { carrier: true }), []],
  [
    'a device that goes away with its process',
    withLink(device(true, '0.9.2-8'), 'nat64', { tun: { ...TUN, persistent: false, multiQueue: true } }),
    [],
  ],
]

describe('tun-queues', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(tunQueues, facts)).toEqual(expected)
  })
})
