/**
 * The devices below a device, down to the wire: what the host sends by a bridge, a VLAN or a bond is seen on each of them, and
 * what it receives on them in the other order.
 */
import type { LinkFact } from '../facts/facts.js'
import type { HostView } from './host-view.js'
import { device, type Walk } from './walk.js'

export interface Wire {
  readonly device: string
  /** One of several ways: another device of the same kind may carry the packet instead. */
  readonly sometimes: boolean
}

/** More are a circle. */
const MAX_DEPTH = 8

/** `name` and the devices below it, from there to the wire. `nic`: a port that is the guest's, not the wire's. */
export function wiresOf(host: HostView, name: string, nic: string): Wire[] {
  const wires: Wire[] = [{ device: name, sometimes: false }]
  for (let at = name; wires.length < MAX_DEPTH; ) {
    const next = nextBelow(host, at, nic).map(l => l.name)
    wires.push(...next.map(device => ({ device, sometimes: next.length > 1 })))
    if (next.length !== 1) break
    at = next[0] as string
  }
  return wires
}

function nextBelow(host: HostView, name: string, nic: string): readonly LinkFact[] {
  const link = host.link(name)
  if (!link) return []
  const parent = link.vlan ? host.link(link.vlan.parent) : undefined
  if (parent) return [parent]
  // What an internal port of Open vSwitch sends does not pass the bridge's own device.
  const bridge = link.bridge ? name : link.kind === 'openvswitch' ? (host.openVswitch(name) ?? name) : null
  if (bridge === null) return link.kind === 'bond' || link.kind === 'team' ? host.ports(name) : []
  const ports = host.ports(bridge).filter(l => l.name !== name && l.name !== nic && isUplink(l))
  const physical = ports.filter(l => ['', 'vlan', 'bond', 'team'].includes(l.kind))
  return physical.length > 0 ? physical : ports.slice(0, 1)
}

/** A port that leads out of the host: none of a guest, none between bridges. */
function isUplink(link: LinkFact): boolean {
  return link.peer === null && link.tun === null && !/^(tap|veth|fwpr|fwln|lxc|vnet)/.test(link.name)
}

/** The host sends a packet by a device. */
export function send(w: Walk, name: string, family: 4 | 6): void {
  for (const wire of wiresOf(w.host, name, w.flow.nic)) seen(w, wire, 'out', family)
}

/** A packet on one of the wires. */
export function seen(w: Walk, wire: Wire, direction: 'in' | 'out', family: 4 | 6): void {
  device(w, wire.device, direction, family, wire.sometimes ? { visibility: 'sometimes' } : {})
}
