/** Predicted equals measured, in every row of the truth tables and for every recorded remedy. */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/facts/facts.js'
import type { Engine, Flow, PredictedPath } from '../../src/path/path.js'
import { type PathOptions, predict } from '../../src/path/predict.js'
import { patch, recorded, recordedText, varied } from './recording.js'

const JOOL: Engine = { kind: 'jool', framework: 'netfilter', netns: null, instance: 'default' }
const GUEST = '2001:db8:100::100'

function path(
  facts: Facts,
  engine: Engine,
  flow: Partial<Flow> = {},
  options: Partial<PathOptions> = {},
): PredictedPath {
  return predict(
    facts,
    { nic: 'tap100i0', target4: '203.0.113.10', protocol: 'icmp', port: 0, ...flow },
    { engine, pool6: '64:ff9b::/96', guest6: GUEST, mapped4: null, ...options },
  )
}

const rows = (file: string) =>
  recordedText(file)
    .split('\n')
    .filter(l => l.startsWith('netfilter'))
    .map(l => l.split(/[\s|]+/))

describe('the truth table of the hairpinning loop', () => {
  const table = rows('truth-table.txt')
  it('has 32 rows', () => expect(table).toHaveLength(32))
  it.each(table)('%s %s uplink=%s vlan=%s nf6=%s nf4=%s: %s', (...row) => {
    const [, way, uplink, vlan, nf6, nf4, ping, loops] = row as string[]
    const facts = varied({
      firewallBridge: way === 'fw',
      uplink: uplink as 'routed',
      ...(vlan === '-' ? {} : { vlan: Number(vlan) }),
      global6: nf6 === '1',
      global4: nf4 === '1',
    })
    // The table was measured without firewall rules.
    const predicted = path({ ...facts, iptables: patch(facts.iptables, () => ({ rules: [], policies: [] })) }, JOOL)
    expect(predicted.delivered).toBe(ping === 'ok')
    expect(predicted.reason).toBe(Number(loops) > 0 ? 'hairpin_loop' : 'ok')
  })
})

describe('the switches of single bridges', () => {
  const table = rows('truth-table-per-bridge.txt')
  it('has 5 rows', () => expect(table).toHaveLength(5))
  it.each(table)('%s global=%s fwbr=%s vmbr0=%s: %s', (...row) => {
    const [, global, fwbr, vmbr, ping, loops] = row as string[]
    const facts = varied({ global6: global === '1', global4: global === '1', fwbr6: fwbr === '1', vmbr6: vmbr === '1' })
    const predicted = path(facts, JOOL)
    expect(predicted.delivered).toBe(ping === 'ok')
    expect(predicted.reason).toBe(Number(loops) > 0 ? 'hairpin_loop' : 'ok')
  })
})

/** What the recording says of itself in its README: `name | nat64: ping=ok tcp80=ok tcp81=timeout | …`. */
function measured(name: string): { ping: boolean; tcp80: boolean; tcp81: boolean } {
  const line = recordedText(name, 'README')
    .split('\n')
    .find(l => l.startsWith(`${name} |`)) as string
  const word = (key: string) => new RegExp(`nat64:.*?${key}=(\\w+)`).exec(line)?.[1] === 'ok'
  return { ping: word('ping'), tcp80: word('tcp80'), tcp81: word('tcp81') }
}

const IPTABLES: Engine = { ...JOOL, framework: 'iptables' }
const TUN: Engine = { kind: 'tayga', device: 'nat64' }

describe('recorded hosts', () => {
  it.each([
    ['jool-hairpin-fw', JOOL, {}, null],
    ['jool-ok-nofw', JOOL, {}, null],
    ['remedy-brnf-off', JOOL, {}, null],
    ['remedy-jool-iptables-iface', IPTABLES, {}, null],
    ['remedy-jool-iptables-notfwbr', IPTABLES, {}, null],
    ['remedy-jool-netns', { ...JOOL, netns: 'nat64' }, { mapped4: '192.0.2.2' }, 'nat64'],
    ['remedy-tayga', TUN, { mapped4: '192.168.255.7' }, null],
  ] as const)('%s', (name, engine, options, netns) => {
    const facts = recorded(name, netns)
    const is = measured(name)
    const target4 = name === 'remedy-tayga' ? '140.82.121.4' : '203.0.113.10'
    const to = (protocol: Flow['protocol'], port: number) => path(facts, engine, { protocol, port, target4 }, options)
    expect({
      ping: to('icmp', 0).delivered,
      tcp80: to('tcp', 80).delivered,
      tcp81: to('tcp', 81).delivered,
    }).toEqual(is)
  })
})

describe('remedies that do not work', () => {
  const withRule = (match: string) => {
    const facts = recorded('remedy-jool-iptables-iface')
    return {
      ...facts,
      iptables: patch(facts.iptables, all => ({
        ...all,
        rules: all.rules.map(r =>
          r.family === 6 && r.target === 'JOOL'
            ? { ...r, text: `-A PREROUTING -d 64:ff9b::/96 ${match}-j JOOL --instance default` }
            : r,
        ),
      })),
    }
  }
  it.each(['', '-m physdev ! --physdev-is-bridged '])('-d pool6 %s: the reply is INVALID', match => {
    const predicted = path(withRule(match), IPTABLES, { protocol: 'tcp', port: 80 })
    expect(predicted.reason).toBe('ct_invalid')
    expect(predicted.firewall).toMatchObject({ requestSeen: false, replySeen: true, conntrack: 'invalid' })
  })

  it('bridge-nf-call off: delivered, but past the firewall', () => {
    const predicted = path(recorded('remedy-brnf-off'), JOOL, { protocol: 'tcp', port: 81 })
    expect(predicted.delivered).toBe(true)
    expect(predicted.firewall).toMatchObject({ expected: true, requestSeen: false, replySeen: false })
  })
})

describe('what else ends a path', () => {
  const tayga = recorded('remedy-tayga')
  const tun = (facts: Facts, options: Partial<PathOptions> = {}) =>
    path(facts, TUN, { target4: '140.82.121.4' }, { mapped4: '192.168.255.7', ...options })
  const without = (change: (facts: Facts) => Partial<Facts>): Facts => ({ ...tayga, ...change(tayga) })

  it.each([
    ['nothing', tayga, {}, 'ok'],
    [
      'the TUN is down',
      without(f => ({ links: patch(f.links, l => l.map(x => (x.name === 'nat64' ? { ...x, up: false } : x))) })),
      {},
      'device_down',
    ],
    [
      'nobody has the TUN open',
      without(f => ({ links: patch(f.links, l => l.map(x => (x.name === 'nat64' ? { ...x, carrier: false } : x))) })),
      {},
      'device_down',
    ],
    [
      'pool6 is routed elsewhere',
      without(f => ({ routes: patch(f.routes, r => r.filter(x => x.destination !== '64:ff9b::/96')) })),
      {},
      'no_engine',
    ],
    [
      'no IPv4 route back to the pool',
      without(f => ({
        routes: patch(f.routes, r =>
          r.filter(x => x.destination !== '192.168.255.0/24' && x.destination !== '0.0.0.0/0'),
        ),
      })),
      {},
      'no_route4',
    ],
    [
      'no masquerade',
      without(f => ({
        iptables: patch(f.iptables, i => ({ ...i, rules: i.rules.filter(r => r.target !== 'MASQUERADE') })),
        nft: patch(f.nft, () => []),
      })),
      {},
      'no_masquerade',
    ],
    [
      'IPv6 forwarding is off',
      without(f => ({ sysctls: patch(f.sysctls, s => ({ ...s, 'net.ipv6.conf.all.forwarding': '0' })) })),
      {},
      'not_forwarding6',
    ],
    [
      'IPv4 forwarding is off',
      without(f => ({ sysctls: patch(f.sysctls, s => ({ ...s, 'net.ipv4.conf.nat64.forwarding': '0' })) })),
      {},
      'not_forwarding4',
    ],
    [
      'FORWARD drops by policy',
      without(f => ({
        iptables: patch(f.iptables, i => ({
          rules: i.rules.filter(r => !r.text.includes('PVEFW')),
          policies: [{ family: 4 as const, table: 'filter', chain: 'FORWARD', policy: 'DROP' }],
        })),
      })),
      {},
      'forward_drop',
    ],
    ["the pool address is the host's own", tayga, { mapped4: '192.168.255.2' }, 'local_pool4'],
  ] as const)('%s', (_, facts, options, reason) => {
    expect(tun(facts, options).reason).toBe(reason)
  })

  it('a guest that does not exist', () => {
    expect(path(tayga, TUN, { nic: 'tap999i0' }).reason).toBe('unknown_device')
  })
})

describe('stations', () => {
  const text = (p: PredictedPath, leg: 'request' | 'reply') =>
    p[leg].stations.map(s =>
      s.kind === 'device'
        ? `${s.device}/${s.direction}${s.family}`
        : s.kind === 'hook'
          ? `${s.hook}${s.family}@${s.device}`
          : s.kind,
    )
  it('of the hairpinning loop: stolen on entry to the firewall bridge, dropped there on the way back', () => {
    const p = path(recorded('jool-hairpin-fw'), JOOL)
    expect(text(p, 'request')).toEqual([
      'tap100i0/in6',
      'prerouting6@fwbr100i0',
      'translator',
      'route',
      'postrouting4@eno1',
      'eno1/out4',
    ])
    expect(text(p, 'reply')).toEqual([
      'eno1/in4',
      'prerouting4@eno1',
      'translator',
      'route',
      'postrouting6@vmbr0',
      'vmbr0/out6',
      'fwpr100p0/out6',
      'fwln100i0/in6',
      'prerouting6@fwbr100i0',
    ])
  })

  it('of a TUN device: both halves pass the firewall bridge and are routed', () => {
    const p = path(recorded('remedy-tayga'), TUN, { target4: '140.82.121.4' }, { mapped4: '192.168.255.7' })
    expect(p.firewall).toEqual({ expected: true, requestSeen: true, replySeen: true, conntrack: 'established' })
    expect(text(p, 'request')).toEqual([
      'tap100i0/in6',
      'prerouting6@fwbr100i0',
      'fwbr100i0/in6',
      'forward6@fwbr100i0',
      'postrouting6@fwbr100i0',
      'fwln100i0/out6',
      'fwpr100p0/in6',
      'prerouting6@vmbr0',
      'vmbr0/in6',
      'route',
      'forward6@vmbr0',
      'postrouting6@nat64',
      'nat64/out6',
      'translator',
      'nat64/in4',
      'prerouting4@nat64',
      'route',
      'forward4@nat64',
      'postrouting4@eno1',
      'masquerade',
      'eno1/out4',
    ])
  })

  it('of the reply through a TUN device', () => {
    const p = path(recorded('remedy-tayga'), TUN, { target4: '140.82.121.4' }, { mapped4: '192.168.255.7' })
    expect(text(p, 'reply')).toEqual([
      'eno1/in4',
      'prerouting4@eno1',
      'route',
      'forward4@eno1',
      'postrouting4@nat64',
      'nat64/out4',
      'translator',
      'nat64/in6',
      'prerouting6@nat64',
      'route',
      'forward6@nat64',
      'postrouting6@vmbr0',
      'vmbr0/out6',
      'fwpr100p0/out6',
      'fwln100i0/in6',
      'prerouting6@fwbr100i0',
      'fwbr100i0/in6',
      'forward6@fwbr100i0',
      'postrouting6@fwbr100i0',
      'tap100i0/out6',
    ])
  })

  it('of a gateway on a VLAN: rules see the bridge before routing, and the VLAN interface after', () => {
    const p = path(varied({ vlan: 10, firewallBridge: false, uplink: 'bridged' }), JOOL)
    expect(text(p, 'reply')).toEqual([
      'eno1/in4',
      'prerouting4@vmbr0',
      'translator',
      'route',
      'postrouting6@vlan10',
      'vlan10/out6',
      'vmbr0/out6',
      'tap100i0/out6',
    ])
  })
})
