/** Reads nat64.toml into a layer of settings. */
import { parse, TomlError } from 'smol-toml'
import { type Layer, readInto } from './layer.js'
import { didYouMean, type Report, show } from './problems.js'
import { isKey, KEYS } from './settings.js'
import { tomlLines } from './toml-lines.js'
import { FOREIGN } from './words.js'

const TABLES: readonly string[] = [...new Set(KEYS.filter(k => k.includes('.')).map(k => k.slice(0, k.indexOf('.'))))]
const TOP: readonly string[] = [...KEYS.filter(k => !k.includes('.')), ...TABLES]

/** Reads `text`; `file` is what messages call it. */
export function readToml(text: string, file: string, report: Report): Layer {
  const layer: Layer = {}
  const values = syntax(text, file, report)
  if (values === undefined) return layer
  const lines = tomlLines(text)
  const at = (path: string) => `${file}:${nearestLine(lines, path)}`
  for (const [key, value] of Object.entries(values)) {
    if (TABLES.includes(key)) readTable(layer, report, key, value, at)
    else if (isKey(key)) readInto(layer, report, key, value, path => at(key + path))
    else report.error(at(key), key, `unknown key${elsewhere(key) || didYouMean(key, TOP)}`)
  }
  return layer
}

function readTable(layer: Layer, report: Report, table: string, value: unknown, at: (path: string) => string): void {
  const known = KEYS.filter(k => k.startsWith(`${table}.`))
  const names = known.map(k => k.slice(table.length + 1))
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) {
    report.error(
      at(table),
      table,
      `found ${show(value)}, allowed: a table [${table}] with the keys ${names.join(', ')}`,
    )
    return
  }
  for (const [name, inner] of Object.entries(value)) {
    const key = `${table}.${name}`
    if (isKey(key)) readInto(layer, report, key, inner, path => at(key + path))
    else
      report.error(
        at(key),
        key,
        `unknown key${didYouMean(name, names) || elsewhere(name) || ';'} [${table}] takes ${names.join(', ')}`,
      )
  }
}

/** Names the table that a key belongs to, when it stands in the wrong one. */
function elsewhere(name: string): string {
  const foreign = FOREIGN[name.toLowerCase()]
  if (foreign !== undefined && Object.hasOwn(FOREIGN, name.toLowerCase())) return `, did you mean ${foreign}?`
  const homes = KEYS.filter(k => k === name || k.endsWith(`.${name}`))
  if (homes.length !== 1) return ''
  const [home] = homes as [string]
  return home.includes('.')
    ? `, it belongs into [${home.slice(0, home.indexOf('.'))}]`
    : ', it belongs to the top, before the first [table]'
}

function syntax(text: string, file: string, report: Report): Record<string, unknown> | undefined {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof TomlError) {
      const [first] = error.message.replace(/^Invalid TOML document: /, '').split('\n') as [string]
      report.error(
        `${file}:${error.line}`,
        '',
        `not TOML at column ${error.column}: ${first}, found ${show(lineOf(text, error.line))}`,
      )
    } else if (error instanceof RangeError)
      report.error(`${file}:1`, '', 'not TOML that can be read: nested too deeply')
    else throw error
    return undefined
  }
}

function lineOf(text: string, line: number): string {
  return (text.split('\n')[line - 1] ?? '').trim()
}

/** The line of `path`, or of the nearest part around it that has one. */
function nearestLine(lines: ReadonlyMap<string, number>, path: string): number {
  for (let p = path; p !== ''; p = p.slice(0, Math.max(p.lastIndexOf('.'), p.lastIndexOf('['), 0))) {
    const line = lines.get(p)
    if (line !== undefined) return line
  }
  return 1
}
