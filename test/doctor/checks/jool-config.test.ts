import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { joolConfig } from '../../../src/doctor/checks/jool-config.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { having, joolHost } from '../jool-host.js'

const file = (name: string) => readFileSync(join(import.meta.dirname, '../../../fixtures/config', name), 'utf8')
const config = (text: string): Facts => having(joolHost(), { joolConfig: { '/etc/jool/jool.conf': text } })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  [
    'the original one',
    having(joolHost(), { joolConfig: { '/etc/jool/jool.conf': file('original-case.jool.conf') } }),
    [],
  ],
  ['every key', config(file('all-keys.jool.conf')), []],
  [
    'every key of SIIT',
    having(joolHost(), { joolConfig: { '/etc/jool/jool_siit.conf': file('all-keys.jool_siit.conf') } }),
    [],
  ],
  ['a comma too many', config('{ "framework": "netfilter", }'), ['N64-507 error']],
  ['no framework', config('{ "instance": "default" }'), ['N64-507 error']],
  ['a wrong framework', config('{ "framework": "nftables" }'), ['N64-507 error']],
  ['a key of the other kind', config('{ "framework": "netfilter", "denylist4": [] }'), ['N64-507 error']],
  ['an unknown setting', config('{ "framework": "netfilter", "global": { "mtu": 1500 } }'), ['N64-507 error']],
  ['a prefix of 95', config('{ "framework": "netfilter", "global": { "pool6": "64:ff9b::/95" } }'), ['N64-507 error']],
  ['a key of before', config('{ "framework": "netfilter", "global": { "synch-enabled": true } }'), ['N64-507 error']],
  ['no file', having(joolHost(), { joolConfig: {} }), []],
]

describe('jool-config', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(joolConfig, facts)).toEqual(expected)
  })
})
