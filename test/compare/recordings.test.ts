/** Recorded hosts: what compare says is what was measured there, for what is there and for what could be. */
import { describe, expect, it } from 'vitest'
import type { ComparedEngine } from '../../src/compare/compared.js'
import type { Facts } from '../../src/facts/facts.js'
import type { Engine, Flow } from '../../src/path/path.js'
import { withEngine } from '../../src/path/with-engine.js'
import { changed, having } from '../doctor/hosts.js'
import { recorded } from '../path/recording.js'
import { compared, engineOf, guestOf } from './hosts.js'

const FLOWS: readonly Pick<Flow, 'protocol' | 'port'>[] = [
  { protocol: 'icmp', port: 0 },
  { protocol: 'tcp', port: 80 },
  { protocol: 'tcp', port: 81 },
]
/** As the table of remedies has it: ping, TCP 80, TCP 81 that the guest's rules forbid. */
const word = (e: ComparedEngine): string => (e.delivered ? 'ok' : e.suits ? 'blocked' : 'fails')
const results = (facts: Facts, id: string) =>
  FLOWS.map(flow => word(engineOf(guestOf(facts, { ...flow, target4: '203.0.113.10' }), id))).join(' ')
/** Of the translator that is there. */
const presents = (facts: Facts) => results(facts, guestOf(facts).present as string)

const hairpin = recorded('jool-hairpin-fw')
const JOOL: Engine = { kind: 'jool', framework: 'iptables', netns: null, instance: 'default' }

/** A firewall in nftables' bridge family, for the same guest. */
function bridgeFamily(): Facts {
  const chain = { family: 'bridge', table: 'guests', name: 'in-force', hook: 'forward', prio: 0, policy: 'accept' }
  const match = { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 81 }
  const rule = { family: 'bridge', table: 'guests', chain: 'in-force', expr: [{ match }, { drop: null }] }
  const facts = having(recorded('remedy-brnf-off'), 'nft', [{ chain }, { rule }])
  return changed(facts, 'iptables', () => ({ rules: [], policies: [] }))
}

describe('the remedies, as measured', () => {
  it.each([
    ['none', hairpin, 'fails fails fails', false],
    ['bridge-nf-call off: passes the forbidden port', recorded('remedy-brnf-off'), 'ok ok ok', false],
    ['iptables, -d pool6 only', withEngine(hairpin, JOOL, { match: '' }), 'fails fails fails', false],
    [
      'iptables, ! --physdev-is-bridged',
      withEngine(hairpin, JOOL, { match: '-m physdev ! --physdev-is-bridged' }),
      'fails fails fails',
      false,
    ],
    ['iptables, -i vmbr0', recorded('remedy-jool-iptables-iface'), 'ok ok blocked', true],
    ['iptables, ! -i fwbr+', recorded('remedy-jool-iptables-notfwbr'), 'ok ok blocked', true],
    ['a namespace', recorded('remedy-jool-netns', 'nat64'), 'ok ok blocked', true],
    ['Tayga', recorded('remedy-tayga'), 'ok ok blocked', true],
    ["a firewall in nftables' bridge family", bridgeFamily(), 'ok ok blocked', true],
  ] as const)('%s', (_, facts, measured, inForce) => {
    expect(presents(facts)).toBe(measured)
    const guest = guestOf(facts)
    expect(engineOf(guest, guest.present as string).firewall.inForce).toBe(inForce)
    expect(compared(facts).ok).toBe(inForce)
  })

  it.each([
    ['jool-netfilter', 'fails fails fails'],
    ['nat64', 'ok ok blocked'],
    ['jool-iptables', 'ok ok blocked'],
    ['jool-netns', 'ok ok blocked'],
    ['tayga', 'ok ok blocked'],
  ])('on the host of the loop, %s: %s', (id, measured) => {
    expect(results(hairpin, id)).toBe(measured)
  })
})

describe('the host of the original failure', () => {
  const guest = guestOf(hairpin)
  const jool = engineOf(guest, 'jool-netfilter')
  const ours = engineOf(guest, 'nat64')

  it('says where Jool drops the reply', () => {
    expect(jool).toMatchObject({
      state: 'active',
      delivered: false,
      reason: 'hairpin_loop',
      ended: { way: 'reply', at: 'in PREROUTING on fwbr100i0' },
      firewall: { expected: true, inForce: false, requestSeen: false, replySeen: false },
      conntrack: 'unseen',
    })
    expect(jool.firewall.chains.request).toEqual(['FORWARD', 'PVEFW-FORWARD', 'PVEFW-FWBR-OUT', 'tap100i0-OUT'])
  })
  it('says that nat64 run delivers, with the firewall in force', () => {
    expect(ours).toMatchObject({
      state: 'proposed',
      delivered: true,
      suits: true,
      ended: null,
      firewall: { expected: true, inForce: true, hostForward: { request: true, reply: true } },
      conntrack: 'established',
    })
  })
  it("finds the first difference at the guest's PREROUTING on the firewall bridge", () => {
    expect([guest.left, guest.right]).toEqual(['jool-netfilter', 'nat64'])
    expect(guest.first).toMatchObject({ way: 'request', row: 1, at: 'PREROUTING fwbr100i0', right: 'it passes' })
    expect(guest.first?.left).toMatch(/^Jool takes it/)
  })
  it('leads to nat64 run, with its price and the way back', () => {
    expect(guest.verdict).toMatchObject({
      kind: 'switch',
      engine: 'nat64',
      move: { commands: ['nat64 doctor --fix N64-201'], undo: ['nat64 doctor --undo'] },
    })
    expect(guest.verdict.move.price).toContain('must be opened again')
  })
  it('warns of what was measured not to help', () => {
    expect(guest.verdict.traps.map(t => t.what)).toEqual([
      "Jool's iptables framework with -d pool6 alone",
      'physdev ! --physdev-is-bridged in that rule',
      'bridge-nf-call-ip6tables=0',
    ])
  })
})

describe('verdicts of the other recorded hosts', () => {
  it.each([
    ['jool-ok-nofw', null, 'stay', 'jool-netfilter', []],
    ['remedy-jool-iptables-iface', null, 'stay', 'jool-iptables', []],
    ['remedy-jool-iptables-notfwbr', null, 'stay', 'jool-iptables', []],
    ['remedy-jool-netns', 'nat64', 'stay', 'jool-netns', []],
    ['remedy-tayga', null, 'stay', 'tayga', []],
    [
      'remedy-brnf-off',
      null,
      'switch',
      'nat64',
      [
        'jool -i default global update manually-enabled false',
        'nat64 run',
        'sysctl -w net.bridge.bridge-nf-call-ip6tables=1',
      ],
    ],
  ] as const)('%s: %s', (name, netns, kind, engine, commands) => {
    const { verdict } = guestOf(recorded(name, netns))
    expect(verdict).toMatchObject({ kind, engine, traps: [] })
    expect(verdict.move.commands).toEqual(commands)
  })

  it('of rules that take packets on the firewall bridge: they are changed, and nothing else', () => {
    const { verdict } = guestOf(withEngine(hairpin, JOOL, { match: '' }))
    expect(verdict).toMatchObject({ kind: 'switch', engine: 'jool-iptables-fwbr' })
    expect(verdict.move.commands).toEqual([
      'ip6tables -t mangle -D PREROUTING -d 64:ff9b::/96 -j JOOL --instance default',
      'ip6tables -t mangle -A PREROUTING -d 64:ff9b::/96 ! -i fwbr+ -j JOOL --instance default',
    ])
  })
})
