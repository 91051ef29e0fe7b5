import { describe, expect, it } from 'vitest'
import { earlyDrop } from '../../../src/doctor/checks/early-drop.js'
import type { Facts, IptablesRule } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const base: Facts = {
  ...recorded('jool-ok-nofw'),
  neighbours: patch(recorded('jool-ok-nofw').neighbours, () => []),
}
const rule = (table: string, text: string): Facts => ({
  ...base,
  iptables: patch(base.iptables, all => ({
    ...all,
    rules: [
      { family: 6, legacy: false, table, chain: 'PREROUTING', text, packets: 3, target: 'DROP' } satisfies IptablesRule,
      ...all.rules,
    ],
  })),
})
const nft = (prio: number, ...expr: object[]): Facts => ({
  ...base,
  nft: patch(base.nft, all => [
    ...all,
    {
      chain: {
        family: 'inet',
        table: 'own',
        name: 'early',
        hook: 'prerouting',
        prio,
        policy: 'accept',
        type: 'filter',
      },
    },
    { rule: { family: 'inet', table: 'own', chain: 'early', expr } },
  ]),
})
const daddr = {
  match: {
    op: '==',
    left: { payload: { protocol: 'ip6', field: 'daddr' } },
    right: { prefix: { addr: '64:ff9b::', len: 96 } },
  },
}
const fib = { match: { op: '==', left: { fib: { result: 'oif', flags: ['saddr', 'iif'] } }, right: false } }
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['raw drops pool6', rule('raw', '-A PREROUTING -d 64:ff9b::/32 -j DROP'), ['N64-404 error tap100i0,default']],
  ['mangle drops the bridge', rule('mangle', '-A PREROUTING -i vmbr0 -j DROP'), ['N64-404 error tap100i0,default']],
  ['nftables drops pool6', nft(-300, daddr, { drop: null }), ['N64-404 error tap100i0,default']],
  ['a rule for other packets', rule('raw', '-A PREROUTING -d 2001:db8:bad::/48 -j DROP'), []],
  ['a match that is not understood', rule('raw', '-A PREROUTING -m rpfilter --invert -j DROP'), []],
  ['a route lookup of nftables', nft(-300, fib, { drop: null }), []],
  ['nothing', base, []],
  ['a TUN device', recorded('remedy-tayga'), []],
]

describe('early-drop', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    const known = patch(facts.neighbours, () => [
      { address: '2001:db8:100::100', device: 'vmbr0', mac: 'bc:24:11:00:01:00', state: 'REACHABLE' },
    ])
    const proxmox: Facts['proxmox'] = {
      ok: true,
      source: '/etc/pve',
      value: {
        version: null,
        guests: [
          {
            id: '100',
            name: '',
            type: 'qemu',
            nics: [{ name: 'net0', bridge: 'vmbr0', mac: 'bc:24:11:00:01:00', firewall: true, tag: null, mtu: null }],
          },
        ],
        clusterFirewall: null,
        hostFirewall: null,
        guestFirewalls: {},
      },
    }
    expect(found(earlyDrop, { ...facts, neighbours: known, proxmox })).toEqual(expected)
  })
  it('says nothing of guests whose address is not known', () => {
    expect(found(earlyDrop, rule('raw', '-A PREROUTING -d 64:ff9b::/32 -j DROP'))).toEqual([])
  })
})
