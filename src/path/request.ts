/** The way of a request: from the guest's device to the translator, and out as IPv4. */
import { parseIpv4 } from '../addr/ipv4.js'
import { contains4, parsePrefix4 } from '../addr/prefix.js'
import { crossBridge, prerouting6 } from './bridge.js'
import {
  bridgeHook,
  device,
  dropped,
  hook,
  hostForward,
  packet4,
  packet6,
  routed,
  type Step,
  throughNamespace,
  type Walk,
} from './walk.js'
import { send } from './wires.js'

/** Walks the request; leaves its stations in the walk. */
export function requestLeg(w: Walk): void {
  const nic = w.host.link(w.flow.nic)
  if (!nic) {
    dropped(w, 'unknown_device', 'device', w.flow.nic)
    return
  }
  let port = nic.name
  device(w, port, 'in', 6)
  for (let hops = 0; hops < 8; hops++) {
    const ovs = w.host.openVswitch(port)
    const master = w.host.link(port)?.master ?? null
    const bridge = master !== null && w.host.link(master)?.bridge ? master : null
    // fwln100o0 is a port of both: what the firewall bridge sends out through it enters Open vSwitch.
    const next =
      ovs !== null && (bridge === null || port !== nic.name)
        ? enterOpenVswitch(w, ovs)
        : bridge === null
          ? enterHost(w, port, false)
          : enterBridge(w, bridge, port)
    if (next === null) return
    port = next
  }
  dropped(w, 'unknown_device', 'device', port)
}

/** No hook runs on Open vSwitch: the host gets the frame from the bridge's own device. */
function enterOpenVswitch(w: Walk, bridge: string): Step {
  const gateway = w.host.gateway(bridge, 6, w.host.tag(w.flow.nic))
  if (gateway === null) return dropped(w, 'unknown_device', 'device', bridge)
  if (w.host.link(gateway)?.vlan) device(w, bridge, 'in', 6)
  device(w, gateway, 'in', 6)
  return enterHost(w, gateway, false)
}

/** A frame enters a bridge through a port: br_netfilter first, then on to the host or to the next port. */
function enterBridge(w: Walk, bridge: string, port: string): Step {
  const called = w.host.callsIptables(bridge, 6)
  const gateway = w.host.gateway(bridge, 6, w.host.tag(w.flow.nic))
  const entered = { in: bridge, physIn: port }
  bridgeHook(w, 'prerouting', 'request', entered, 'early')
  if (called && isTaken(w, bridge, port, true)) return translate(w)
  bridgeHook(w, 'prerouting', 'request', entered, 'late')
  if (gateway === null) {
    const out = crossBridge(w, bridge, port, called, 'request')
    const peer = out === null ? null : (w.host.link(out)?.peer ?? null)
    if (peer === null) return out
    device(w, peer, 'in', 6)
    return peer
  }
  bridgeHook(w, 'input', 'request', entered)
  device(w, bridge, 'in', 6)
  if (gateway !== bridge) device(w, gateway, 'in', 6)
  return enterHost(w, gateway, called)
}

/** Jool takes the request in PRE_ROUTING. */
function isTaken(w: Walk, at: string, physIn: string, bridged: boolean): boolean {
  const taken = prerouting6(w, at, physIn, bridged, 'request')
  if (taken === 'other') dropped(w, 'other_engine', 'prerouting', at)
  return taken === 'toV4'
}

function translate(w: Walk): Step {
  w.stations.push({ kind: 'translator', engine: 'jool', direction: 'toV4' })
  return leave(w)
}

/** The packet is for the host to route, received on `at`. After br_netfilter there is no second PRE_ROUTING (ip_sabotage_in). */
function enterHost(w: Walk, at: string, preroutingDone: boolean): Step {
  if (!preroutingDone && isTaken(w, at, '', false)) return translate(w)
  const { engine } = w.options
  const route = routed(w, w.target6, 6, at, w.guest6)
  if (!route?.device) return null
  if (!w.host.forwarding(at, 6)) dropped(w, 'not_forwarding6', 'route', at)
  const out = w.host.link(route.device)
  if (!out?.up) dropped(w, 'device_down', 'device', route.device)
  hostForward(w, packet6(w, 'request', { in: at, out: route.device }, 'new'))
  hook(w, 'postrouting', route.device, 6)
  const isTun = engine.kind !== 'jool' && engine.kind !== 'none' && route.device === engine.device
  // The device's queue lets nothing through, and no capture sees it.
  if (isTun && out?.up && !out.carrier) dropped(w, 'device_down', 'device', route.device)
  device(w, route.device, 'out', 6)
  w.confirmed = true
  if (engine.kind === 'jool' && engine.netns !== null) {
    throughNamespace(w, route.device, 'toV4')
    return routeOn(w, route.device)
  }
  if (engine.kind === 'jool') return dropped(w, 'no_rule', 'translator', route.device)
  if (!isTun) return dropped(w, 'no_engine', 'translator', route.device, null, route)
  w.stations.push({ kind: 'translator', engine: engine.kind, direction: 'toV4' })
  if (isKeptFromHost(w)) dropped(w, 'host_address', 'translator', route.device)
  return routeOn(w, route.device)
}

/** The target is an address of this host that the translator lets no guest reach. */
function isKeptFromHost({ flow, options }: Walk): boolean {
  const target = parseIpv4(flow.target4)
  const isIn = (prefixes: readonly string[] = []) =>
    prefixes.some(text => {
      const prefix = parsePrefix4(text)
      return prefix !== undefined && target !== undefined && contains4(prefix, target)
    })
  return isIn(options.host4?.own) && !isIn(options.host4?.allowed)
}

/** Jool sends what it translated straight to the route's device: only POST_ROUTING is passed. */
function leave(w: Walk): Step {
  // Jool routes by itself, from no device.
  const route = routed(w, w.flow.target4, 4, '', w.options.mapped4 ?? '')
  if (!route?.device || route.type === 'local') return null
  hook(w, 'postrouting', route.device, 4)
  send(w, route.device, 4)
  return null
}

/** What a TUN device or a namespace hands back is received and routed like any packet. */
function routeOn(w: Walk, from: string): Step {
  device(w, from, 'in', 4)
  hook(w, 'prerouting', from, 4)
  const source = w.options.mapped4 ?? '0.0.0.0'
  const route = routed(w, w.flow.target4, 4, from, source)
  if (!route?.device) return null
  // For the host itself.
  if (route.type === 'local') return null
  if (!w.host.forwarding(from, 4)) dropped(w, 'not_forwarding4', 'route', from)
  hostForward(w, packet4(w, 'request', source, { in: from, out: route.device }, 'new'))
  hook(w, 'postrouting', route.device, 4)
  const masqueraded = w.options.mapped4 !== null && w.host.masquerades(w.options.mapped4, route.device)
  if (masqueraded) w.stations.push({ kind: 'masquerade', device: route.device })
  else if (isPrivate(source)) dropped(w, 'no_masquerade', 'postrouting', route.device)
  send(w, route.device, 4)
  return null
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|192\.0\.0\.)/.test(
    address,
  )
}
