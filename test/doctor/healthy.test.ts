/** On hosts whose NAT64 worked, no check finds an error, and none crashes. */
import { describe, expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { diagnose } from '../../src/doctor/runner.js'
import { recorded } from '../path/recording.js'
import { HEALTHY } from './hosts.js'

describe('recorded hosts whose NAT64 worked', () => {
  it.each(HEALTHY)('%s', (name, netns) => {
    const results = diagnose(recorded(name, netns), CHECKS).outcomes.map(o => o.result)
    const findings = results.flatMap(r => (r.status === 'findings' ? r.findings : []))
    expect(findings.filter(f => f.severity === 'error').map(f => `${f.code} ${f.title}`)).toEqual([])
    expect(results.filter(r => r.status === 'crashed')).toEqual([])
  })
})
