import { describe, expect, it } from 'vitest'
import { joolEmptyPool4 } from '../../../src/doctor/checks/jool-empty-pool4.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, jool, withSetting } from '../hosts.js'

const range = (text: string) => withSetting(jool(), { 'net.ipv4.ip_local_port_range': text })
const instances = (facts: Facts, change: object) =>
  changed(facts, 'jool', all => ({ ...all, instances: all.instances.map(i => ({ ...i, ...change })) }))
const pool4 = (facts: Facts) =>
  instances(facts, { pool4: [{ mark: 0, protocol: 'TCP', address: '198.51.100.2', minPort: 40000, maxPort: 50000 }] })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['as recorded: the range is not known', jool(), []],
  ['the default range', range('32768 60999'), []],
  ['a widened range', range('1024 65535'), ['N64-310 warning default']],
  ['a widened range and a pool4', pool4(range('1024 65535')), []],
  ['an instance in another namespace', instances(range('1024 65535'), { netns: 'nat64' }), []],
  ['an instance that is switched off', instances(range('1024 65535'), { global: { 'manually-enabled': 'FALSE' } }), []],
]

describe('jool-empty-pool4', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolEmptyPool4, facts)).toEqual(expected)
  })
})
