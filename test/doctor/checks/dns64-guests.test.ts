import { describe, expect, it } from 'vitest'
import { dns64Guests } from '../../../src/doctor/checks/dns64-guests.js'
import { parseGuest } from '../../../src/facts/collect/proxmox.js'
import type { Dns64Fact, Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool } from '../hosts.js'

const guest = (resolver: string, ...addresses: string[]): Dns64Fact => ({
  resolver,
  addresses,
  users: usersOf('nameserver: 9.9.9.9\nnet0: virtio=BC:24:11:00:01:00,bridge=vmbr0,firewall=1\n'),
  error: null,
})
/** As collected from a guest's configuration of Proxmox. */
const usersOf = (conf: string) => (parseGuest('100', 'qemu', conf.split('\n')).nameservers ?? []).map(() => 'guest 100')
const asked = (...facts: Dns64Fact[]) => having(jool(), 'dns64', facts)
const pool6 = (prefix: string, ...facts: Dns64Fact[]) =>
  changed(asked(...facts), 'jool', all => ({
    ...all,
    instances: all.instances.map(i => ({ ...i, global: { ...i.global, pool6: prefix } })),
  }))

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['nobody was asked', asked(), []],
  ['guests have DNS64', asked(guest('2001:db8:100::53', '64:ff9b::c000:aa', '64:ff9b::c000:ab')), []],
  ["the host's own resolver has none", asked({ ...guest('9.9.9.9'), users: ['/etc/resolv.conf'] }), []],
  ['a guest has none', asked(guest('9.9.9.9')), ['N64-701 warning guest 100']],
  [
    'what radvd announces has none',
    asked({ ...guest('9.9.9.9'), users: ['/etc/radvd.conf'] }),
    ['N64-701 error /etc/radvd.conf'],
  ],
  [
    'some have it, some not',
    asked(guest('2001:db8:100::53', '64:ff9b::c000:aa'), guest('9.9.9.9')),
    ['N64-701 info guest 100'],
  ],
  ['another prefix', asked(guest('2001:db8:100::53', '2001:db8:64::c000:aa')), ['N64-701 error guest 100']],
  ['another length: /64', pool6('2001:db8:64:1::/64', guest('2001:db8:100::53', '2001:db8:64:1:c0:0:aa00:0')), []],
  ['addresses that nobody embedded', asked(guest('9.9.9.9', '2606:4700::1111')), ['N64-701 error guest 100']],
  ['no answer', asked({ ...guest('2001:db8:100::53'), error: 'timeout' }), ['N64-701 warning guest 100']],
  ['facts of an older version, which did not say who uses it', asked({ resolver: '9.9.9.9', addresses: [] }), []],
  ['no translator', changed(asked(guest('9.9.9.9')), 'jool', all => ({ ...all, instances: [] })), []],
]

describe('dns64-guests', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(dns64Guests, facts)).toEqual(expected)
  })
})
