/** Which route a packet takes, policy rules included. Selectors are those of `ip -j rule`, as parse-ip.ts makes them. */
import { describe, expect, it } from 'vitest'
import type { RouteFact, RuleFact } from '../../src/facts/facts.js'
import { parseRuleFacts } from '../../src/facts/parse-ip.js'
import { isUnderstood, policyRoute, routeText } from '../../src/path/policy-route.js'

const route = (destination: string, more: Partial<RouteFact> = {}): RouteFact => ({
  family: destination.includes(':') ? 6 : 4,
  destination,
  device: 'eno1',
  gateway: null,
  type: 'unicast',
  table: 'main',
  protocol: 'static',
  metric: 0,
  linkDown: false,
  ...more,
})
const ROUTES = [
  route('0.0.0.0/0', { gateway: '192.0.2.1' }),
  route('10.0.0.0/8', { device: 'vmbr1' }),
  route('10.0.0.0/8', { device: 'vmbr2', metric: 100 }),
  route('192.0.2.2/32', { type: 'local', table: 'local' }),
  route('0.0.0.0/0', { device: 'wg0', table: '77' }),
  route('198.51.100.0/24', { type: 'throw', device: null, table: '77' }),
  route('203.0.113.0/24', { type: 'blackhole', device: null }),
  route('64:ff9b::/96', { device: 'nat64', metric: 1024 }),
  route('::/0', { device: 'eno1', metric: 1024, gateway: 'fe80::1' }),
  route('::/0', { device: 'wg0', table: '77' }),
]
const USUAL = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 32766, src: 'all', table: 'main' },
]
const rules = (...more: object[]): RuleFact[] => [
  ...parseRuleFacts([...USUAL, ...more], 4),
  ...parseRuleFacts([...USUAL, ...more], 6),
]
const BY_SOURCE = { priority: 100, src: '192.168.255.0', srclen: 24, table: '77' }

describe('the route of a packet', () => {
  const cases: readonly (readonly [string, string, object[], { source?: string; inDevice?: string }, string | null])[] =
    [
      ['the longest prefix', '10.1.2.3', [], {}, '10.0.0.0/8 dev vmbr1'],
      ['the local table first', '192.0.2.2', [], {}, 'local 192.0.2.2 dev eno1'],
      ['a type that refuses', '203.0.113.9', [], {}, 'blackhole 203.0.113.0/24'],
      ['a rule by source', '11.0.0.1', [BY_SOURCE], { source: '192.168.255.2' }, 'default dev wg0 table 77'],
      ['of another source', '11.0.0.1', [BY_SOURCE], { source: '192.0.2.2' }, 'default via 192.0.2.1 dev eno1'],
      ['of a source that is not known', '11.0.0.1', [BY_SOURCE], {}, 'default via 192.0.2.1 dev eno1'],
      [
        'a rule by device',
        '64:ff9b::1',
        [{ priority: 9, src: 'all', iif: 'vmbr0', table: '77' }],
        { inDevice: 'vmbr0' },
        'default dev wg0 table 77',
      ],
      [
        'of another device',
        '64:ff9b::1',
        [{ priority: 9, src: 'all', iif: 'vmbr0', table: '77' }],
        { inDevice: 'vmbr1' },
        '64:ff9b::/96 dev nat64',
      ],
      [
        'a rule by destination',
        '64:ff9b::1',
        [{ priority: 9, src: 'all', dst: '64:ff9b::', dstlen: 96, table: '77' }],
        {},
        'default dev wg0 table 77',
      ],
      [
        'a rule behind the main table',
        '64:ff9b::1',
        [{ priority: 40_000, src: 'all', table: '77' }],
        {},
        '64:ff9b::/96 dev nat64',
      ],
      [
        'a table that throws',
        '198.51.100.1',
        [BY_SOURCE],
        { source: '192.168.255.2' },
        'default via 192.0.2.1 dev eno1',
      ],
      [
        'a table without a route',
        '11.0.0.1',
        [{ ...BY_SOURCE, table: '5' }],
        { source: '192.168.255.2' },
        'default via 192.0.2.1 dev eno1',
      ],
      [
        'default routes that are left out',
        '11.0.0.1',
        [{ priority: 9, src: 'all', table: '77', suppress_prefixlen: 0 }],
        {},
        'default via 192.0.2.1 dev eno1',
      ],
      [
        'a rule by mark is passed by',
        '11.0.0.1',
        [{ priority: 9, src: 'all', fwmark: '0x1', table: '77' }],
        {},
        'default via 192.0.2.1 dev eno1',
      ],
      [
        'a rule that is turned round, too',
        '11.0.0.1',
        [{ ...BY_SOURCE, not: null }],
        { source: '192.0.2.2' },
        'default via 192.0.2.1 dev eno1',
      ],
    ]
  it.each(cases)('%s', (_, destination, more, { source = '', inDevice = '' }, expected) => {
    const family = destination.includes(':') ? 6 : 4
    const found = policyRoute(ROUTES, rules(...more), { destination, family, source, inDevice })
    expect(found && routeText(found)).toBe(expected)
  })
  it('rules that nobody recorded', () => {
    const packet = { destination: '64:ff9b::1', family: 6, source: '', inDevice: '' } as const
    expect(policyRoute(ROUTES, [], packet)?.device).toBe('nat64')
    expect(policyRoute(ROUTES, parseRuleFacts([BY_SOURCE], 4), packet)?.device).toBe('nat64')
  })
  it('no route at all', () => {
    expect(policyRoute([], [], { destination: '11.0.0.1', family: 4, source: '', inDevice: '' })).toBeNull()
  })
})

describe('rules that addresses and devices decide', () => {
  it.each([
    [{ src: 'all' }, true],
    [{ src: '10.0.0.0', srclen: 8, dst: '11.0.0.0', dstlen: 8, iif: 'vmbr0' }, true],
    [{ src: 'all', suppress_prefixlen: 0 }, true],
    [{ src: 'all', fwmark: '0x1', fwmask: '0xff' }, false],
    [{ src: 'all', not: null }, false],
    [{ src: 'all', l3mdev: null }, false],
    [{ src: 'all', ipproto: 'tcp', dport: 80 }, false],
    [{ src: 'all', action: 'unreachable' }, false],
  ])('%o: %s', (rule, expected) => {
    expect(isUnderstood(parseRuleFacts([{ priority: 9, table: '7', ...rule }], 4)[0] as RuleFact)).toBe(expected)
  })
})
