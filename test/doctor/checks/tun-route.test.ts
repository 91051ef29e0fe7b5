import { describe, expect, it } from 'vitest'
import { tunRoute } from '../../../src/doctor/checks/tun-route.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool, tayga, withLink, withoutRoute, withRoute } from '../hosts.js'

/** A second tayga on nat65, to which pool6 is routed. */
const second = (() => {
  const linked = changed(tayga(), 'links', all => {
    const first = all.find(l => l.name === 'nat64') as (typeof all)[number]
    return [...all, { ...first, name: 'nat65' }]
  })
  const configured = changed(linked, 'tayga', all => [
    ...all,
    { file: '/etc/tayga/b.conf', text: 'tun-device nat65\nprefix 64:ff9b::/96\n', map: null, version: null },
  ])
  return withRoute(withoutRoute(configured, '64:ff9b::/96'), '64:ff9b::/96', { device: 'nat65' })
})()

/** `nat64 run` on the device that a tayga.conf left over names. */
const takenOver = having(withoutRoute(tayga(), '192.168.255.0/24'), 'tunOwners', [
  { device: 'nat64', pid: 7, program: 'nat64', command: 'nat64 run' },
])

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['healthy', tayga(), []],
  ['Jool needs no route', jool(), []],
  ['no route for pool6', withoutRoute(tayga(), '64:ff9b::/96'), ['N64-304 error nat64']],
  [
    'the route leads to the uplink',
    withRoute(withoutRoute(tayga(), '64:ff9b::/96'), '64:ff9b::/96', { device: 'eno1' }),
    ['N64-304 error nat64'],
  ],
  ['no route at all', withoutRoute(withoutRoute(tayga(), '64:ff9b::/96'), '::/0'), ['N64-304 error nat64']],
  ['nobody has it open', withLink(tayga(), 'nat64', { carrier: false }), ['N64-304 error nat64']],
  [
    'nobody has it open, and nothing is routed there',
    withoutRoute(withLink(tayga(), 'nat64', { carrier: false }), '64:ff9b::/96'),
    [],
  ],
  ['no route for replies', withoutRoute(tayga(), '192.168.255.0/24'), ['N64-304 error nat64']],
  ['the pool of a tayga whose device nat64 run took over', takenOver, []],
  ['another translator has the prefix', second, []],
]

describe('tun-route', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(tunRoute, facts)).toEqual(expected)
  })
})
