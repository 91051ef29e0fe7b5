import { describe, expect, it } from 'vitest'
import { ovsFirewallBridge } from '../../../src/doctor/checks/ovs-firewall-bridge.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded, varied } from '../../path/recording.js'
import { found } from '../found.js'

const proxmox = (nftables: boolean): Facts['proxmox'] => ({
  ok: true,
  source: '/etc/pve',
  value: {
    version: '8.2',
    guests: [],
    clusterFirewall: { enable: true, text: '' },
    hostFirewall: { enable: true, nftables, text: '' },
    guestFirewalls: {},
  },
})
const openVswitch = (facts: Facts, nftables = false): Facts => ({
  ...facts,
  proxmox: proxmox(nftables),
  links: patch(facts.links, all =>
    all
      .filter(l => l.name !== 'fwpr100p0')
      .map(l => {
        if (l.name === 'vmbr0') return { ...l, kind: 'openvswitch', bridge: null }
        return l.name === 'fwln100i0' ? { ...l, name: 'fwln100o0', peer: null, ovsBridge: 'vmbr0' } : l
      }),
  ),
})
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['Jool, and a guest with firewall', openVswitch(recorded('jool-hairpin-fw')), ['N64-208 info tap100i0,default']],
  ['nftables was to do away with it', openVswitch(recorded('remedy-tayga'), true), ['N64-208 info tap100i0']],
  ['a TUN device, and iptables', openVswitch(recorded('remedy-tayga')), []],
  ['a guest without firewall', openVswitch(varied({ firewallBridge: false })), []],
  ['a Linux bridge', { ...recorded('jool-hairpin-fw'), proxmox: proxmox(false) }, []],
]

describe('ovs-firewall-bridge', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(ovsFirewallBridge, facts)).toEqual(expected)
  })
})
