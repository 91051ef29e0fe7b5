import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { explainText, listText } from '../../src/doctor/explain.js'
import { type DoctorReport, makeReport } from '../../src/doctor/report/report.js'
import { leavingLines, reportText } from '../../src/doctor/report/text.js'
import { diagnose } from '../../src/doctor/runner.js'
import { doctor, exitCodeOf, openDoctor } from '../../src/doctor/service.js'
import type { Facts } from '../../src/facts/facts.js'
import { importRecording } from '../../src/facts/import-recording.js'
import { loadFacts } from '../../src/facts/load.js'
import { plainStyle } from '../../src/term/style.js'
import { recorded, recordedText } from '../path/recording.js'

const STYLE = plainStyle(99)
const about = { version: '1', from: null, ms: 1234 }
const report = (facts: Facts) => makeReport(diagnose(facts, CHECKS), facts, about)
const text = (facts: Facts, width = 99) => reportText(report(facts), plainStyle(width)).join('\n')
const broken = recorded('jool-hairpin-fw')
const folder = mkdtempSync(join(tmpdir(), 'nat64-doctor-'))
afterAll(() => rmSync(folder, { recursive: true }))
const RECORDING = join(import.meta.dirname, '../../fixtures/recordings/jool-hairpin-fw')

describe('the text', () => {
  const whole = text(broken)
  const at = (part: string) => {
    expect(whole).toContain(part)
    return whole.indexOf(part)
  }

  it('goes from what is there over the cause to what helps, and warns last', () => {
    const order = [
      'Translators',
      'Jool "default" (netfilter)',
      'error N64-201  Jool drops every reply to the guest behind fwbr100i0',
      'Concerns: tap100i0',
      'Seen in',
      'JSTAT_HAIRPIN_LOOP,',
      'What helps',
      '$ nat64 doctor --fix N64-201',
      'Undo: $ nat64 doctor --undo',
      'Beware',
      'Does not last: bridge-nf-call-ip6tables=0',
      'Could not be looked at',
      'checks:',
    ]
    const places = order.map(at)
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  it('holds nothing that a terminal obeys, whatever the host has said', () => {
    const { collected } = broken
    const rude = { ...broken, collected: { ...collected, hostname: 'a\u001b[31mb\u009b\tc' } }
    expect(text(rude)).toContain('a\\u001b[31mb\\u009b\tc')
    expect(report(rude).host.name).toBe('a\\u001b[31mb\\u009b\tc')
  })

  it('says on a healthy host that nothing is wrong, in one line', () => {
    const lines = text(recorded('remedy-tayga')).split('\n')
    expect(lines.filter(l => l.startsWith('x '))).toEqual([])
    expect(lines.at(-1)).toMatch(/^\d+ checks: \d+ healthy/)
  })

  it('does not call a host healthy that it knows little of', () => {
    const blind = text(
      importRecording({ 'works-firewall-off.log': recordedText('original-case', 'works-firewall-off.log') }),
    )
    expect(blind).toContain('Not known: jool and links could not be looked at.')
    expect(blind).toContain('Too little could be looked at')
    expect(blind).not.toContain('Nothing is wrong')
  })

  it('is ASCII when it is plain, but for what hosts and references say', () => {
    expect([...whole.replaceAll('§', '')].filter(c => c > '~')).toEqual([])
  })

  it.each([60, 80, 99])('keeps prose within %i columns; only commands and evidence are longer', width => {
    const all = report(broken).findings.flatMap(f => [f, ...f.consequences])
    const evidence = all.flatMap(f => f.evidence.flatMap(e => e.text.split('\n')))
    const long = text(broken, width)
      .split('\n')
      .filter(l => l.length > width && !/^\s+((Undo: )?\$ |\^+$)/.test(l))
      .filter(l => !evidence.includes(l.trimStart()))
    expect(long).toEqual([])
  })
})

/** Every path of a value with the type of what is there: `findings[].code string`. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap(v => shapeOf(v, `${path}[]`))
  if (typeof value !== 'object' || value === null) return [`${path} ${value === null ? 'null' : typeof value}`]
  return Object.entries(value).flatMap(([k, v]) => shapeOf(v, path === '' ? k : `${path}.${k}`))
}

describe('the JSON', () => {
  const json = JSON.parse(JSON.stringify(report(broken))) as DoctorReport

  it('has the documented shape', () => {
    const shape = new Set(shapeOf(json))
    const wanted = [
      'schema string',
      'version string',
      'host.kernel string',
      'facts.root boolean',
      'facts.from null',
      'ms number',
      'translators[].label string',
      'translators[].pool6 string',
      'translators[].active boolean',
      'translators[].paths[].delivered boolean',
      'translators[].paths[].reason string',
      'translators[].paths[].firewall.expected boolean',
      'guests[].device string',
      'guests[].firewallBridge string',
      'worst string',
      ...['checks', 'error', 'warning', 'info', 'healthy', 'skipped', 'crashed'].map(c => `counts.${c} number`),
      ...['code', 'id', 'key', 'severity', 'title', 'because'].map(k => `findings[].${k} string`),
      'findings[].evidence[].source string',
      'findings[].evidence[].text string',
      'findings[].affects[] string',
      'findings[].remedies[].risk string',
      'findings[].remedies[].commands[] string',
      'skipped[].fact string',
      'skipped[].reason string',
      'healthy[].code string',
    ]
    expect(wanted.filter(w => !shape.has(w))).toEqual([])
    expect(json.schema).toBe('nat64.doctor/1')
  })

  it('counts what it lists', () => {
    const { counts } = json
    const all = json.findings.flatMap(f => [f, ...f.consequences])
    expect(all.filter(f => f.severity === 'error')).toHaveLength(counts.error)
    expect(json.healthy).toHaveLength(counts.healthy)
    expect(json.skipped).toHaveLength(counts.skipped)
    expect(counts.checks).toBe(CHECKS.length)
  })

  it('says of each translator whose packets arrive', () => {
    const paths = json.translators[0]?.paths.map(p => `${p.device} ${p.reason}`)
    expect(paths).toEqual(['tap100i0 hairpin_loop'])
  })
})

describe('the exit status', () => {
  const bare = report(recorded('jool-ok-nofw'))
  const like = (change: Partial<DoctorReport>): DoctorReport => ({
    ...bare,
    worst: null,
    skipped: [],
    crashed: [],
    ...change,
  })
  const hidden = [{ code: 'A', id: 'a', fact: 'jool', reason: 'permission', detail: '' }] as const
  const crashed = [{ code: 'A', id: 'a', message: 'b' }]
  const user = { ...bare.facts, root: false }
  it.each([
    ['nothing', like({}), 'error', 0],
    ['an error', like({ worst: 'error' }), 'error', 1],
    ['an error that does not count', like({ worst: 'error' }), 'never', 0],
    ['a warning', like({ worst: 'warning' }), 'error', 0],
    ['a warning that counts', like({ worst: 'warning' }), 'warning', 1],
    ['something to know', like({ worst: 'info' }), 'warning', 0],
    ['too little seen', like({ counts: { ...bare.counts, healthy: 2, skipped: 9 } }), 'error', 3],
    ['a crashed check', like({ crashed }), 'error', 3],
    ['a crashed check and an error', like({ crashed, worst: 'error' }), 'error', 1],
    ['not seen for lack of root', like({ skipped: hidden, facts: user }), 'error', 3],
    ['not permitted to root either, as in a container', like({ skipped: hidden }), 'error', 0],
  ] as const)('%s: --fail-on %s', (_, given, failOn, expected) => {
    expect(exitCodeOf(given, failOn)).toBe(expected)
  })
})

describe('doctor', () => {
  it('keeps facts and bundle, readable by their owner only, that say the same again', async () => {
    const saveFacts = join(folder, 'facts.json')
    const bundle = join(folder, 'case.tar.gz')
    const answer = await doctor({ version: '1', facts: RECORDING, saveFacts, bundle, redact: true }, STYLE)
    expect(answer.said?.join(' ')).toMatch(/facts\.json.*case\.tar\.gz/)
    expect(statSync(saveFacts).mode & 0o777).toBe(0o600)
    const codes = (facts: Facts) => report(facts).findings.map(f => f.code)
    expect(codes(loadFacts(saveFacts))).toEqual(codes(broken))
    expect(codes(loadFacts(bundle))).toEqual(codes(broken))
    expect(readFileSync(saveFacts, 'utf8')).toContain('nat64.facts/1')
  })

  it('refuses a check that does not exist before it looks at anything', () => {
    expect(() => openDoctor({ version: '1', only: ['nonsense'] })).toThrow(/no check "nonsense"/)
  })

  it('says where it cannot write', async () => {
    const request = { version: '1', facts: RECORDING, saveFacts: join(folder, 'missing/facts.json') }
    await expect(doctor(request, STYLE)).rejects.toThrow(/Cannot write .*no such folder/)
  })

  it('tells a user what root would see', () => {
    const facts: Facts = {
      ...broken,
      collected: { ...broken.collected, root: false },
      jool: { ok: false, source: 'jool', reason: 'permission', detail: 'Operation not permitted' },
    }
    expect(text(facts)).toContain('sudo nat64 doctor')
  })

  it('leaves one line a cause on the terminal', () => {
    expect(leavingLines(report(broken))[0]).toBe(
      'error N64-201  Jool drops every reply to the guest behind fwbr100i0 as a hairpinning loop',
    )
  })
})

describe('explanations', () => {
  it.each(CHECKS.map(c => [c.code, c] as const))('%s fits a page', (_, check) => {
    const lines = explainText(check, 79)
    expect(lines[0]).toContain(check.code)
    expect(lines.length).toBeGreaterThan(6)
    expect(lines.filter(l => l.length > 100)).toEqual([])
  })

  it('are listed under their areas', () => {
    const lines = listText(CHECKS)
    expect(lines.filter(l => l.startsWith('  N64-'))).toHaveLength(CHECKS.length)
    expect(lines).toContain('Jool')
  })
})
