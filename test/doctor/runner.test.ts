import { describe, expect, it } from 'vitest'
import { type Check, defineCheck, type Finding, type Severity } from '../../src/doctor/check.js'
import { diagnose, worst } from '../../src/doctor/runner.js'
import type { FactName, Facts } from '../../src/facts/facts.js'
import { emptyFacts } from '../../src/facts/import-recording.js'
import { recorded } from '../path/recording.js'

const facts = recorded('jool-ok-nofw')

/** A check that finds one thing of each severity, concerning `affects`. */
function finding(
  code: string,
  severity: Severity,
  affects: readonly string[] = [],
  after: readonly string[] = [],
): Check {
  const found: Omit<Finding, 'code'> = {
    ...{ severity, title: `found by ${code}`, because: 'it is so.', affects },
    ...{ evidence: [{ source: 'a file', text: 'a line' }], remedies: [], references: [] },
  }
  return check(code, () => [found], after)
}

function check(code: string, run: () => readonly Omit<Finding, 'code'>[], after: readonly string[] = []): Check {
  return { code, id: code.toLowerCase(), origin: 'X', title: code, explanation: '', needs: [], after, run }
}

/** `A(B C)`: causes, and in brackets what is folded under each. */
const shape = (checks: readonly Check[], from: Facts = facts) =>
  diagnose(from, checks)
    .findings.map(t => [t.finding.code, ...t.consequences.map(c => `>${c.code}`)].join(' '))
    .join(' | ')

describe('folding', () => {
  it.each([
    ['two that have nothing to do with each other', [finding('A', 'error'), finding('B', 'error')], 'A | B'],
    ['worse ones first', [finding('A', 'info'), finding('B', 'warning'), finding('C', 'error')], 'C | B | A'],
    ['a consequence under its cause', [finding('A', 'error'), finding('B', 'error', [], ['A'])], 'A >B'],
    ['a consequence that ran before its cause', [finding('B', 'error', [], ['A']), finding('A', 'warning')], 'A >B'],
    [
      'a chain under its root',
      [finding('A', 'error'), finding('B', 'error', [], ['A']), finding('C', 'info', [], ['B'])],
      'A >B >C',
    ],
    [
      'not under a cause that concerns something else',
      [finding('A', 'error', ['tap1']), finding('B', 'error', ['tap2'], ['A'])],
      'A | B',
    ],
    [
      'under a cause that concerns the same',
      [finding('A', 'error', ['tap1']), finding('B', 'error', ['tap1', 'tap2'], ['A'])],
      'A >B',
    ],
    ['a cause that was not found explains nothing', [check('A', () => []), finding('B', 'error', [], ['A'])], 'B'],
  ] as const)('%s', (_, checks, expected) => {
    expect(shape(checks)).toBe(expected)
  })

  it('ends with checks that name each other, and loses nothing', () => {
    const all = shape([finding('A', 'error', [], ['B']), finding('B', 'error', [], ['A']), finding('C', 'info')])
    expect(all).toContain('C')
  })
})

describe('results', () => {
  it('a crashed check is a result, and the others run', () => {
    const broken = check('A', () => {
      throw new Error('index 7')
    })
    const { outcomes } = diagnose(facts, [broken, finding('B', 'info')])
    expect(outcomes.map(o => o.result)).toMatchObject([
      { status: 'crashed', message: 'index 7' },
      { status: 'findings' },
    ])
  })

  it('a check without its facts is skipped with the reason', () => {
    const needy = defineCheck({ ...check('A', () => []), needs: ['links', 'jool'] as readonly FactName[] })
    const refused = { ok: false, source: 'jool', reason: 'permission', detail: 'not root' } as const
    expect(diagnose({ ...facts, jool: refused }, [needy]).outcomes[0]?.result).toEqual({
      ...{ status: 'skipped', fact: 'jool', reason: 'permission', detail: 'not root' },
    })
    expect(diagnose(emptyFacts('old'), [needy]).outcomes[0]?.result).toMatchObject({ status: 'skipped', fact: 'links' })
  })

  it('a fact that is wanted without being declared is a bug that shows', () => {
    const sly = defineCheck({
      ...check('A', () => []),
      run: given => {
        given.maybe('nft')
        return []
      },
    })
    expect(diagnose(facts, [sly]).outcomes[0]?.result).toMatchObject({ status: 'crashed' })
  })

  it.each([
    [[], null],
    [[finding('A', 'info')], 'info'],
    [[finding('A', 'info'), finding('B', 'error', [], ['A'])], 'error'],
  ] as const)('worst counts what is folded, too', (checks, expected) => {
    expect(worst(diagnose(facts, checks))).toBe(expected)
  })
})
