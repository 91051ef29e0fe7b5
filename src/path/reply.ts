/** The way of a reply: from the uplink to the translator, and as IPv6 to the guest's device. */
import { crossBridge, isWayOut, prerouting6 } from './bridge.js'
import { runChain } from './iptables-rule.js'
import { leadsOn } from './policy-route.js'
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
import { seen, wiresOf } from './wires.js'

/** Walks the reply to a request that got out; leaves its stations in the walk. */
export function replyLeg(w: Walk): void {
  // It comes in where the request leaves.
  const { engine, mapped4 } = w.options
  const from = { source: mapped4 ?? '', inDevice: 'device' in engine ? engine.device : '' }
  const out = w.host.route(w.flow.target4, 4, from)
  const up = out !== null && leadsOn(out.type) ? out.device : null
  if (up === null) dropped(w, 'no_route4', 'route', '')
  // Errors about requests that do not get out go the rest of the way.
  const gateway = up === null || out?.type === 'local' ? own(w) : receive(w, up)
  if (gateway !== null) toGuest(w, gateway)
}

/** The host itself answers, into the translator. */
function own(w: Walk): Step {
  const { engine, mapped4 } = w.options
  if (!('device' in engine)) return routeToGuest(w, '')
  const route = mapped4 === null ? null : routed(w, mapped4, 4, '', '')
  return route?.device ? backFrom(w, route.device) : routeToGuest(w, '')
}

/** The reply comes in on the uplink and gets to the translator. Returns the device that its translation leaves by. */
function receive(w: Walk, up: string): Step {
  const { engine } = w.options
  const wires = wiresOf(w.host, up, w.flow.nic).reverse()
  // With br_netfilter on, rules see the bridge, before its own device does; without it, the interface that has the address.
  const called = wires.findIndex(x => w.host.link(x.device)?.bridge && w.host.callsIptables(x.device, 4))
  const outside = called < 0 ? wires : wires.slice(0, called)
  const at = wires[called]?.device ?? up
  for (const wire of outside) seen(w, wire, 'in', 4)
  hook(w, 'prerouting', at, 4, called >= 0)
  if (engine.kind === 'jool' && engine.netns === null) {
    const port = called < 0 ? '' : (outside.at(-1)?.device ?? '')
    if (engine.framework === 'iptables' && !joolTakes(w, at, port)) return dropped(w, 'no_rule', 'prerouting', at)
    w.stations.push({ kind: 'translator', engine: 'jool', direction: 'toV6' })
    return routeToGuest(w, '')
  }
  for (const wire of wires.slice(outside.length)) seen(w, wire, 'in', 4)
  return throughDevice(w, up)
}

/** The reply is routed into the TUN device or the other namespace, and its translation comes back from there. */
function throughDevice(w: Walk, up: string): Step {
  const { engine, mapped4 } = w.options
  if (engine.kind === 'none') {
    dropped(w, 'no_engine', 'translator', up)
    return routeToGuest(w, '')
  }
  const from = { source: w.flow.target4, inDevice: up }
  if (mapped4 === null) return dropped(w, 'no_route4', 'route', up)
  if (w.host.route(mapped4, 4, from)?.type === 'local') return dropped(w, 'local_pool4', 'route', up)
  const through = routed(w, mapped4, 4, up, from.source)?.device
  if (!through) return null
  if (!w.host.forwarding(up, 4)) dropped(w, 'not_forwarding4', 'route', up)
  hostForward(w, packet4(w, 'reply', mapped4, { in: up, out: through }, 'established'))
  hook(w, 'postrouting', through, 4)
  return backFrom(w, through)
}

/** Through the translator behind `through`, and out of there as IPv6. */
function backFrom(w: Walk, through: string): Step {
  const { engine } = w.options
  device(w, through, 'out', 4)
  if (engine.kind === 'jool') throughNamespace(w, through, 'toV6')
  else w.stations.push({ kind: 'translator', engine: engine.kind, direction: 'toV6' })
  device(w, through, 'in', 6)
  hook(w, 'prerouting', through, 6)
  const back = routeToGuest(w, through)
  if (back === null) return null
  if (!w.host.forwarding(through, 6)) dropped(w, 'not_forwarding6', 'route', through)
  hostForward(w, packet6(w, 'reply', { in: through, out: back }, 'established'))
  return back
}

function joolTakes(w: Walk, at: string, physIn: string): boolean {
  const destination = w.options.mapped4 ?? ownAddress(w) ?? '0.0.0.0'
  // The low end of pool4 when it is empty (61001 to 65535); rules name the range.
  const dport = w.jool?.pool4[0]?.minPort ?? 61_001
  const packet = { ...packet4(w, 'reply', destination, { in: at, physIn }, 'established'), dport }
  return runChain(w.host.iptables, 'mangle', 'PREROUTING', packet).verdict === 'jool'
}

function ownAddress(w: Walk): string | null {
  const first = w.jool?.pool4[0]?.address.split('/')[0]
  if (first) return first
  const rule = w.host.iptables.rules.find(r => r.family === 4 && r.target?.startsWith('JOOL'))
  return /-d ([\d.]+)/.exec(rule?.text ?? '')?.[1] ?? null
}

/** `from`: the device that the translation comes from; empty: the host itself. */
function routeToGuest(w: Walk, from: string): Step {
  return routed(w, w.guest6, 6, from, w.target6)?.device ?? null
}

/** From the gateway's device to the guest's: out of one bridge, and into the firewall bridge if there is one. */
function toGuest(w: Walk, gateway: string): void {
  hook(w, 'postrouting', gateway, 6)
  device(w, gateway, 'out', 6)
  const nic = w.host.link(w.flow.nic)
  const master = nic?.master ?? null
  const bridge = master !== null && w.host.link(master)?.bridge ? master : null
  const outer = w.host.link(gateway)?.vlan?.parent ?? gateway
  if (bridge !== null && outer !== gateway) device(w, outer, 'out', 6)
  if (bridge === null || bridge === outer) {
    if (master === null) return
    bridgeHook(w, 'postrouting', 'reply', { in: '', out: outer, physOut: w.flow.nic })
    device(w, w.flow.nic, 'out', 6)
    return
  }
  const inner = w.host.ports(bridge).find(l => l.name !== w.flow.nic && isWayOut(w, l.name))
  if (!inner) {
    dropped(w, 'unknown_device', 'device', bridge)
    return
  }
  if (inner.peer !== null) device(w, inner.peer, 'out', 6)
  device(w, inner.name, 'in', 6)
  const entered = { in: bridge, physIn: inner.name }
  bridgeHook(w, 'prerouting', 'reply', entered, 'early')
  const called = w.host.callsIptables(bridge, 6)
  if (called && prerouting6(w, bridge, inner.name, true, 'reply') === 'hairpin') {
    dropped(w, 'hairpin_loop', 'prerouting', bridge)
  }
  bridgeHook(w, 'prerouting', 'reply', entered, 'late')
  crossBridge(w, bridge, inner.name, called, 'reply')
}
