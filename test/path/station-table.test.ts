/** The devices that a packet is predicted to pass, for every engine and wiring that was measured, in order. */
import { describe, expect, it } from 'vitest'
import type { Facts, LinkFact } from '../../src/facts/facts.js'
import type { Engine } from '../../src/path/path.js'
import { predict } from '../../src/path/predict.js'
import { patch, recorded, recordedText, varied } from './recording.js'
import { predictedPlaces } from './sightings.js'

const JOOL: Engine = { kind: 'jool', framework: 'netfilter', netns: null, instance: 'default' }
const NETNS: Engine = { ...JOOL, netns: 'nat64' }
const ENGINES: Readonly<Record<string, readonly [Engine, string, string | null]>> = {
  jool: [JOOL, 'jool-hairpin-fw', null],
  tayga: [{ kind: 'tayga', device: 'nat64' }, 'remedy-tayga', '192.168.255.7'],
  'jool-iptables': [{ ...JOOL, framework: 'iptables' }, 'remedy-jool-iptables-iface', null],
  'jool-netns': [NETNS, 'remedy-jool-netns', '192.0.2.2'],
}

/** The host as the table was measured: without the guest's rules, with rules for the translator that name no uplink. */
function base(name: string, engine: Engine): Facts {
  const facts = recorded(name, engine === NETNS ? 'nat64' : null)
  return {
    ...facts,
    jool: patch(facts.jool, j => ({
      ...j,
      instances: j.instances.map(i => ({ ...i, links: [{ index: 2, name: 'host0' }] })),
    })),
    iptables: patch(facts.iptables, i => ({
      rules: i.rules.filter(r => r.table !== 'filter').map(r => ({ ...r, text: r.text.replace(/ -[io] eno1/, '') })),
      policies: [],
    })),
  }
}

const PLAIN: LinkFact = {
  index: 90,
  name: '',
  kind: '',
  up: true,
  carrier: true,
  mac: '',
  mtu: 1500,
  master: null,
  peer: null,
  peerElsewhere: false,
  vlan: null,
  bridge: null,
  tun: null,
  txqlen: 0,
}

/** Moves addresses and routes from one device to another. */
const moved = (facts: Facts, from: string, to: string): Facts => ({
  ...facts,
  addresses: patch(facts.addresses, all => all.map(a => (a.device === from ? { ...a, device: to } : a))),
  routes: patch(facts.routes, all => all.map(r => (r.device === from ? { ...r, device: to } : r))),
})
const relinked = (facts: Facts, change: (l: LinkFact) => LinkFact | null, ...more: Partial<LinkFact>[]): Facts => ({
  ...facts,
  links: patch(facts.links, all => [...all.flatMap(l => change(l) ?? []), ...more.map(l => ({ ...PLAIN, ...l }))]),
})

/** Another uplink than eno1, or eno1 as a port of vmbr0. */
function withUplink(facts: Facts, kind: string): Facts {
  const port = (master: string | null) => (l: LinkFact) => (l.name === 'eno1' ? { ...l, master } : l)
  const vlan = { name: 'eno1.5', kind: 'vlan', vlan: { id: 5, parent: 'eno1' } }
  if (kind === 'vlanport') return relinked(facts, port(null), { ...vlan, master: 'vmbr0' })
  if (kind === 'vlan') return relinked(moved(facts, 'eno1', 'eno1.5'), port(null), vlan)
  if (!kind.startsWith('bond')) return facts
  const second = kind === 'bond2' ? [{ name: 'eno2', kind: 'veth', peer: 'nowhere', master: 'bond0' }] : []
  return relinked(facts, port('bond0'), { name: 'bond0', kind: 'bond', master: 'vmbr0' }, ...second)
}

/** vmbr0 as a bridge of Open vSwitch, as `ip` and `ovs-vsctl` show it. */
function onOpenVswitch(facts: Facts, gateway: string): Facts {
  const changed = relinked(
    facts,
    l => {
      if (l.name === 'fwpr100p0') return null
      if (l.name === 'vmbr0') return { ...l, kind: 'openvswitch', bridge: null }
      if (l.name === 'fwln100i0') {
        return { ...l, name: 'fwln100o0', kind: 'openvswitch', peer: null, ovsBridge: 'vmbr0' }
      }
      return l.master === 'vmbr0' ? { ...l, ovsBridge: 'vmbr0' } : l
    },
    ...(gateway === 'mgmt' ? [{ name: 'mgmt', kind: 'openvswitch', master: 'vmbr0', ovsBridge: 'vmbr0' }] : []),
  )
  return gateway === 'mgmt' ? moved(changed, 'vmbr0', 'mgmt') : changed
}

function wired(facts: Facts, [port, uplink, gateway, nf6, nf4]: readonly string[]): Facts {
  const isOther = /^(bond|vlanport)/.test(uplink as string)
  const plain = varied(
    {
      firewallBridge: !port?.endsWith('nofw'),
      uplink: isOther || uplink === 'bridged' ? 'bridged' : 'routed',
      ...(/^\d+$/.test(gateway as string) ? { vlan: Number(gateway) } : {}),
      global6: nf6 === '1',
      global4: nf4 === '1',
    },
    facts,
  )
  const out = withUplink(plain, uplink as string)
  return port?.startsWith('ovs-') ? onOpenVswitch(out, gateway as string) : out
}

describe('every engine and wiring', () => {
  const rows = recordedText('sightings.txt')
    .split('\n')
    .filter(l => l !== '' && !l.startsWith('#'))
    .map(l => {
      const columns = l.split('|').map(words => words.trim().split(/\s+/)) as [string[], string[], string[]]
      const [[engine, ...wiring], request, reply] = columns
      return { engine: engine as string, wiring, name: columns[0].join(' '), seen: { request, reply } }
    })
  it('are many', () => expect(rows.length).toBeGreaterThan(100))
  it.each(rows)('$name', ({ engine: name, wiring, seen }) => {
    const [engine, recording, mapped4] = ENGINES[name] as (typeof ENGINES)[string]
    const facts = wired(base(recording, engine), wiring)
    const flow = { nic: 'tap100i0', target4: '140.82.121.4', protocol: 'icmp' as const, port: 0 }
    const path = predict(facts, flow, { engine, pool6: '64:ff9b::/96', guest6: '2001:db8:100::100', mapped4 })
    const places = (way: 'request' | 'reply') => {
      const stations = path[way].stations
      // Of several ways out the packet takes one.
      const either = stations.flatMap(s => (s.kind === 'device' && s.visibility === 'sometimes' ? [s.device] : []))
      return predictedPlaces(path[way]).filter(p => !either.some(d => p.startsWith(`${d}/`)) || seen[way].includes(p))
    }
    expect({ request: places('request'), reply: places('reply') }).toEqual(seen)
  })
})
