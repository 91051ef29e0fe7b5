import { describe, expect, it } from 'vitest'
import { predictedDrop } from '../../../src/doctor/checks/predicted-drop.js'
import type { Facts, RouteFact } from '../../../src/facts/facts.js'
import { patch, recorded } from '../../path/recording.js'
import { found } from '../found.js'

const tayga = recorded('remedy-tayga')
const without = (change: (facts: Facts) => Partial<Facts>): Facts => ({ ...tayga, ...change(tayga) })
const joolRules = recorded('remedy-jool-iptables-iface')
const noRoute4 = without(f => ({ routes: patch(f.routes, all => all.filter(r => r.destination !== '0.0.0.0/0')) }))
const DEFAULT6: RouteFact = {
  ...({ family: 6, destination: '::/0', device: 'eno1', gateway: 'fe80::1', type: 'unicast' } as const),
  ...{ table: 'main', protocol: 'static', metric: 1024, linkDown: false },
}
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['no IPv4 default route', noRoute4, ['N64-209 error tap100i0,nat64']],
  [
    'no masquerade',
    without(f => ({
      iptables: patch(f.iptables, i => ({ ...i, rules: i.rules.filter(r => r.target !== 'MASQUERADE') })),
      nft: patch(f.nft, () => []),
    })),
    ['N64-209 error tap100i0,nat64,eno1'],
  ],
  [
    'IPv6 forwarding is off',
    without(f => ({ sysctls: patch(f.sysctls, s => ({ ...s, 'net.ipv6.conf.all.forwarding': '0' })) })),
    ['N64-209 error tap100i0,nat64'],
  ],
  [
    'pool6 is routed elsewhere, and a policy rule may be why',
    without(f => ({
      routes: patch(f.routes, all => all.filter(r => r.destination !== '64:ff9b::/96')),
      rules: patch(f.rules, all => [...all, { family: 6, priority: 9, table: '7', selector: 'from all fwmark 0x1' }]),
    })),
    ['N64-209 warning tap100i0,nat64,eno1'],
  ],
  [
    'pool6 is routed elsewhere, by a policy rule',
    without(f => ({
      routes: patch(f.routes, all => [...all, { ...DEFAULT6, table: '7' }]),
      rules: patch(f.rules, all => [...all, { family: 6, priority: 9, table: '7', selector: 'from all iif vmbr0' }]),
    })),
    ['N64-209 error tap100i0,nat64,eno1'],
  ],
  [
    "the guest's own rules forbid it",
    without(f => ({
      iptables: patch(f.iptables, i => ({
        ...i,
        rules: i.rules.map(r => (r.text.includes('--dport 81') ? { ...r, text: r.text.replace('81', '443') } : r)),
      })),
    })),
    ['N64-209 info tap100i0,nat64,fwbr100i0'],
  ],
  [
    'a guest on a bridge without way to the host',
    without(f => ({ links: patch(f.links, all => all.filter(l => l.name !== 'fwln100i0')) })),
    [],
  ],
  [
    "rules for Jool's replies that name another interface",
    {
      ...joolRules,
      iptables: patch(joolRules.iptables, i => ({
        ...i,
        rules: i.rules.map(r => (r.family === 4 ? { ...r, text: r.text.replace('-i eno1', '-i eth7') } : r)),
      })),
    },
    ['N64-209 error tap100i0,default,eno1'],
  ],
  [
    'nobody may read the masquerading',
    without(() => {
      const hidden = { ok: false as const, source: '', reason: 'permission' as const, detail: '' }
      const none = patch(tayga.iptables, i => ({ ...i, rules: i.rules.filter(r => r.target !== 'MASQUERADE') }))
      return { iptables: none, nft: hidden }
    }),
    [],
  ],
  ['all is well', tayga, []],
  ['the hairpinning loop has its own check', recorded('jool-hairpin-fw'), []],
]

describe('predicted-drop', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(predictedDrop, facts)).toEqual(expected)
  })
})
