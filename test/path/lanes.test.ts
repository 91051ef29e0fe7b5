/** Columns of a guest's way. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/facts/facts.js'
import { type EngineInfo, findEngines, findNics, type GuestNic } from '../../src/path/inventory.js'
import { lanesOf, mergeLanes } from '../../src/path/lanes.js'
import type { LaneInfo } from '../../src/trace/core/traced.js'
import { patch, recorded, varied } from './recording.js'

const text = (l: LaneInfo) => `${l.netns === null ? '' : `${l.netns}:`}${l.device}(${l.family}) ${l.role}`
const lanes = (facts: Facts) => {
  const [nic] = findNics(facts) as [GuestNic]
  const [engine] = findEngines(facts) as [EngineInfo]
  return lanesOf(facts, nic, engine).map(text)
}
const FIREWALL = ['fwbr100i0(6) firewall', 'fwln100i0(6) firewall', 'fwpr100p0(6) firewall']

describe('lanes, from the guest outwards', () => {
  const netns = recorded('remedy-jool-netns', 'nat64')
  const inside = {
    ...netns,
    jool: patch(netns.jool, j => ({
      ...j,
      instances: j.instances.map(i => ({ ...i, links: [{ index: 2, name: 'host0' }] })),
    })),
  }
  it.each([
    [
      'TUN device, bridged uplink',
      varied({ uplink: 'bridged' }, recorded('remedy-tayga')),
      [
        'tap100i0(6) guest',
        ...FIREWALL,
        'vmbr0(6) bridge',
        'nat64(6) translator',
        'nat64(4) translator',
        'vmbr0(4) bridge',
        'eno1(4) uplink',
      ],
    ],
    [
      'Jool, whose request and reply meet hardly a device twice',
      varied({ uplink: 'bridged' }),
      ['tap100i0(6) guest', ...FIREWALL, 'vmbr0(6) bridge', 'vmbr0(4) bridge', 'eno1(4) uplink'],
    ],
    [
      'no firewall bridge, gateway on a VLAN',
      varied({ firewallBridge: false, vlan: 10 }),
      ['tap100i0(6) guest', 'vmbr0(6) bridge', 'vlan10(6) bridge', 'eno1(4) uplink'],
    ],
    [
      'Jool in a namespace',
      inside,
      [
        'tap100i0(6) guest',
        ...FIREWALL,
        'vmbr0(6) bridge',
        'jool0(6) translator',
        'nat64:host0(6) translator',
        'nat64:host0(4) translator',
        'jool0(4) translator',
        'eno1(4) uplink',
      ],
    ],
  ] as const)('%s', (_, facts, expected) => expect(lanes(facts)).toEqual(expected))

  it('of several guests are put together', () => {
    const lane = (device: string): LaneInfo => ({ device, family: 6, netns: null, role: 'other' })
    const merged = mergeLanes(['a', 'b', 'd'].map(lane), ['x', 'b', 'c', 'd', 'e'].map(lane))
    expect(merged.map(l => l.device).join('')).toBe('xabcde')
  })
})
