/** Wirings that no recording has: Open vSwitch, containers, tagged guests, a firewall in nftables' bridge family. */
import { describe, expect, it } from 'vitest'
import type { Facts, GuestNicFact, LinkFact, NftFact, ProxmoxFact } from '../../src/facts/facts.js'
import { findNics, modelHost } from '../../src/path/inventory.js'
import type { Engine, PredictedPath } from '../../src/path/path.js'
import { predict } from '../../src/path/predict.js'
import { patch, recorded, varied } from './recording.js'

const JOOL: Engine = { kind: 'jool', framework: 'netfilter', netns: null, instance: 'default' }
const TUN: Engine = { kind: 'tayga', device: 'nat64' }

const links = (facts: Facts, change: (l: LinkFact) => LinkFact | null): Facts => ({
  ...facts,
  links: patch(facts.links, all => all.flatMap(l => change(l) ?? [])),
})
const go = (facts: Facts, engine: Engine, port = 80, nic = 'tap100i0'): PredictedPath => {
  const isTun = engine.kind === 'tayga'
  const flow = { nic, target4: isTun ? '140.82.121.4' : '203.0.113.10', protocol: 'tcp' as const, port }
  const mapped4 = isTun ? '192.168.255.7' : null
  return predict(facts, flow, { engine, pool6: '64:ff9b::/96', guest6: '2001:db8:100::100', mapped4 })
}
const proxmox = (nic: Partial<GuestNicFact>, firewall = true): Facts['proxmox'] => ({
  ok: true,
  source: '/etc/pve',
  value: {
    version: '8.2',
    guests: [
      {
        id: '100',
        name: 'a',
        type: 'qemu',
        nics: [{ name: 'net0', bridge: 'vmbr0', mac: null, firewall: true, tag: null, mtu: null, ...nic }],
      },
    ],
    clusterFirewall: { enable: firewall, text: '' },
    hostFirewall: null,
    guestFirewalls: { '100': { enable: true, text: '' } },
  } satisfies ProxmoxFact,
})

/** vmbr0 is an Open vSwitch bridge: the firewall bridge hangs on it by an internal port. */
function openVswitch(base: Facts, known: 'ovs-vsctl' | 'proxmox' | 'only one'): Facts {
  const facts = links(base, l => {
    if (l.name === 'fwpr100p0') return null
    if (l.name === 'fwln100i0') {
      const port = { ...l, name: 'fwln100o0', kind: 'openvswitch', peer: null }
      return known === 'ovs-vsctl' ? { ...port, ovsBridge: 'vmbr0' } : port
    }
    return l.name === 'vmbr0' ? { ...l, kind: 'openvswitch', bridge: null } : l
  })
  return known === 'proxmox' ? { ...facts, proxmox: proxmox({}) } : facts
}

describe('Open vSwitch', () => {
  it.each(['ovs-vsctl', 'proxmox', 'only one'] as const)('known by %s: the loop is the same', known => {
    const facts = openVswitch(recorded('jool-hairpin-fw'), known)
    expect(go(facts, JOOL)).toMatchObject({ reason: 'hairpin_loop', firewall: { expected: true, requestSeen: false } })
    expect(findNics(facts)).toMatchObject([{ device: 'tap100i0', bridge: 'vmbr0', firewallBridge: 'fwbr100i0' }])
  })
  it('a TUN device works behind it, with the firewall in force', () => {
    const facts = openVswitch(recorded('remedy-tayga'), 'ovs-vsctl')
    expect([80, 81].map(port => go(facts, TUN, port).reason)).toEqual(['ok', 'firewall_drop'])
  })
  it.each(['ovs-system', 'vmbr0'])('a guest without firewall, port of %s: no loop', master => {
    const plain = links(varied({ firewallBridge: false }), l => {
      if (l.name === 'vmbr0') return { ...l, kind: 'openvswitch', bridge: null }
      return l.name === 'tap100i0' ? { ...l, master } : l
    })
    const system = {
      ...(plain.links.ok ? (plain.links.value[0] as LinkFact) : never()),
      name: 'ovs-system',
      master: null,
    }
    const facts = {
      ...plain,
      links: patch(plain.links, all => [...all, { ...system, kind: 'openvswitch', bridge: null }]),
    }
    expect(go(facts, JOOL).reason).toBe('ok')
    expect(findNics(facts)).toMatchObject([{ device: 'tap100i0', bridge: 'vmbr0', firewallBridge: null }])
  })
})
const never = (): never => {
  throw new Error('no links')
}

describe('containers', () => {
  it.each(['veth101i0', 'veth1a2b3c', 'vnet0'])('%s is a guest', name => {
    const facts = links(recorded('jool-hairpin-fw'), l =>
      l.name === 'tap100i0' ? { ...l, name, kind: 'veth', peerElsewhere: true, tun: null } : l,
    )
    expect(findNics(facts).map(n => n.device)).toEqual([name])
    expect(go(facts, JOOL, 80, name).reason).toBe('hairpin_loop')
  })
  it('an uplink that is a veth pair is none', () => {
    expect(findNics(varied({ uplink: 'bridged' })).map(n => n.device)).toEqual(['tap100i0'])
  })
})

describe('tagged guests', () => {
  const facts = (tag: number): Facts => ({ ...varied({ vlan: 10 }), proxmox: proxmox({ tag }) })
  it('in the VLAN of the gateway: the loop', () => expect(go(facts(10), JOOL).reason).toBe('hairpin_loop'))
  it('in a VLAN where the host has no address: not to the host', () => {
    const other = links(facts(20), l => (l.name === 'vlan10' ? { ...l, vlan: { id: 20, parent: 'vmbr0' } } : l))
    const without = {
      ...other,
      addresses: patch(other.addresses, all => all.filter(a => a.device !== 'vlan10')),
      routes: patch(other.routes, all => all.filter(r => r.device !== 'vlan10')),
    }
    const off = {
      ...without,
      sysctls: patch(without.sysctls, s => ({ ...s, 'net.bridge.bridge-nf-call-ip6tables': '0' })),
    }
    expect(go(off, TUN).reason).toBe('unknown_device')
  })
})

describe("a firewall in nftables' bridge family", () => {
  const chain = (name: string, hook: string, policy: string) => ({
    chain: { family: 'bridge', table: 'guests', name, hook, prio: 0, policy, type: 'filter' },
  })
  const rule = (chainName: string, ...expr: object[]) => ({
    rule: { family: 'bridge', table: 'guests', chain: chainName, expr },
  })
  const eq = (left: object, right: unknown) => ({ match: { op: '==', left, right } })
  const nft = [
    chain('in-force', 'forward', 'drop'),
    rule('in-force', eq({ ct: { key: 'state' } }, { set: ['established', 'related'] }), { accept: null }),
    rule('in-force', {
      vmap: { key: { meta: { key: 'iifname' } }, data: { set: [['tap100i0', { goto: { target: 'out' } }]] } },
    }),
    rule('out', eq({ payload: { protocol: 'tcp', field: 'dport' } }, 81), { drop: null }),
    rule('out', { accept: null }),
  ] as unknown as NftFact
  const facts = (base: Facts): Facts => ({
    ...base,
    nft: patch(base.nft, () => nft),
    iptables: patch(base.iptables, () => ({ rules: [], policies: [] })),
  })
  it.each([
    [80, 'ok'],
    [81, 'firewall_drop'],
  ] as const)('bridge-nf-call off, TCP %s: %s, as measured', (port, reason) => {
    const p = go(facts(recorded('remedy-brnf-off')), JOOL, port)
    expect(p.reason).toBe(reason)
    expect(p.firewall.requestSeen).toBe(true)
  })
  it('on a bridge without firewall bridges, at its prerouting hook', () => {
    const early = nft.map(o => (o.chain ? { chain: { ...o.chain, hook: 'prerouting' } } : o)) as NftFact
    const base = varied({ firewallBridge: false, global6: false, global4: false })
    const p = (port: number) => go({ ...facts(base), nft: patch(base.nft, () => early) }, JOOL, port)
    expect([p(80).reason, p(81).reason]).toEqual(['ok', 'firewall_drop'])
  })
})

describe('a gateway with nothing but a link-local address', () => {
  it('is one, when a route to guests leads there', () => {
    const base = recorded('jool-hairpin-fw')
    const facts = {
      ...base,
      addresses: patch(base.addresses, all => all.filter(a => a.scope !== 'global' || a.family === 4)),
    }
    const [prediction] = modelHost(facts).predictions
    expect(prediction?.path.reason).toBe('hairpin_loop')
  })
})

describe('two translators for one prefix', () => {
  it('Jool takes the packets before they are routed', () => {
    const tayga = recorded('remedy-tayga')
    const both = { ...tayga, jool: recorded('jool-hairpin-fw').jool }
    const outcomes = modelHost(both).predictions.map(p => [p.engine.engine.kind, p.path.reason])
    expect(outcomes).toEqual([
      ['jool', 'hairpin_loop'],
      ['tayga', 'other_engine'],
    ])
  })
})

describe("nftables' chains on the prerouting hook of a bridge, with br_netfilter on", () => {
  const at = (prio: number): Facts => {
    const base = varied({ firewallBridge: false })
    const nft = [
      {
        chain: {
          family: 'bridge',
          table: 'g',
          name: 'vm-out',
          hook: 'prerouting',
          prio,
          policy: 'drop',
          type: 'filter',
        },
      },
      { rule: { family: 'bridge', table: 'g', chain: 'vm-out', expr: [{ drop: null }] } },
    ] as unknown as NftFact
    return { ...base, nft: patch(base.nft, () => nft) }
  }
  it.each([
    [-10, 'firewall_drop', []],
    [0, 'firewall_drop', ['chain vm-out of nftables may run before or after br_netfilter']],
    [10, 'ok', []],
  ] as const)('priority %s: %s', (prio, reason, uncertain) => {
    expect(go(at(prio), JOOL)).toMatchObject({ reason, uncertain })
  })
})

describe('what is expected of a firewall', () => {
  const facts = recorded('remedy-brnf-off')
  it.each([
    ['a firewall bridge, nothing else known', facts, true],
    ['Proxmox says on', { ...facts, proxmox: proxmox({}) }, true],
    ['off for the NIC', { ...facts, proxmox: proxmox({ firewall: false }) }, false],
    ['off for the data centre', { ...facts, proxmox: proxmox({}, false) }, false],
    ['no firewall bridge', varied({ firewallBridge: false }), false],
  ] as const)('%s', (_, f, expected) => {
    expect(go(f, JOOL).firewall.expected).toBe(expected)
  })
})

describe('policy rules', () => {
  it('are named as what the model does not follow', () => {
    const facts = recorded('remedy-tayga')
    expect(go(facts, TUN).uncertain).toEqual([])
    const rules = patch(facts.rules, all => [
      ...all,
      { family: 6 as const, priority: 100, table: '100', selector: 'from all fwmark 0x1' },
    ])
    expect(go({ ...facts, rules }, TUN).uncertain).toEqual(['ip -6 rule: 100: from all fwmark 0x1 lookup 100'])
  })
})

describe('a host with 300 guests', () => {
  it('is modelled in well under a second', () => {
    const base = recorded('jool-hairpin-fw')
    const more = (all: readonly LinkFact[]) =>
      Array.from({ length: 300 }, (_, i) =>
        all
          .filter(l => /100[ip]0$/.test(l.name))
          .map(l => {
            const rename = (n: string | null) => n?.replace('100', String(1000 + i)) ?? null
            const isOuter = l.master === 'vmbr0'
            return {
              ...l,
              name: rename(l.name) as string,
              master: isOuter ? 'vmbr0' : rename(l.master),
              peer: rename(l.peer),
            }
          }),
      ).flat()
    const rules = (name: string) =>
      [
        '-A PVEFW-FWBR-IN -m physdev --physdev-out tapX --physdev-is-bridged -j tapX-IN',
        '-A tapX-IN -p tcp -j ACCEPT',
      ].map(text => ({
        family: 6 as const,
        legacy: false,
        table: 'filter',
        chain: text.split(' ')[1]?.replace('tapX', name) as string,
        text: text.replaceAll('tapX', name),
        packets: 0,
        target: text.split(' ').at(-1) as string,
      }))
    const facts: Facts = {
      ...base,
      links: patch(base.links, all => [...all, ...more(all)]),
      iptables: patch(base.iptables, i => ({
        ...i,
        rules: [...i.rules, ...Array.from({ length: 300 }, (_, n) => rules(`tap${1000 + n}i0`)).flat()],
      })),
    }
    const before = process.cpuUsage()
    const model = modelHost(facts)
    const { user, system } = process.cpuUsage(before)
    expect(model.predictions).toHaveLength(301)
    expect(model.predictions.every(p => p.path.reason === 'hairpin_loop')).toBe(true)
    expect((user + system) / 1000).toBeLessThan(1000)
  })
})
