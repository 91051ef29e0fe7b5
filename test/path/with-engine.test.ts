/** Translators that a host does not have: predicted as those that were measured. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/facts/facts.js'
import { emptyFacts } from '../../src/facts/import-recording.js'
import {
  type EngineInfo,
  findEngines,
  findNics,
  type GuestNic,
  modelHost,
  optionsFor,
} from '../../src/path/inventory.js'
import type { Engine } from '../../src/path/path.js'
import { predict } from '../../src/path/predict.js'
import { type EngineSetup, withEngine, withoutEngines } from '../../src/path/with-engine.js'
import { recorded, varied } from './recording.js'

const JOOL: Engine = { kind: 'jool', framework: 'netfilter', netns: null, instance: 'default' }
const IPTABLES: Engine = { ...JOOL, framework: 'iptables' }
const NETNS: Engine = { ...JOOL, netns: 'nat64' }
const TAYGA: Engine = { kind: 'tayga', device: 'nat64' }
const OURS: Engine = { kind: 'nat64', device: 'nat64' }
const TUNDRA: Engine = { kind: 'tundra', device: 'tun7' }

/** Outcomes of ping, TCP 80 and TCP 81, which the guest's firewall forbids. */
function outcomes(facts: Facts, engine: Engine, setup?: EngineSetup): string[] {
  const changed = withEngine(facts, engine, setup)
  const engines = findEngines(changed)
  expect(engines.map(e => e.engine)).toEqual([engine])
  const [info] = engines as [EngineInfo]
  const [nic] = findNics(changed) as [GuestNic]
  expect(info).toMatchObject({ active: true, pool6: setup?.pool6 ?? '64:ff9b::/96' })
  return (['icmp', 'tcp', 'tcp'] as const).map((protocol, i) => {
    const flow = { nic: nic.device, target4: '203.0.113.10', protocol, port: [0, 80, 81][i] as number }
    return predict(changed, flow, optionsFor(changed, info, nic)).reason
  })
}
const IN_FORCE = ['ok', 'ok', 'firewall_drop']
const all = (reason: string) => [reason, reason, reason]

describe('the remedies, on the host of the hairpinning loop', () => {
  const facts = recorded('jool-hairpin-fw')
  it.each([
    ['Jool, netfilter', JOOL, {}, all('hairpin_loop')],
    ['Jool, iptables, -d pool6 only', IPTABLES, { match: '' }, all('ct_invalid')],
    ['with ! --physdev-is-bridged', IPTABLES, { match: '-m physdev ! --physdev-is-bridged' }, all('ct_invalid')],
    ['with -i vmbr0', IPTABLES, { match: '-i vmbr0' }, IN_FORCE],
    ['with ! -i fwbr+', IPTABLES, {}, IN_FORCE],
    ['Jool in a namespace', NETNS, {}, IN_FORCE],
    ['Tayga', TAYGA, {}, IN_FORCE],
    ['Tundra', TUNDRA, {}, IN_FORCE],
    ['nat64', OURS, {}, IN_FORCE],
    ['nat64 with ranges of its own', OURS, { pool6: '2001:db8:64::/96', pool4: '10.64.0.0/16' }, IN_FORCE],
  ] as const)('%s', (_, engine, setup, expected) => {
    expect(outcomes(facts, engine, setup)).toEqual(expected)
  })
  it('without br_netfilter the loop ends, and so does the firewall', () => {
    expect(outcomes(recorded('remedy-brnf-off'), JOOL)).toEqual(all('ok'))
  })
})

describe('any host', () => {
  const hosts = [
    ['jool-hairpin-fw', null],
    ['remedy-jool-iptables-iface', null],
    ['remedy-jool-netns', 'nat64'],
    ['remedy-tayga', null],
  ] as const
  it.each(hosts)('%s: the same, whatever translated before', (name, netns) => {
    const facts = recorded(name, netns)
    expect(outcomes(facts, JOOL)).toEqual(all('hairpin_loop'))
    for (const engine of [IPTABLES, NETNS, TAYGA, OURS, TUNDRA]) expect(outcomes(facts, engine)).toEqual(IN_FORCE)
    expect(findEngines(withEngine(facts, { kind: 'none' }))).toEqual([])
  })
  it.each([
    ['routed uplink', {}],
    ['bridged uplink', { uplink: 'bridged' }],
    ['gateway on a VLAN', { vlan: 10 }],
    ['both', { vlan: 10, uplink: 'bridged' }],
  ] as const)('%s', (_, wiring) => {
    const [fenced, open] = [varied(wiring), varied({ ...wiring, firewallBridge: false })]
    expect(outcomes(fenced, JOOL)).toEqual(all('hairpin_loop'))
    for (const engine of [IPTABLES, NETNS, OURS]) expect(outcomes(fenced, engine)).toEqual(IN_FORCE)
    for (const engine of [JOOL, IPTABLES, NETNS, OURS]) expect(outcomes(open, engine)).toEqual(all('ok'))
  })
  it('of which nothing is known has the translator and no guests', () => {
    const model = modelHost(withEngine(emptyFacts('no'), OURS))
    expect([model.engines.length, model.nics]).toEqual([1, []])
  })
})

describe('the host without translators', () => {
  it('keeps the device that led to the namespace, but no way through it', () => {
    const facts = withoutEngines(recorded('remedy-jool-netns', 'nat64'))
    const routes = facts.routes.ok ? facts.routes.value : []
    expect(routes.filter(r => r.device === 'jool0' && r.type === 'unicast')).toEqual([])
    expect(facts.links.ok && facts.links.value.some(l => l.name === 'jool0')).toBe(true)
  })
  it('leaves what it is given as it is', () => {
    const facts = recorded('remedy-tayga')
    const before = JSON.stringify(facts)
    withEngine(facts, OURS)
    expect(JSON.stringify(facts)).toBe(before)
  })
})

describe('a guest that asks for an address of the host itself', () => {
  const facts = withEngine(recorded('jool-hairpin-fw'), OURS)
  const [info] = findEngines(facts) as [EngineInfo]
  const [nic] = findNics(facts) as [GuestNic]
  const own = ['198.51.100.2/32']
  const ask = (host4: EngineInfo['host4'], target4 = '198.51.100.2') => {
    const flow = { nic: nic.device, target4, protocol: 'tcp', port: 80 } as const
    const { host4: _, ...without } = info
    return predict(facts, flow, optionsFor(facts, { ...without, ...(host4 && { host4 }) }, nic))
  }
  it.each<[what: string, EngineInfo['host4'], string]>([
    ['is refused by a translator that keeps guests from it', { own, allowed: [] }, 'host_address'],
    ['gets there where that is allowed', { own, allowed: ['198.51.100.0/24'] }, 'ok'],
    ['gets there by another translator', undefined, 'ok'],
  ])('%s', (_, host4, reason) => expect(ask(host4).reason).toBe(reason))

  it('is kept from it by ours as it would be set up, and not by tayga', () => {
    const reasons = [OURS, TAYGA].map(engine => {
      const changed = withEngine(recorded('jool-hairpin-fw'), engine)
      const options = optionsFor(changed, findEngines(changed)[0] as EngineInfo, nic)
      return predict(changed, { nic: nic.device, target4: '198.51.100.2', protocol: 'tcp', port: 80 }, options).reason
    })
    expect(reasons).toEqual(['host_address', 'ok'])
  })

  it('ends there, and the host answers into the device', () => {
    const { request, reply } = ask(undefined)
    const devices = [request, reply].map(leg =>
      leg.stations.flatMap(s => (s.kind === 'device' && s.family === 4 ? [`${s.device} ${s.direction}`] : [])),
    )
    expect(devices).toEqual([['nat64 in'], ['nat64 out']])
  })

  it('and others are not refused', () => expect(ask({ own, allowed: [] }, '203.0.113.10').reason).toBe('ok'))
})
