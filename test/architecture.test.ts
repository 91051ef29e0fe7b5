/** Who may import what. Reads the import lines of every source file and compares them with one table. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(f => /\.tsx?$/.test(f))
    .map(f => join(folder, f))
}

/** Imports of a file; relative ones as paths from the root, without extension. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found: Import[] = []
  const pattern =
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
  for (const [, type, fixed, dynamic] of text.matchAll(pattern)) {
    const name = (fixed ?? dynamic) as string
    const target = name.startsWith('.')
      ? relative('.', normalize(join(dirname(file), name))).replace(/\.js$/, '')
      : name
    found.push({ file, target, typeOnly: type !== undefined })
  }
  return found
}

const all = [...sources('src'), ...sources('commands')].flatMap(importsOf)
const inside = (path: string, ...folders: string[]) => folders.some(f => path === f || path.startsWith(`${f}/`))

/** Folder -> folders of src, or in them, that it may import (beside itself). Types may be imported from anywhere but `commands`. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  addr: [],
  wire: ['addr'],
  xlat: ['wire', 'addr'],
  term: [],
  config: ['xlat', 'addr', 'errors', 'term', 'host'],
  host: ['wire', 'addr', 'errors'],
  run: ['xlat', 'wire', 'addr', 'host', 'config', 'errors', 'term'],
  translate: ['xlat', 'wire', 'addr', 'config', 'errors', 'term'],
  lab: ['host', 'addr', 'errors', 'term', 'run'],
  facts: ['addr', 'host', 'errors', 'run', 'term'],
  path: ['facts', 'addr'],
  probe: ['facts', 'path', 'addr', 'host', 'errors', 'run'],
  trace: ['facts', 'path', 'probe', 'wire', 'addr', 'host', 'run', 'config', 'errors', 'term'],
  doctor: ['facts', 'path', 'probe', 'addr', 'config', 'errors', 'term', 'run', 'host'],
  compare: ['facts', 'path', 'doctor', 'probe', 'trace', 'run', 'host', 'addr', 'errors', 'term'],
  ui: ['term', 'addr', 'trace/report', 'compare/report'],
  cli: ['errors', 'term', 'config', 'addr'],
}

const PURE = [
  'src/addr',
  'src/wire',
  'src/xlat',
  'src/run/plan',
  'src/path',
  'src/probe/place',
  'src/probe/plan',
  'src/doctor/checks',
  'src/trace/core',
  'src/trace/evidence/answer',
  'src/trace/evidence/counters',
  'src/trace/evidence/drop-event',
  'src/trace/evidence/drop-place',
  'src/trace/evidence/jool-record',
  'src/trace/evidence/live-jool-log',
  'src/trace/report',
  'src/compare/report',
]
const ONLY: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^koffi$/, ['src/host/libc.ts']],
  [/^@oclif\//, ['src/cli', 'src/bin.ts', 'commands']],
  [/^chalk$/, ['src/term/colour.ts']],
  [/^(ink|react)(\/|$)/, ['src/ui']],
  [/^smol-toml$/, ['src/config']],
]

describe('imports', () => {
  it('are found at all', () => {
    expect(all.length).toBeGreaterThan(20)
  })

  it('point in the allowed directions', () => {
    const wrong = all.filter(({ file, target, typeOnly }) => {
      if (inside(target, 'commands')) return true
      if (typeOnly || !file.startsWith('src/') || !target.startsWith('src/')) return false
      const from = file.split('/')[1] as string
      const to = target.split('/')[1] as string
      return from in MAY && from !== to && !MAY[from]?.some(folder => inside(target, `src/${folder}`))
    })
    expect(wrong).toEqual([])
  })

  it('keep libraries where they belong', () => {
    const wrong = all.filter(({ file, target }) =>
      ONLY.some(([library, places]) => library.test(target) && !places.some(p => inside(file, p))),
    )
    expect(wrong).toEqual([])
  })

  it('keep the core pure: no node modules, no clock, no randomness, no process', () => {
    const pure = sources('src').filter(f => PURE.some(p => f === `${p}.ts` || inside(f, p)))
    expect(pure.length).toBeGreaterThan(10)
    const impure = pure.filter(file => {
      const text = readFileSync(join(root, file), 'utf8')
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|explanation: `[^`]*`/gm, '')
      const globals =
        /\b(Date\.now|new Date\b(?!\([^)])|Math\.random|performance\.|process\.|setTimeout|setInterval|console\.)/
      return globals.test(code) || importsOf(file).some(i => i.target.startsWith('node:') && !i.typeOnly)
    })
    expect(impure).toEqual([])
  })
})

describe('sizes', () => {
  it('stay readable: no file above 500 lines', () => {
    const long = [...sources('src'), ...sources('commands')].filter(
      f => readFileSync(join(root, f), 'utf8').split('\n').length > 500,
    )
    expect(long).toEqual([])
  })

  it('stay small in memory: Intl, whose tables are megabytes, is not for what a translator runs', () => {
    const parts = ['addr', 'wire', 'xlat', 'host', 'config', 'run', 'term', 'cli'].map(p => `src/${p}`)
    const using = sources('src').filter(
      f => inside(f, ...parts) && /\bIntl\.|\.toLocale|\.localeCompare\(/.test(readFileSync(join(root, f), 'utf8')),
    )
    expect(using).toEqual([])
  })
})
