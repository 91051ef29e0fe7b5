import { describe, expect, it } from 'vitest'
import type { Facts, LinkFact } from '../../src/facts/facts.js'
import { findNics, type GuestNic } from '../../src/path/inventory.js'
import { type PlaceOptions, type ProbePlace, placeProbe, RANDOM_BYTES } from '../../src/probe/place.js'
import { patch, recorded, varied } from '../path/recording.js'

const nicOf = (facts: Facts) => findNics(facts)[0] as GuestNic
/** 3 bytes for MAC addresses, then four identifiers. */
const random = Uint8Array.from({ length: RANDOM_BYTES }, (_, i) => (i < 3 ? 0xa1 + i : (i - 3) % 8 === 0 ? 0xff : i))
const place = (facts: Facts, options: Partial<PlaceOptions> = {}, nic = nicOf(facts)) =>
  placeProbe(facts, nic, { pid: 1_231_234, random, ...options })
const placed = (facts: Facts, options: Partial<PlaceOptions> = {}, nic = nicOf(facts)): ProbePlace => {
  const got = place(facts, options, nic)
  if (typeof got === 'string') throw new Error(got)
  return got
}

const fw = recorded('jool-hairpin-fw')
const nofw = recorded('jool-ok-nofw')
const withLinks = (facts: Facts, change: (link: LinkFact) => Partial<LinkFact>): Facts => ({
  ...facts,
  links: patch(facts.links, all => all.map(l => ({ ...l, ...change(l) }))),
})
const names = { bridge: 'fwbr999991234i0', inner: 'fwln999991234i0', outer: 'fwpr999991234p0' }
const calls = (on: boolean) => ({ callsIptables: on, callsIp6tables: on })

describe('where a probe is put', () => {
  const base = {
    id: 999_991_234,
    namespace: 'nat64-probe-a1a2a3',
    nicDevice: 'tap999991234i0',
    token: 'a1:a2:a3',
    bridge: 'vmbr0',
    mtu: 1500,
    vlan: null,
    prefixLength: 64,
    gateway6: '2001:db8:100::1',
    gatewayDevice: 'vmbr0',
  }
  const rows: readonly (readonly [string, Facts, Partial<PlaceOptions>, object])[] = [
    ['behind a firewall bridge like that of the guest', fw, {}, { ...base, firewall: { ...names, ...calls(false) } }],
    [
      'behind one with the switches of the guest',
      varied({ global6: false, fwbr6: true }),
      {},
      { ...base, firewall: { ...names, callsIptables: false, callsIp6tables: true } },
    ],
    ['on the bridge itself', nofw, {}, { ...base, firewall: null }],
    ['on the bridge itself although the guest has a firewall', fw, { firewallBridge: 'without' }, { firewall: null }],
    [
      'behind a firewall bridge although the guest has none: its own switches stand for those of pve-firewall',
      nofw,
      { firewallBridge: 'with' },
      { firewall: { ...names, ...calls(true) } },
    ],
    [
      'without switches where br_netfilter is not loaded',
      { ...nofw, sysctls: patch(nofw.sysctls, () => ({})) },
      { firewallBridge: 'with' },
      { firewall: { ...names, ...calls(false) } },
    ],
    ['in the VLAN of the gateway', varied({ vlan: 10 }), {}, { ...base, vlan: 10, gatewayDevice: 'vlan10' }],
    [
      'with the MTU of the bridge, so that it stays, and that of the guest inside',
      withLinks(fw, l => (l.name === 'vmbr0' ? { mtu: 9000 } : {})),
      {},
      { mtu: 9000, guestMtu: 1500 },
    ],
  ]
  it.each(rows)('%s', (_, facts, options, expected) => {
    expect(placed(facts, options)).toMatchObject(expected)
  })

  const lost: readonly (readonly [string, Facts, RegExp])[] = [
    [
      'without a prefix',
      { ...fw, addresses: patch(fw.addresses, () => []), routes: patch(fw.routes, () => []) },
      /this host has no IPv6 prefix on vmbr0/,
    ],
    [
      'on Open vSwitch',
      withLinks(nofw, l => (l.name === 'vmbr0' ? { bridge: null, kind: 'openvswitch' } : {})),
      /vmbr0 is no Linux bridge/,
    ],
    [
      'where guests tag their frames',
      withLinks(varied({ vlan: 10 }), l => (l.bridge ? { bridge: { ...l.bridge, vlanFiltering: false } } : {})),
      /tag their frames for VLAN 10 themselves/,
    ],
    [
      'where every guest is routed by itself',
      {
        ...nofw,
        addresses: patch(nofw.addresses, all => all.filter(a => a.scope !== 'global')),
        routes: patch(nofw.routes, all =>
          all.map(r => (r.destination === '2001:db8:100::/64' ? { ...r, destination: '2001:db8:100::100/128' } : r)),
        ),
      },
      /no prefix in which an unused address would be answered/,
    ],
  ]
  it.each(lost)('nowhere %s', (_, facts, sentence) => {
    expect(place(facts)).toMatch(sentence)
  })
})

describe('names of a probe', () => {
  it('fit a device, and the path model takes it for a guest', () => {
    const at = placed(fw)
    const devices = [at.nicDevice, ...Object.values(names)]
    expect(devices.every(name => name.length <= 15)).toBe(true)
    const tap = (fw.links.ok ? fw.links.value : []).find(l => l.name === 'tap100i0') as LinkFact
    const made = (change: Partial<LinkFact>): LinkFact => ({ ...tap, peer: null, bridge: null, ...change })
    const links = [
      made({ name: at.nicDevice, master: names.bridge, peerElsewhere: true }),
      made({
        name: names.bridge,
        master: null,
        kind: 'bridge',
        bridge: { vlanFiltering: false, nfCallIptables: false, nfCallIp6tables: false },
      }),
      made({ name: names.inner, master: names.bridge, peer: names.outer }),
      made({ name: names.outer, master: 'vmbr0', peer: names.inner }),
    ]
    const nics = findNics({ ...fw, links: patch(fw.links, all => [...all, ...links]) })
    expect(nics.find(n => n.guest === '999991234')).toMatchObject({
      device: at.nicDevice,
      bridge: 'vmbr0',
      firewallBridge: names.bridge,
    })
  })

  it('are those of a container beside a container', () => {
    expect(placed(fw, {}, { ...nicOf(fw), device: 'veth100i0' }).nicDevice).toBe('veth999991234i0')
  })

  it('are of a number that nobody has', () => {
    const named = (name: string): Facts => ({
      ...fw,
      links: patch(fw.links, all => [...all, { ...(all[0] as LinkFact), name }]),
    })
    expect(placed(named('fwpr999991234p0')).id).toBe(999_991_235)
    const guests = ['999991234', '999991235'].map(id => ({ id, name: 'x', type: 'qemu' as const, nics: [] }))
    const proxmox = {
      ok: true as const,
      source: '',
      value: { version: null, guests, clusterFirewall: null, hostFirewall: null, guestFirewalls: {} },
    }
    expect(placed({ ...fw, proxmox }).id).toBe(999_991_236)
  })
})

describe('addresses of a probe', () => {
  it('are random ones of the prefix, neither universal nor group', () => {
    const got = placed(fw).candidates6
    expect(new Set(got).size).toBe(4)
    // The first byte is ff in `random`.
    for (const address of got) expect(address).toMatch(/^2001:db8:100:0:fc/)
  })

  it('are not those that somebody is known to have', () => {
    const [first] = placed(fw).candidates6
    const neighbour = { address: first as string, device: 'vmbr0', mac: null, state: 'STALE' }
    const known = { ...fw, neighbours: patch(fw.neighbours, all => [...all, neighbour]) }
    expect(placed(known).candidates6).toEqual(placed(fw).candidates6.slice(1))
  })

  const longer = (length: number): Facts => ({
    ...fw,
    addresses: patch(fw.addresses, all =>
      all.map(a => (a.device === 'vmbr0' && a.scope === 'global' ? { ...a, length } : a)),
    ),
  })
  it.each([
    [80, /^2001:db8:100::[0-9a-f:]+$/],
    [112, /^2001:db8:100::[0-9a-f]{1,4}$/],
    [120, /^2001:db8:100::[0-9a-f]{1,2}$/],
  ])('keep to a prefix of %s bits', (length, pattern) => {
    const at = placed(longer(length))
    expect(at.prefixLength).toBe(length)
    for (const address of at.candidates6) expect(address).toMatch(pattern)
  })

  it('are of the prefix that the guest has', () => {
    const second = {
      device: 'vmbr0',
      family: 6 as const,
      address: 'fd00:1::1',
      length: 64,
      dynamic: false,
      scope: 'global',
    }
    const both = { ...fw, addresses: patch(fw.addresses, all => [...all, second]) }
    const at = placed(both, {}, { ...nicOf(fw), address6: 'fd00:1::99' })
    expect(at.gateway6).toBe('fd00:1::1')
    expect(at.candidates6[0]).toMatch(/^fd00:1::fc/)
  })

  it('are of the routed prefix behind a gateway that has only a link-local address', () => {
    const bare = {
      ...fw,
      addresses: patch(fw.addresses, all => all.filter(a => a.device !== 'vmbr0' || a.scope === 'link')),
    }
    const at = placed(bare)
    expect(at.gateway6).toMatch(/^fe80::/)
    expect(at.candidates6[0]).toMatch(/^2001:db8:100:0:fc/)
  })
})
