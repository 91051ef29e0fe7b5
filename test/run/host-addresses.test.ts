/** Which IPv4 addresses count as the host's own. */
import { expect, test } from 'vitest'
import { formatPrefix4 } from '../../src/addr/prefix.js'
import type { AddressFact, RouteFact } from '../../src/run/plan/facts.js'
import { hostAddresses4 } from '../../src/run/plan/host-addresses.js'
import { config, p4, route } from './facts.js'

const at = (text: string, dev = 'eno1'): AddressFact => {
  const [address, length] = text.split('/') as [string, string]
  return { dev, family: text.includes(':') ? 6 : 4, address, length: Number(length), dynamic: false }
}
const local = (prefix: string, more: Partial<RouteFact> = {}) =>
  route(prefix, 'lo', { type: 'local', table: 'local', protocol: 'kernel', ...more })
const tun = { ...config().tun, addresses4: [{ address: p4('192.168.9.1/32').address, length: 24 }] }

test.each<[what: string, addresses: AddressFact[], routes: RouteFact[], expected: string[]]>([
  ['an address and its broadcast address', [at('192.0.2.5/24')], [], ['192.0.2.5/32', '192.0.2.255/32']],
  ['the same by the local table', [at('192.0.2.5/32')], [local('192.0.2.5/32')], ['192.0.2.5/32']],
  [
    'a point-to-point link has no broadcast',
    [at('192.0.2.0/31'), at('192.0.2.9/32')],
    [],
    ['192.0.2.0/32', '192.0.2.9/32'],
  ],
  [
    'bridges and what is on lo',
    [at('10.0.0.1/30', 'vmbr1'), at('192.0.2.7/32', 'lo')],
    [],
    ['10.0.0.1/32', '10.0.0.3/32', '192.0.2.7/32'],
  ],
  ['a broadcast address of its own choice', [], [local('192.0.2.127/32', { type: 'broadcast' })], ['192.0.2.127/32']],
  ['a whole range', [], [local('198.51.100.0/24')], ['198.51.100.0/24']],
  ['no loopback, which is refused anyway', [at('127.0.0.1/8', 'lo')], [local('127.0.0.0/8')], []],
  [
    "no IPv6, no others' addresses, no proxy that takes all",
    [at('2001:db8::1/64')],
    [route('192.0.2.0/24', 'eno1'), local('0.0.0.0/0', { table: '100' })],
    [],
  ],
])('%s', (_, addresses, routes, expected) =>
  expect(hostAddresses4(config(), { addresses, routes }).map(formatPrefix4)).toEqual(expected),
)

test('those that the device is about to get', () =>
  expect(hostAddresses4(config({}, { tun }), { addresses: [], routes: [] }).map(formatPrefix4)).toEqual([
    '192.168.9.1/32',
    '192.168.9.255/32',
  ]))
