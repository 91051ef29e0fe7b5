import { describe, expect, it } from 'vitest'
import { pool4Unreachable } from '../../../src/doctor/checks/pool4-unreachable.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, jool, tayga, withAddress, withRoute, withSetting } from '../hosts.js'

const pool4 = (address: string) =>
  changed(jool(), 'jool', all => ({
    ...all,
    instances: all.instances.map(i => ({
      ...i,
      pool4: [{ mark: 0, protocol: 'TCP', address, minPort: 1024, maxPort: 65535 }],
    })),
  }))
const proxied = changed(withRoute(tayga(), '198.51.100.8/32', { device: 'nat64' }), 'neighbours', all => [
  ...all,
  { address: '198.51.100.8', device: 'eno1', mac: null, state: 'PROXY' },
])

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ["the host's address", pool4('198.51.100.2'), []],
  ["an address of the uplink's network that nobody has", pool4('198.51.100.8'), ['N64-311 error eno1']],
  ['added to the host', withAddress(pool4('198.51.100.8'), 'lo', '198.51.100.8/32'), []],
  ['answered for', withSetting(pool4('198.51.100.8'), { 'net.ipv4.conf.eno1.proxy_arp': '1' }), []],
  ['an address that the provider routes', pool4('203.0.113.8'), []],
  ['routed into the TUN device', withRoute(tayga(), '198.51.100.8/32', { device: 'nat64' }), ['N64-311 error eno1']],
  ['routed there, and one proxy entry', proxied, []],
]

describe('pool4-unreachable', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(pool4Unreachable, facts)).toEqual(expected)
  })
})
