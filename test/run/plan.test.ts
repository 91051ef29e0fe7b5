import { describe, expect, it } from 'vitest'
import type { RunConfig } from '../../src/config/run-config.js'
import { applyCommands, type Change, describeChange, shellLine, undoCommands } from '../../src/run/plan/change.js'
import { choosePool } from '../../src/run/plan/choose-pool.js'
import type { HostFacts } from '../../src/run/plan/facts.js'
import { plan } from '../../src/run/plan/plan.js'
import { config, HOST, host, link, p4, p6, pool4, route } from './facts.js'

function planned(c: RunConfig, facts: HostFacts) {
  const { config: filled, chosen } = choosePool(c, facts)
  const result = plan(filled, chosen, facts)
  return {
    ...result,
    filled,
    lines: result.changes.flatMap(applyCommands).map(shellLine),
    undo: [...result.changes].reverse().flatMap(undoCommands).map(shellLine),
  }
}

const off = (keys: Record<string, string>) => host({ sysctl: { ...HOST.sysctl, ...keys } })
const MASQUERADE = (source: string, where = 'oifname != "nat64"') =>
  `nft 'table ip nat64_nat64; delete table ip nat64_nat64; table ip nat64_nat64 { chain postrouting { type nat hook postrouting priority 100; policy accept; ip saddr ${source} ${where} masquerade; }; }'`

const DEVICE = [
  'ip tuntap add dev nat64 mode tun vnet_hdr',
  'ip link set dev nat64 addrgenmode none',
  'ip link set dev nat64 mtu 1500 txqueuelen 2000 up',
]

const rows: readonly [name: string, config: RunConfig, facts: HostFacts, lines: string[]][] = [
  [
    'no pool4: a private block, masqueraded and routed before pool6',
    config(),
    HOST,
    [
      ...DEVICE,
      MASQUERADE('192.168.255.0/30'),
      'ip -4 route add 192.168.255.0/30 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
    ],
  ],
  [
    'a routed pool4: no masquerade',
    config({ pool4: pool4('203.0.113.7/32') }),
    HOST,
    [...DEVICE, 'ip -4 route add 203.0.113.7/32 dev nat64', 'ip -6 route add 64:ff9b::/96 dev nat64'],
  ],
  [
    'a private pool4: masqueraded',
    config({ pool4: pool4('10.9.0.0/28') }),
    HOST,
    [
      ...DEVICE,
      MASQUERADE('10.9.0.0/28'),
      'ip -4 route add 10.9.0.0/28 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
    ],
  ],
  [
    'masquerade off',
    config({ pool4: pool4('10.9.0.0/28') }, { host: { ...config().host, masquerade: 'off' } }),
    HOST,
    [...DEVICE, 'ip -4 route add 10.9.0.0/28 dev nat64', 'ip -6 route add 64:ff9b::/96 dev nat64'],
  ],
  [
    'masquerade on, by one interface, overlapping ranges once',
    config(
      { pool4: pool4('203.0.113.0/28', '203.0.113.7/32') },
      { host: { ...config().host, masquerade: 'on', outInterface: 'eno1' } },
    ),
    HOST,
    [
      ...DEVICE,
      MASQUERADE('203.0.113.0/28', 'oifname "eno1"'),
      'ip -4 route add 203.0.113.0/28 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
    ],
  ],
  [
    'pool mode: the dynamic pool and the own address',
    config({ mode: 'pool', dynamicPool: p4('192.168.255.0/24') }, { ownAddress4: p4('192.168.254.1/32').address }),
    HOST,
    [
      ...DEVICE,
      MASQUERADE('{ 192.168.255.0/24, 192.168.254.1/32 }'),
      'ip -4 route add 192.168.255.0/24 dev nat64',
      'ip -4 route add 192.168.254.1/32 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
    ],
  ],
  [
    'siit: the side of a mapping that the host does not reach already',
    config({
      mode: 'siit',
      eam: [
        { prefix4: p4('203.0.113.5/32'), prefix6: p6('2001:db8:1::5/128') },
        { prefix4: p4('198.51.100.9/32'), prefix6: p6('2001:db8:64::9/128') },
      ],
    }),
    HOST,
    [
      ...DEVICE,
      'ip -4 route add 203.0.113.5/32 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
      'ip -6 route add 2001:db8:64::9/128 dev nat64',
    ],
  ],
  [
    'forwarding off: both turned on',
    config({ pool4: pool4('203.0.113.7/32') }),
    off({ 'net/ipv4/ip_forward': '0', 'net/ipv6/conf/all/forwarding': '0' }),
    [
      ...DEVICE,
      'sysctl -w net.ipv6.conf.all.forwarding=1',
      'sysctl -w net.ipv4.ip_forward=1',
      'ip -4 route add 203.0.113.7/32 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
    ],
  ],
  [
    'forwarding left to somebody else',
    config({ pool4: pool4('203.0.113.7/32') }, { host: { ...config().host, forwarding: false } }),
    off({ 'net/ipv4/ip_forward': '0' }),
    [...DEVICE, 'ip -4 route add 203.0.113.7/32 dev nat64', 'ip -6 route add 64:ff9b::/96 dev nat64'],
  ],
  [
    'addresses of the host on the device',
    config(
      { pool4: pool4('203.0.113.7/32') },
      { tun: { ...config().tun, mtu: 1480, addresses4: [{ address: p4('10.0.0.1/32').address, length: 30 }] } },
    ),
    HOST,
    [
      ...DEVICE.slice(0, 2),
      'ip link set dev nat64 mtu 1480 txqueuelen 2000 up',
      'ip -4 address add 10.0.0.1/30 dev nat64',
      'ip -4 route add 203.0.113.7/32 dev nat64',
      'ip -6 route add 64:ff9b::/96 dev nat64',
    ],
  ],
  [
    'a persistent device that is up with its route: only what is missing',
    config({ pool4: pool4('203.0.113.7/32') }),
    host({
      links: [...HOST.links, link('nat64', { kind: 'tun', persistent: true })],
      routes: [...HOST.routes, route('64:ff9b::/96', 'nat64')],
    }),
    ['ip -4 route add 203.0.113.7/32 dev nat64'],
  ],
  [
    'a persistent device that is down with another MTU',
    config({ pool4: pool4('203.0.113.7/32') }),
    host({
      links: [...HOST.links, link('nat64', { kind: 'tun', persistent: true, up: false, mtu: 1400 })],
      routes: [...HOST.routes, route('64:ff9b::/96', 'nat64'), route('203.0.113.7/32', 'nat64')],
    }),
    ['ip link set dev nat64 mtu 1500 up'],
  ],
  [
    'no host set-up: the device alone',
    config({}, { host: { ...config().host, setup: false } }),
    HOST,
    DEVICE.slice(0, 1),
  ],
]

describe('plan', () => {
  it.each(rows)('%s', (_, c, facts, lines) => {
    expect(planned(c, facts).lines).toEqual(lines)
  })

  it('undoes in reverse, and nothing that goes with the device anyway is forgotten', () => {
    const { undo } = planned(config(), off({ 'net/ipv4/ip_forward': '0' }))
    expect(undo).toEqual([
      'ip -6 route delete 64:ff9b::/96 dev nat64',
      'ip -4 route delete 192.168.255.0/30 dev nat64',
      'nft delete table ip nat64_nat64',
      'sysctl -w net.ipv4.ip_forward=0',
      'ip link delete dev nat64',
    ])
  })

  it('takes a device that was down and had another MTU back to that', () => {
    const facts = host({ links: [...HOST.links, link('nat64', { kind: 'tun', up: false, mtu: 1400 })] })
    expect(planned(config({ pool4: pool4('203.0.113.7/32') }), facts).undo.at(-1)).toBe(
      'ip link set dev nat64 mtu 1400 down',
    )
  })

  it('restores what the kernel changes along with the forwarding switches', () => {
    const facts = off({
      'net/ipv4/ip_forward': '0',
      'net/ipv4/conf/all/accept_redirects': '0',
      'net/ipv4/conf/vmbr0/forwarding': '1',
      'net/ipv6/conf/all/forwarding': '0',
      'net/ipv6/conf/vmbr0/forwarding': '1',
      'net/ipv6/conf/eno1/forwarding': '0',
    })
    expect(planned(config(), facts).undo.slice(3)).toEqual([
      'sysctl -w net.ipv4.ip_forward=0',
      'sysctl -w net.ipv4.conf.vmbr0.forwarding=1',
      'sysctl -w net.ipv4.conf.all.accept_redirects=0',
      'sysctl -w net.ipv6.conf.all.forwarding=0',
      'sysctl -w net.ipv6.conf.vmbr0.forwarding=1',
      'ip link delete dev nat64',
    ])
  })

  it('writes sysctl keys of interfaces with a dot so that sysctl understands them', () => {
    const change: Change = { kind: 'sysctl', key: 'net/ipv6/conf/eno1.5/accept_ra', from: '1', to: '2', restore: [] }
    expect(applyCommands(change)).toEqual([['sysctl', '-w', 'net/ipv6/conf/eno1.5/accept_ra=2']])
  })
})

describe('router advertisements', () => {
  const sysctl = { 'net/ipv6/conf/all/forwarding': '0', 'net/ipv6/conf/eno1/accept_ra': '1' }
  const learnt = { dev: 'eno1', family: 6 as const, address: '2001:db8:9::5', length: 64, dynamic: true }
  const table: readonly [string, HostFacts, string[]][] = [
    ['a learnt address', { ...off(sysctl), addresses: [...HOST.addresses, learnt] }, ['eno1']],
    [
      'a learnt default route',
      { ...off(sysctl), routes: [...HOST.routes, route('::/0', 'eno1', { protocol: 'ra' })] },
      ['eno1'],
    ],
    ['nothing learnt', off(sysctl), []],
    [
      'accept_ra is 2 already',
      { ...off({ ...sysctl, 'net/ipv6/conf/eno1/accept_ra': '2' }), addresses: [...HOST.addresses, learnt] },
      [],
    ],
    [
      'a program, not the kernel, listens (accept_ra 0)',
      { ...off({ ...sysctl, 'net/ipv6/conf/eno1/accept_ra': '0' }), addresses: [...HOST.addresses, learnt] },
      [],
    ],
    [
      'forwarding is on already',
      { ...off({ 'net/ipv6/conf/eno1/accept_ra': '1' }), addresses: [...HOST.addresses, learnt] },
      [],
    ],
  ]
  it.each(table)('%s', (_, facts, devices) => {
    const { changes, warnings } = planned(config(), facts)
    const listening = changes.filter(c => c.kind === 'sysctl' && c.key.endsWith('accept_ra'))
    expect(listening.map(describeChange)).toEqual(
      devices.map(d => `keep ${d} listening to router advertisements while forwarding`),
    )
    expect(warnings).toHaveLength(devices.length)
    for (const [i, d] of devices.entries()) expect(warnings[i]).toContain(`accept_ra is set to 2 on ${d}`)
    // Before forwarding: the kernel drops learnt routes at that moment.
    const order = changes.map(c => (c.kind === 'sysctl' ? c.key : ''))
    if (devices.length > 0) {
      expect(order.indexOf('net/ipv6/conf/eno1/accept_ra')).toBeLessThan(order.indexOf('net/ipv6/conf/all/forwarding'))
    }
  })
})

describe('an interface to masquerade on', () => {
  const by = (outInterface: string) =>
    planned(config({ pool4: pool4('10.9.0.0/28') }, { host: { ...config().host, outInterface } }), HOST).warnings
  it('is warned of when it does not exist', () => expect(by('nosuch0')).toEqual([expect.stringContaining('nosuch0')]))
  it('is fine when it does', () => expect(by('eno1')).toEqual([]))
})

describe('choosing a pool', () => {
  const chosen = (facts: HostFacts, c = config(), preferred: string | null = null) =>
    choosePool(c, facts, preferred).config.xlat.pool4[0]!.prefix
  const text = (p: { address: number }) => [24, 16, 8, 0].map(s => (p.address >>> s) & 255).join('.')
  const table: readonly [string, HostFacts, string][] = [
    ['the first block when nothing is in the way', HOST, '192.168.255.2'],
    [
      'the next block past an address',
      host({ addresses: [{ dev: 'x', family: 4, address: '192.168.255.1', length: 32, dynamic: false }] }),
      '192.168.255.6',
    ],
    [
      'another range when a route covers the first',
      host({ routes: [route('192.168.0.0/16', 'eno1')] }),
      '172.31.255.2',
    ],
    [
      'blackholes count, the default route does not',
      host({ routes: [route('0.0.0.0/0', 'eno1'), route('192.168.0.0/16', null), route('172.16.0.0/12', null)] }),
      '10.255.255.2',
    ],
    ['what another translator has routed', host({ routes: [route('192.168.255.0/30', 'nat64b')] }), '192.168.255.6'],
    ['its own device does not count', host({ routes: [route('192.168.255.0/30', 'nat64')] }), '192.168.255.2'],
  ]
  it.each(table)('%s', (_, facts, address) => {
    expect(text(chosen(facts))).toBe(address)
  })

  it('keeps what the last run had while that is free', () => {
    expect(text(chosen(HOST, config(), '10.255.255.8/30'))).toBe('10.255.255.10')
    const taken = host({ routes: [route('10.255.255.0/24', 'eno1')] })
    expect(text(chosen(taken, config(), '10.255.255.8/30'))).toBe('192.168.255.2')
  })

  it('respects denylist4', () => {
    expect(text(chosen(HOST, config({ denylist4: [p4('192.168.0.0/16')] })))).toBe('172.31.255.2')
  })

  it('fills in addresses of its own for ICMP errors', () => {
    const { config: filled } = choosePool(config(), HOST)
    expect(filled.ownAddress4).toBe(p4('192.168.255.1/32').address)
    expect(filled.xlat.icmpSource6).toEqual(p6('64:ff9b::c0a8:ff01/128').address)
  })

  it('gives up with a sentence when all private space is routed', () => {
    const facts = host({
      routes: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map(p => route(p, 'eno1')),
    })
    expect(() => choosePool(config(), facts)).toThrow(/no private IPv4 address is unused/)
  })

  it('leaves a given pool4 and other modes alone', () => {
    const given = config({ pool4: pool4('203.0.113.7/32') })
    expect(choosePool(given, HOST)).toEqual({ config: given, chosen: null })
    const pool = config({ mode: 'pool', dynamicPool: p4('10.0.0.0/24') })
    expect(choosePool(pool, HOST)).toEqual({ config: pool, chosen: null })
  })
})
