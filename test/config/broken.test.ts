/** Broken configuration files: each is refused with file and line, what was found and what is allowed. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.js'
import { ConfigError } from '../../src/config/problems.js'
import { EXIT } from '../../src/errors.js'
import { BROKEN_JOOL } from './broken-jool.js'
import { BROKEN_TAYGA } from './broken-tayga.js'
import { BROKEN_TOML } from './broken-toml.js'

function refusal(name: string, text: string): ConfigError {
  try {
    parseConfig({ file: { name, text } })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe.each([
  ['nat64.toml', BROKEN_TOML],
  ['jool.conf', BROKEN_JOOL],
  ['tayga.conf', BROKEN_TAYGA],
] as const)('broken %s', (name, table) => {
  it.each(table.map(([text, line, ...words]) => [text.slice(0, 200), line, words, text] as const))(
    '%j: line %i',
    (_, line, words, text) => {
      const error = refusal(name, text)
      const here = error.problems.filter(p => p.startsWith(`${name}:${line}: `))
      expect(error.problems.map(p => /^\S+:\d+: /.test(p))).not.toContain(false)
      expect(
        here.filter(p => words.every(w => p.includes(w))),
        error.message,
      ).not.toEqual([])
      expect(error.exitCode).toBe(EXIT.config)
      expect(error.message).not.toMatch(/^\s+at /m)
    },
  )
})

it('has at least 200 rows', () => {
  expect(BROKEN_TOML.length + BROKEN_JOOL.length + BROKEN_TAYGA.length).toBeGreaterThanOrEqual(200)
})

it('names everything that is wrong at once', () => {
  const error = refusal('x.toml', 'pol4 = 1\ntos = 999\n[tun]\nmtu = 1\n')
  expect(error.message.split('\n').map(line => line.slice(0, 9))).toEqual(['x.toml:1:', 'x.toml:2:', 'x.toml:4:'])
})

it('shows the first 20 of many', () => {
  const error = refusal('x.toml', Array.from({ length: 30 }, (_, i) => `key${i} = 1`).join('\n'))
  expect(error.problems).toHaveLength(30)
  expect(error.message.split('\n').at(-1)).toBe('and 10 more')
})
