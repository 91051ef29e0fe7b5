/** What holds for all checks: names, files, tests, declared facts, findings that stand on something. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/check.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose, runCheck } from '../../src/doctor/runner.js'
import type { Facts } from '../../src/facts/facts.js'
import { emptyFacts } from '../../src/facts/import-recording.js'
import { modelHost } from '../../src/path/inventory.js'
import { recorded } from '../path/recording.js'

const FOLDER = join(import.meta.dirname, '../../src/doctor/checks')
const FILES = readdirSync(FOLDER).filter(f => f !== 'index.ts')
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8')
const RECORDINGS = readdirSync(join(import.meta.dirname, '../../fixtures/recordings'), { withFileTypes: true })
  .filter(f => f.isDirectory())
  .map(f => f.name)
const HOSTS: readonly (readonly [string, Facts])[] = [
  ['nothing known', emptyFacts('a test')],
  ...RECORDINGS.map(name => [name, recorded(name)] as const),
  ['remedy-jool-netns with its namespace', recorded('remedy-jool-netns', 'nat64')],
]

const twice = (words: readonly string[]) => words.filter((w, i) => words.indexOf(w) !== i)

describe('the list of checks', () => {
  it('has every code and every name once, in the order of the codes', () => {
    const codes = CHECKS.map(c => c.code)
    expect(twice(codes)).toEqual([])
    expect(twice(CHECKS.map(c => c.id))).toEqual([])
    expect(codes).toEqual([...codes].sort())
  })

  it('has codes and names of the right form', () => {
    const odd = CHECKS.filter(c => !/^N64-[1-9]\d\d$/.test(c.code) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(c.id))
    expect(odd.map(c => `${c.code} ${c.id}`)).toEqual([])
  })

  it('has every file, and every file defines one check of its name', () => {
    const defined = FILES.map(f => [f, [...read(f).matchAll(/^ {2}id: '([^']+)'/gm)].map(m => m[1])])
    expect(defined.filter(([f, ids]) => ids?.length !== 1 || `${ids[0]}.ts` !== f)).toEqual([])
    expect(CHECKS.map(c => `${c.id}.ts`).sort()).toEqual([...FILES].sort())
  })

  it('has a test of every check', () => {
    const tests = join(import.meta.dirname, 'checks')
    const text = readdirSync(tests)
      .map(f => readFileSync(join(tests, f), 'utf8'))
      .join('\n')
    expect(FILES.filter(f => !text.includes(`/doctor/checks/${f.replace(/ts$/, 'js')}`))).toEqual([])
  })

  it('names causes that exist', () => {
    const codes = new Set(CHECKS.map(c => c.code))
    expect(CHECKS.flatMap(c => c.after.filter(a => !codes.has(a) || a === c.code).map(a => `${c.code} ${a}`))).toEqual(
      [],
    )
  })

  it('explains itself: what, why, what to do', () => {
    const thin = CHECKS.filter(c => c.explanation.length < 200 || c.title.length < 10)
    expect(thin.map(c => `${c.id} ${c.explanation.length}`)).toEqual([])
  })
})

describe('declared facts', () => {
  it.each(CHECKS.map(c => [c.code, c] as const))(
    '%s reads what it declares, and declares what it reads',
    (_, check) => {
      const body = read(`${check.id}.ts`).replace(/^ {2}(needs|wants|explanation): [^\n]*(?:\[[^\]]*\]|`[^`]*`)/gm, '')
      const unread = check.needs.filter(n => !new RegExp(`\\b${n}\\b`).test(body))
      // Facts that the model is built from may be needed for its sake alone.
      const modelled = /\bmodel\b/.test(body)
      expect(modelled ? [] : unread).toEqual([])
      const wanted = [...body.matchAll(/\.maybe\('(\w+)'\)/g)].map(m => m[1])
      expect(wanted.filter(w => !check.wants?.includes(w as never))).toEqual([])
    },
  )

  it('nothing undeclared is touched on any recorded host', () => {
    const touched: string[] = []
    for (const [host, facts] of HOSTS) {
      const model = modelHost(facts)
      for (const check of CHECKS) {
        const watched = {
          ...check,
          run: (given: object, m: never) =>
            check.run(
              new Proxy(given, {
                get(target, name) {
                  if (typeof name === 'string' && !(name in target)) touched.push(`${host}: ${check.id} ${name}`)
                  return Reflect.get(target, name)
                },
              }) as never,
              m,
            ),
        }
        runCheck(watched as never, facts, model)
      }
    }
    expect(touched).toEqual([])
  })
})

describe('on every recorded host', () => {
  it.each(HOSTS)('%s: no check crashes, every finding stands on something', (_, facts) => {
    const { outcomes, findings } = diagnose(facts, CHECKS)
    expect(outcomes.filter(o => o.result.status === 'crashed').map(o => [o.check.id, o.result])).toEqual([])
    const weak = (f: Finding) =>
      f.evidence.length === 0 ||
      f.evidence.some(e => e.source === '' || e.text === '' || (e.mark !== undefined && !e.text.includes(e.mark))) ||
      f.title === '' ||
      f.title.includes('undefined') ||
      f.because.includes('undefined') ||
      !/[.!?]$/.test(f.because)
    const all = findings.flatMap(t => [t.finding, ...t.consequences])
    expect(all.filter(weak).map(f => `${f.code} ${f.title} | ${f.because} | ${JSON.stringify(f.evidence)}`)).toEqual([])
  })

  it('healthy ones have no errors', () => {
    const wrong = HOSTS.filter(
      ([name]) => !/hairpin|original|nothing/.test(name) && name !== 'remedy-jool-netns',
    ).flatMap(([name, facts]) =>
      diagnose(facts, CHECKS)
        .findings.flatMap(t => [t.finding, ...t.consequences])
        .filter(f => f.severity === 'error')
        .map(f => `${name}: ${f.code} ${f.title}`),
    )
    expect(wrong).toEqual([])
  })
})
