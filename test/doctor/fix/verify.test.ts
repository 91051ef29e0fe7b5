import { describe, expect, it } from 'vitest'
import { behindPool6, judge } from '../../../src/doctor/fix/ask-probe.js'
import type { FixPlan } from '../../../src/doctor/fix/plan-fix.js'
import { askModel, probeTarget } from '../../../src/doctor/fix/verify.js'
import type { Facts } from '../../../src/facts/facts.js'
import { findNics, type GuestNic } from '../../../src/path/inventory.js'
import { patch, recorded } from '../../path/recording.js'

const nicOf = (facts: Facts) => findNics(facts)[0] as GuestNic
const planFor = (facts: Facts, tun: string | null) => ({ nics: [nicOf(facts)], tun }) as unknown as FixPlan

describe('what a probe asks for', () => {
  const facts = recorded('jool-hairpin-fw')
  it.each([
    [undefined, { address4: '198.51.100.1', port: null }],
    ['192.0.2.9', { address4: '192.0.2.9', port: null }],
    ['192.0.2.9:443', { address4: '192.0.2.9', port: 443 }],
  ])('%s', (asked, expected) => {
    expect(probeTarget(asked, facts)).toEqual(expected)
  })
  it.each(['example.org', '192.0.2.9:0', '192.0.2.9:http', '2001:db8::1'])('not %s', asked => {
    expect(() => probeTarget(asked, facts)).toThrow(/ADDRESS:PORT/)
  })
  it('nothing without a gateway', () => {
    expect(probeTarget(undefined, { ...facts, routes: patch(facts.routes, () => []) })).toBeNull()
  })
  it('behind pool6', () => {
    expect(behindPool6('64:ff9b::/96', '192.0.2.9')).toBe('64:ff9b::c000:209')
    expect(behindPool6('nonsense', '192.0.2.9')).toBeNull()
  })
})

describe('what answers say', () => {
  const counts = (answered: number, refused = 0) => ({
    sent: 4,
    answered,
    refused,
    rttUs: Array.from({ length: answered }, () => 500),
    complaint: answered === 4 ? null : 'timeout',
  })
  const firewall = { bridge: 'fwbr1i0', inner: '', outer: '', callsIptables: false, callsIp6tables: false }
  const rows = [
    ['all of them', null, counts(4), counts(4), 'passed', /^a probe on vmbr0 gets answers: TCP 80 to 64:ff9b::1$/],
    ['some of them', firewall, counts(4), counts(1), 'passed', /on vmbr0, behind a firewall bridge, gets answers/],
    ['none', firewall, counts(4), counts(0), 'failed', /gets no answer: TCP 80 to 64:ff9b::1 \(timeout\)$/],
    ['refusals', null, counts(4, 4), counts(4, 4), 'passed', /gets answers/],
    ['none where the host is refused', null, counts(4, 4), counts(0), 'failed', /gets no answer/],
    ['none where a firewall would keep a refusal', firewall, counts(4, 4), counts(0), 'unknown', /name an open port/],
  ] as const
  it.each(rows)('%s', (_, behind, control, got, outcome, text) => {
    const place = { bridge: 'vmbr0', firewall: behind }
    const said = judge(place, { address4: '0.0.0.1', port: 80 }, '64:ff9b::1', control, got)
    expect(said.outcome).toBe(outcome)
    expect(said.text).toMatch(text)
  })
})

describe('what the path model says afterwards', () => {
  it('of a translator on a TUN device', () => {
    const facts = recorded('remedy-tayga')
    expect(askModel(facts, planFor(facts, 'nat64'))).toEqual({
      delivered: true,
      text: "predicted: request and reply of tap100i0 arrive, with the guest's firewall in force",
    })
  })
  it('of the broken host', () => {
    const facts = recorded('jool-hairpin-fw')
    expect(askModel(facts, planFor(facts, null))).toEqual({
      delivered: false,
      text: 'predicted for tap100i0: hairpin_loop',
    })
    expect(askModel(facts, planFor(facts, 'nat64')).text).toMatch(/no translator is seen/)
  })
  it('of a translator that passes the firewall by', () => {
    const facts = recorded('remedy-brnf-off')
    expect(askModel(facts, planFor(facts, null)).text).toMatch(/past the guest's firewall/)
  })
})
