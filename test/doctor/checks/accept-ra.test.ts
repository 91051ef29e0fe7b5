import { describe, expect, it } from 'vitest'
import { acceptRa } from '../../../src/doctor/checks/accept-ra.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { jool, withoutRoute, withRoute, withSetting } from '../hosts.js'

const learnt = (acceptRa: string) =>
  withRoute(withoutRoute(withSetting(jool(), { 'net.ipv6.conf.eno1.accept_ra': acceptRa }), '::/0'), '::/0', {
    device: 'eno1',
    gateway: 'fe80::1',
    protocol: 'ra',
  })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['a static default route', withSetting(jool(), { 'net.ipv6.conf.eno1.accept_ra': '1' }), []],
  ['a learnt one, not renewed', learnt('1'), ['N64-122 error eno1']],
  ['a learnt one, renewed', learnt('2'), []],
  ['learnt by systemd-networkd', learnt('0'), []],
  ['without forwarding', withSetting(learnt('1'), { 'net.ipv6.conf.all.forwarding': '0' }), []],
]

describe('accept-ra', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(acceptRa, facts)).toEqual(expected)
  })
})
