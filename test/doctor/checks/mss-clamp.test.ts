import { describe, expect, it } from 'vitest'
import { mssClamp } from '../../../src/doctor/checks/mss-clamp.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, value } from '../../path/recording.js'
import { found } from '../found.js'
import { having, joolHost, withLink, withoutInstances } from '../jool-host.js'

const clamped = (mtu: number): Facts => {
  const base = joolHost()
  const uplink = value(base.routes).find(r => r.family === 4 && r.device === 'eno1')
  if (!uplink) throw new Error('the recording has no uplink')
  const routes = [
    ...value(base.routes),
    { ...uplink, destination: '0.0.0.0/0', table: 'main', type: 'unicast', metric: 0 },
  ]
  return withLink(having(base, { routes }), 'eno1', { mtu })
}
const rule = (facts: Facts): Facts => ({
  ...facts,
  iptables: patch(facts.iptables, all => ({
    ...all,
    rules: [
      {
        family: 4,
        legacy: false,
        table: 'mangle',
        chain: 'POSTROUTING',
        text: '-A POSTROUTING -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
        packets: 0,
        target: 'TCPMSS',
      },
    ],
  })),
})

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['1500', clamped(1500), []],
  ['PPPoE, enough for NAT64', clamped(1492), []],
  ['just enough', clamped(1480), []],
  ['WireGuard', clamped(1420), ['N64-254 warning eno1']],
  ['WireGuard, clamped by iptables', rule(clamped(1420)), []],
  [
    'WireGuard, clamped by nft',
    having(clamped(1420), { nft: [{ rule: { expr: [{ mangle: { key: { 'tcp option': { name: 'maxseg' } } } }] } }] }),
    [],
  ],
  [
    'WireGuard, guests that know',
    withLink(withLink(clamped(1420), 'vmbr0', { mtu: 1420 }), 'tap100i0', { mtu: 1420 }),
    [],
  ],
  ['no translator', withoutInstances(clamped(1420)), []],
]

describe('mss-clamp', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(mssClamp, facts)).toEqual(expected)
  })
})
