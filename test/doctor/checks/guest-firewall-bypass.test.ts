import { describe, expect, it } from 'vitest'
import { guestFirewallBypass } from '../../../src/doctor/checks/guest-firewall-bypass.js'
import type { Facts } from '../../../src/facts/facts.js'
import { patch, recorded, varied } from '../../path/recording.js'
import { found } from '../found.js'

const tayga = recorded('remedy-tayga')
const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['Jool takes requests on the firewall bridge', recorded('jool-hairpin-fw'), ['N64-204 warning tap100i0,default']],
  ['bridge-nf-call off', recorded('remedy-brnf-off'), ['N64-204 warning tap100i0,default']],
  [
    'bridge-nf-call off, with a TUN device',
    {
      ...tayga,
      sysctls: patch(tayga.sysctls, s => ({ ...s, 'net.bridge.bridge-nf-call-ip6tables': '0' })),
      links: patch(tayga.links, all =>
        all.map(l => (l.bridge ? { ...l, bridge: { ...l.bridge, nfCallIp6tables: false } } : l)),
      ),
    },
    ['N64-204 warning tap100i0,nat64'],
  ],
  ['no firewall bridge', recorded('jool-ok-nofw'), []],
  ['no firewall bridge, bridge-nf-call off', varied({ firewallBridge: false, global6: false }), []],
  ['a TUN device', tayga, []],
  ['Jool in a namespace', recorded('remedy-jool-netns', 'nat64'), []],
  ['iptables framework, ! -i fwbr+', recorded('remedy-jool-iptables-notfwbr'), []],
]

describe('guest-firewall-bypass', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(guestFirewallBypass, facts)).toEqual(expected)
  })
})
