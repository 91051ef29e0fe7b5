/** The conformance table names tests; each must exist, or the table lies. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const tests = dirname(dirname(fileURLToPath(import.meta.url)))
const table = readFileSync(join(tests, '../src/xlat/RFC.md'), 'utf8')
const rows = table.split('\n').filter(line => /^\| (RFC )?[0-9]/.test(line))
const named = rows.flatMap(row => Array.from(row.matchAll(/`([^`]+) › ([^`]+)`/g), m => [m[1]!, m[2]!] as const))

const sources = new Map<string, string>()
function sourceOf(file: string): string {
  const path = join(tests, file)
  if (!sources.has(file)) sources.set(file, existsSync(path) ? readFileSync(path, 'utf8') : '')
  return sources.get(file)!
}

describe('src/xlat/RFC.md', () => {
  it('covers the six RFCs', () => {
    const titles = Array.from(table.matchAll(/^## (RFC \d+)/gm), m => m[1])
    expect(titles).toEqual(['RFC 6052', 'RFC 7915', 'RFC 6146', 'RFC 7757', 'RFC 6791', 'RFC 4884'])
    expect(rows.length).toBeGreaterThan(80)
  })

  it('names tests that exist', () => {
    const missing = named.filter(([file, title]) => !sourceOf(file).includes(`'${title}'`))
    expect(missing).toEqual([])
    expect(named.length).toBeGreaterThan(100)
  })

  it('says for every rule how it is shown, or why not', () => {
    const silent = rows.filter(row => row.split(' | ').length < 4 || /\|\s*\|$/.test(row))
    expect(silent).toEqual([])
  })
})
