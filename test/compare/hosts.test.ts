/** Hosts that no recording has: nothing translates, several guests, other reasons, MTU and offloads. */
import { describe, expect, it } from 'vitest'
import { mtuWarning, tcpFits } from '../../src/compare/mtu.js'
import type { Facts, IptablesFact, LinkFact } from '../../src/facts/facts.js'
import type { Engine } from '../../src/path/path.js'
import { withEngine } from '../../src/path/with-engine.js'
import { changed, having, withLink, withoutRoute } from '../doctor/hosts.js'
import { recorded, varied } from '../path/recording.js'
import { compared, engineOf, guestOf } from './hosts.js'

const hairpin = recorded('jool-hairpin-fw')
const tayga = recorded('remedy-tayga')
const bare = withEngine(hairpin, { kind: 'none' })
const ours = (facts: Facts) => withEngine(facts, { kind: 'nat64', device: 'nat64' })
const policy = (facts: Facts, family: 4 | 6): Facts =>
  changed(facts, 'iptables', (all: IptablesFact) => ({
    rules: all.rules.filter(r => !r.text.includes('PVEFW')),
    policies: [{ family, table: 'filter', chain: 'FORWARD', policy: 'DROP' }],
  }))
/** The same guest so many times: tap100i0, tap101i0 … */
const manifold = (facts: Facts, ids: readonly string[]): Facts => {
  const rules = changed(facts, 'iptables', all => ({
    ...all,
    rules: all.rules.flatMap(r =>
      r.text.includes('tap100')
        ? ids.map(id => ({
            ...r,
            chain: r.chain.replace('100', id),
            text: r.text.replaceAll('tap100', `tap${id}`),
            target: r.target?.replace('100', id) ?? null,
          }))
        : [r],
    ),
  }))
  return changed(rules, 'links', all => {
    const own = (l: LinkFact) => /^(tap|fwbr|fwln|fwpr)100/.test(l.name)
    const rename = (text: string | null, id: string) => text?.replace('100', id) ?? null
    const copy = (l: LinkFact, id: string): LinkFact => ({
      ...l,
      name: rename(l.name, id) as string,
      master: rename(l.master, id),
      peer: rename(l.peer, id),
    })
    return [...all.filter(l => !own(l)), ...ids.flatMap(id => all.filter(own).map(l => copy(l, id)))]
  })
}

describe('verdicts', () => {
  it.each([
    ['nothing translates', bare, 'start', 'nat64', ['nat64 run']],
    ['ours is there', ours(hairpin), 'stay', 'nat64', []],
    ['the host has no way to IPv4', withoutRoute(hairpin, '0.0.0.0/0'), 'elsewhere', null, ['nat64 doctor']],
    [
      'no firewall bridge, gateway on a VLAN',
      varied({ firewallBridge: false, vlan: 10 }),
      'stay',
      'jool-netfilter',
      [],
    ],
    ['firewall bridge, gateway on a VLAN', varied({ vlan: 10 }), 'switch', 'nat64', ['nat64 doctor --fix N64-201']],
  ] as const)('%s: %s', (_, facts, kind, engine, commands) => {
    const { verdict } = guestOf(facts)
    expect(verdict).toMatchObject({ kind, engine })
    expect(verdict.move.commands).toEqual(commands)
  })

  it('a rule of the guest that forbids the packet is no reason to change the translator', () => {
    const { verdict, first } = guestOf(tayga, { port: 81 })
    expect(verdict).toMatchObject({ kind: 'blocked', engine: 'tayga' })
    expect(verdict.why).toBe('ip6tables: -A tap100i0-OUT -p tcp -m tcp --dport 81 -j DROP')
    expect(first).toBeNull()
    expect(compared(tayga, { port: 81 }).ok).toBe(false)
  })

  it("where the host's FORWARD chain drops, Jool that goes past it is not given up", () => {
    const guest = guestOf(policy(recorded('jool-ok-nofw'), 4))
    expect(guest.verdict).toMatchObject({ kind: 'stay', engine: 'jool-netfilter' })
    expect(engineOf(guest, 'nat64')).toMatchObject({ suits: false, reason: 'forward_drop' })
  })

  it('a translator that is switched off is told as such, and proposed with what switches it on', () => {
    const off = changed(recorded('jool-ok-nofw'), 'jool', j => ({
      ...j,
      instances: j.instances.map(i => ({ ...i, global: { ...i.global, 'manually-enabled': 'false' } })),
    }))
    const guest = guestOf(off)
    expect(guest.present).toBeNull()
    expect(guest.verdict).toMatchObject({ kind: 'start', engine: 'jool-netfilter' })
    expect(engineOf(guest, 'jool-netfilter')).toMatchObject({
      state: 'off',
      delivered: true,
      move: { commands: ['jool -i default global update manually-enabled true'] },
    })
  })

  it('switched off behind a firewall bridge Jool is not proposed: it would not deliver', () => {
    const off = changed(hairpin, 'jool', j => ({
      ...j,
      instances: j.instances.map(i => ({ ...i, global: { ...i.global, 'manually-enabled': 'false' } })),
    }))
    expect(guestOf(off).verdict).toMatchObject({ kind: 'start', engine: 'nat64' })
  })

  it('an instance without any rule gets those for both directions', () => {
    const { verdict } = guestOf(
      changed(recorded('remedy-jool-iptables-iface'), 'iptables', all => ({
        ...all,
        rules: all.rules.filter(r => r.target !== 'JOOL'),
      })),
    )
    expect(verdict).toMatchObject({ kind: 'switch', engine: 'jool-iptables-fwbr' })
    expect(verdict.move.commands.map(c => c.split(' ')[0])).toEqual(['ip6tables', 'iptables', 'iptables', 'iptables'])
  })

  it('of two translators for one prefix the one that takes the packets is there', () => {
    const guest = guestOf({ ...tayga, jool: hairpin.jool })
    expect(guest.present).toBe('jool-netfilter')
    expect(engineOf(guest, 'tayga').reason).toBe('other_engine')
  })
})

describe('engines', () => {
  it('of a kind are told apart by name', () => {
    const two = changed(hairpin, 'jool', j => ({
      ...j,
      instances: j.instances.flatMap(i => [
        i,
        { ...i, name: 'home', global: { ...i.global, pool6: '2001:db8:64::/96' } },
      ]),
    }))
    const ids = guestOf(two).engines.map(e => e.id)
    expect(ids.slice(0, 2)).toEqual(['jool-netfilter:default', 'jool-netfilter:home'])
    const guest = guestOf(two, { pool6: '2001:db8:64::/96' })
    expect(guest.present).toBe('jool-netfilter:home')
    expect(engineOf(guest, 'nat64').pool6).toBe('2001:db8:64::/96')
  })
  it.each([
    [[], 'jool-netfilter', 'nat64'],
    [['nat64'], 'nat64', 'jool-netfilter'],
    [['jool-iptables', 'tayga'], 'jool-iptables', 'tayga'],
  ])('asked for %j: %s beside %s', (engines, left, right) => {
    expect(guestOf(hairpin, { engines })).toMatchObject({ left, right })
  })
  it('beside each other go the same way through a TUN device, whoever has it', () => {
    expect(guestOf(hairpin, { engines: ['tayga', 'nat64'] }).first).toBeNull()
  })
})

describe('guests', () => {
  it('of one kind are told once', () => {
    const [guest, ...more] = compared(manifold(hairpin, ['100', '101', '102'])).guests
    expect(more).toEqual([])
    expect([guest?.device, guest?.alike]).toEqual(['tap100i0', ['tap101i0', 'tap102i0']])
  })
  it('with and without a firewall bridge are two kinds', () => {
    const facts = changed(manifold(hairpin, ['100', '101']), 'links', all =>
      all.map(l => (l.name === 'tap101i0' ? { ...l, master: 'vmbr0' } : l)),
    )
    expect(compared(facts).guests.map(g => [g.device, g.verdict.kind])).toEqual([
      ['tap100i0', 'switch'],
      ['tap101i0', 'stay'],
    ])
  })
  it('by the hundred take no more than moments', () => {
    const ids = Array.from({ length: 100 }, (_, i) => String(1000 + i))
    const started = performance.now()
    expect(compared(manifold(hairpin, ids)).guests).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(15_000)
  })
})

describe('MTU', () => {
  const mtu = (facts: Facts, id = 'nat64') => engineOf(guestOf(facts), id).mtu
  const wide = ['tap100i0', 'fwbr100i0', 'fwln100i0', 'fwpr100p0', 'vmbr0'].reduce(
    (facts, name) => withLink(facts, name, { mtu: 9000 }),
    hairpin,
  )
  it.each([
    ['everywhere 1500', mtu(hairpin), { tun: 1500, toV4: 1500, toV6: 1480 }, true],
    ['the same for Jool', mtu(hairpin, 'jool-netfilter'), { tun: null, toV4: 1500, toV6: 1480 }, true],
    ['an uplink of 1400', mtu(withLink(hairpin, 'eno1', { mtu: 1400 })), { toV4: 1420, toV6: 1400 }, false],
    ['guests of 9000, the TUN device of 1500', mtu(wide), { tun: 1500, toV4: 1500, toV6: 1480 }, false],
    ['guests of 9000, Jool', mtu(wide, 'jool-netfilter'), { toV4: 1520, toV6: 1500 }, false],
    ['a narrow TUN device', mtu(withLink(tayga, 'nat64', { mtu: 1280 }), 'tayga'), { toV4: 1280, toV6: 1260 }, false],
  ])('%s', (_, view, expected, fits) => {
    expect(view).toMatchObject(expected)
    expect(tcpFits(view)).toBe(fits)
    expect(mtuWarning(view) === null).toBe(fits)
  })
})

describe('offloads', () => {
  const merging = (feature: string) => having(hairpin, 'offloads', [{ device: 'eno1', features: { [feature]: true } }])
  const problems = (facts: Facts, id: string) => engineOf(guestOf(facts), id).offloads.problems.map(p => p.command)
  it.each([
    ['large-receive-offload', 'jool-netfilter', ['ethtool -K eno1 lro off']],
    ['large-receive-offload', 'nat64', ['ethtool -K eno1 lro off']],
    ['rx-gro-list', 'jool-netfilter', ['ethtool -K eno1 rx-gro-list off']],
    ['rx-gro-list', 'nat64', []],
    ['generic-receive-offload', 'jool-netfilter', []],
  ])('%s with %s', (feature, id, commands) => {
    expect(problems(merging(feature), id)).toEqual(commands)
  })
  it.each([
    ['nat64', true],
    ['tayga', false],
    ['jool-netfilter', true],
  ])('%s takes packets of many segments whole: %s', (id, whole) => {
    expect(engineOf(guestOf(hairpin), id).offloads.superPackets).toBe(whole)
  })
  it('of a TUN device that has none', () => {
    const engine: Engine = { kind: 'nat64', device: 'nat64' }
    const facts = withLink(withEngine(hairpin, engine), 'nat64', {
      tun: { kind: 'tun', persistent: false, multiQueue: false, vnetHeader: false },
    })
    expect(engineOf(guestOf(facts), 'nat64').offloads.superPackets).toBe(false)
  })
})
