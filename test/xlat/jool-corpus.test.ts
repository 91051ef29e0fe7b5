/**
 * What the real Jool made of the corpus (test/vm/corpus), recorded in the virtual machine, against our translator. The
 * scenario `corpus` of test/vm does the same with Jool itself, and finds out when a recording is not true any more.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PARTS, type Part } from '../vm/corpus/arrangement.js'
import { corpus } from '../vm/corpus/cases.js'
import { differencesOf } from '../vm/corpus/compare.js'
import { DECLARED, MASKED } from '../vm/corpus/differences.js'
import { fieldsOf } from '../vm/corpus/fields.js'
import { hideMasked, judge } from '../vm/corpus/judge.js'
import { playOurs } from '../vm/corpus/ours.js'
import { REASONS_OF } from '../vm/corpus/reasons.js'
import { decode, encodePlayed, type PlayedCase } from '../vm/corpus/recording.js'
import { changedSince, compareWithOurs, describeFound } from '../vm/corpus/report.js'

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../fixtures/xlat/jool-4.1.9')
const text = (part: Part): string => readFileSync(join(folder, `${part}.txt`), 'utf8')
/** One of each part. */
const ofParts = <T>(make: (part: Part) => T): Readonly<Record<Part, T>> =>
  Object.fromEntries(PARTS.map(part => [part, make(part)])) as Record<Part, T>
const jool = ofParts(part => decode(text(part)))
const ours = ofParts(part => playOurs(part, corpus(part)))
const hide = hideMasked(MASKED, new Set())

/** The same cases with one bit of one packet turned over, wherever `choose` says. */
function spoilt(cases: readonly PlayedCase[], choose: (c: PlayedCase) => boolean, at: number): PlayedCase[] {
  return cases.map(c => {
    if (!choose(c)) return c
    const turn = (bytes: Uint8Array) => bytes.map((x, i) => (i === at ? x ^ 1 : x))
    const steps = c.steps.map(s => ({ ...s, out: s.out.map(o => ({ ...o, bytes: turn(o.bytes) })) }))
    return { ...c, steps }
  })
}

describe('the corpus through Jool and through us', () => {
  const c = compareWithOurs(jool)

  it('differs in nothing that is not declared', () => {
    expect(c.undeclared.map(f => describeFound(f, 'Jool has', 'we have'))).toEqual([])
  })

  it('needs every line of the list', () => {
    expect(c.unused).toEqual([])
  })

  it('is as large as the README says, and mostly the same', () => {
    expect(c.equal + c.declared).toBe(c.cases)
    const readme = readFileSync(join(folder, '../../../README.md'), 'utf8').replace(/\s+/g, ' ')
    expect(readme).toContain(`${c.cases} cases of packets`)
    expect(readme).toContain(
      `${c.equal} give the same, field by field, ${c.declared} differ, for one of ${DECLARED.length} reasons`,
    )
  })

  it('has names and peers of its own for each case', () => {
    for (const part of PARTS) {
      const names = corpus(part).map(x => x.name)
      expect(new Set(names).size).toBe(names.length)
    }
  })

  it('is silent for the same reasons', () => {
    const different = PARTS.flatMap(part => {
      const found = new Set(differencesOf(part, jool[part], ours[part], hide).map(f => f.case))
      return ours[part].flatMap((o, i) => {
        const counters = jool[part][i]?.counters ?? []
        if (found.has(o.name) || counters.length === 0) return []
        const expected = counters.flatMap(name => REASONS_OF[name] ?? [`a reason for ${name}`])
        const isSame = o.counters.length > 0 && o.counters.every(reason => expected.includes(reason))
        return isSame ? [] : [`${part}: ${o.name}: ${counters} is not ${o.counters}`]
      })
    })
    expect(different).toEqual([])
  })
})

describe('the comparison', () => {
  const PLAIN = 'header to IPv4/plain'
  const isPlain = (c: PlayedCase) => c.name === PLAIN

  it.each([1, 6, 8, 9, 12, 19, 22, 26, 30, 39])('sees a bit of byte %i that is not ours', at => {
    const all = differencesOf('siit', spoilt(jool.siit, isPlain, at), ours.siit, hide)
    const found = all.filter(f => f.case === PLAIN)
    expect(found.length).toBeGreaterThan(0)
    expect(judge(found, DECLARED).undeclared).toEqual(found)
  })

  it('sees a case that was not played, and one that is not ours', () => {
    const found = differencesOf('siit', jool.siit.slice(1), ours.siit.slice(0, -1), () => false)
    const cases = found.filter(f => f.field === 'case').map(f => [f.case, f.theirs])
    expect(cases).toEqual([
      [ours.siit[0]!.name, 'not played'],
      [ours.siit.at(-1)!.name, 'played'],
    ])
  })

  it('says which line is not needed, and misses one that is gone', () => {
    const found = PARTS.flatMap(part => differencesOf(part, jool[part], ours[part], hide))
    const more = [
      ...DECLARED,
      { because: 'none', rfc: 'none', cases: { 'UDP/odd*': { checksum: ['*', 'none'] } } },
    ] as const
    expect(judge(found, more).unused).toEqual(['UDP/odd*, checksum: * | none'])
    for (const d of DECLARED) {
      const rest = DECLARED.filter(x => x !== d)
      expect(judge(found, rest).undeclared.length, d.because).toBeGreaterThan(0)
    }
  })

  it('sees what has changed since a recording', () => {
    expect(changedSince(jool, jool)).toEqual([])
    const changed = changedSince(jool, { ...jool, siit: spoilt(jool.siit, isPlain, 30) })
    expect(changed.map(f => [f.case, f.field])).toEqual([
      [PLAIN, 'checksum'],
      [PLAIN, 'data'],
    ])
  })
})

describe('fields and recordings', () => {
  it('have every bit of a packet: turning one over changes a field', () => {
    const packets = PARTS.flatMap(part => jool[part].flatMap(c => c.steps.flatMap(s => s.out.map(o => o.bytes))))
    const blind: string[] = []
    for (const [n, bytes] of packets.entries()) {
      if (n % 3 !== 0) continue
      const before = fieldsOf(bytes)
      // All bytes of headers, and some of what follows; another bit in each packet.
      for (let at = 0; at < bytes.length; at += at < 120 ? 1 : 97) {
        const after = fieldsOf(bytes.map((x, i) => (i === at ? x ^ (1 << (n & 7)) : x)))
        const isSame = before.size === after.size && [...before].every(([k, v]) => after.get(k) === v)
        if (isSame) blind.push(`byte ${at} of ${Buffer.from(bytes).toString('hex').slice(0, 100)}`)
      }
    }
    expect(blind).toEqual([])
    expect(packets.length).toBeGreaterThan(900)
  })

  it('are written as they were read', () => {
    for (const part of PARTS) {
      const kept = text(part)
      expect(kept.slice(0, kept.indexOf('\n') + 1) + encodePlayed(jool[part])).toBe(kept)
    }
  })
})
