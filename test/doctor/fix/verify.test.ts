import { describe, expect, it } from 'vitest'
import type { FixPlan } from '../../../src/doctor/fix/plan-fix.js'
import { behindPool6, placeProbe, setUp, takeDown } from '../../../src/doctor/fix/probe.js'
import { askModel, probeTarget } from '../../../src/doctor/fix/verify.js'
import type { Facts } from '../../../src/facts/facts.js'
import { findNics, type GuestNic } from '../../../src/path/inventory.js'
import { patch, recorded, varied } from '../../path/recording.js'

const nicOf = (facts: Facts) => findNics(facts)[0] as GuestNic
const suffix = () => Uint8Array.of(0xff, 0, 0, 1, 0, 0, 0, 2)
const planFor = (facts: Facts, tun: string | null) => ({ nics: [nicOf(facts)], tun }) as unknown as FixPlan

describe('where a probe is put', () => {
  const fw = recorded('jool-hairpin-fw')
  const place = { bridge: 'vmbr0', vlan: null, address6: '2001:db8:100:0:fc00:1:0:2/64', gateway6: '2001:db8:100::1' }
  const rows: readonly (readonly [string, Facts, object | string])[] = [
    ['behind a firewall bridge like that of the guest', fw, { ...place, firewallBridge: 'plain' }],
    [
      'behind one whose own switch is on',
      varied({ global6: false, fwbr6: true }),
      { ...place, firewallBridge: 'own-switch' },
    ],
    ['on the bridge itself', recorded('jool-ok-nofw'), { ...place, firewallBridge: 'none' }],
    ['in the VLAN of the gateway', varied({ vlan: 10 }), { ...place, vlan: 10, firewallBridge: 'plain' }],
    [
      'nowhere without a prefix',
      { ...fw, addresses: patch(fw.addresses, () => []) },
      'this host has no IPv6 prefix on vmbr0',
    ],
  ]
  it.each(rows)('%s', (_, facts, expected) => {
    const got = placeProbe(facts, nicOf(facts), suffix)
    if (typeof expected === 'string') expect(got).toBe(expected)
    else expect(got).toMatchObject(expected)
  })

  it('everything that is made is removed', () => {
    const at = placeProbe(varied({ vlan: 10 }), nicOf(fw), suffix)
    if (typeof at === 'string') throw new Error(at)
    const made = setUp(at, 'n', 7).flatMap(c =>
      (c.join(' ').match(/^ip link add (\S+)|^ip netns add (\S+)/) ?? []).slice(1),
    )
    const removed = takeDown('n', 7).map(c => c.at(-1))
    const names = made.filter(name => name !== undefined)
    // A veth pair goes with one of its ends.
    expect(names.filter(name => !removed.includes(name))).toEqual(['n64p7i'])
    expect(setUp(at, 'n', 7).map(c => c.join(' '))).toContain('bridge vlan add dev n64p7o vid 10 pvid untagged')
    for (const name of names) expect(name.length).toBeLessThanOrEqual(15)
  })
})

describe('what a probe asks for', () => {
  const facts = recorded('jool-hairpin-fw')
  it.each([
    [undefined, { address4: '198.51.100.1', port: null }],
    ['192.0.2.9', { address4: '192.0.2.9', port: null }],
    ['192.0.2.9:443', { address4: '192.0.2.9', port: 443 }],
  ])('%s', (asked, expected) => {
    expect(probeTarget(asked, facts)).toEqual(expected)
  })
  it.each(['example.org', '192.0.2.9:0', '192.0.2.9:http', '2001:db8::1'])('not %s', asked => {
    expect(() => probeTarget(asked, facts)).toThrow(/ADDRESS:PORT/)
  })
  it('nothing without a gateway', () => {
    expect(probeTarget(undefined, { ...facts, routes: patch(facts.routes, () => []) })).toBeNull()
  })
  it('behind pool6', () => {
    expect(behindPool6('64:ff9b::/96', '192.0.2.9')).toBe('64:ff9b::c000:209')
    expect(behindPool6('nonsense', '192.0.2.9')).toBeNull()
  })
})

describe('what the path model says afterwards', () => {
  it('of a translator on a TUN device', () => {
    const facts = recorded('remedy-tayga')
    expect(askModel(facts, planFor(facts, 'nat64'))).toEqual({
      delivered: true,
      text: "predicted: request and reply of tap100i0 arrive, with the guest's firewall in force",
    })
  })
  it('of the broken host', () => {
    const facts = recorded('jool-hairpin-fw')
    expect(askModel(facts, planFor(facts, null))).toEqual({
      delivered: false,
      text: 'predicted for tap100i0: hairpin_loop',
    })
    expect(askModel(facts, planFor(facts, 'nat64')).text).toMatch(/no translator is seen/)
  })
  it('of a translator that passes the firewall by', () => {
    const facts = recorded('remedy-brnf-off')
    expect(askModel(facts, planFor(facts, null)).text).toMatch(/past the guest's firewall/)
  })
})
