/** tayga's dynamic.map. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ipv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { type Ipv6, parseIpv6 } from '../../src/addr/ipv6.js'
import { formatDynamicMap, parseDynamicMap } from '../../src/config/dynamic-map.js'

const entry = (four: string, six: string, lastUse: number) => ({
  address4: parseIpv4(four),
  host6: parseIpv6(six),
  lastUse,
})

it('reads what tayga writes, and names malformed lines', () => {
  const text = [
    '###',
    '### Last written: Mon Nov 23 10:00:00 2026',
    '',
    '192.168.255.11\t2001:db8::11\t1795430000',
    '192.168.255.12   2001:db8::12 1795430001\r',
    '192.168.255.13 2001:db8::13',
    '192.168.255.14 2001:db8::14 0',
    '192.168.255.15 2001:db8::15 -5',
    '192.168.255.16 2001:db8::16 5 6',
    '192.168.255.256 2001:db8::17 5',
    'nonsense',
    '192.168.255.18\t2001:db8::18\t5',
  ].join('\n')
  expect(parseDynamicMap(text)).toEqual({
    entries: [
      entry('192.168.255.11', '2001:db8::11', 1795430000),
      entry('192.168.255.12', '2001:db8::12', 1795430001),
      entry('192.168.255.18', '2001:db8::18', 5),
    ],
    malformed: [6, 7, 8, 9, 10, 11],
  })
})

it('reads back what it writes', () => {
  const word = fc.integer({ min: 0, max: 0xffffffff })
  const one = fc.record({
    address4: word.map(ipv4),
    host6: fc.tuple(word, word, word, word) as fc.Arbitrary<Ipv6>,
    lastUse: fc.integer({ min: 1, max: 1e12 }),
  })
  fc.assert(
    fc.property(fc.array(one), entries => {
      expect(parseDynamicMap(formatDynamicMap(entries, 1795430000))).toEqual({ entries, malformed: [] })
    }),
  )
})

it('writes one line an entry, tab-separated', () => {
  const [last] = formatDynamicMap([entry('192.0.2.1', '2001:db8::1', 7)] as never, 0)
    .split('\n')
    .slice(-2)
  expect(last).toBe('192.0.2.1\t2001:db8::1\t7')
})
