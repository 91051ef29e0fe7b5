import { describe, expect, it } from 'vitest'
import { forwarding } from '../../../src/doctor/checks/forwarding.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, jool, tayga, withSetting } from '../hosts.js'

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ['IPv6 off, tayga', withSetting(tayga(), { 'net.ipv6.conf.all.forwarding': '0' }), ['N64-121 error']],
  ['IPv6 off, Jool', withSetting(jool(), { 'net.ipv6.conf.all.forwarding': '0' }), ['N64-121 warning']],
  [
    'IPv4 off on the TUN device',
    withSetting(tayga(), { 'net.ipv4.conf.nat64.forwarding': '0' }),
    ['N64-121 error nat64'],
  ],
  ['IPv4 off on the uplink', withSetting(tayga(), { 'net.ipv4.conf.eno1.forwarding': '0' }), ['N64-121 error eno1']],
  [
    "no router on the guests' bridge",
    withSetting(tayga(), { 'net.ipv6.conf.vmbr0.forwarding': '0' }),
    ['N64-121 warning vmbr0,tap100i0'],
  ],
  [
    'forced where it passes',
    withSetting(tayga(), {
      'net.ipv6.conf.all.forwarding': '0',
      'net.ipv6.conf.vmbr0.force_forwarding': '1',
      'net.ipv6.conf.nat64.force_forwarding': '1',
    }),
    [],
  ],
  ['off where nothing passes', withSetting(tayga(), { 'net.ipv4.conf.eno2.forwarding': '0' }), []],
  [
    'off, and no translator',
    changed(withSetting(jool(), { 'net.ipv6.conf.all.forwarding': '0' }), 'jool', all => ({ ...all, instances: [] })),
    [],
  ],
]

describe('forwarding', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(forwarding, facts)).toEqual(expected)
  })
})
