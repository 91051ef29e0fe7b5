/** No false findings: what the checks on Jool, connection tracking, MTU and offloads say of recorded hosts. */
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/check.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import { withEarlier } from '../../src/facts/earlier.js'
import type { Facts } from '../../src/facts/facts.js'
import { recorded } from '../path/recording.js'

const OWN = CHECKS.filter(c => /^(J|S|K|M)\d/.test(c.origin))
const DEBUG = 'N64-514 warning'

const rows: readonly (readonly [string, readonly string[]])[] = [
  ['jool-hairpin-fw', [DEBUG]],
  ['jool-ok-nofw', [DEBUG]],
  ['remedy-brnf-off', [DEBUG]],
  ['remedy-jool-iptables-iface', [DEBUG]],
  ['remedy-jool-iptables-notfwbr', [DEBUG]],
  ['remedy-jool-netns', [DEBUG]],
  ['remedy-tayga', []],
]

function findingsOf(facts: Facts): Finding[] {
  return diagnose(facts, OWN).findings.flatMap(t => [t.finding, ...t.consequences])
}

describe('recorded hosts', () => {
  it.each(rows)('%s', (name, expected) => {
    expect(findingsOf(recorded(name)).map(f => `${f.code} ${f.severity}`)).toEqual(expected)
  })

  it.each(rows)('%s, asked twice without traffic between', (name, expected) => {
    const facts = recorded(name)
    const at = (time: string): Facts => ({ ...facts, collected: { ...facts.collected, at: time } })
    const twice = withEarlier(at('2026-01-01T00:00:10Z'), at('2026-01-01T00:00:00Z'))
    expect(findingsOf(twice).map(f => `${f.code} ${f.severity}`)).toEqual(expected)
  })

  it('no check crashes on a host of which nothing is known', () => {
    const facts = recorded('original-case')
    const crashed = diagnose(facts, OWN).outcomes.filter(o => o.result.status === 'crashed')
    expect(crashed).toEqual([])
  })
})
