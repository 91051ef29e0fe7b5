/** The manual pages hold every command, flag, check, drop reason and key, and no reader of pages complains about them. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { EXAMPLE_SIIT, EXAMPLE_STATEFUL } from '../../packaging/man/config-page.js'
import { commandsOf, flagsOf, wordsOf } from '../../packaging/man/manifest.js'
import { ENVIRONMENT } from '../../packaging/man/places.js'
import { esc, item, prose } from '../../packaging/man/roff.js'
import { readSample } from '../../packaging/man/sample.js'
import { parseConfig } from '../../src/config/parse.js'
import { KEYS } from '../../src/config/settings.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { EXIT } from '../../src/errors.js'
import { METRICS } from '../../src/run/metrics/table.js'
import { REASONS } from '../../src/xlat/reason.js'
import { buildRelease, have, root } from './built.js'

const built = buildRelease()
afterAll(() => built.remove())
const folder = join(built.dist, 'man')
const files = readdirSync(folder)
const commands = commandsOf(built.manifest)

const ESCAPES: readonly (readonly [string, string])[] = [
  ['\\(aq', "'"],
  ['\\(ga', '`'],
  ['\\(ha', '^'],
  ['\\(ti', '~'],
  ['\\(sc', '§'],
  ['\\(en', '–'],
  ['\\(->', '→'],
  ['\\-', '-'],
  ['\\&', ''],
  ['\\e', '\\'],
]

/** A page without fonts and escapes. */
function page(name: string): string {
  const source = readFileSync(join(folder, name), 'utf8').replace(/\\f[BIR]/g, '')
  return ESCAPES.reduce((text, [escaped, character]) => text.replaceAll(escaped, character), source)
}
const pageOf = (word: string) => page(`nat64-${word}.8`)

describe('the manual', () => {
  it('has a page of every command, of the program, and of its configuration', () => {
    const words = new Set(commands.map(c => wordsOf(c)[0]))
    expect(words.size).toBeGreaterThan(3)
    expect(files.sort()).toEqual([...[...words].map(w => `nat64-${w}.8`), 'nat64.8', 'nat64.toml.5'].sort())
    for (const word of words) expect(page('nat64.8')).toContain(`nat64-${word}(8)`)
  })

  it.each(commands.map(c => [c.id, c] as const))('says everything about nat64 %s', (_, command) => {
    const text = pageOf(wordsOf(command)[0] as string)
    const missing = flagsOf(command).filter(f => {
      const long = `--${f.allowNo ? '[no-]' : ''}${f.name}`
      const tag = `${f.char ? `-${f.char}, ` : ''}${long}`
      return !text.split('\n').some(line => line === tag || line.startsWith(`${tag} `))
    })
    expect(missing.map(f => f.name)).toEqual([])
    expect(text).toContain(`nat64 ${wordsOf(command).join(' ')}`)
    for (const argument of Object.keys(command.args)) expect(text).toContain(argument.toUpperCase())
    for (const example of command.examples ?? []) {
      expect(text).toContain(example.replaceAll('<%= config.bin %>', 'nat64').split('\n')[0])
    }
    expect(text).not.toContain('<%')
    expect(text).not.toContain('undefined')
  })

  it('explains every check', () => {
    const words = pageOf('doctor').replace(/\s+/g, ' ')
    const missing = CHECKS.filter(c => {
      const [first] = c.explanation.split('\n\n') as [string]
      const paragraph = first
        .replace(/[`^~§–…→].*/s, '')
        .replace(/\s+/g, ' ')
        .trim()
      return !words.includes(`${c.code} ${c.id}`) || !words.includes(paragraph.slice(0, 300))
    })
    expect(missing.map(c => c.code)).toEqual([])
  })

  it('lists every reason of a drop', () => {
    const lines = pageOf('run').split('\n')
    expect(REASONS.slice(1).filter(r => !lines.includes(r.code))).toEqual([])
  })

  it('lists every metric with its type', () => {
    const lines = pageOf('run').split('\n')
    expect(METRICS.filter(m => !lines.includes(`${m.name} (${m.type})`)).map(m => m.name)).toEqual([])
  })

  it('lists every exit status on every page of a command', () => {
    for (const file of files.filter(f => f.endsWith('.8'))) {
      const section = page(file).split('.SH "EXIT STATUS"')[1] ?? ''
      const statuses = [...section.matchAll(/^\.TP\n(\d+)$/gm)].map(m => Number(m[1]))
      expect(statuses, file).toEqual(Object.values(EXIT))
    }
  })

  it('has every key of nat64.toml with prose of the sample', () => {
    const { about } = readSample(readFileSync(join(root, 'packaging/nat64.toml'), 'utf8'))
    expect(KEYS.filter(k => (about[k] ?? '').length < 8)).toEqual([])
    const text = page('nat64.toml.5')
    const keys = [...text.matchAll(/^\.TP\n([a-z0-9-]+)\nTakes /gm)].map(m => m[1])
    expect(keys).toEqual(KEYS.map(k => k.slice(k.indexOf('.') + 1)))
  })

  it('gives examples of nat64.toml that load', () => {
    for (const lines of [EXAMPLE_STATEFUL, EXAMPLE_SIIT]) {
      expect(parseConfig({ file: { name: 'example', text: lines.join('\n') } }).warnings).toEqual([])
    }
  })

  it('names every variable of the environment that is read', () => {
    const documented = ENVIRONMENT.flatMap(e => e.name.split(', '))
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(f => /\.tsx?$/.test(f))
    const read = sources.flatMap(f => [
      ...readFileSync(join(root, 'src', f), 'utf8').matchAll(/\benv\??\.([A-Z][A-Z0-9_]+)/g),
    ])
    expect(read.length).toBeGreaterThan(8)
    expect([...new Set(read.map(m => m[1] as string))].filter(name => !documented.includes(name))).toEqual([])
  })
})

describe('roff', () => {
  it.each([
    ['--fix', '\\-\\-fix'],
    ["it's", 'it\\(aqs'],
    ['C:\\x', 'C:\\ex'],
    ['§ 3 …', '\\(sc 3 ...'],
    ['ä', '\\[u00E4]'],
    ['a~b^c`', 'a\\(tib\\(hac\\(ga'],
  ])('escapes %s', (text, escaped) => expect(esc(text)).toBe(escaped))

  it('never begins a line with a control character of the text', () => {
    expect(item('tag', esc(`${'x'.repeat(74)} .conf`))).toEqual(['.TP', 'tag', 'x'.repeat(74), '\\&.conf'])
  })

  it('keeps paragraphs, lists and indented lines apart', () => {
    expect(prose('One\ntwo.\n\n    a\n      b\nThree:\n- four\n  five\n- six')).toEqual([
      ...['.PP', 'One two.', '.PP', '.RS 4', '.EX', 'a', '  b', '.EE', '.RE', '.PP', 'Three:'],
      ...['.IP \\(bu 2', 'four five', '.IP \\(bu 2', 'six'],
    ])
  })
})

const READERS = [
  ['mandoc', ['-Tlint']],
  ['groff', ['-man', '-Tutf8', '-Kutf8', '-ww', '-z']],
] as const

describe.each(READERS)('%s', (program, flags) => {
  const why = have(program) ? '' : ` (skipped: no ${program} here)`
  it.skipIf(!have(program)).each(files)(`finds nothing to complain about in %s${why}`, file => {
    const { stdout, stderr } = spawnSync(program, [...flags, join(folder, file)], { encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
  })
})
