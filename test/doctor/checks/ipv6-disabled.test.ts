import { describe, expect, it } from 'vitest'
import { ipv6Disabled } from '../../../src/doctor/checks/ipv6-disabled.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { jool, tayga, withSetting } from '../hosts.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['on the TUN device', withSetting(tayga(), { 'net.ipv6.conf.nat64.disable_ipv6': '1' }), ['N64-123 error nat64']],
  ['everywhere', withSetting(jool(), { 'net.ipv6.conf.all.disable_ipv6': '1' }), ['N64-123 error']],
  ["on the guests' bridge", withSetting(jool(), { 'net.ipv6.conf.vmbr0.disable_ipv6': '1' }), ['N64-123 info vmbr0']],
  [
    'on what Proxmox puts between',
    withSetting(jool(), { 'net.ipv6.conf.tap100i0.disable_ipv6': '1', 'net.ipv6.conf.fwpr100p0.disable_ipv6': '1' }),
    [],
  ],
]

describe('ipv6-disabled', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(ipv6Disabled, facts)).toEqual(expected)
  })
})
