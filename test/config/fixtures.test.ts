/** Real configurations: what they say, and that --print-config writes a nat64.toml that says the same. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6 } from '../../src/addr/ipv6.js'
import { formatPrefix4, formatPrefix6 } from '../../src/addr/prefix.js'
import { parseConfig } from '../../src/config/parse.js'
import { configJson, printConfig } from '../../src/config/print.js'
import type { ConfigFormat, LoadedConfig } from '../../src/config/run-config.js'

const folder = join(import.meta.dirname, '../../fixtures/config')

function load(name: string): LoadedConfig {
  const read = (path: string) => readFileSync(join(folder, path.slice(path.lastIndexOf('/') + 1)), 'utf8')
  return parseConfig({ file: { name, text: read(name) }, readOther: path => ({ text: read(path) }) })
}

/** What a configuration says, in a few words. */
function gist({ run }: LoadedConfig): string {
  const { xlat } = run
  const parts = [
    xlat.mode,
    xlat.pool6 ? formatPrefix6(xlat.pool6) : 'no pool6',
    run.pool4Auto ? 'pool4 auto' : xlat.pool4.length > 0 ? `${xlat.pool4.length} pool4` : '',
    xlat.dynamicPool ? formatPrefix4(xlat.dynamicPool) : '',
    xlat.staticBib.length > 0 ? `${xlat.staticBib.length} bib` : '',
    xlat.eam.length > 0 ? `${xlat.eam.length} eam` : '',
    xlat.denylist4.length > 0 ? `${xlat.denylist4.length} denied` : '',
    run.ownAddress4 !== null ? formatIpv4(run.ownAddress4) : '',
    run.ownAddress6 !== null ? formatIpv6(run.ownAddress6) : '',
    run.tun.name,
  ]
  return parts.filter(part => part !== '').join(' · ')
}

const FIXTURES: Readonly<Record<string, readonly [ConfigFormat, gist: string, warningLines: string]>> = {
  'empty.toml': ['toml', 'stateful · 64:ff9b::/96 · pool4 auto · nat64', ''],
  'every-key.toml': [
    'toml',
    'stateful · 2001:db8:6464::/96 · 3 pool4 · 2 bib · 2 denied · 192.0.2.254 · 2001:db8::fe · xlat0',
    '',
  ],
  'pool.toml': ['toml', 'pool · 64:ff9b::/96 · 100.64.46.0/24 · 2 eam · 100.64.46.1 · 2001:db8:46::1 · nat64', ''],
  'siit.toml': ['toml', 'siit · no pool6 · 1 eam · 1 denied · nat64', ''],
  'original-case.jool.conf': ['jool-nat64', 'stateful · 64:ff9b::/96 · pool4 auto · nat64', '1 1'],
  'all-keys.jool.conf': [
    'jool-nat64',
    'stateful · 2001:db8:64::/96 · 5 pool4 · 2 bib · nat64',
    '3 4 19 20 22 25 26 27 29 30 31 32 33 34 41 41 41 42 47',
  ],
  'all-keys.jool_siit.conf': [
    'jool-siit',
    'siit · 2001:db8:64::/96 · 2 eam · 3 denied · 198.51.100.1 · 2001:db8:6791::1 · nat64',
    '3 8 9 10',
  ],
  'pool6-only.jool_siit.conf': ['jool-siit', 'siit · 2001:db8:64::/96 · nat64', '1'],
  'original-case.tayga.conf': [
    'tayga',
    'pool · 64:ff9b::/96 · 192.168.255.0/24 · 192.168.255.1 · 2001:db8:64::64 · nat64',
    '',
  ],
  'debian-0.9.2.tayga.conf': [
    'tayga',
    'pool · 2001:db8:1:ffff::/96 · 192.168.255.0/24 · 2 eam · 192.168.255.1 · 2001:db8:1:ffff::c0a8:ff01 · nat64',
    '10',
  ],
  'all-directives-0.9.6.tayga.conf': [
    'tayga',
    'pool · 64:ff9b::/96 · 192.168.255.0/24 · 3 eam · 192.0.0.2 · 2001:db8:46::2 · clat0',
    '13 13 13 15',
  ],
  'static-only.tayga.conf': ['tayga', 'siit · no pool6 · 1 eam · 198.51.100.1 · 2001:db8:1::1 · siit0', ''],
}

it('lists every fixture', () => {
  const files = readdirSync(folder).filter(name => /\.(toml|conf)$/.test(name))
  expect(files.sort()).toEqual(Object.keys(FIXTURES).sort())
})

describe.each(Object.entries(FIXTURES))('%s', (name, [format, expected, warningLines]) => {
  const loaded = load(name)

  it('is read', () => {
    expect([loaded.format, gist(loaded)]).toEqual([format, expected])
    expect(loaded.warnings.map(w => /:(\d+): /.exec(w)?.[1]).join(' ')).toBe(warningLines)
  })

  it('prints as a nat64.toml that loads to the same', () => {
    const printed = printConfig(loaded)
    const again = parseConfig({ file: { name: 'printed.toml', text: printed } })
    expect(again.run).toEqual(loaded.run)
    expect(parseConfig({ file: { name: 'printed.toml', text: printConfig(again) } }).run).toEqual(loaded.run)
  })

  it('has an origin for each value it prints, and JSON of the same shape', () => {
    const values = printConfig(loaded)
      .split('\n')
      .filter(line => line !== '' && !/^[[\]]/.test(line))
    for (const line of values) expect(line).toMatch(/ # from (default|\S+:\d+)$/)
    const json = configJson(loaded)
    expect(JSON.parse(JSON.stringify(json))).toEqual(json)
    expect(json).toMatchObject({ schema: 'nat64.config/1', format, file: name, config: { mode: loaded.run.xlat.mode } })
  })
})
