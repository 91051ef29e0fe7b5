/** What a user asks for, and what the kernel's filter lets through for it. */
import { describe, expect, it } from 'vitest'
import type { Facts, IptablesRule, JoolInstanceFact } from '../../../src/facts/facts.js'
import { modelFor } from '../../../src/trace/core/host-model.js'
import { addressWanted, EVERYTHING, filterFor, type Wanted } from '../../../src/trace/core/target.js'
import { compileFilter } from '../../../src/wire/bpf.js'
import { changed, jool, tayga } from '../../doctor/hosts.js'
import { readProgram, runProgram } from '../../wire/bpf-machine.js'
import * as p from '../../xlat/packets.js'
import { address4, eam } from '../../xlat/translating.js'
import { back4, back6, four, GUESTS, PEER, POOL, PREFIX, ROUTER, six, UPLINK } from './sightings.js'

const TAYGA = tayga()
const EAMT = [
  { prefix6: '2001:db8:100::/120', prefix4: '192.0.2.0/24' },
  { prefix6: '2001:db8:5::7', prefix4: '192.0.3.7' },
]
const SIIT: Facts = changed(jool(), 'jool', fact => ({
  ...fact,
  instances: fact.instances.map((i): JoolInstanceFact => ({ ...i, siit: true, pool4: [], eamt: EAMT })),
}))

describe('an address that a user names', () => {
  it.each<[string, Facts, string, Partial<Wanted> | null]>([
    ['IPv4', TAYGA, PEER, { peers4: [address4(PEER)] }],
    ['IPv4 behind pool6', TAYGA, `${PREFIX}${PEER}`, { peers4: [address4(PEER)] }],
    ['a guest', TAYGA, '2001:DB8:100:0::100', { guests6: ['2001:db8:100::100'] }],
    ['a name', TAYGA, 'example.net', null],
    ['a guest id', TAYGA, '100', null],
    ['a guest with an explicit mapping', SIIT, '2001:db8:100::5', { guests6: ['2001:db8:100::5'] }],
    ['its IPv4 address', SIIT, '192.0.2.5', { guests6: ['2001:db8:100::5'] }],
    ['the IPv4 address of a mapping for one', SIIT, '192.0.3.7', { guests6: ['2001:db8:5::7'] }],
    ['an address beside the mappings', SIIT, '192.0.3.8', { peers4: [address4('192.0.3.8')] }],
  ])('%s', (_name, facts, text, expected) => {
    expect(addressWanted(text, modelFor(facts))).toEqual(expected)
  })
})

const SNAT: IptablesRule = {
  family: 4,
  legacy: false,
  table: 'nat',
  chain: 'POSTROUTING',
  text: '-A POSTROUTING -s 192.168.255.0/24 -o vmbr0 -j SNAT --to-source 192.0.2.7:1024-65535',
  packets: 0,
  target: 'SNAT',
}
const nftSnat = (addr: unknown) => ({ rule: { family: 'ip', expr: [{ snat: { addr } }] } })

describe('the filter', () => {
  const SNAP = 200
  /** What the kernel would keep of a packet. */
  function kept(facts: Facts, wanted: Partial<Wanted>, bytes: Uint8Array): number {
    const program = compileFilter(filterFor({ ...EVERYTHING, ...wanted }, modelFor(facts), SNAP))
    const protocol = bytes[0]! >>> 4 === 4 ? 0x0800 : 0x86dd
    return runProgram(readProgram(program!), { protocol, data: bytes })
  }
  const query = p.udp(1000, 53, p.filler(20))
  const answer = p.udp(53, 1000, p.filler(20))
  const error = p.icmp(3, 3, [0, 0, 0, 0], four(query))
  const other4 = p.ip4(query, { src: '192.0.2.1', dst: '192.0.2.2' })
  const other6 = p.ip6(query, { src: GUESTS[0], dst: '2001:db8:f::1' })

  const target = { peers4: [address4(PEER)] }
  const guest = { guests6: [GUESTS[0]] }
  it.each<[string, Partial<Wanted>, Uint8Array, boolean]>([
    ['all: a request', {}, six(query), true],
    ['all: a reply', {}, back6(answer), true],
    ['all: translated', {}, four(query), true],
    ['all: masqueraded', {}, four(query, UPLINK), true],
    ['all: a reply to the masquerade', {}, back4(answer, UPLINK), true],
    ['all: a later fragment', {}, six(query, GUESTS[0], { ext: [p.fragment(7, 8)], from: 8 }), true],
    ['all: an error of a router', {}, p.ip4(error, { src: ROUTER, dst: UPLINK }), true],
    ['all: native IPv6', {}, other6, false],
    ['all: IPv4 of others', {}, other4, false],
    ['a target: a request', target, six(query), true],
    ['a target: translated', target, four(query), true],
    ['a target: another one', target, p.ip4(query, { src: POOL[0], dst: ROUTER }), false],
    ['a target: another one in IPv6', target, p.ip6(query, { src: GUESTS[0], dst: `${PREFIX}${ROUTER}` }), false],
    ['a target: an error of a router', target, p.ip4(error, { src: ROUTER, dst: UPLINK }), true],
    ['a guest: a request', guest, six(query), true],
    ['a guest: a reply', guest, back6(answer), true],
    ['a guest: another one', guest, six(query, GUESTS[1]), false],
    ['a guest: translated, whoever it is', guest, four(query, POOL[1]), true],
    ['a guest by id has any address', { guests: ['100'] }, six(query, GUESTS[1]), true],
    ['a guest by device has any address', { nics: ['tap100i0'], ...guest }, six(query, GUESTS[1]), true],
  ])('%s', (_name, wanted, bytes, isKept) => {
    expect(kept(TAYGA, wanted, bytes)).toBe(isKept ? SNAP : 0)
  })

  it('lets through what explicit mappings translate', () => {
    const model = modelFor(SIIT)
    expect(model.realm.eam).toEqual(
      [...EAMT]
        .reverse()
        .map(({ prefix6, prefix4 }) => eam(prefix6, prefix4))
        .map(e => ({ six: e.prefix6, four: e.prefix4.address, length4: e.prefix4.length })),
    )
    expect(kept(SIIT, {}, p.ip4(query, { src: '192.0.2.5', dst: PEER }))).toBe(SNAP)
    expect(kept(SIIT, {}, p.ip6(query, { src: GUESTS[0], dst: `${PREFIX}${PEER}` }))).toBe(SNAP)
  })

  it.each<[string, (facts: Facts) => Facts]>([
    ['an address of iptables', facts => changed(facts, 'iptables', f => ({ ...f, rules: [...f.rules, SNAT] }))],
    [
      'a range of nftables',
      facts => changed(facts, 'nft', f => [...f, nftSnat({ range: ['192.0.2.5', '192.0.2.9'] })]),
    ],
    [
      'a prefix of nftables',
      facts => changed(facts, 'nft', f => [...f, nftSnat({ prefix: { addr: '192.0.2.0', len: 28 } })]),
    ],
    ['an address of nftables', facts => changed(facts, 'nft', f => [...f, nftSnat('192.0.2.7')])],
  ])('lets through what SNAT gives an address that the host does not hold: %s', (_name, having) => {
    const outside = p.ip4(query, { src: '192.0.2.7', dst: PEER })
    expect(kept(TAYGA, guest, outside)).toBe(0)
    expect(kept(having(TAYGA), guest, outside)).toBe(SNAP)
    expect(kept(having(TAYGA), guest, p.ip4(answer, { src: PEER, dst: '192.0.2.7' }))).toBe(SNAP)
    expect(kept(having(TAYGA), guest, p.ip4(query, { src: '192.0.2.99', dst: PEER }))).toBe(0)
  })
})
