/**
 * Predicts the way of a guest's request and of its reply. What is modelled, with the kernel's files:
 * br_netfilter runs PRE_ROUTING for every IP frame that enters a bridge (net/bridge/br_netfilter_hooks.c,
 * br_nf_pre_routing) with the bridge as input device, and not a second time when the frame is then for the host
 * (ip_sabotage_in); FORWARD and POST_ROUTING follow for bridged frames only. Jool's netfilter hook takes what is in its
 * pool6 or pool4 at PRE_ROUTING, wherever that runs, and drops what comes from pool6. A veth pair between two bridges
 * starts the frame anew.
 */
import { parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import { parsePrefix6 } from '../addr/prefix.js'
import { embed } from '../addr/rfc6052.js'
import type { Facts, JoolInstanceFact } from '../facts/facts.js'
import { type HostView, viewHost } from './host-view.js'
import { type CtState, type RulePacket, runChain } from './iptables-rule.js'
import type { Engine, Flow, Leg, OutcomeReason, PredictedPath, Station } from './path.js'

/** What a prediction needs beside facts and flow. */
export interface PathOptions {
  readonly engine: Engine
  /** The prefix that the engine translates: `64:ff9b::/96`. */
  readonly pool6: string
  /** The guest's address, any that is routed to it; null: taken from the gateway's prefix. */
  readonly guest6: string | null
  /** What the engine translates guests to, for the route of the reply; null: an address of the host. */
  readonly mapped4: string | null
}

interface Walk {
  readonly host: HostView
  readonly flow: Flow
  readonly options: PathOptions
  readonly jool: JoolInstanceFact | null
  readonly target6: string
  readonly guest6: string
  readonly stations: Station[]
  readonly firewall: {
    expected: boolean
    requestSeen: boolean
    replySeen: boolean
    conntrack: 'established' | 'invalid' | 'unseen'
  }
  /** The request's entry outlived its packet: POST_ROUTING of a bridge or of the host confirmed it. */
  confirmed: boolean
}

/** Where a leg goes on, or why it ended. */
type Step = { readonly next: string } | { readonly end: OutcomeReason }

/** Predicts request and reply of `flow`. Pure; facts that are missing count as absent things. */
export function predict(facts: Facts, flow: Flow, options: PathOptions): PredictedPath {
  const host = viewHost(facts)
  const pool6 = parsePrefix6(options.pool6)
  const target = parseIpv4(flow.target4)
  const walk: Walk = {
    host,
    flow,
    options,
    jool: joolOf(facts, options.engine),
    target6: pool6 && target !== undefined ? formatIpv6(embed(pool6, target)) : '::',
    guest6: options.guest6 ?? '::',
    stations: [],
    firewall: { expected: false, requestSeen: false, replySeen: false, conntrack: 'unseen' },
    confirmed: false,
  }
  const requestReason = requestLeg(walk)
  const request: Leg = { stations: [...walk.stations], reason: requestReason }
  walk.stations.length = 0
  const replyReason = requestReason === 'ok' ? replyLeg(walk) : requestReason
  const reply: Leg = { stations: [...walk.stations], reason: replyReason }
  const reason = requestReason === 'ok' ? replyReason : requestReason
  return { flow, engine: options.engine, request, reply, delivered: reason === 'ok', reason, firewall: walk.firewall }
}

function joolOf(facts: Facts, engine: Engine): JoolInstanceFact | null {
  if (engine.kind !== 'jool' || !facts.jool.ok) return null
  return facts.jool.value.instances.find(i => i.name === engine.instance && i.netns === engine.netns) ?? null
}

// ------------------------------------------------------------------- request

function requestLeg(w: Walk): OutcomeReason {
  const nic = w.host.link(w.flow.nic)
  if (!nic) return 'unknown_device'
  let port = nic.name
  w.stations.push({ kind: 'device', device: port, direction: 'in', family: 6 })
  for (let hops = 0; hops < 8; hops++) {
    const bridge = w.host.link(port)?.master ?? null
    const step = bridge === null ? enterHost6(w, port, port, false) : enterBridge6(w, bridge, port)
    if ('end' in step) return step.end
    port = step.next
  }
  return 'unknown_device'
}

/** A frame enters a bridge through a port: br_netfilter first, then on to the host or to the next port. */
function enterBridge6(w: Walk, bridge: string, port: string): Step {
  const called = w.host.callsIptables(bridge, 6)
  const gateway = w.host.gateway(bridge, 6)
  if (gateway === null) w.firewall.expected = true
  if (called) {
    const taken = prerouting6(w, bridge, port, true, 'request')
    if (taken) return taken
  }
  if (gateway !== null) return enterHost6(w, gateway, bridge, called)
  return crossBridge(w, bridge, port, called, 'request')
}

/** The frame goes on from one port of a bridge to another: FORWARD and POST_ROUTING over the bridged frame. */
function crossBridge(w: Walk, bridge: string, port: string, called: boolean, way: 'request' | 'reply'): Step {
  const out = w.host
    .ports(bridge)
    .find(l => l.name !== port && (way === 'reply' ? l.name === w.flow.nic : l.peer !== null))
  if (!out) return { end: 'unknown_device' }
  if (called) {
    w.stations.push({ kind: 'hook', hook: 'forward', device: bridge, bridged: true, family: 6 })
    const refused = guestFirewall(w, bridge, port, out.name, way)
    if (refused) return { end: refused }
    w.stations.push({ kind: 'hook', hook: 'postrouting', device: bridge, bridged: true, family: 6 })
    if (way === 'request') w.confirmed = true
  } else if (w.host.bridgeFirewall) {
    // A firewall in nftables' bridge family sees the frame without br_netfilter, with a connection tracking of its own.
    seen(w, way, 'established')
  }
  w.stations.push({ kind: 'device', device: out.name, direction: 'out', family: 6 })
  if (way === 'reply') return { next: out.name }
  w.stations.push({ kind: 'device', device: out.peer as string, direction: 'in', family: 6 })
  return { next: out.peer as string }
}

function seen(w: Walk, way: 'request' | 'reply', conntrack: 'established' | 'invalid'): void {
  if (way === 'request') w.firewall.requestSeen = true
  else {
    w.firewall.replySeen = true
    w.firewall.conntrack = conntrack
  }
}

function guestFirewall(
  w: Walk,
  bridge: string,
  physIn: string,
  physOut: string,
  way: 'request' | 'reply',
): OutcomeReason | null {
  const ctState: CtState = way === 'request' ? 'new' : w.confirmed ? 'established' : 'invalid'
  seen(w, way, ctState === 'invalid' ? 'invalid' : 'established')
  const verdict = runChain(
    w.host.iptables,
    'filter',
    'FORWARD',
    packet6(w, way, bridge, bridge, physIn, physOut, ctState),
  )
  if (verdict.verdict !== 'drop') return null
  return ctState === 'invalid' ? 'ct_invalid' : 'firewall_drop'
}

function packet6(
  w: Walk,
  way: 'request' | 'reply',
  inDevice: string,
  outDevice: string,
  physIn: string,
  physOut: string,
  ctState: CtState,
): RulePacket {
  const isRequest = way === 'request'
  return {
    family: 6,
    source: isRequest ? w.guest6 : w.target6,
    destination: isRequest ? w.target6 : w.guest6,
    protocol: w.flow.protocol,
    sport: isRequest ? 40_000 : w.flow.port,
    dport: isRequest ? w.flow.port : 40_000,
    inDevice,
    outDevice,
    physIn,
    physOut,
    ctState,
    mac: '',
  }
}

/** PRE_ROUTING of an IPv6 packet: Jool takes it, drops it, or leaves it. */
function prerouting6(w: Walk, device: string, physIn: string, bridged: boolean, way: 'request' | 'reply'): Step | null {
  w.stations.push({ kind: 'hook', hook: 'prerouting', device, bridged, family: 6 })
  const { engine } = w.options
  if (engine.kind !== 'jool' || engine.netns !== null) return null
  if (engine.framework === 'iptables') {
    const p = packet6(w, way, device, '', bridged ? physIn : '', '', way === 'request' ? 'new' : 'established')
    if (runChain(w.host.iptables, 'mangle', 'PREROUTING', p).verdict !== 'jool') return null
  }
  if (way === 'reply') return { end: 'hairpin_loop' }
  return translateByJool(w)
}

function translateByJool(w: Walk): Step {
  w.stations.push({ kind: 'translator', engine: 'jool', direction: 'toV4' })
  return leave4(w)
}

/** The packet is for the host (or to be routed by it), received on `device`. */
function enterHost6(w: Walk, device: string, bridge: string, preroutingDone: boolean): Step {
  if (!preroutingDone) {
    const taken = prerouting6(w, device, '', false, 'request')
    if (taken) return taken
  }
  void bridge
  const { engine } = w.options
  const route = w.host.route(w.target6, 6)
  if (!route?.device) return { end: 'no_route6' }
  w.stations.push({ kind: 'route', family: 6, via: route.device, detail: route.destination })
  if (!w.host.forwarding(device, 6)) return { end: 'not_forwarding6' }
  const out = w.host.link(route.device)
  if (!out?.up) return { end: 'device_down' }
  w.stations.push({ kind: 'hook', hook: 'forward', device, bridged: false, family: 6 })
  const ctState: CtState = 'new'
  const p = packet6(w, 'request', device, route.device, '', '', ctState)
  if (runChain(w.host.iptables, 'filter', 'FORWARD', p).verdict === 'drop') return { end: 'forward_drop' }
  w.stations.push({ kind: 'hook', hook: 'postrouting', device: route.device, bridged: false, family: 6 })
  w.stations.push({ kind: 'device', device: route.device, direction: 'out', family: 6 })
  w.confirmed = true
  if (engine.kind === 'jool' && engine.netns !== null) {
    w.stations.push({ kind: 'namespace', name: engine.netns })
    w.stations.push({ kind: 'translator', engine: 'jool', direction: 'toV4' })
    return throughHost4(w, route.device)
  }
  if (engine.kind === 'none' || engine.kind === 'jool') return { end: engine.kind === 'jool' ? 'no_rule' : 'no_engine' }
  if (route.device !== engine.device) return { end: 'no_engine' }
  if (!out.carrier) return { end: 'device_down' }
  w.stations.push({ kind: 'translator', engine: engine.kind, direction: 'toV4' })
  return throughHost4(w, engine.device)
}

/** Jool sends what it translated straight to the route's device: only POST_ROUTING is passed. */
function leave4(w: Walk): Step {
  const route = w.host.route(w.flow.target4, 4)
  if (!route?.device) return { end: 'no_route4' }
  w.stations.push({ kind: 'route', family: 4, via: route.device, detail: route.destination })
  w.stations.push({ kind: 'hook', hook: 'postrouting', device: route.device, bridged: false, family: 4 })
  w.stations.push({ kind: 'device', device: route.device, direction: 'out', family: 4 })
  return { end: 'ok' }
}

/** What a TUN device or a namespace hands back is received and routed like any packet. */
function throughHost4(w: Walk, device: string): Step {
  w.stations.push({ kind: 'device', device, direction: 'in', family: 4 })
  w.stations.push({ kind: 'hook', hook: 'prerouting', device, bridged: false, family: 4 })
  const route = w.host.route(w.flow.target4, 4)
  if (!route?.device) return { end: 'no_route4' }
  w.stations.push({ kind: 'route', family: 4, via: route.device, detail: route.destination })
  if (!w.host.forwarding(device, 4)) return { end: 'not_forwarding4' }
  w.stations.push({ kind: 'hook', hook: 'forward', device, bridged: false, family: 4 })
  const source = w.options.mapped4 ?? '0.0.0.0'
  const p: RulePacket = {
    ...packet6(w, 'request', device, route.device, '', '', 'new'),
    family: 4,
    source,
    destination: w.flow.target4,
  }
  if (runChain(w.host.iptables, 'filter', 'FORWARD', p).verdict === 'drop') return { end: 'forward_drop' }
  w.stations.push({ kind: 'hook', hook: 'postrouting', device: route.device, bridged: false, family: 4 })
  const masqueraded = w.options.mapped4 !== null && w.host.masquerades(w.options.mapped4, route.device)
  if (masqueraded) w.stations.push({ kind: 'masquerade', device: route.device })
  else if (isPrivate(source)) return { end: 'no_masquerade' }
  w.stations.push({ kind: 'device', device: route.device, direction: 'out', family: 4 })
  return { end: 'ok' }
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|192\.0\.0\.)/.test(
    address,
  )
}

// --------------------------------------------------------------------- reply

function replyLeg(w: Walk): OutcomeReason {
  const step = receive4(w)
  if ('end' in step) return step.end
  return toGuest(w, step.next)
}

/** The reply comes in on the uplink and gets to the translator; `next` is the device its translation leaves by. */
function receive4(w: Walk): Step {
  const { engine } = w.options
  const up = w.host.route(w.flow.target4, 4)?.device as string
  const link = w.host.link(up)
  const bridge = link?.bridge ? up : link?.vlan && w.host.link(link.vlan.parent)?.bridge ? link.vlan.parent : null
  if (bridge !== null) {
    const port = w.host
      .ports(bridge)
      .find(l => l.peer === null && l.name !== w.flow.nic && !/^(tap|veth|fwpr)/.test(l.name))
    w.stations.push({ kind: 'device', device: port?.name ?? bridge, direction: 'in', family: 4 })
  } else w.stations.push({ kind: 'device', device: up, direction: 'in', family: 4 })
  // With br_netfilter on, rules see the bridge; without it, the interface that has the address.
  const bridged = bridge !== null && w.host.callsIptables(bridge, 4)
  const device = bridged ? (bridge as string) : up
  w.stations.push({ kind: 'hook', hook: 'prerouting', device, bridged, family: 4 })
  if (engine.kind === 'jool' && engine.netns === null) {
    if (engine.framework === 'iptables' && !joolTakes4(w, device)) return { end: 'no_rule' }
    w.stations.push({ kind: 'translator', engine: 'jool', direction: 'toV6' })
    return routeToGuest(w)
  }
  const mapped = w.options.mapped4
  const route = mapped === null ? null : w.host.route(mapped, 4)
  if (route?.type === 'local') return { end: 'local_pool4' }
  if (!route?.device) return { end: 'no_route4' }
  w.stations.push({ kind: 'route', family: 4, via: route.device, detail: route.destination })
  if (!w.host.forwarding(up, 4)) return { end: 'not_forwarding4' }
  w.stations.push({ kind: 'hook', hook: 'forward', device: up, bridged: false, family: 4 })
  w.stations.push({ kind: 'device', device: route.device, direction: 'out', family: 4 })
  if (engine.kind === 'jool') w.stations.push({ kind: 'namespace', name: engine.netns as string })
  w.stations.push({ kind: 'translator', engine: engine.kind, direction: 'toV6' })
  w.stations.push({ kind: 'device', device: route.device, direction: 'in', family: 6 })
  w.stations.push({ kind: 'hook', hook: 'prerouting', device: route.device, bridged: false, family: 6 })
  const back = routeToGuest(w)
  if ('end' in back) return back
  w.stations.push({ kind: 'hook', hook: 'forward', device: route.device, bridged: false, family: 6 })
  const p = packet6(w, 'reply', route.device, back.next, '', '', 'established')
  return runChain(w.host.iptables, 'filter', 'FORWARD', p).verdict === 'drop' ? { end: 'forward_drop' } : back
}

function joolTakes4(w: Walk, device: string): boolean {
  const destination = w.options.mapped4 ?? ownAddress(w) ?? '0.0.0.0'
  const p: RulePacket = {
    ...packet6(w, 'reply', device, '', '', '', 'established'),
    family: 4,
    source: w.flow.target4,
    destination,
    // The low end of pool4 when it is empty (61001 to 65535); rules name the range.
    dport: w.jool?.pool4[0]?.minPort ?? 61_001,
  }
  return runChain(w.host.iptables, 'mangle', 'PREROUTING', p).verdict === 'jool'
}

function ownAddress(w: Walk): string | null {
  const first = w.jool?.pool4[0]?.address.split('/')[0]
  if (first) return first
  const rule = w.host.iptables.rules.find(r => r.family === 4 && r.target?.startsWith('JOOL'))
  return /-d ([\d.]+)/.exec(rule?.text ?? '')?.[1] ?? null
}

function routeToGuest(w: Walk): Step {
  const route = w.host.route(w.guest6, 6)
  if (!route?.device) return { end: 'no_route6' }
  w.stations.push({ kind: 'route', family: 6, via: route.device, detail: route.destination })
  return { next: route.device }
}

/** From the gateway's device to the guest's: out of one bridge, and into the firewall bridge if there is one. */
function toGuest(w: Walk, device: string): OutcomeReason {
  w.stations.push({ kind: 'hook', hook: 'postrouting', device, bridged: false, family: 6 })
  w.stations.push({ kind: 'device', device, direction: 'out', family: 6 })
  const nic = w.host.link(w.flow.nic)
  const bridge = nic?.master ?? null
  const gatewayBridge = w.host.link(device)?.vlan?.parent ?? device
  if (bridge === null || bridge === gatewayBridge) {
    if (bridge !== null) w.stations.push({ kind: 'device', device: w.flow.nic, direction: 'out', family: 6 })
    return 'ok'
  }
  const inner = w.host.ports(bridge).find(l => l.peer !== null && w.host.link(l.peer)?.master !== null)
  if (!inner?.peer) return 'unknown_device'
  w.stations.push({ kind: 'device', device: inner.peer, direction: 'out', family: 6 })
  w.stations.push({ kind: 'device', device: inner.name, direction: 'in', family: 6 })
  const called = w.host.callsIptables(bridge, 6)
  if (called) {
    const taken = prerouting6(w, bridge, inner.name, true, 'reply')
    if (taken) return 'end' in taken ? taken.end : 'ok'
  }
  const out = crossBridge(w, bridge, inner.name, called, 'reply')
  return 'end' in out ? out.end : 'ok'
}
