/** What a trace asks about the host: translators, guests' devices, expected ways. Made anew when the host changes. */
import { formatIpv4, type Ipv4, parseIpv4 } from '../../addr/ipv4.js'
import { type Ipv6, parseIpv6 } from '../../addr/ipv6.js'
import { contains4, contains6, type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from '../../addr/prefix.js'
import type { Facts } from '../../facts/facts.js'
import { lookUp, viewHost } from '../../path/host-view.js'
import { type EngineInfo, findEngines, findNics, type GuestNic, PROBE_TARGET4 } from '../../path/inventory.js'
import type { DropRule, Protocol } from '../../path/path.js'
import { type ShownDrop, showDrop } from '../../path/shown-drop.js'
import { type EamPair, type Realm, toV4 } from './identity.js'
import { NO_TRANSLATOR } from './killers.js'
import type { TraceEvidence } from './traced.js'
import { type Way, wayOf } from './way.js'

export interface HostModel {
  readonly facts: Facts
  readonly engines: readonly EngineInfo[]
  readonly nics: readonly GuestNic[]
  readonly realm: Realm
  nic(device: string): GuestNic | undefined
  /** The guest's device by its address, as far as the host's tables tell. */
  nicOfAddress(address6: string): GuestNic | undefined
  way(engine: EngineInfo, nic: GuestNic, flow: WayOf): Way
  /** Translators that an IPv6 address behind pool6 may belong to, the one that takes packets first in front. */
  enginesFor(address6: Ipv6): readonly EngineInfo[]
  /** A packet that was sent out here has reached the end of its way on this host. */
  isEnd(device: string, isRequest: boolean): boolean
  /** The device belongs to a translator. */
  isTranslator(device: string): boolean
  /** The device passes frames on between ports of a bridge: seeing a packet there as well is no other way. */
  isPort(device: string): boolean
  /** IPv4 ranges of the translators themselves: what is sent there turns back to a guest. */
  readonly own4: readonly Prefix4[]
  /** `this host (192.0.2.10)`, `the translator (192.168.255.1)`; anybody else's address, as IPv4 where it stands for one. */
  nameOf(address: string): string
  /** The next host on the way to an address did not answer when it was looked for: its line; null: nothing of the kind. */
  deadNeighbour(device: string, address: string): TraceEvidence | null
  /** How a rule that drops is called and shown; null: it is not among the host's rules. */
  showRule(rule: DropRule): ShownDrop | null
}

export interface WayOf {
  readonly protocol: Protocol
  readonly port: number
  readonly target4: string
  readonly guest6: string | null
}

const MOST_WAYS = 4096

/** Where nothing translates, packets to the well-known prefix are still worth following. */
const NONE: EngineInfo = {
  engine: { kind: 'none' },
  label: NO_TRANSLATOR,
  pool6: '64:ff9b::/96',
  mapped4: null,
  active: true,
}

export function modelFor(facts: Facts): HostModel {
  const active = findEngines(facts).filter(e => e.active && e.pool6 !== null)
  const engines = active.length > 0 ? active : [NONE]
  const nics = findNics(facts)
  const byDevice = new Map(nics.map(n => [n.device, n]))
  const byAddress = new Map(nics.flatMap(n => (n.address6 === null ? [] : [[n.address6, n] as const])))
  const links = facts.links.ok ? facts.links.value : []
  const neighbours = facts.neighbours.ok ? facts.neighbours.value : []
  const ports = new Set(links.filter(l => l.master !== null).map(l => l.name))
  const ways = new Map<string, Way>()
  const ends = { request: new Set<string>(), reply: new Set(nics.map(n => n.device)) }

  function way(engine: EngineInfo, nic: GuestNic, flow: WayOf): Way {
    const key = `${engine.label} ${nic.device} ${flow.protocol} ${flow.port} ${flow.target4} ${flow.guest6}`
    let known = ways.get(key)
    if (!known) {
      known = wayOf(facts, engines, engine, nic, flow)
      if (ways.size >= MOST_WAYS) ways.delete(ways.keys().next().value as string)
      ways.set(key, known)
      const end = known.request.places.at(-1)
      if (end?.family === 4) ends.request.add(end.device)
    }
    return known
  }

  for (const engine of engines) {
    const [nic] = nics
    if (nic) way(engine, nic, { protocol: 'tcp', port: 443, target4: PROBE_TARGET4, guest6: null })
  }
  const ranked = [...engines]
    .sort((a, b) => rank(a) - rank(b))
    .map(engine => ({ engine, pool6: parsePrefix6(engine.pool6 as string) }))
  const translators = new Set(engines.flatMap(e => ('device' in e.engine ? [e.engine.device] : [])))
  const realm = { pool6: poolsOf(engines), eam: eamOf(facts) }
  const own4 = own4Of(facts, translators)
  const own = new Set(facts.addresses.ok ? facts.addresses.value.map(a => a.address) : [])
  return {
    facts,
    engines,
    nics,
    realm,
    nic: device => byDevice.get(device),
    nicOfAddress: address => byAddress.get(address),
    way,
    enginesFor: address => ranked.flatMap(({ engine, pool6 }) => (pool6 && contains6(pool6, address) ? [engine] : [])),
    isEnd: (device, isRequest) => (isRequest ? ends.request : ends.reply).has(device),
    isTranslator: device => translators.has(device),
    isPort: device => ports.has(device),
    own4,
    nameOf(address) {
      const six = parseIpv6(address)
      const embedded = six === undefined ? -1 : toV4(realm, six)
      const text = embedded < 0 ? address : formatIpv4(embedded as Ipv4)
      const four = parseIpv4(text)
      if (own.has(text)) return `this host (${text})`
      return four !== undefined && own4.some(p => contains4(p, four)) ? `the translator (${text})` : text
    },
    deadNeighbour(device, address) {
      const family = address.includes(':') ? 6 : 4
      // In whatever table: the packet was to leave by this device.
      const here = (facts.routes.ok ? facts.routes.value : []).filter(r => r.device === device)
      const next =
        lookUp(
          here.map(r => ({ ...r, table: 'main' })),
          address,
          family,
        )?.gateway ?? address
      const dead = neighbours.find(n => n.device === device && n.address === next && /FAILED|INCOMPLETE/.test(n.state))
      if (!dead) return null
      const { state } = dead
      return { source: `ip -${family} neigh show dev ${device}`, text: `${next} ${state}`, mark: state }
    },
    showRule(rule) {
      const { iptables, nft } = viewHost(facts)
      return showDrop(iptables, nft, rule)
    },
  }
}

/** Jool's hook comes before anything is routed to a device. */
const rank = (e: EngineInfo) => (e.engine.kind === 'jool' && e.engine.netns === null ? 0 : 1)

function poolsOf(engines: readonly EngineInfo[]): Prefix6[] {
  const texts = new Set(engines.map(e => e.pool6 as string))
  return [...texts].map(t => parsePrefix6(t)).filter(p => p !== undefined)
}

/** Routed to a translator's device, or in a pool of Jool's. */
function own4Of(facts: Facts, devices: ReadonlySet<string>): Prefix4[] {
  const routed = (facts.routes.ok ? facts.routes.value : [])
    .filter(r => r.family === 4 && r.device !== null && devices.has(r.device) && r.type === 'unicast')
    .map(r => r.destination)
  const pools = (facts.jool.ok ? facts.jool.value.instances : []).flatMap(i => [
    ...i.pool4.map(p => p.address),
    ...i.eamt.map(e => e.prefix4),
  ])
  return [...new Set([...routed, ...pools])].map(t => parsePrefix4(t)).filter(p => p !== undefined)
}

/** Explicit mappings of Jool's SIIT instances, longest prefixes first. */
function eamOf(facts: Facts): EamPair[] {
  const instances = facts.jool.ok ? facts.jool.value.instances : []
  return instances
    .flatMap(i => i.eamt)
    .flatMap(({ prefix6, prefix4 }) => {
      const six = parsePrefix6(prefix6)
      const [base, length] = prefix4.split('/')
      const four = parseIpv4(base as string)
      if (!six || four === undefined || !parsePrefix4(prefix4)) return []
      return [{ six, four, length4: length === undefined ? 32 : Number(length) }]
    })
    .sort((a, b) => b.six.length - a.six.length)
}
