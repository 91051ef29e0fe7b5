import { describe, expect, it } from 'vitest'
import { joolTakesBridged } from '../../../src/doctor/checks/jool-takes-bridged.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded, varied } from '../../path/recording.js'
import { found } from '../found.js'

/** The host has no IPv6 of its own on vmbr0: somebody else is the guests' router. */
const notRouter = (facts: Facts): Facts => ({
  ...facts,
  addresses: patch(facts.addresses, all =>
    all.filter(a => a.family === 4 || a.device !== 'vmbr0' || a.scope !== 'global'),
  ),
  routes: patch(facts.routes, all =>
    all.filter(r => r.family === 4 || r.device !== 'vmbr0' || /^f[ef]/.test(r.destination)),
  ),
})
const hairpin = recorded('jool-hairpin-fw')
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['another router, guests with firewall', notRouter(hairpin), ['N64-205 warning tap100i0,vmbr0,default']],
  [
    'another router, guests without',
    notRouter(varied({ firewallBridge: false })),
    ['N64-205 warning tap100i0,vmbr0,default'],
  ],
  ['the same without br_netfilter', notRouter(varied({ firewallBridge: false, global6: false })), []],
  ['the host is the router', hairpin, []],
  ['the host is the router on a VLAN', varied({ vlan: 10 }), []],
  ['Jool in a namespace', notRouter(recorded('remedy-jool-netns', 'nat64')), []],
]

describe('jool-takes-bridged', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolTakesBridged, facts)).toEqual(expected)
  })
})
