/** A packet under way through a host: what the legs of a prediction share. */
import type { JoolInstanceFact, RouteFact } from '../facts/facts.js'
import type { HostView } from './host-view.js'
import { type ChainVerdict, type CtState, type RulePacket, runChain } from './iptables-rule.js'
import { type NftHook, type NftVerdict, nftChains, nftRules, runNft, runNftChains } from './nft-rule.js'
import type { DeviceStation, DropRule, Engine, Flow, LegDrop, OutcomeReason, Station } from './path.js'
import { leadsOn, routeText } from './policy-route.js'

/** What a prediction needs beside facts and flow. */
export interface PathOptions {
  readonly engine: Engine
  /** The prefix that the engine translates: `64:ff9b::/96`. */
  readonly pool6: string
  /** The guest's address, any that is routed to it; null: taken from the gateway's prefix. */
  readonly guest6: string | null
  /** What the engine translates guests to, for the route of the reply; null: an address of the host. */
  readonly mapped4: string | null
  /** Prefixes that Jool instances hooked into this namespace take before anything is routed. */
  readonly hooked6?: readonly string[]
  /** The host's IPv4 addresses that the engine keeps guests from; absent: none. */
  readonly host4?: HostAddresses
  /** Legs do not end where a packet is dropped: what is seen may disagree, and is laid over the whole way. */
  readonly pastDrops?: boolean
}

/** IPv4 prefixes, as text. */
export interface HostAddresses {
  readonly own: readonly string[]
  readonly allowed: readonly string[]
}

export type Way = 'request' | 'reply'

export interface Walk {
  readonly host: HostView
  readonly flow: Flow
  readonly options: PathOptions
  readonly jool: JoolInstanceFact | null
  readonly target6: string
  readonly guest6: string
  /** Of the leg under way: the whole way, also behind a drop. */
  readonly stations: Station[]
  readonly drops: LegDrop[]
  readonly firewall: {
    expected: boolean
    requestSeen: boolean
    replySeen: boolean
    conntrack: 'established' | 'invalid' | 'unseen'
  }
  /** The request's entry outlived its packet: POST_ROUTING of a bridge or of the host confirmed it. */
  confirmed: boolean
}

/** The device where a leg goes on; null: it is at its end. */
export type Step = string | null

/**
 * The packet is dropped here. The walk goes on as if it were not, where there is a way: what is asked for is cut off behind
 * the first drop, or kept. `rule`: what drops it, when it is a rule.
 */
export function dropped(
  w: Walk,
  reason: OutcomeReason,
  where: LegDrop['where'],
  device: string,
  rule: DropRule | null = null,
  route: RouteFact | null = null,
): null {
  const blamed = route === null ? {} : { route: routeText(route) }
  w.drops.push({ reason, at: w.stations.length - 1, where, device, rule, ...blamed })
  return null
}

/**
 * Routes the packet on `at`; leaves the station, or why there is none. null: it goes nowhere.
 * `source`: the packet's, for policy rules.
 */
export function routed(w: Walk, destination: string, family: 4 | 6, at: string, source: string): RouteFact | null {
  const route = w.host.route(destination, family, { source, inDevice: at })
  if (!route?.device || !leadsOn(route.type)) {
    return dropped(w, family === 6 ? 'no_route6' : 'no_route4', 'route', at, null, route)
  }
  w.stations.push({ kind: 'route', family, via: route.device, detail: route.destination })
  return route
}

/** Devices that a rule can look at; ports of a bridge, when it is a bridged frame. */
export interface Devices {
  readonly in: string
  readonly out?: string
  readonly physIn?: string
  readonly physOut?: string
}

/** The IPv6 packet of one way, as rules see it. */
export function packet6(w: Walk, way: Way, devices: Devices, ctState: CtState): RulePacket {
  const isRequest = way === 'request'
  return {
    family: 6,
    source: isRequest ? w.guest6 : w.target6,
    destination: isRequest ? w.target6 : w.guest6,
    protocol: w.flow.protocol,
    sport: isRequest ? 40_000 : w.flow.port,
    dport: isRequest ? w.flow.port : 40_000,
    inDevice: devices.in,
    outDevice: devices.out ?? '',
    physIn: devices.physIn ?? '',
    physOut: devices.physOut ?? '',
    ctState,
    mac: '',
  }
}

/** The packet translated to IPv4: from `local` to the target, or back. */
export function packet4(w: Walk, way: Way, local: string, devices: Devices, ctState: CtState): RulePacket {
  const isRequest = way === 'request'
  return {
    ...packet6(w, way, devices, ctState),
    family: 4,
    source: isRequest ? local : w.flow.target4,
    destination: isRequest ? w.flow.target4 : local,
  }
}

/** The host's own FORWARD: iptables, and nftables' chains of the packet's family. */
export function hostForward(w: Walk, packet: RulePacket): void {
  const { inDevice, family } = packet
  hook(w, 'forward', inDevice, family)
  const byIptables = runChain(w.host.iptables, 'filter', 'FORWARD', packet)
  const byNft = runNft(w.host.nft, [family === 6 ? 'ip6' : 'ip', 'inet'], 'forward', packet)
  const rule =
    byIptables.verdict === 'drop' ? iptablesDrop(byIptables, family) : byNft.verdict === 'drop' ? nftDrop(byNft) : null
  if (rule) dropped(w, 'forward_drop', 'forward', inDevice, rule)
}

/** What dropped a packet in FORWARD of the filter table. */
export function iptablesDrop({ rule }: ChainVerdict, family: 4 | 6): DropRule {
  const tool = `ip${family === 6 ? '6' : ''}tables${rule?.legacy ? '-legacy' : ''}` as const
  if (rule === null) return { tool, table: 'filter', chain: 'FORWARD', text: '-P FORWARD DROP' }
  return { tool, table: rule.table, chain: rule.chain, text: rule.text }
}

/** As {@link iptablesDrop}, in a chain of nftables. */
export function nftDrop({ chain, rule }: NftVerdict): DropRule {
  return {
    tool: 'nft',
    table: `${chain?.family} ${chain?.table}`,
    chain: rule?.chain ?? chain?.name ?? '',
    text: rule === null ? 'policy drop' : `handle ${rule.handle ?? '?'}`,
  }
}

/**
 * A hook of nftables' bridge family, which sees frames without br_netfilter and tracks connections of its own. `part`:
 * chains before br_netfilter's own hook (priority 0), or after it.
 */
export function bridgeHook(
  w: Walk,
  hook: NftHook,
  way: Way,
  devices: Devices,
  part: 'all' | 'early' | 'late' = 'all',
): void {
  const chains = nftChains(w.host.nft, ['bridge'], hook).filter(c => {
    const isLate = (c.prio ?? 0) > BRNF_PRIORITY
    return part === 'all' || isLate === (part === 'late')
  })
  if (!chains.some(c => c.policy === 'drop' || nftRules(w.host.nft, c).length > 0)) return
  noteFirewall(w, way, 'established')
  const state: CtState = way === 'request' ? 'new' : 'established'
  const verdict = runNftChains(w.host.nft, chains, packet6(w, way, devices, state))
  if (verdict.verdict === 'drop') dropped(w, 'firewall_drop', hook, devices.in || (devices.out ?? ''), nftDrop(verdict))
}

/** NF_BR_PRI_BRNF */
const BRNF_PRIORITY = 0

/** Chains that share br_netfilter's priority: which of them runs first depends on which was registered last. */
export function undecidedOrder(w: Walk): string[] {
  return nftChains(w.host.nft, ['bridge'], 'prerouting')
    .filter(c => (c.prio ?? 0) === BRNF_PRIORITY && nftRules(w.host.nft, c).length > 0)
    .map(c => `chain ${c.name} of nftables may run before or after br_netfilter`)
}

/** The guest's firewall has looked at the packet. */
export function noteFirewall(w: Walk, way: Way, conntrack: 'established' | 'invalid'): void {
  if (w.drops.length > 0) return
  if (way === 'request') w.firewall.requestSeen = true
  else {
    w.firewall.replySeen = true
    w.firewall.conntrack = conntrack
  }
}

export function device(
  w: Walk,
  name: string,
  direction: 'in' | 'out',
  family: 4 | 6,
  extra: Pick<DeviceStation, 'netns' | 'visibility'> = {},
): void {
  w.stations.push({ kind: 'device', device: name, direction, family, ...extra })
}

export function hook(
  w: Walk,
  name: 'prerouting' | 'forward' | 'postrouting',
  at: string,
  family: 4 | 6,
  bridged = false,
): void {
  w.stations.push({ kind: 'hook', hook: name, device: at, bridged, family })
}

/** Jool in a namespace of its own, behind the veth pair that `at` is this end of: it takes and sends by the other end. */
export function throughNamespace(w: Walk, at: string, direction: 'toV4' | 'toV6'): void {
  const netns = (w.options.engine.kind === 'jool' && w.options.engine.netns) || ''
  const index = w.host.link(at)?.peerIndex
  const inner = w.jool?.links?.find(l => l.index === index)?.name
  const [before, after] = direction === 'toV4' ? ([6, 4] as const) : ([4, 6] as const)
  w.stations.push({ kind: 'namespace', name: netns })
  if (inner !== undefined) device(w, inner, 'in', before, { netns })
  w.stations.push({ kind: 'translator', engine: 'jool', direction })
  if (inner !== undefined) device(w, inner, 'out', after, { netns })
}
