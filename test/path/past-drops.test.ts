/** The whole way of a packet, also behind the place where the model says that it dies, and what drops it there. */
import { describe, expect, it } from 'vitest'
import type { Facts, NftFact } from '../../src/facts/facts.js'
import type { Engine, Flow, Leg, PredictedPath } from '../../src/path/path.js'
import { type PathOptions, predict } from '../../src/path/predict.js'
import { patch, recorded, varied } from './recording.js'

const JOOL: Engine = { kind: 'jool', framework: 'netfilter', netns: null, instance: 'default' }
const IPTABLES: Engine = { ...JOOL, framework: 'iptables' }
const TUN: Engine = { kind: 'tayga', device: 'nat64' }

const path = (facts: Facts, engine: Engine, flow: Partial<Flow> = {}, options: Partial<PathOptions> = {}) =>
  predict(
    facts,
    {
      nic: 'tap100i0',
      target4: engine === TUN ? '140.82.121.4' : '203.0.113.10',
      protocol: 'tcp',
      port: 80,
      ...flow,
    },
    {
      engine,
      pool6: '64:ff9b::/96',
      guest6: '2001:db8:100::100',
      mapped4: engine === TUN ? '192.168.255.7' : null,
      pastDrops: true,
      ...options,
    },
  )
const devices = (leg: Leg) =>
  leg.stations.flatMap(s => (s.kind === 'device' ? [`${s.device}/${s.direction}${s.family}`] : []))
const drops = (p: PredictedPath) =>
  [...p.request.drops, ...p.reply.drops].map(d => `${d.reason} in ${d.where} of ${d.device}`)

const tayga = recorded('remedy-tayga')
const without = (change: Partial<Facts>): Facts => ({ ...tayga, ...change })

describe('the hairpinning loop', () => {
  const p = path(recorded('jool-hairpin-fw'), JOOL)
  it('ends where it did', () => {
    expect(p).toMatchObject({ reason: 'hairpin_loop', delivered: false })
    expect(p.firewall).toEqual({ expected: true, requestSeen: false, replySeen: false, conntrack: 'unseen' })
  })
  it('would go on to the guest, but for its firewall', () => {
    expect(devices(p.reply).slice(-3)).toEqual(['fwln100i0/in6', 'fwbr100i0/in6', 'tap100i0/out6'])
    expect(p.reply.stations[p.reply.drops[0]?.at as number]).toMatchObject({ hook: 'prerouting', device: 'fwbr100i0' })
    expect(p.reply.drops.map(d => [d.reason, d.where, d.device, d.rule?.text])).toEqual([
      ['hairpin_loop', 'prerouting', 'fwbr100i0', undefined],
      ['ct_invalid', 'forward', 'fwbr100i0', '-A PVEFW-FORWARD -m conntrack --ctstate INVALID -j DROP'],
    ])
  })
})

describe('what drops a packet', () => {
  it("a rule of the guest's firewall", () => {
    expect(path(tayga, TUN, { port: 81 }).request.drops[0]?.rule).toEqual({
      tool: 'ip6tables',
      table: 'filter',
      chain: 'tap100i0-OUT',
      text: '-A tap100i0-OUT -p tcp -m tcp --dport 81 -j DROP',
    })
  })
  it('a policy', () => {
    const policies = [{ family: 4 as const, table: 'filter', chain: 'FORWARD', policy: 'DROP' }]
    const p = path(without({ iptables: patch(tayga.iptables, i => ({ ...i, policies })) }), TUN)
    // The reply passes: a rule accepts what is established.
    expect(drops(p)).toEqual(['forward_drop in forward of nat64'])
    expect(p.request.drops[0]?.rule).toEqual({
      tool: 'iptables',
      table: 'filter',
      chain: 'FORWARD',
      text: '-P FORWARD DROP',
    })
  })
  it.each([
    ['inet', 'forward', { drop: null }, 'forward_drop', { table: 'inet guests', chain: 'out', text: 'handle 7' }],
    ['inet', 'forward', { return: null }, 'forward_drop', { table: 'inet guests', chain: 'base', text: 'policy drop' }],
    ['bridge', 'forward', { drop: null }, 'firewall_drop', { table: 'bridge guests', chain: 'out', text: 'handle 7' }],
  ] as const)('nftables, family %s: %s %j', (family, hook, verdict, reason, rule) => {
    const nft = [
      { chain: { family, table: 'guests', name: 'base', hook, prio: 0, policy: 'drop', type: 'filter' } },
      { rule: { family, table: 'guests', chain: 'base', handle: 6, expr: [{ jump: { target: 'out' } }] } },
      { rule: { family, table: 'guests', chain: 'out', handle: 7, expr: [verdict] } },
    ] as unknown as NftFact
    const [drop] = path(without({ nft: patch(tayga.nft, () => nft) }), TUN).request.drops
    expect(drop).toMatchObject({ reason, where: hook, rule: { tool: 'nft', ...rule } })
  })
})

describe('a chain of nftables for routed packets', () => {
  const nft = (...exprs: object[][]) =>
    [
      { chain: { family: 'inet', table: 'filter', name: 'forward', hook: 'forward', prio: 0, policy: 'drop' } },
      ...exprs.map(expr => ({ rule: { family: 'inet', table: 'filter', chain: 'forward', expr } })),
    ] as unknown as NftFact
  const from = (device: string) => [
    { match: { op: '==', left: { meta: { key: 'iifname' } }, right: device } },
    { accept: null },
  ]
  const routed = ['vmbr0', 'nat64', 'eno1'].map(from)
  it.each([
    ['sees what br_netfilter hands over', '1', routed, ['forward_drop in forward of fwbr100i0']],
    ['lets it pass by the name of the bridge', '1', [...routed, from('fwbr100i0')], []],
    ['sees nothing without br_netfilter', '0', routed, []],
  ] as const)('%s', (_, called, exprs, expected) => {
    const call = 'net.bridge.bridge-nf-call-ip6tables'
    const facts = without({
      nft: patch(tayga.nft, () => nft(...exprs)),
      sysctls: patch(tayga.sysctls, s => ({ ...s, [call]: called })),
    })
    const p = path(facts, TUN)
    expect(p.request.drops.map(d => `${d.reason} in ${d.where} of ${d.device}`)).toEqual(expected)
    expect(p.reply.drops).toHaveLength(expected.length)
  })
})

describe('the way behind', () => {
  const whole = path(tayga, TUN)
  /** Errors about requests that went no further go to the guest by these. */
  const behind = (p: PredictedPath) => devices(p.reply).slice(devices(p.reply).indexOf('vmbr0/out6'))
  const iptables = (change: (text: string) => boolean) =>
    patch(tayga.iptables, i => ({ ...i, rules: i.rules.filter(r => change(r.text)) }))
  const sysctl = (name: string, value: string) => ({ sysctls: patch(tayga.sysctls, s => ({ ...s, [name]: value })) })
  const tun = (change: object) => ({
    links: patch(tayga.links, all => all.map(l => (l.name === 'nat64' ? { ...l, ...change } : l))),
  })
  it.each([
    ['nothing', {}, 'ok'],
    [
      'no masquerade',
      { iptables: iptables(t => !/MASQUERADE/.test(t)), nft: patch(tayga.nft, () => []) },
      'no_masquerade',
    ],
    ['IPv6 forwarding', sysctl('net.ipv6.conf.all.forwarding', '0'), 'not_forwarding6'],
    ['IPv4 forwarding', sysctl('net.ipv4.conf.nat64.forwarding', '0'), 'not_forwarding4'],
    ['the TUN is down', tun({ up: false }), 'device_down'],
    ['nobody has it open', tun({ carrier: false }), 'device_down'],
  ] as const)('%s: the same devices', (_, change, reason) => {
    const p = path(without(change), TUN)
    expect(p.reason).toBe(reason)
    expect([devices(p.request), devices(p.reply)]).toEqual([devices(whole.request), devices(whole.reply)])
  })
  it('of a request that another translator takes', () => {
    const p = path(tayga, TUN, {}, { hooked6: ['64:ff9b::/96'] })
    expect(devices(p.request)).toEqual(devices(whole.request))
    expect(drops(p)).toEqual(['other_engine in prerouting of fwbr100i0', 'other_engine in prerouting of vmbr0'])
  })
  it.each([
    ['no route', { routes: patch(tayga.routes, () => []) }, 'vmbr0/in6', []],
    ['no translator', tun({ name: 'nat65' }), 'nat64/out6', ['eno1/in4', ...behind(whole)]],
    [
      'no way out on IPv4',
      { routes: patch(tayga.routes, all => all.filter(r => r.family === 6 || r.device !== 'eno1')) },
      'nat64/in4',
      ['nat64/out4', 'nat64/in6', ...behind(whole)],
    ],
  ] as const)('there is none: %s', (_, change, last, reply) => {
    const p = path(without(change), _ === 'no translator' ? { kind: 'none' } : TUN)
    expect(devices(p.request).at(-1)).toBe(last)
    expect(devices(p.reply)).toEqual(reply)
  })
})

describe('what is cut off behind the first drop', () => {
  const hosts: readonly (readonly [string, Facts, Engine])[] = [
    ...[true, false].flatMap(firewallBridge =>
      (['routed', 'bridged'] as const).flatMap(uplink =>
        [true, false].map(
          global6 =>
            [
              `Jool, ${firewallBridge} ${uplink} ${global6}`,
              varied({ firewallBridge, uplink, global6 }),
              JOOL,
            ] as const,
        ),
      ),
    ),
    ['iptables', recorded('remedy-jool-iptables-iface'), IPTABLES],
    ['iptables without rules', recorded('jool-hairpin-fw'), IPTABLES],
    ['tayga', tayga, TUN],
    ['another', tayga, { kind: 'nat64', device: 'tun9' }],
    ['none', tayga, { kind: 'none' }],
  ]
  it.each(hosts)('%s: is the beginning of the whole', (_, facts, engine) => {
    for (const port of [80, 81]) {
      const all = path(facts, engine, { port })
      const cut = path(facts, engine, { port }, { pastDrops: false })
      expect(cut.request.stations).toEqual(all.request.stations.slice(0, cut.request.stations.length))
      expect(cut.reply.stations).toEqual(all.reply.stations.slice(0, cut.reply.stations.length))
      expect(cut.request.drops).toEqual(all.request.drops.slice(0, 1))
      expect(cut).toMatchObject({ delivered: all.delivered, reason: all.reason, firewall: all.firewall })
      if (!cut.delivered) expect([...cut.request.drops, ...cut.reply.drops]).toHaveLength(1)
    }
  })
})
