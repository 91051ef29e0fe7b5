import { describe, expect, it } from 'vitest'
import { routesOutAndBack } from '../../../src/doctor/checks/routes-out-and-back.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool, tayga, withoutRoute, withRoute } from '../hosts.js'

const MAC = 'bc:24:11:00:01:00'
const seen = changed(
  having(jool(), 'proxmox', {
    version: 'pve-manager/8.4.1',
    guests: [
      {
        id: '100',
        name: 'web',
        type: 'qemu',
        nics: [{ name: 'net0', bridge: 'vmbr0', mac: MAC, firewall: false, tag: null, mtu: null }],
      },
    ],
    clusterFirewall: null,
    hostFirewall: null,
    guestFirewalls: {},
  }),
  'neighbours',
  () => [{ address: '2001:db8:100::100', device: 'vmbr0', mac: MAC, state: 'REACHABLE' }],
)

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ['no IPv4 default route', withoutRoute(jool(), '0.0.0.0/0'), ['N64-322 error']],
  ['no translator', changed(withoutRoute(jool(), '0.0.0.0/0'), 'jool', all => ({ ...all, instances: [] })), []],
  ['a guest that is seen', seen, []],
  ['no route back to it', withoutRoute(withoutRoute(seen, '2001:db8:100::/64'), '::/0'), ['N64-322 error tap100i0']],
  [
    'its prefix is on another bridge, too',
    withRoute(withoutRoute(seen, '2001:db8:100::/64'), '2001:db8:100::/64', { device: 'vmbr1' }),
    ['N64-322 warning tap100i0'],
  ],
  ['a router in front of it', withRoute(seen, '2001:db8:100::/96', { device: 'eno1', gateway: 'fe80::7' }), []],
]

describe('routes-out-and-back', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(routesOutAndBack, facts)).toEqual(expected)
  })
})
