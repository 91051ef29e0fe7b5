import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEamt, parseStaticBib } from '../../src/facts/collect/jool.js'
import { option, parseGuest } from '../../src/facts/collect/proxmox.js'
import { parseFeatures, parseServices } from '../../src/facts/collect/userland.js'
import {
  parseAddressFacts,
  parseLinkFacts,
  parseNeighbourFacts,
  parseRouteFacts,
  parseRuleFacts,
  uniformPrefix,
} from '../../src/facts/parse-ip.js'
import {
  parseIptablesSave,
  parseJoolInstances,
  parseJoolPool4,
  parseKernelLog,
  parseModules,
  parsePairs,
  parseSysctls,
} from '../../src/facts/parse-text.js'

describe('what ip(8) prints', () => {
  it.each([
    ['default', 4, '0.0.0.0/0'],
    ['default', 6, '::/0'],
    ['192.0.2.1', 4, '192.0.2.1/32'],
    ['2001:DB8:0:0::/64', 6, '2001:db8::/64'],
    ['2001:db8::1', 4, undefined],
    ['192.0.2.0/24', 6, undefined],
    ['', 4, undefined],
  ] as const)('prefix %s of IPv%i', (text, family, expected) => expect(uniformPrefix(text, family)).toBe(expected))

  it('routes: the first of several next hops, IPv4 by IPv6, the other family left out', () => {
    const json = [
      {
        dst: 'default',
        nexthops: [
          { gateway: '192.0.2.1', dev: 'a' },
          { gateway: '192.0.2.2', dev: 'b' },
        ],
      },
      { dst: '198.51.100.0/24', via: { family: 'inet6', host: 'fe80::1' }, dev: 'c', flags: ['linkdown'] },
      { dst: '2001:db8::/32', dev: 'd' },
      { type: 'blackhole', dst: '10.0.0.0/8', table: '100', metric: 7 },
    ]
    expect(
      parseRouteFacts(json, 4).map(r => [r.destination, r.device, r.gateway, r.type, r.table, r.linkDown]),
    ).toEqual([
      ['0.0.0.0/0', 'a', '192.0.2.1', 'unicast', 'main', false],
      ['198.51.100.0/24', 'c', 'fe80::1', 'unicast', 'main', true],
      ['10.0.0.0/8', null, null, 'blackhole', '100', false],
    ])
  })

  it('links: a veth of which the other end is elsewhere, a VLAN, a TUN that nobody holds', () => {
    const json = [
      {
        ifindex: 1,
        ifname: 'veth200i0',
        flags: ['UP', 'LOWER_UP'],
        link_netnsid: 0,
        link_index: 2,
        master: 'vmbr0',
        linkinfo: { info_kind: 'veth' },
      },
      { ifindex: 2, ifname: 'eno1.10', link: 'eno1', linkinfo: { info_kind: 'vlan', info_data: { id: 10 } } },
      {
        ifindex: 3,
        ifname: 'nat64',
        flags: ['UP', 'NO-CARRIER'],
        linkinfo: { info_kind: 'tun', info_data: { type: 'tun', persist: true } },
      },
    ]
    const [veth, vlan, tun] = parseLinkFacts(json)
    expect(veth).toMatchObject({
      up: true,
      carrier: true,
      peer: null,
      peerElsewhere: true,
      peerIndex: 2,
      master: 'vmbr0',
    })
    expect(vlan).toMatchObject({ vlan: { id: 10, parent: 'eno1' }, peer: null })
    expect(tun).toMatchObject({ up: true, carrier: false, tun: { kind: 'tun', persistent: true, multiQueue: false } })
  })

  it('never throws, whatever it prints', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.array(
        fc.dictionary(
          fc.constantFrom('ifname', 'dst', 'flags', 'linkinfo', 'addr_info', 'nexthops', 'via', 'state', 'gateway'),
          fc.jsonValue(),
        ),
      ),
    )
    fc.assert(
      fc.property(odd, json => {
        parseLinkFacts(json)
        parseAddressFacts(json)
        parseNeighbourFacts(json)
        for (const family of [4, 6] as const) {
          parseRouteFacts(json, family)
          parseRuleFacts(json, family)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what other programs print', () => {
  it('iptables-save: tables, policies, counters, targets', () => {
    const text =
      '# x\n*filter\n:INPUT DROP [1:2]\n:own - [0:0]\n[5:300] -A INPUT -p tcp -j own\n-A own -g other\n[1:1] -A own -m comment --comment "a -j b"\nCOMMIT\n'
    const { rules, policies } = parseIptablesSave(text, 6, true)
    expect(policies).toEqual([{ family: 6, table: 'filter', chain: 'INPUT', policy: 'DROP', packets: 1 }])
    expect(rules.map(r => [r.table, r.chain, r.packets, r.target])).toEqual([
      ['filter', 'INPUT', 5, 'own'],
      ['filter', 'own', 0, 'other'],
      ['filter', 'own', 1, null],
    ])
  })

  it('dmesg: with level and caller, and pasted without times', () => {
    const text =
      '<6>[   12.5][ T77] Jool NAT64/1/default: Packet: a->b\n[    1.000001] x\nwhatever\nJool NAT64/1/default: Success.\n'
    expect(parseKernelLog(text).map(l => [l.time, l.text, l.caller])).toEqual([
      [12.5, 'Jool NAT64/1/default: Packet: a->b', 'T77'],
      [1.000001, 'x', undefined],
      [0, 'Jool NAT64/1/default: Success.', undefined],
    ])
  })

  it('jool_siit eamt display --csv', () => {
    expect(parseEamt('IPv6 Prefix,IPv4 Prefix\n2001:db8:5::/120,192.0.2.0/24\n')).toEqual([
      { prefix6: '2001:db8:5::/120', prefix4: '192.0.2.0/24' },
    ])
  })

  it.each([
    ['[OPTIONS]\nenable: 1\n', '1'],
    ['[options]\n  enable : 0 # no\n[RULES]\nenable: 1\n', '0'],
    ['[RULES]\nenable: 1\n', undefined],
    ['[OPTIONS]\n#enable: 1\n', undefined],
    ['', undefined],
  ])('a firewall file %j', (text, expected) => expect(option(text, 'enable')).toBe(expected))

  it('never throw, whatever they print', () => {
    const line = fc.oneof(fc.string(), fc.stringMatching(/^[-:*[\]A-Z0-9,|=. #]{0,40}$/))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), lines => {
        const text = lines.join('\n')
        for (const parse of [
          parseSysctls,
          parseModules,
          parsePairs,
          parseJoolInstances,
          parseJoolPool4,
          parseKernelLog,
          parseStaticBib,
          parseEamt,
          parseFeatures,
          parseServices,
        ])
          parse(text)
        parseIptablesSave(text, 4)
        parseGuest('1', 'lxc', lines)
        option(text, 'enable')
      }),
      { numRuns: 2000 },
    )
  })
})
