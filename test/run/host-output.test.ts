/** Output of ip(8) and Jool's programs, as those print it, and what is read out of it. */
import { describe, expect, it } from 'vitest'
import { parseAddresses, parseLinks, parseRoutes } from '../../src/host/ip.js'
import { parseInstances, parsePool6 } from '../../src/host/jool.js'

describe('ip -j', () => {
  it('links: a TUN device that persists, a veth, what ip leaves empty', () => {
    const json = [
      {
        ifindex: 2,
        ifname: 't0',
        flags: ['POINTOPOINT', 'NOARP'],
        mtu: 1500,
        linkinfo: { info_kind: 'tun', info_data: { persist: true } },
      },
      { ifindex: 3, ifname: 'v1', flags: ['BROADCAST', 'UP'], mtu: 9000, linkinfo: { info_kind: 'veth' } },
      {},
    ]
    expect(parseLinks(json)).toEqual([
      { name: 't0', index: 2, kind: 'tun', up: false, mtu: 1500, persistent: true },
      { name: 'v1', index: 3, kind: 'veth', up: true, mtu: 9000, persistent: false },
    ])
  })

  it('addresses: static, learnt by router advertisement', () => {
    const json = [
      {
        ifname: 'eno1',
        addr_info: [
          { family: 'inet', local: '192.0.2.1', prefixlen: 24 },
          { family: 'inet6', local: '2001:db8::5', prefixlen: 64, dynamic: true, mngtmpaddr: true },
          {},
        ],
      },
      {},
    ]
    expect(parseAddresses(json)).toEqual([
      { dev: 'eno1', family: 4, address: '192.0.2.1', length: 24, dynamic: false },
      { dev: 'eno1', family: 6, address: '2001:db8::5', length: 64, dynamic: true },
    ])
  })

  const routes: readonly [string, 4 | 6, object, object][] = [
    [
      'a default route',
      4,
      { dst: 'default', gateway: '192.0.2.254', dev: 'eno1', protocol: 'static' },
      { prefix: '0.0.0.0/0', gateway: '192.0.2.254' },
    ],
    ['an address without length', 4, { dst: '192.0.2.7', dev: 't0' }, { prefix: '192.0.2.7/32', protocol: 'boot' }],
    [
      'an IPv6 prefix with a dotted tail',
      6,
      { dst: '64:ff9b::192.0.2.0/120', dev: 't0' },
      { prefix: '64:ff9b::c000:200/120' },
    ],
    ['a blackhole', 4, { type: 'blackhole', dst: '10.0.0.0/8' }, { dev: null, type: 'blackhole' }],
    ['another table', 4, { dst: '10.0.0.0/8', dev: 'x', table: '100' }, { table: '100' }],
    [
      'several next hops',
      6,
      {
        dst: '2001:db8::/32',
        nexthops: [
          { gateway: 'fe80::1', dev: 'a' },
          { gateway: 'fe80::2', dev: 'b' },
        ],
      },
      { dev: 'a', gateway: 'fe80::1' },
    ],
    [
      'IPv4 by an IPv6 next hop',
      4,
      { dst: 'default', dev: 'a', via: { family: 'inet6', host: 'fe80::1' } },
      { gateway: 'fe80::1' },
    ],
  ]
  it.each(routes)('routes: %s', (_, family, json, expected) => {
    expect(parseRoutes([json as Record<string, unknown>], family)[0]).toMatchObject(expected)
  })
})

describe('jool', () => {
  it('instances', () => {
    const csv = 'Namespace,Name,Framework\n8409dcc0,default,netfilter\n8409dcc0,other,iptables\n'
    expect(parseInstances(csv)).toEqual([
      { name: 'default', framework: 'netfilter' },
      { name: 'other', framework: 'iptables' },
    ])
    expect(parseInstances('')).toEqual([])
    expect(parseInstances('Namespace,Name,Framework\n')).toEqual([])
  })

  it('pool6', () => {
    expect(parsePool6('Field,Value\nmanually-enabled,TRUE\npool6,64:ff9b::/96\nlowest-ipv6-mtu,1280\n')).toBe(
      '64:ff9b::/96',
    )
    expect(parsePool6('Field,Value\npool6,(unset)\n')).toBeNull()
    expect(parsePool6('')).toBeNull()
  })
})
