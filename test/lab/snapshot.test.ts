import { describe, expect, it } from 'vitest'
import { compareSnapshots, normalise } from '../../src/lab/snapshot.js'

describe('normalise', () => {
  it.each<[string, string, string, boolean]>([
    ['order of objects', '[{"a":1},{"b":2}]', '[{"b":2},{"a":1}]', true],
    ['order of keys', '[{"a":1,"b":2}]', '[{"b":2,"a":1}]', true],
    ['timers of a bridge', '[{"x":{"gc_timer":1.5}}]', '[{"x":{"gc_timer":9}}]', true],
    ['lifetimes', '[{"valid_life_time":4294967295}]', '[{"valid_life_time":7}]', true],
    [
      'handles of nftables',
      '{"nftables":[{"table":{"name":"t","handle":1}}]}',
      '{"nftables":[{"table":{"name":"t","handle":9}}]}',
      true,
    ],
    ['an address', '[{"local":"10.0.0.1"}]', '[{"local":"10.0.0.2"}]', false],
    ['a new table', '{"nftables":[]}', '{"nftables":[{"table":{"name":"t"}}]}', false],
    ['an MTU', '[{"mtu":1500}]', '[{"mtu":1480}]', false],
    ['plain lines', 'a = 1\nb = 0\n', 'b = 0\na = 1\n', true],
    ['a plain line', 'ip_forward = 0\n', 'ip_forward = 1\n', false],
  ])('%s', (_, one, other, same) => {
    expect(compareSnapshots({ links: normalise(one) }, { links: normalise(other) }).length === 0).toBe(same)
  })
})

it('compareSnapshots names what is gone and what is new', () => {
  expect(compareSnapshots({ sysctls: ['a = 0'] }, { sysctls: ['a = 1'] })).toEqual([
    'sysctls: gone a = 0',
    'sysctls: new a = 1',
  ])
})
