/** What the checks on bridges and firewalls say of recorded hosts, all together: causes, with what follows from them. */
import { describe, expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import type { Facts } from '../../src/facts/facts.js'
import { recorded } from '../path/recording.js'

const OURS = CHECKS.filter(c => /^B\d\d$|^path$/.test(c.origin))

/** `N64-201 error (N64-204 warning)`: a cause and its consequences. */
function causes(facts: Facts): string[] {
  return diagnose(facts, OURS).findings.map(({ finding, consequences }) => {
    const folded = consequences.map(c => `${c.code} ${c.severity}`).join(', ')
    return `${finding.code} ${finding.severity}${folded === '' ? '' : ` (${folded})`}`
  })
}

describe('recorded hosts', () => {
  it('has all checks on bridges', () => {
    expect(OURS.map(c => c.origin).sort()).toEqual([
      'B01',
      'B02',
      'B03',
      'B04',
      'B05',
      'B06',
      'B07',
      'B08',
      'B09',
      'B10',
      'B11',
      'B12',
      'B14',
      'B15',
      'path',
    ])
  })
  it.each([
    ['jool-hairpin-fw', null, ['N64-201 error (N64-204 warning)']],
    ['jool-ok-nofw', null, []],
    ['remedy-brnf-off', null, ['N64-204 warning']],
    ['remedy-jool-iptables-iface', null, []],
    ['remedy-jool-iptables-notfwbr', null, []],
    ['remedy-jool-netns', 'nat64', []],
    ['remedy-tayga', null, []],
  ] as const)('%s', (name, netns, expected) => {
    expect(causes(recorded(name, netns))).toEqual(expected)
  })
  it('every finding has evidence, and marks that are in it', () => {
    for (const name of ['jool-hairpin-fw', 'remedy-brnf-off']) {
      for (const { finding, consequences } of diagnose(recorded(name), OURS).findings) {
        for (const f of [finding, ...consequences]) {
          expect(f.evidence.length, f.code).toBeGreaterThan(0)
          for (const e of f.evidence) expect(e.text, f.code).toContain(e.mark ?? '')
        }
      }
    }
  })
  it.each(['jool-hairpin-fw', 'remedy-tayga', 'remedy-jool-iptables-iface'])(
    '%s: nothing crashes without a fact',
    name => {
      const facts = recorded(name)
      const healthy = name === 'jool-hairpin-fw' ? 1 : 0
      for (const fact of Object.keys(facts).filter(k => k !== 'schema' && k !== 'collected')) {
        const absent = { ok: false, source: '', reason: 'permission', detail: '' }
        const { outcomes } = diagnose({ ...facts, [fact]: absent } as Facts, OURS)
        expect(outcomes.filter(o => o.result.status === 'crashed')).toEqual([])
        const errors = outcomes.flatMap(o => (o.result.status === 'findings' ? o.result.findings : []))
        // What is missing must not look like a fault.
        const unexpected = errors.filter(f => f.severity === 'error').length - healthy
        expect(unexpected, `${fact}: ${errors.map(f => f.title).join('; ')}`).toBeLessThanOrEqual(0)
      }
    },
  )
})
