import { describe, expect, it } from 'vitest'
import { makeReport, type ReportedFinding } from '../../src/doctor/report/report.js'
import { diagnose } from '../../src/doctor/runner.js'
import { settle, startWatching } from '../../src/doctor/watch.js'
import { changeLines, openWatched } from '../../src/doctor/watch-output.js'
import { plainStyle } from '../../src/term/style.js'
import { recorded } from '../path/recording.js'

const facts = recorded('jool-ok-nofw')
const bare = makeReport(diagnose(facts, []), facts, { version: '1', from: null, ms: 1 })

const finding = (code: string): ReportedFinding => ({
  ...{ code, id: code, key: `${code} tap1`, severity: 'error', title: `about ${code}`, because: '' },
  ...{ evidence: [], affects: ['tap1'], remedies: [], references: [] },
})
const look = (codes: string) => ({
  ...bare,
  findings: [...codes].map(c => ({ ...finding(c), consequences: [] })),
})

/** What is told at each look: `+A` appeared, `-A` gone. */
function told(...looks: string[]): string[] {
  const [first = '', ...rest] = looks
  let watched = startWatching(look(first))
  return rest.map(codes => {
    const settled = settle(watched, look(codes))
    watched = settled.watched
    const { appeared, gone } = settled.change
    return [...appeared.map(f => `+${f.code}`), ...gone.map(f => `-${f.code}`)].join(' ')
  })
}

describe('settle', () => {
  it.each([
    ['nothing changes', ['A', 'A', 'A'], ['', '']],
    ['new for good', ['', 'A', 'A', 'A'], ['', '+A', '']],
    ['gone for good', ['A', '', '', ''], ['', '-A', '']],
    ['there for one look', ['', 'A', '', ''], ['', '', '']],
    ['away for one look', ['A', '', 'A', ''], ['', '', '']],
    ['flapping', ['', 'A', '', 'A', '', 'A'], ['', '', '', '', '']],
    ['one for another', ['A', 'B', 'B'], ['', '+B -A']],
    ['gone, and back', ['A', '', '', 'A', 'A'], ['', '-A', '', '+A']],
  ])('%s', (_, looks, expected) => {
    expect(told(...looks)).toEqual(expected)
  })
})

describe('--watch', () => {
  it('tells changes in a line each', () => {
    const change = { appeared: [finding('A')], gone: [finding('B')] }
    expect(changeLines(change, '2026-01-02T03:04:05.678Z', null, plainStyle(80))).toEqual([
      '03:04:05 x new   A  about A',
      '03:04:05 + gone  B  about B',
      '03:04:05 + nothing is wrong any more',
    ])
  })

  it('refuses saved facts', () => {
    expect(() => openWatched({ version: '1', facts: 'x' })).toThrow(/saved facts do not change/)
  })
})
