/** packaging/nat64.toml: it changes nothing, and every default that it states is the default. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { DEFAULT_RUN_CONFIG } from '../../src/config/run-config.js'
import { KEYS } from '../../src/config/settings.js'

const text = readFileSync(new URL('../../packaging/nat64.toml', import.meta.url), 'utf8')
const stated = text.replace(/^#(\S+ = )/gm, '$1')

it('changes nothing as it stands', () => {
  const loaded = parseConfig({ file: { name: 'nat64.toml', text } })
  expect(loaded.run).toEqual(DEFAULT_RUN_CONFIG)
  expect(new Set(Object.values(loaded.origins))).toEqual(new Set(['default']))
})

it('states every default, truly', () => {
  const loaded = parseConfig({ file: { name: 'nat64.toml', text: stated } })
  expect(loaded.run).toEqual(DEFAULT_RUN_CONFIG)
  expect(KEYS.filter(key => loaded.origins[key] === 'default')).toEqual([])
  expect(loaded.warnings).toEqual([])
})

it('gives examples that are accepted', () => {
  const examples = [...text.matchAll(/^# {5}(pool4 = .*(?:\n# {10}.*)*)|or in one line: (.*)$/gm)]
  expect(examples).toHaveLength(3)
  for (const [, many, one] of examples) {
    const example = (many ?? one ?? '').replace(/\n# */g, ' ')
    const mode = example.startsWith('eam') ? 'mode = "siit"\n' : ''
    expect(parseConfig({ file: { name: 'x', text: mode + example } }).format).toBe('toml')
  }
})
