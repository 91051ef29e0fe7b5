/** docs/threat-model.md claims nothing that no test shows, and names nothing that does not exist. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { KEYS } from '../src/config/settings.js'
import { METRICS } from '../src/run/metrics/table.js'
import { REASONS } from '../src/xlat/reason.js'

const page = readFileSync(new URL('../docs/threat-model.md', import.meta.url), 'utf8')
const quoted = Array.from(page.matchAll(/`([^`\n]+)`/g), m => m[1] as string)

test('names tests that exist', () => {
  const named = quoted.filter(q => q.includes(' › ')).map(q => q.split(' › ') as [string, string])
  const missing = named.filter(([file, title]) => {
    const path = new URL(file, import.meta.url)
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    return !text.includes(`'${title}'`) && !text.includes(`"${title}"`)
  })
  expect(missing).toEqual([])
  expect(named.length).toBeGreaterThan(35)
})

test('names reasons, settings and metrics that exist', () => {
  const known = new Set<string>([...REASONS.map(r => r.code), ...KEYS, ...METRICS.map(m => m.name)])
  const words = quoted
    .map(q => q.split(' = ')[0] as string)
    .filter(q => /^(limits\.|log\.)?[a-z0-9]+[-_][a-z0-9_-]+$/.test(q))
  expect(words.filter(w => !known.has(w) && w !== 'rp_filter')).toEqual([])
  expect(words.length).toBeGreaterThan(20)
})

test('shows a test for every reason that it says somebody is refused for', () => {
  const rows = page.split('\n').filter(line => /^\| (to|from|with|an ICMP|TCP) /.test(line))
  expect(rows.filter(row => !row.includes(' › '))).toEqual([])
  expect(rows.length).toBeGreaterThan(15)
})
