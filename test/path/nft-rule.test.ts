/** What native rules of nftables do to a packet. */
import { describe, expect, it } from 'vitest'
import type { NftFact } from '../../src/facts/facts.js'
import type { RulePacket } from '../../src/path/iptables-rule.js'
import { nftChains, runNft } from '../../src/path/nft-rule.js'

const packet: RulePacket = {
  family: 6,
  source: '2001:db8::1',
  destination: '64:ff9b::c000:201',
  protocol: 'tcp',
  sport: 40_000,
  dport: 443,
  inDevice: 'vmbr0',
  outDevice: 'nat64',
  physIn: '',
  physOut: '',
  ctState: 'new',
  mac: '',
}
const chain = (name: string, extra: object = {}) => ({
  chain: { family: 'inet', table: 't', name, hook: 'forward', prio: 0, policy: 'accept', type: 'filter', ...extra },
})
const rule = (name: string, ...expr: object[]) => ({ rule: { family: 'inet', table: 't', chain: name, expr } })
const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
const payload = (protocol: string, field: string) => ({ payload: { protocol, field } })
const meta = (key: string) => ({ meta: { key } })
const DROP = { drop: null }
const run = (objects: readonly object[], p = packet) =>
  runNft(objects as NftFact, ['inet', 'ip6'], 'forward', p).verdict

describe('a rule drops', () => {
  it.each([
    ['always', [], true],
    ['the input interface', [match(meta('iifname'), 'vmbr0')], true],
    ['a pattern of names', [match(meta('iifname'), 'vmbr*')], true],
    ['another interface', [match(meta('iifname'), 'eno1')], false],
    ['all but one', [match(meta('oifname'), 'eno1', '!=')], true],
    ['a set of interfaces', [match(meta('oifname'), { set: ['eno1', 'nat64'] })], true],
    ['a prefix', [match(payload('ip6', 'daddr'), { prefix: { addr: '64:ff9b::', len: 96 } })], true],
    ['an address', [match(payload('ip6', 'saddr'), '2001:db8::1')], true],
    ['the address of another', [match(payload('ip6', 'saddr'), '2001:db8::2')], false],
    ['a field of IPv4', [match(payload('ip', 'saddr'), '192.0.2.1')], false],
    ['a port', [match(payload('tcp', 'dport'), 443)], true],
    ['a range of ports', [match(payload('th', 'dport'), { range: [400, 500] })], true],
    ['a port of UDP', [match(payload('udp', 'dport'), 443)], false],
    ['a protocol', [match(meta('l4proto'), 'tcp')], true],
    ['another protocol', [match(meta('l4proto'), { set: ['udp', 'icmpv6'] })], false],
    ['a state', [match({ ct: { key: 'state' } }, ['established', 'new'], 'in')], true],
    ['another state', [match({ ct: { key: 'state' } }, 'invalid', 'in')], false],
    ['a named set', [match(payload('ip6', 'daddr'), '@bad')], true],
    ['what is not understood', [match({ fib: { result: 'oif' } }, false)], false],
    ['what iptables-nft cannot say here', [{ xt: { type: 'match', name: 'physdev' } }], false],
    ['behind a counter', [{ counter: { packets: 1, bytes: 2 } }], true],
  ] as const)('%s', (_, expressions, drops) => {
    const set = { set: { family: 'inet', table: 't', name: 'bad', elem: [{ prefix: { addr: '64:ff9b::', len: 32 } }] } }
    expect(run([chain('f'), set, rule('f', ...expressions, DROP)])).toBe(drops ? 'drop' : 'accept')
  })
})

describe('chains', () => {
  const jump = (target: string) => ({ jump: { target } })
  it.each([
    ['policy', [chain('f', { policy: 'drop' })], 'drop'],
    ['an accept before the policy', [chain('f', { policy: 'drop' }), rule('f', { accept: null })], 'accept'],
    [
      'an accept in one chain, and another that drops',
      [chain('f'), rule('f', { accept: null }), chain('g', { prio: 5, policy: 'drop' })],
      'drop',
    ],
    ['a jump that returns', [chain('f'), rule('f', jump('x')), rule('x', { return: null }), rule('f', DROP)], 'drop'],
    ['a goto does not come back', [chain('f'), rule('f', { goto: { target: 'x' } }), rule('f', DROP)], 'accept'],
    [
      'a verdict map',
      [chain('f'), rule('f', { vmap: { key: meta('iifname'), data: { set: [['vmbr0', DROP]] } } })],
      'drop',
    ],
    [
      'a verdict map without the key',
      [chain('f'), rule('f', { vmap: { key: meta('iifname'), data: { set: [['eno1', DROP]] } } })],
      'accept',
    ],
    [
      'a named verdict map',
      [
        chain('f'),
        { map: { family: 'inet', table: 't', name: 'm', elem: [['vmbr0', jump('x')]] } },
        rule('f', { vmap: { key: meta('iifname'), data: '@m' } }),
        rule('x', { reject: null }),
      ],
      'drop',
    ],
    ['another hook', [chain('f', { hook: 'input', policy: 'drop' })], 'accept'],
    ['another family', [chain('f', { family: 'arp', policy: 'drop' })], 'accept'],
    ['one of iptables-nft', [chain('FORWARD', { policy: 'drop' })], 'accept'],
    ['one that calls itself', [chain('f'), rule('f', jump('x')), rule('x', jump('x'))], 'accept'],
    [
      'a set that is part of itself',
      [
        chain('f'),
        { set: { family: 'inet', table: 't', name: 's', elem: ['@s'] } },
        rule('f', match(meta('iifname'), '@s'), DROP),
      ],
      'accept',
    ],
  ] as const)('%s', (_, objects, verdict) => {
    expect(run(objects)).toBe(verdict)
  })
  it('are asked in the order of their priority', () => {
    const objects = [chain('late', { prio: 10 }), chain('early', { prio: -300 })] as unknown as NftFact
    expect(nftChains(objects, ['inet'], 'forward').map(c => c.name)).toEqual(['early', 'late'])
  })
})
