import { describe, expect, it } from 'vitest'
import { guestGateway } from '../../../src/doctor/checks/guest-gateway.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, jool, tayga, withoutRoute, withRoute } from '../hosts.js'

const withoutGateway = (facts: Facts) =>
  changed(facts, 'addresses', all => all.filter(a => a.device !== 'vmbr0' || a.family !== 6 || a.scope !== 'global'))
const otherBridge = changed(jool(), 'links', all => {
  const bridge = all.find(l => l.name === 'vmbr0') as (typeof all)[number]
  const tap = all.find(l => l.name === 'tap100i0') as (typeof all)[number]
  return [...all, { ...bridge, name: 'vmbr1' }, { ...tap, name: 'tap101i0', master: 'vmbr1' }]
})

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy with Jool', jool(), []],
  ['healthy with tayga', tayga(), []],
  ['no IPv6 address on the only bridge', withoutGateway(jool()), ['N64-303 warning tap100i0']],
  ['a second bridge without one', otherBridge, ['N64-303 info tap101i0']],
  ['no translator runs', withoutGateway(changed(jool(), 'jool', all => ({ ...all, instances: [] }))), []],
  ['no route on', withoutRoute(withoutRoute(tayga(), '64:ff9b::/96'), '::/0'), ['N64-303 error tap100i0']],
  [
    'an unreachable route',
    withRoute(withoutRoute(tayga(), '64:ff9b::/96'), '64:ff9b::/96', { type: 'unreachable' }),
    ['N64-303 error tap100i0'],
  ],
]

describe('guest-gateway', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(guestGateway, facts)).toEqual(expected)
  })
})
