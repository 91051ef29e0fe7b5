import { describe, expect, it } from 'vitest'
import type { RunConfig } from '../../src/config/run-config.js'
import { choosePool } from '../../src/run/plan/choose-pool.js'
import { conflictError, findConflicts } from '../../src/run/plan/conflicts.js'
import type { HostFacts } from '../../src/run/plan/facts.js'
import { plan } from '../../src/run/plan/plan.js'
import { config, HOST, host, link, p4, p6, pool4, route } from './facts.js'

function conflicts(c: RunConfig, facts: HostFacts) {
  const { config: filled, chosen } = choosePool(c, facts)
  return findConflicts(filled, chosen, facts, plan(filled, chosen, facts))
}

const jool = (more = {}) => ({
  name: 'default',
  siit: false,
  framework: 'netfilter',
  pool6: '64:ff9b::/96',
  enabled: true,
  ...more,
})
const tunHost = (owner?: { pid: number; name: string }) =>
  host({
    links: [...HOST.links, link('tayga0', { kind: 'tun' })],
    routes: [...HOST.routes, route('64:ff9b::/96', 'tayga0')],
    tunOwners: owner ? { tayga0: owner } : {},
  })
const lan = route('192.168.1.0/24', 'vmbr0', { protocol: 'kernel' })

const rows: readonly [name: string, config: RunConfig, facts: HostFacts, exit: number, words: (RegExp | string)[]][] = [
  [
    'Jool in netfilter with the same prefix',
    config(),
    host({ jool: [jool()] }),
    3,
    ['instance "default"', /takes packets before they are routed/, 'jool instance remove default'],
  ],
  [
    'Jool in iptables',
    config(),
    host({ jool: [jool({ framework: 'iptables', name: 'x' })] }),
    3,
    [/every packet that its iptables rule matches/, 'jool instance remove x'],
  ],
  [
    'Jool SIIT around the prefix',
    config({ mode: 'siit', pool6: p6('2001:db8:64::/96') }),
    host({ jool: [jool({ siit: true, pool6: '2001:db8:64::/64' })] }),
    3,
    ['jool_siit instance remove default'],
  ],
  [
    'tayga with the route',
    config(),
    tunHost({ pid: 4711, name: 'tayga' }),
    3,
    [/tayga \(process 4711\) translates on it/, /It would win/, 'kill 4711', '--tun tayga0'],
  ],
  [
    'a TUN device with the route and nobody on it',
    config(),
    tunHost(),
    3,
    ['no process has it open', 'ip -6 route delete 64:ff9b::/96 dev tayga0'],
  ],
  [
    'an address of the host in pool4',
    config({ pool4: pool4('198.51.100.8/32') }),
    HOST,
    4,
    ["198.51.100.8 in pool4 is this host's own address (on eno1)", /never reach the TUN device/, 'Leave pool4 out'],
  ],
  [
    'an address of the host inside a pool4 prefix',
    config({ pool4: pool4('198.51.100.0/28') }),
    HOST,
    4,
    [/198\.51\.100\.8 in pool4/],
  ],
  [
    'an address of the host in the dynamic pool',
    config({ mode: 'pool', dynamicPool: p4('198.51.100.0/28') }),
    HOST,
    4,
    [/198\.51\.100\.8 in dynamic-pool/, '192.168.255.0/24'],
  ],
  [
    'an address of the host inside pool6',
    config({ pool6: p6('2001:db8:1::/96') }),
    HOST,
    4,
    ['2001:db8:1::1 (on vmbr0) is inside pool6 2001:db8:1::/96'],
  ],
  [
    'pool4 on the link of another device',
    config({ pool4: pool4('192.168.1.77/32') }),
    host({ routes: [...HOST.routes, lan] }),
    4,
    ['on-link on vmbr0', 'by ARP', 'ip neigh add proxy 192.168.1.77 dev vmbr0'],
  ],
  [
    'pool6 on the link of another device',
    config({ pool6: p6('2001:db8:2:0:1::/96') }),
    host({ routes: [...HOST.routes, route('2001:db8:2::/64', 'vmbr0', { protocol: 'kernel' })] }),
    4,
    ['on-link on vmbr0', 'neighbour discovery'],
  ],
  [
    'pool6 routed elsewhere',
    config(),
    host({ routes: [...HOST.routes, route('64:ff9b::/96', 'eno1', { gateway: 'fe80::2' })] }),
    4,
    ['pool6 64:ff9b::/96 is already routed to eno1', 'ip -6 route delete 64:ff9b::/96 dev eno1'],
  ],
  [
    'a part of pool4 routed elsewhere',
    config({ pool4: pool4('203.0.113.0/28') }),
    host({ routes: [...HOST.routes, route('203.0.113.4/32', 'vmbr0')] }),
    4,
    ['A part of pool4 203.0.113.0/28, 203.0.113.4/32, is already routed to vmbr0'],
  ],
  [
    'pool6 as a blackhole',
    config(),
    host({ routes: [...HOST.routes, { ...route('64:ff9b::/96', null), type: 'unreachable' }] }),
    4,
    ['already routed nowhere (unreachable)'],
  ],
  [
    'masquerade without nft',
    config(),
    host({ nft: { installed: false, ipTables: [] } }),
    3,
    ['the program nft is missing', 'apt-get install nftables', '--masquerade off'],
  ],
  [
    'a table of our name that nobody remembers',
    config(),
    host({ nft: { installed: true, ipTables: ['nat64_nat64'] } }),
    3,
    ['nft delete table ip nat64_nat64'],
  ],
]

describe('conflicts', () => {
  it.each(rows)('%s', (_, c, facts, exit, words) => {
    const found = conflicts(c, facts)
    expect(found).toHaveLength(1)
    const error = conflictError(found)
    expect(error.exitCode).toBe(exit)
    const text = [error.message, ...error.nextSteps].join('\n')
    for (const word of words) expect(text).toMatch(word instanceof RegExp ? word : new RegExp(literally(word)))
    expect(error.nextSteps.length).toBeGreaterThan(0)
  })

  const fine: readonly [string, RunConfig, HostFacts][] = [
    ['an ordinary host', config(), HOST],
    ['a Jool instance that is switched off', config(), host({ jool: [jool({ enabled: false })] })],
    ['Jool with another prefix', config(), host({ jool: [jool({ pool6: '2001:db8:64::/96' })] })],
    ['Jool with EAM only', config(), host({ jool: [jool({ siit: true, pool6: null })] })],
    [
      'a TUN device with other routes',
      config(),
      host({
        links: [...HOST.links, link('wg', { kind: 'tun' })],
        routes: [...HOST.routes, route('10.0.0.0/8', 'wg')],
      }),
    ],
    [
      'our own route, on a device that persists',
      config(),
      host({ routes: [...HOST.routes, route('64:ff9b::/96', 'nat64')] }),
    ],
    [
      'pool4 inside a prefix that is routed on',
      config({ pool4: pool4('203.0.113.7/32') }),
      host({ routes: [...HOST.routes, route('203.0.113.0/24', 'eno1', { gateway: '198.51.100.2' })] }),
    ],
    [
      'pool4 on a link, with proxy ARP for it',
      config({ pool4: pool4('192.168.1.77/32') }),
      host({ routes: [...HOST.routes, lan], proxied4: ['192.168.1.77'] }),
    ],
    [
      'pool4 on a link whose device answers for all',
      config({ pool4: pool4('192.168.1.77/32') }),
      host({ routes: [...HOST.routes, lan], sysctl: { ...HOST.sysctl, 'net/ipv4/conf/vmbr0/proxy_arp': '1' } }),
    ],
    [
      'a route of another table',
      config(),
      host({ routes: [...HOST.routes, route('64:ff9b::/96', 'eno1', { table: '100' })] }),
    ],
    [
      'the tayga.conf of the original case: its ipv6-addr is on the link of the guests',
      config(
        { mode: 'pool', dynamicPool: p4('192.168.255.0/24') },
        { ownAddress4: p4('192.168.255.1/32').address, ownAddress6: p6('2001:db8:1::64/128').address },
      ),
      HOST,
    ],
    [
      'no nft, but nothing to masquerade',
      config({ pool4: pool4('203.0.113.7/32') }),
      host({ nft: { installed: false, ipTables: [] } }),
    ],
    [
      'no host set-up: routes are not our business',
      config({}, { host: { ...config().host, setup: false } }),
      tunHost(),
    ],
  ]
  it.each(fine)('none: %s', (_, c, facts) => {
    expect(conflicts(c, facts)).toEqual([])
  })

  it('tells all of them at once', () => {
    const found = conflicts(config({ pool4: pool4('198.51.100.8/32') }), host({ jool: [jool()] }))
    const error = conflictError(found)
    expect(error.message).toMatch(/Jool/)
    expect(error.nextSteps.join('\n')).toMatch(/Also: 198\.51\.100\.8 in pool4/)
  })
})

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
