/** Rules that drop a packet where the path model does not look: asked with what was seen of the packet. */
import { describe, expect, it } from 'vitest'
import type { Facts, IptablesRule } from '../../../src/facts/facts.js'
import { EVERYTHING } from '../../../src/trace/core/target.js'
import type { TracedPath, Verdict } from '../../../src/trace/core/traced.js'
import { makeTracer } from '../../../src/trace/core/tracer.js'
import { changed, tayga } from '../../doctor/hosts.js'
import * as p from '../../xlat/packets.js'
import { frameOf, makePlaces, PEER, reply, request, S, type Sighting, US } from './sightings.js'

const HOST = tayga()

/** The host with one more rule, in front of all others. */
function withRule(family: 4 | 6, table: string, text: string): Facts {
  const [, chain = '', target = ''] = /^-A (\S+) .*-j (\S+)/.exec(text) ?? []
  const rule: IptablesRule = { family, legacy: false, table, chain, text, packets: 0, target }
  return changed(HOST, 'iptables', all => ({ ...all, rules: [rule, ...all.rules] }))
}

function trace(facts: Facts, sightings: Sighting[]): TracedPath {
  const paths: TracedPath[] = []
  const tracer = makeTracer(facts, {
    wanted: { ...EVERYTHING, peers4: [p.v4(PEER)] },
    onPath: path => paths.push(path),
  })
  const places = makePlaces(tap => tracer.addTap(tap))
  for (const [i, [place, bytes]] of sightings.entries()) {
    const [device, direction] = place.split(' ') as [string, 'in' | 'out']
    tracer.see(frameOf(places.tapOf(device), direction, bytes, i * 10 * US))
  }
  tracer.advance(10 * S)
  // The request that a reply answers did arrive.
  const died = paths.filter(path => path.verdict.kind === 'died')
  expect(died).toHaveLength(1)
  return died[0] as TracedPath
}

const query = p.udp(1000, 53, p.filler(40))
const answer = p.udp(53, 1000, p.filler(40))
const there = (upTo: number, m = query) => request(m, { upTo })
const back = (upTo: number) => [...request(query), ...reply(answer, { upTo })]
const POOL6 = '64:ff9b::/96'

type Row = [family: 4 | 6, table: string, rule: string, sightings: Sighting[], expected: Partial<Verdict>]

describe('a rule that drops', () => {
  it.each<Row>([
    [
      6,
      'raw',
      `-A PREROUTING -i fwbr100i0 -s ${POOL6} -j DROP`,
      back(6),
      { reason: 'rule_drop', at: 'prerouting', hookDevice: 'fwbr100i0', bridged: true, lastSeen: 'fwln100i0' },
    ],
    [
      6,
      'raw',
      '-A PREROUTING -m physdev --physdev-in fwln100i0 -p udp -m udp --sport 53 --dport 1000 -j DROP',
      back(6),
      { reason: 'rule_drop', at: 'prerouting', hookDevice: 'fwbr100i0' },
    ],
    [
      6,
      'mangle',
      `-A PREROUTING -i vmbr0 -d ${POOL6} -p udp -m udp --dport 53 -j DROP`,
      there(4),
      { reason: 'rule_drop', at: 'prerouting', hookDevice: 'vmbr0', lastSeen: 'fwpr100p0' },
    ],
    [
      6,
      'mangle',
      '-A FORWARD -i vmbr0 -o nat64 -s 2001:db8:100::/64 -j DROP',
      there(5),
      { reason: 'forward_drop', at: 'forward', hookDevice: 'vmbr0', bridged: false },
    ],
    [
      6,
      'mangle',
      '-A FORWARD -m physdev --physdev-in tap100i0 --physdev-out fwln100i0 --physdev-is-bridged -j DROP',
      there(2),
      { reason: 'firewall_drop', at: 'forward', hookDevice: 'fwbr100i0', bridged: true },
    ],
    [4, 'mangle', '-A POSTROUTING -o eno1 -p udp -j DROP', there(7), { at: 'postrouting', hookDevice: 'eno1' }],
    [
      4,
      'raw',
      '-A PREROUTING -i eno1 -p udp -m udp --sport 53 -j DROP',
      back(1),
      { at: 'prerouting', hookDevice: 'eno1' },
    ],
    [
      4,
      'raw',
      '-A PREROUTING -i nat64 -s 192.168.255.0/24 -j DROP',
      there(7),
      { at: 'prerouting', hookDevice: 'nat64' },
    ],
  ])('IPv%i, %s: %s', (family, table, rule, sightings, expected) => {
    const { verdict } = trace(withRule(family, table, rule), sightings)
    expect(verdict).toMatchObject({ kind: 'died', ...expected })
    expect(verdict.killer).toBe(`rule "${rule}" of ip${family === 6 ? '6' : ''}tables -t ${table}`)
    expect(verdict.evidence.map(e => e.text).join()).toContain(rule)
    // Without it nobody knows.
    expect(trace(HOST, sightings).verdict).toMatchObject({ kind: 'died', reason: 'lost', killer: null })
  })

  it.each<Row>([
    [6, 'raw', `-A PREROUTING -i fwbr100i0 -d ${POOL6} -j DROP`, back(6), {}],
    [6, 'mangle', '-A PREROUTING -i vmbr0 -p udp -m udp --dport 54 -j DROP', there(4), {}],
    [6, 'mangle', '-A FORWARD -i vmbr0 -o eno1 -j DROP', there(5), {}],
    [6, 'raw', '-A PREROUTING -i vmbr0 -p icmpv6 -j DROP', there(4), {}],
    [4, 'raw', '-A PREROUTING -i vmbr0 -j DROP', there(4), {}],
    [6, 'raw', '-A PREROUTING -i vmbr0 -j ACCEPT', there(4), {}],
  ])('IPv%i, %s: %s is none for this packet', (family, table, rule, sightings) => {
    expect(trace(withRule(family, table, rule), sightings).verdict).toMatchObject({ reason: 'lost', killer: null })
  })

  it('is asked in the state that connection tracking has', () => {
    const rule = '-A FORWARD -i vmbr0 -m conntrack --ctstate NEW -j DROP'
    const facts = withRule(6, 'mangle', rule)
    expect(trace(facts, there(5)).verdict.killer).toContain(rule)
    const tracer = makeTracer(facts, { wanted: EVERYTHING, onPath: path => paths.push(path) })
    const paths: TracedPath[] = []
    const places = makePlaces(tap => tracer.addTap(tap))
    const later = request(p.udp(1000, 53, p.filler(50)), { upTo: 5 })
    for (const [i, [place, bytes]] of [...back(8), ...later].entries()) {
      const [device, direction] = place.split(' ') as [string, 'in' | 'out']
      tracer.see(frameOf(places.tapOf(device), direction, bytes, i * 10 * US))
    }
    tracer.advance(10 * S)
    expect(paths.find(path => path.verdict.kind === 'died')?.verdict).toMatchObject({ reason: 'lost', killer: null })
  })
})
