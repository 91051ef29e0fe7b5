import { describe, expect, it } from 'vitest'
import { pref64 } from '../../../src/doctor/checks/pref64.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool } from '../hosts.js'

const radvd = (line: string) =>
  having(jool(), 'configFiles', { '/etc/radvd.conf': `interface vmbr0 {\n  AdvSendAdvert on;\n  ${line}\n};\n` })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['no radvd', having(jool(), 'configFiles', {}), []],
  ['the prefix is advertised', radvd('nat64prefix 64:ff9b::/96 { };'), []],
  ['another prefix is', radvd('nat64prefix 64:ff9c::/96 { };'), ['N64-704 error']],
  ['none is', radvd(''), ['N64-704 info']],
  ['no translator', changed(radvd(''), 'jool', all => ({ ...all, instances: [] })), []],
]

describe('pref64', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(pref64, facts)).toEqual(expected)
  })
})
