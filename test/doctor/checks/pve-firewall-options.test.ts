import { describe, expect, it } from 'vitest'
import { pveFirewallOptions } from '../../../src/doctor/checks/pve-firewall-options.js'
import type { Facts, ProxmoxFact } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const MAC = 'bc:24:11:00:01:00'
const base = recorded('jool-hairpin-fw')
interface Setup {
  readonly guest?: string
  readonly host?: string
  readonly cluster?: boolean
  readonly enable?: boolean
  readonly firewall?: boolean
  readonly address6?: string
  readonly seen?: boolean
}
const host = (s: Setup): Facts => ({
  ...base,
  neighbours: patch(base.neighbours, () =>
    s.seen === false ? [] : [{ address: '2001:db8:100::100', device: 'vmbr0', mac: MAC, state: 'REACHABLE' }],
  ),
  proxmox: {
    ok: true,
    source: '/etc/pve',
    value: {
      version: '8.2',
      guests: [
        {
          id: '100',
          name: 'a',
          type: 'qemu',
          nics: [
            {
              name: 'net0',
              bridge: 'vmbr0',
              mac: MAC,
              firewall: s.firewall ?? true,
              tag: null,
              mtu: null,
              ...(s.address6 !== undefined && { address6: s.address6 }),
            },
          ],
        },
      ],
      clusterFirewall: { enable: s.cluster ?? true, text: '' },
      hostFirewall: { enable: true, nftables: false, text: s.host ?? '' },
      guestFirewalls: { '100': { enable: s.enable ?? true, text: `[OPTIONS]\nenable: 1\n${s.guest ?? ''}` } },
    } satisfies ProxmoxFact,
  },
})
const set = (entry: string) => `ipfilter: 1\n\n[IPSET ipfilter-net0] # comment\n\n${entry}\n\n[RULES]\n`
const dropped = ['N64-403 error tap100i0']
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['neighbour discovery is off for the guest', host({ guest: 'ndp: 0' }), dropped],
  ['and for the host', host({ host: '[OPTIONS]\nndp: 0' }), ['N64-403 error']],
  ['an IP filter without a set', host({ guest: 'ipfilter: 1' }), dropped],
  ['a set without IPv6', host({ guest: set('192.0.2.7') }), dropped],
  ['a set with another prefix', host({ guest: set('2001:db8:200::/64') }), dropped],
  ["a set with the guest's prefix", host({ guest: set('2001:db8:100::/64') }), []],
  ['a set with an alias, which is not looked up', host({ guest: set('dc/guests6') }), []],
  ["the container's address is in it of itself", host({ guest: 'ipfilter: 1', address6: '2001:db8:100::100/64' }), []],
  ['a set with IPv6, the address is not known', host({ guest: set('2001:db8:200::/64'), seen: false }), []],
  ['the firewall is off for the data centre', host({ guest: 'ndp: 0', cluster: false }), []],
  ['for the guest', host({ guest: 'ndp: 0', enable: false }), []],
  ['on the NIC', host({ guest: 'ndp: 0', firewall: false }), []],
  ['in another section', host({ guest: '\n[RULES]\nipfilter: 1' }), []],
  ['nothing set', host({}), []],
]

describe('pve-firewall-options', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(pveFirewallOptions, facts)).toEqual(expected)
  })
})
