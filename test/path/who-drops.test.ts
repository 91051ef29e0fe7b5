/** Which rule drops a packet at a hook, and how it is called. */
import { describe, expect, it } from 'vitest'
import type { NftFact } from '../../src/facts/facts.js'
import { parseIptablesSave } from '../../src/facts/parse-text.js'
import type { RulePacket } from '../../src/path/iptables-rule.js'
import { countingDrops, dropKey, showDrop } from '../../src/path/shown-drop.js'
import { type HookPass, type Rules, whoDrops } from '../../src/path/who-drops.js'
import { recorded, value } from './recording.js'

/** A reply on its way through a firewall bridge to the guest. */
const reply: RulePacket = {
  family: 6,
  source: '64:ff9b::cb00:710a',
  destination: '2001:db8:100::100',
  protocol: 'tcp',
  sport: 443,
  dport: 40_000,
  inDevice: 'fwbr100i0',
  outDevice: '',
  physIn: 'fwln100i0',
  physOut: '',
  ctState: 'established',
  mac: '',
}
const four: RulePacket = { ...reply, family: 4, source: '203.0.113.10', destination: '192.168.255.2', inDevice: 'eno1' }
const pre: HookPass = { hook: 'prerouting', bridged: true }
const fwd: HookPass = { hook: 'forward', bridged: true }

const saved = (text: string, family: 4 | 6 = 6): Rules['iptables'] => parseIptablesSave(text, family)
const NONE = saved('')
const saddr = {
  match: {
    op: '==',
    left: { payload: { protocol: 'ip6', field: 'saddr' } },
    right: { prefix: { addr: '64:ff9b::', len: 96 } },
  },
}
const onDevice = (name: string) => ({ match: { op: '==', left: { meta: { key: 'iifname' } }, right: name } })
const counter = { counter: { packets: 7, bytes: 700 } }
const drop = { drop: null }

function chain(family: string, hook: string, prio: number, exprs: readonly object[][], more: object = {}): NftFact {
  const place = { family, table: 't', name: `${hook}${prio}` }
  return [
    { chain: { ...place, type: 'filter', hook, prio, policy: 'accept', ...more } },
    ...exprs.map((expr, i) => ({ rule: { family, table: 't', chain: place.name, handle: 10 + i, expr } })),
  ]
}

type Row = readonly [what: string, rules: Partial<Rules>, at: HookPass, packet: RulePacket, name: string | null]
const rows: readonly Row[] = [
  ['nothing', {}, pre, reply, null],
  [
    'raw',
    { iptables: saved('*raw\n:PREROUTING ACCEPT [0:0]\n[3:300] -A PREROUTING -s 64:ff9b::/96 -j DROP\nCOMMIT') },
    pre,
    reply,
    'rule "-A PREROUTING -s 64:ff9b::/96 -j DROP" of ip6tables -t raw',
  ],
  ['raw of the other family', { iptables: saved('*raw\n-A PREROUTING -j DROP\nCOMMIT', 4) }, pre, reply, null],
  [
    'raw of IPv4',
    { iptables: saved('*raw\n-A PREROUTING -s 203.0.113.0/24 -j DROP\nCOMMIT', 4) },
    { hook: 'prerouting', bridged: false },
    four,
    'rule "-A PREROUTING -s 203.0.113.0/24 -j DROP" of iptables -t raw',
  ],
  [
    'a chain of its own, and a reject',
    { iptables: saved('*filter\n-A FORWARD -j mine\n-A mine -p tcp -m tcp --sport 443 -j REJECT\nCOMMIT') },
    fwd,
    reply,
    'rule "-A mine -p tcp -m tcp --sport 443 -j REJECT" of ip6tables -t filter',
  ],
  [
    'a policy',
    { iptables: saved('*filter\n:FORWARD DROP [12:340]\nCOMMIT') },
    fwd,
    reply,
    'policy DROP of FORWARD in ip6tables -t filter',
  ],
  [
    'filter has no PREROUTING, and FORWARD is another hook',
    { iptables: saved('*filter\n:FORWARD DROP [12:340]\nCOMMIT') },
    pre,
    reply,
    null,
  ],
  [
    'Jool takes it in mangle, before nftables could drop it',
    {
      iptables: saved('*mangle\n-A PREROUTING -s 64:ff9b::/96 -j JOOL --instance default\nCOMMIT'),
      nft: chain('ip6', 'prerouting', 0, [[drop]]),
    },
    pre,
    reply,
    null,
  ],
  [
    'nftables before mangle: the priority decides',
    {
      iptables: saved('*mangle\n-A PREROUTING -j DROP\nCOMMIT'),
      nft: chain('inet', 'prerouting', -200, [[saddr, counter, drop]]),
    },
    pre,
    reply,
    'rule "ip6 saddr 64:ff9b::/96 drop" of nftables chain inet t prerouting-200',
  ],
  [
    'mangle before nftables',
    {
      iptables: saved('*mangle\n-A PREROUTING -j DROP\nCOMMIT'),
      nft: chain('inet', 'prerouting', -100, [[saddr, counter, drop]]),
    },
    pre,
    reply,
    'rule "-A PREROUTING -j DROP" of ip6tables -t mangle',
  ],
  [
    'a policy of nftables',
    { nft: chain('inet', 'forward', 0, [], { policy: 'drop' }) },
    fwd,
    reply,
    'policy drop of nftables chain inet t forward0',
  ],
  [
    'br_netfilter is off: rules of IP do not see the frame',
    { nft: chain('inet', 'forward', 0, [], { policy: 'drop' }) },
    { ...fwd, called: false },
    reply,
    null,
  ],
  [
    'the family bridge sees the port',
    { nft: chain('bridge', 'prerouting', -300, [[onDevice('fwln*'), { reject: null }]]) },
    { ...pre, called: false },
    reply,
    'rule "iifname "fwln*" reject" of nftables chain bridge t prerouting-300',
  ],
  [
    'and rules of IP the bridge',
    { nft: chain('ip6', 'prerouting', 0, [[onDevice('fwbr*'), drop]]) },
    pre,
    reply,
    'rule "iifname "fwbr*" drop" of nftables chain ip6 t prerouting0',
  ],
  [
    'the family bridge is not asked about what is no frame of a bridge',
    { nft: chain('bridge', 'prerouting', -300, [[drop]]) },
    { ...pre, bridged: false },
    reply,
    null,
  ],
  [
    'ingress of the device comes first of all',
    {
      iptables: saved('*raw\n-A PREROUTING -j DROP\nCOMMIT'),
      nft: chain('netdev', 'ingress', 0, [[drop]], { dev: 'fwln100i0' }),
    },
    pre,
    reply,
    'rule "drop" of nftables chain netdev t ingress0',
  ],
  ['ingress of another device', { nft: chain('netdev', 'ingress', 0, [[drop]], { dev: ['eno1'] }) }, pre, reply, null],
  [
    'a match that is not understood',
    { iptables: saved('*raw\n-A PREROUTING -m rpfilter --invert -j DROP\nCOMMIT') },
    pre,
    reply,
    null,
  ],
]

describe('whoDrops', () => {
  it.each(rows)('%s', (_, rules, at, packet, name) => {
    expect(whoDrops({ iptables: NONE, nft: [], ...rules }, at, packet)?.name ?? null).toBe(name)
  })

  it('says where one sees it', () => {
    const nft = chain('inet', 'prerouting', -200, [[saddr, counter, drop]])
    expect(whoDrops({ iptables: NONE, nft }, pre, reply)).toMatchObject({
      source: 'nft -a list chain inet t prerouting-200',
      text: 'ip6 saddr 64:ff9b::/96 counter packets 7 bytes 700 drop # handle 10',
      mark: 'drop',
      packets: 7,
    })
    const iptables = saved('*raw\n[3:300] -A PREROUTING -s 64:ff9b::/96 -j DROP\nCOMMIT')
    expect(whoDrops({ iptables, nft: [] }, pre, reply)).toMatchObject({
      source: 'ip6tables-save -c -t raw',
      text: '[3] -A PREROUTING -s 64:ff9b::/96 -j DROP',
      mark: 'DROP',
      packets: 3,
    })
  })
})

describe('what drops and counts on a recorded node', () => {
  const facts = recorded('jool-hairpin-fw')
  const drops = countingDrops(value(facts.iptables), value(facts.nft))

  it("is each rule of the firewall once, as iptables and not as nftables' picture of it", () => {
    expect(drops.filter(d => d.family === 6).map(d => [d.name, d.packets])).toEqual([
      ['rule "-A PVEFW-FORWARD -m conntrack --ctstate INVALID -j DROP" of ip6tables -t filter', 0],
      ['rule "-A tap100i0-IN -j DROP" of ip6tables -t filter', 0],
      ['rule "-A tap100i0-OUT -m mac ! --mac-source bc:24:11:00:01:00 -j DROP" of ip6tables -t filter', 0],
      ['rule "-A tap100i0-OUT -p tcp -m tcp --dport 81 -j DROP" of ip6tables -t filter', 2],
    ])
    expect(new Set(drops.map(d => dropKey(d.rule))).size).toBe(drops.length)
  })

  it('counters with a name count, too', () => {
    const nft: NftFact = [
      { counter: { family: 'inet', table: 't', name: 'lost', packets: 5, bytes: 1 } },
      ...chain('inet', 'forward', 0, [[{ counter: 'lost' }, drop], [drop]]),
    ]
    expect(countingDrops(NONE, nft).map(d => [d.text, d.packets])).toEqual([
      ['counter name "lost" drop # handle 10', 5],
    ])
  })
})

describe('showDrop', () => {
  const iptables = saved('*filter\n:FORWARD DROP [12:340]\n[3:1] -A FORWARD -i eno1 -j DROP\nCOMMIT')
  const nft = chain('inet', 'forward', 0, [[saddr, counter, drop]], { policy: 'drop' })
  it.each([
    [
      { tool: 'ip6tables', table: 'filter', chain: 'FORWARD', text: '-A FORWARD -i eno1 -j DROP' },
      '[3] -A FORWARD -i eno1 -j DROP',
    ],
    [{ tool: 'ip6tables', table: 'filter', chain: 'FORWARD', text: '-P FORWARD DROP' }, ':FORWARD DROP [12]'],
    [{ tool: 'iptables', table: 'filter', chain: 'FORWARD', text: '-P FORWARD DROP' }, undefined],
    [{ tool: 'ip6tables-legacy', table: 'filter', chain: 'FORWARD', text: '-A FORWARD -i eno1 -j DROP' }, undefined],
    [
      { tool: 'nft', table: 'inet t', chain: 'forward0', text: 'handle 10' },
      'ip6 saddr 64:ff9b::/96 counter packets 7 bytes 700 drop # handle 10',
    ],
    [
      { tool: 'nft', table: 'inet t', chain: 'forward0', text: 'policy drop' },
      'type filter hook forward priority 0; policy drop;',
    ],
    [{ tool: 'nft', table: 'inet t', chain: 'forward0', text: 'handle 11' }, undefined],
    [{ tool: 'nft', table: 'inet other', chain: 'forward0', text: 'policy drop' }, undefined],
  ] as const)('%j', (rule, text) => {
    const shown = showDrop(iptables, nft, rule)
    expect(shown?.text).toBe(text)
    if (shown) expect(shown.rule).toEqual(rule)
  })
})
