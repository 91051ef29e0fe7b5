import { describe, expect, it } from 'vitest'
import { icmpFiltered } from '../../../src/doctor/checks/icmp-filtered.js'
import type { Facts } from '../../../src/facts/facts.js'
import { recorded } from '../../path/recording.js'
import { found } from '../found.js'
import { joolHost } from '../jool-host.js'

const rules = (family: 4 | 6, lines: readonly string[]): Facts =>
  joolHost({
    iptables: {
      policies: [],
      rules: lines.map(text => {
        const [, chain = '', target = ''] = /^-A (\S+) .*-j (\S+)/.exec(text) ?? []
        return { family, legacy: false, table: 'filter', chain, text, packets: 0, target }
      }),
    },
  })
const six = (...lines: readonly string[]) => rules(6, lines)
const four = (...lines: readonly string[]) => rules(4, lines)
const ICMP6 = { match: { op: '==', left: { meta: { key: 'l4proto' } }, right: 'ipv6-icmp' } }
const SOURCE = { match: { op: '==', left: { payload: { protocol: 'ip6', field: 'saddr' } }, right: '2001:db8::1' } }
const type = (name: string) => ({
  match: { op: '==', left: { payload: { protocol: 'icmpv6', field: 'type' } }, right: name },
})
const nft = (matches: readonly unknown[], hook: string | undefined): Facts =>
  joolHost({
    nft: [
      { chain: { family: 'inet', table: 'filter', name: 'c', hook } },
      { rule: { family: 'inet', table: 'filter', chain: 'c', expr: [...matches, { drop: null }] } },
    ],
  })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ["the recorded firewall's rules", recorded('jool-hairpin-fw'), []],
  ['all ICMPv6 dropped', six('-A FORWARD -p ipv6-icmp -j DROP'), ['N64-256 warning']],
  ['all ICMP of a device dropped', four('-A FORWARD -i eno1 -p icmp -j DROP'), ['N64-256 warning']],
  ['too big dropped', six('-A tap100i0-IN -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j DROP'), ['N64-256 warning']],
  ['pings dropped', six('-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j DROP'), []],
  ['the host alone', six('-A INPUT -p ipv6-icmp -j DROP'), []],
  [
    'too big accepted before',
    six('-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j ACCEPT', '-A FORWARD -p ipv6-icmp -j DROP'),
    [],
  ],
  [
    'related traffic accepted before',
    four('-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-A FORWARD -p icmp -j DROP'),
    [],
  ],
  [
    'accepted, but behind',
    six('-A FORWARD -p ipv6-icmp -j DROP', '-A FORWARD -p ipv6-icmp -j ACCEPT'),
    ['N64-256 warning'],
  ],
  ['a limit', four('-A FORWARD -p icmp -m limit --limit 10/sec -j DROP'), []],
  ['one source', four('-A FORWARD -s 192.0.2.1/32 -p icmp -j DROP'), []],
  [
    "pve-firewall's chain of refusal",
    four(
      '-A PVEFW-reject -s 224.0.0.0/4 -j DROP',
      '-A PVEFW-reject -p tcp -j REJECT --reject-with tcp-reset',
      '-A PVEFW-reject -p udp -j REJECT --reject-with icmp-port-unreachable',
      '-A PVEFW-reject -p icmp -j REJECT --reject-with icmp-host-unreachable',
      '-A PVEFW-reject -j REJECT --reject-with icmp-host-prohibited',
    ),
    [],
  ],
  [
    "a guest's chain behind one that accepts what is related",
    six('-A PVEFW-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-A tap100i0-IN -p ipv6-icmp -j DROP'),
    [],
  ],
  ['a chain of nft that INPUT may use', nft([ICMP6], undefined), []],
  ['nft, all', nft([ICMP6], 'forward'), ['N64-256 warning']],
  ['nft, too big', nft([type('packet-too-big')], 'forward'), ['N64-256 warning']],
  ['nft, pings', nft([type('echo-request')], 'forward'), []],
  ['nft, the host alone', nft([ICMP6], 'input'), []],
  ['nft, one source', nft([ICMP6, SOURCE], 'forward'), []],
]

describe('icmp-filtered', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(icmpFiltered, facts)).toEqual(expected)
  })
})
