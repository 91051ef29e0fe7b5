import { describe, expect, it } from 'vitest'
import { resolverConfig } from '../../../src/doctor/checks/resolver-config.js'
import type { Facts } from '../../../src/facts/facts.js'
import { found } from '../found.js'
import { changed, having, jool } from '../hosts.js'

const files = (texts: Readonly<Record<string, string>>) => having(jool(), 'configFiles', texts)
const unbound = (lines: string) => files({ '/etc/unbound/unbound.conf.d/dns64.conf': `server:\n  ${lines}\n` })

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['no resolver here', files({ '/etc/resolv.conf': 'nameserver 9.9.9.9\n' }), []],
  ['unbound without DNS64', unbound('module-config: "validator iterator"'), []],
  ['unbound with DNS64', unbound('module-config: "dns64 validator iterator"\n  dns64-prefix: 64:ff9b::/96'), []],
  ['a prefix without the module', unbound('dns64-prefix: 64:ff9b::/96'), ['N64-702 error']],
  [
    'a prefix without the module in the line',
    unbound('module-config: "validator iterator"\n  dns64-prefix: 64:ff9b::/96'),
    ['N64-702 error'],
  ],
  ['the validator first', unbound('module-config: "validator dns64 iterator"'), ['N64-702 warning']],
  ['another prefix', unbound('module-config: "dns64 iterator"\n  dns64-prefix: 2001:db8:64::/96'), ['N64-702 error']],
  ['in a comment', unbound('# dns64-prefix: 2001:db8:64::/96'), []],
  ['do-nat64', unbound('do-nat64: yes'), ['N64-702 info']],
  [
    'everything through the translator',
    unbound('module-config: "dns64 iterator"\n  dns64-synthall: yes'),
    ['N64-702 warning'],
  ],
  [
    'BIND with DNS64',
    files({ '/etc/bind/named.conf.options': 'options {\n  dns64 64:ff9b::/96 { clients { any; }; };\n};\n' }),
    [],
  ],
  [
    'BIND with another prefix',
    files({ '/etc/bind/named.conf.options': 'options {\n  dns64 64:ff9c::/96 { };\n};\n' }),
    ['N64-702 error'],
  ],
  ['no translator', changed(unbound('dns64-prefix: 64:ff9c::/96'), 'jool', all => ({ ...all, instances: [] })), []],
]

describe('resolver-config', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    expect(found(resolverConfig, facts)).toEqual(expected)
  })
})
