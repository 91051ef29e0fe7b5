/**
 * A host as if it had another translator: facts in, facts out, so that `predict` can be asked about an engine that is not
 * there. What a set-up of that engine needs on the host comes with it: device, routes, rules, forwarding, masquerading.
 */
import type { Fact, Facts, IptablesFact, IptablesRule, JoolFact, LinkFact, RouteFact } from '../facts/facts.js'
import { lookUp } from './host-view.js'
import { type EngineInfo, findEngines, PROBE_TARGET4 } from './inventory.js'
import type { Engine } from './path.js'

/** How the translator is set up. What is not given is as people usually do it. */
export interface EngineSetup {
  readonly pool6?: string
  /**
   * IPv4 range that guests are translated to: masqueraded, and routed to a TUN device (192.168.255.0/24) or into Jool's
   * namespace (192.0.2.2/32). Jool in this namespace uses the host's own address without it.
   */
  readonly pool4?: string
  /** Jool's iptables framework: what its rule for IPv6 matches beside pool6 (`! -i fwbr+`). Empty: nothing. */
  readonly match?: string
  /** Jool in a namespace: this end of the veth pair that leads there (`jool0`). */
  readonly veth?: string
}

const DEFAULTS = { pool6: '64:ff9b::/96', match: '! -i fwbr+', veth: 'jool0' }
/** Index and name of the inner end of the veth pair. */
const INNER = { index: 2, name: 'host0' }

const or = <T>(fact: Fact<T>, otherwise: T): T => (fact.ok ? fact.value : otherwise)
const given = <T>(fact: Fact<T>, value: T): Fact<T> => ({ ok: true, source: fact.source, value })

/** The host with this translator, and with no other. */
export function withEngine(facts: Facts, engine: Engine, setup: EngineSetup = {}): Facts {
  const bare = withoutEngines(facts)
  const chosen = { ...DEFAULTS, ...setup }
  if (engine.kind === 'none') return bare
  if (engine.kind !== 'jool') return withTun(bare, engine, chosen)
  return engine.netns === null ? withHook(bare, engine, chosen) : withNamespace(bare, engine, chosen)
}

type Chosen = EngineSetup & typeof DEFAULTS
type Jool = Extract<Engine, { kind: 'jool' }>
type Tun = Exclude<Engine, { kind: 'jool' | 'none' }>

/** The host without its translators, their devices and the routes to them. */
export function withoutEngines(facts: Facts): Facts {
  const engines = findEngines(facts)
  const tuns = engines.flatMap(({ engine }) => ('device' in engine ? [engine.device] : []))
  const ways = engines.flatMap(e => wayInto(facts, e))
  const pools = engines.map(e => e.pool6)
  const isOther = ({ device, destination, type }: RouteFact) =>
    !pools.includes(destination) &&
    !(device !== null && (tuns.includes(device) || (ways.includes(device) && type === 'unicast')))
  const only = <T>(fact: Fact<readonly T[]>, keep: (item: T) => boolean): Fact<readonly T[]> =>
    fact.ok ? { ...fact, value: fact.value.filter(keep) } : fact
  return {
    ...facts,
    links: only(facts.links, l => !tuns.includes(l.name)),
    addresses: only(facts.addresses, a => !tuns.includes(a.device)),
    routes: only(facts.routes, isOther),
    tunOwners: only(facts.tunOwners, o => !tuns.includes(o.device)),
    iptables: facts.iptables.ok
      ? given(facts.iptables, { ...facts.iptables.value, rules: facts.iptables.value.rules.filter(r => !isJools(r)) })
      : facts.iptables,
    jool: facts.jool.ok ? given(facts.jool, { ...facts.jool.value, instances: [] }) : facts.jool,
    tayga: given(facts.tayga, []),
    nat64: given(facts.nat64, []),
  }
}

/** This end of a veth pair that leads to nothing but the translator's namespace. */
function wayInto(facts: Facts, { engine, pool6 }: EngineInfo): string[] {
  if (engine.kind !== 'jool' || engine.netns === null || pool6 === null) return []
  const device = lookUp(or(facts.routes, []), pool6.split('/')[0] as string, 6)?.device
  const link = or(facts.links, []).find(l => l.name === device)
  return link?.peerElsewhere && link.master === null ? [link.name] : []
}

const isJools = (rule: IptablesRule): boolean => rule.target?.startsWith('JOOL') === true

function withTun(facts: Facts, engine: Tun, { pool6, pool4 = '192.168.255.0/24' }: Chosen): Facts {
  const { kind, device } = engine
  const tun = { kind: 'tun', persistent: true, multiQueue: false, vnetHeader: kind === 'nat64' } as const
  const owner = { device, pid: 0, program: kind, command: kind }
  const own = or(facts.addresses, []).flatMap(a => (a.family === 4 ? [`${a.address}/32`] : []))
  const ours = { tun: { name: device }, pool6, host4: { own, allowed: [] } }
  const config = { file: '', text: `tun-device ${device}\nprefix ${pool6}\n`, map: null, version: null }
  return {
    ...routed(facts, { ...LINK, name: device, kind: 'tun', tun, txqlen: 500 }, pool6, pool4),
    tunOwners: kind === 'tundra' ? given(facts.tunOwners, [...or(facts.tunOwners, []), owner]) : facts.tunOwners,
    tayga: given(facts.tayga, kind === 'tayga' ? [config] : []),
    nat64: given(facts.nat64, kind === 'nat64' ? [ours] : []),
  }
}

function withHook(facts: Facts, engine: Jool, { pool6, pool4, match }: Chosen): Facts {
  const address = (pool4 ?? ownAddress(facts))?.split('/')[0] ?? null
  const rules = engine.framework === 'iptables' ? joolRules(engine.instance, pool6, address, match) : []
  return {
    ...facts,
    iptables: addRules(facts.iptables, rules),
    jool: instance(facts.jool, engine, pool6, pool4 ?? null),
  }
}

function withNamespace(facts: Facts, engine: Jool, { pool6, pool4 = '192.0.2.2/32', veth }: Chosen): Facts {
  const link = { ...LINK, name: veth, kind: 'veth', peerElsewhere: true, peerIndex: INNER.index }
  return { ...routed(facts, link, pool6, pool4), jool: instance(facts.jool, engine, pool6, pool4) }
}

const LINK: LinkFact = {
  index: 0,
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
  txqlen: 1000,
}

/** A device that both halves are routed to; forwarding is on, and what comes from the pool is masqueraded. */
function routed(facts: Facts, link: LinkFact, pool6: string, pool4: string): Facts {
  const route = (family: 4 | 6, destination: string): RouteFact => ({
    family,
    destination,
    device: link.name,
    gateway: null,
    type: 'unicast',
    table: 'main',
    protocol: 'static',
    metric: family === 6 ? 1024 : 0,
    linkDown: false,
  })
  const others = or(facts.links, []).filter(l => l.name !== link.name)
  const sysctls = Object.entries(or(facts.sysctls, {})).map(([name, value]): [string, string] => [
    name,
    /^net\.ipv4\.conf\..*\.forwarding$/.test(name) ? '1' : value,
  ])
  const on = { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.all.forwarding': '1', 'net.ipv6.conf.all.forwarding': '1' }
  return {
    ...facts,
    links: given(facts.links, [...others, link]),
    routes: given(facts.routes, [...or(facts.routes, []), route(6, pool6), route(4, pool4)]),
    sysctls: given(facts.sysctls, { ...Object.fromEntries(sysctls), ...on }),
    iptables: addRules(facts.iptables, [rule(4, 'nat', `-A POSTROUTING -s ${pool4} -j MASQUERADE`)]),
  }
}

function instance(fact: Fact<JoolFact>, engine: Jool, pool6: string, pool4: string | null): Fact<JoolFact> {
  const known = or(fact, { client: null, module: null, instances: [], unasked: [] })
  const protocols = pool4 === null ? [] : ['TCP', 'UDP', 'ICMP']
  const made = {
    netns: engine.netns,
    name: engine.instance,
    siit: false,
    framework: engine.framework,
    global: { 'manually-enabled': 'TRUE', pool6 },
    stats: {},
    pool4: protocols.map(protocol => ({ mark: 0, protocol, address: pool4 ?? '', minPort: 61_001, maxPort: 65_535 })),
    staticBib: [],
    bibEntries: 0,
    sessions: 0,
    eamt: [],
    ...(engine.netns === null ? {} : { links: [INNER] }),
  }
  return given(fact, { ...known, instances: [made] })
}

/** Rules as Jool's documentation gives them, with `match` for the one that decides on a bridge. */
function joolRules(name: string, pool6: string, address: string | null, match: string): IptablesRule[] {
  const jool = `-j JOOL --instance ${name}`
  const words = ['-A PREROUTING', `-d ${pool6}`, match, jool].filter(w => w !== '').join(' ')
  const back = ['-p tcp -m tcp --dport 61001:65535', '-p udp -m udp --dport 61001:65535', '-p icmp']
  return [
    rule(6, 'mangle', words),
    ...(address === null ? [] : back.map(p => rule(4, 'mangle', `-A PREROUTING -d ${address}/32 ${p} ${jool}`))),
  ]
}

function rule(family: 4 | 6, table: string, text: string): IptablesRule {
  const [, chain = '', target = ''] = /^-A (\S+).* -j (\S+)/.exec(text) ?? []
  return { family, legacy: false, table, chain, text, packets: 0, target }
}

function addRules(fact: Fact<IptablesFact>, rules: readonly IptablesRule[]): Fact<IptablesFact> {
  if (rules.length === 0) return fact
  const known = or(fact, { rules: [], policies: [] })
  return given(fact, { ...known, rules: [...known.rules, ...rules] })
}

/** The host's address towards the IPv4 internet: what Jool translates to without a pool. */
function ownAddress(facts: Facts): string | null {
  const device = lookUp(or(facts.routes, []), PROBE_TARGET4, 4)?.device
  const found = or(facts.addresses, []).find(a => a.family === 4 && a.device === device && a.scope === 'global')
  return found?.address ?? null
}
