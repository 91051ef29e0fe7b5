/** What all checks say of facts that a real host with a real Jool gave. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/check.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import { withEarlier } from '../../src/facts/earlier.js'
import type { Facts } from '../../src/facts/facts.js'
import { loadFacts } from '../../src/facts/load.js'

const saved = (name: string): Facts => loadFacts(join(import.meta.dirname, '../../fixtures/facts', `${name}.json`))

/** Told apart by Jool, connection tracking, MTU and offloads alone. */
const isOwn = (f: Finding) => CHECKS.some(c => c.code === f.code && /^[JSKM]\d/.test(c.origin))

function findingsOf(facts: Facts): Finding[] {
  return diagnose(facts, CHECKS).findings.flatMap(t => [t.finding, ...t.consequences])
}

const rows: readonly (readonly [string, Facts, readonly string[]])[] = [
  ['no route', saved('jool-no-route'), ['N64-523 warning']],
  ['no route, since ten seconds', withEarlier(saved('jool-no-route'), saved('jool-ok-2')), ['N64-523 error']],
  ['no entry for ICMP', saved('jool-pool4-tcp-only'), ['N64-510 warning', 'N64-524 warning']],
  ['switched off', saved('jool-disabled'), ['N64-509 error', 'N64-510 warning', 'N64-524 warning']],
  ['no instance', saved('jool-no-instance'), ['N64-505 error']],
  ['no rule', saved('jool-no-rules'), []],
  ['not loaded, not installed', saved('jool-unloaded'), []],
]

describe('facts of a real host', () => {
  it.each(rows)('%s', (_, facts, expected) => {
    const own = findingsOf(facts).filter(isOwn)
    expect(own.map(f => `${f.code} ${f.severity}`).sort()).toEqual(expected)
  })

  it.each(rows)('%s: every finding shows what it rests on', (_, facts) => {
    for (const { code, evidence } of findingsOf(facts).filter(isOwn)) {
      expect(evidence, code).not.toEqual([])
      for (const { source, text, mark } of evidence) {
        expect(source, code).not.toBe('')
        expect(text, code).toContain(mark ?? text)
      }
    }
  })

  it('where all is well, nothing is found', () => {
    expect(findingsOf(saved('jool-ok-2'))).toEqual([])
    expect(findingsOf(withEarlier(saved('jool-ok-2'), saved('jool-ok-1')))).toEqual([])
  })

  it('traffic between two moments is counted', () => {
    const facts = withEarlier(saved('jool-ok-2'), saved('jool-ok-1'))
    const jool = facts.jool.ok ? facts.jool.value.instances[0] : undefined
    expect(jool?.earlier?.seconds).toBeGreaterThan(0)
    expect((jool?.stats.JSTAT_SUCCESS ?? 0) - (jool?.earlier?.stats.JSTAT_SUCCESS ?? 0)).toBe(18)
  })

  it('a missing route is the cause, what Jool counts its consequence', () => {
    const tree = diagnose(saved('jool-no-route'), CHECKS).findings.find(t => t.finding.code === 'N64-322')
    expect(tree?.consequences.map(f => f.code)).toContain('N64-523')
  })
})
