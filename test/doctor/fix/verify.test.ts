import { describe, expect, it } from 'vitest'
import { behindPool6 } from '../../../src/doctor/fix/ask-probe.js'
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
