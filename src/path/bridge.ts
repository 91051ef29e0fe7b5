import { isInside6 } from './host-view.js'
import { type CtState, runChain } from './iptables-rule.js'
import { runNft } from './nft-rule.js'
import {
  bridgeHook,
  device,
  dropped,
  hook,
  iptablesDrop,
  nftDrop,
  noteFirewall,
  packet6,
  type Step,
  type Walk,
  type Way,
} from './walk.js'

/**
 * PRE_ROUTING of an IPv6 packet: Jool takes the request (`toV4`), drops what comes from its own pool6 (`hairpin`), or
 * leaves it (null). `other`: the packet was for another translator, and a Jool instance took it.
 */
export function prerouting6(
  w: Walk,
  at: string,
  physIn: string,
  bridged: boolean,
  way: Way,
): 'toV4' | 'hairpin' | 'other' | null {
  hook(w, 'prerouting', at, 6, bridged)
  if (way === 'request' && w.options.hooked6?.some(pool6 => isInside6(pool6, w.target6))) return 'other'
  const { engine } = w.options
  if (engine.kind !== 'jool' || engine.netns !== null) return null
  if (engine.framework === 'iptables') {
    const p = packet6(w, way, { in: at, physIn: bridged ? physIn : '' }, way === 'request' ? 'new' : 'established')
    if (runChain(w.host.iptables, 'mangle', 'PREROUTING', p).verdict !== 'jool') return null
  }
  return way === 'reply' ? 'hairpin' : 'toV4'
}

/** The frame goes on from one port of a bridge to another: FORWARD and POST_ROUTING over the bridged frame. */
export function crossBridge(w: Walk, bridge: string, port: string, called: boolean, way: Way): Step {
  const out = w.host
    .ports(bridge)
    .find(l => l.name !== port && (way === 'reply' ? l.name === w.flow.nic : isWayOut(w, l.name)))
  if (!out) return dropped(w, 'unknown_device', 'device', bridge)
  const devices = { in: bridge, out: bridge, physIn: port, physOut: out.name }
  // It sees what came past PRE_ROUTING, whatever becomes of it then.
  device(w, bridge, 'in', 6, { visibility: 'promiscuous' })
  bridgeHook(w, 'forward', way, devices)
  if (called) {
    hook(w, 'forward', bridge, 6, true)
    guestFirewall(w, bridge, port, out.name, way)
    hook(w, 'postrouting', bridge, 6, true)
    if (way === 'request') w.confirmed = true
  }
  bridgeHook(w, 'postrouting', way, devices)
  device(w, out.name, 'out', 6)
  return out.name
}

/** A port that leads from a firewall bridge to the guest's real one: a veth pair, or a port of Open vSwitch. */
export function isWayOut(w: Walk, port: string): boolean {
  const link = w.host.link(port)
  return (link?.peer ?? null) !== null || /^fwln\d+o\d+$/.test(port)
}

function guestFirewall(w: Walk, bridge: string, physIn: string, physOut: string, way: Way): void {
  const ctState: CtState = way === 'request' ? 'new' : w.confirmed ? 'established' : 'invalid'
  noteFirewall(w, way, ctState === 'invalid' ? 'invalid' : 'established')
  const packet = packet6(w, way, { in: bridge, out: bridge, physIn, physOut }, ctState)
  const verdict = runChain(w.host.iptables, 'filter', 'FORWARD', packet)
  if (verdict.verdict !== 'drop') {
    // Chains of nftables that are meant for routed packets see the frame as well, with the bridge as both devices.
    const byNft = runNft(w.host.nft, ['ip6', 'inet'], 'forward', { ...packet, physIn: '', physOut: '' })
    if (byNft.verdict === 'drop') dropped(w, 'forward_drop', 'forward', bridge, nftDrop(byNft))
    return
  }
  // No rule but the policy: that is the host's chain, not the guest's firewall.
  const reason = ctState === 'invalid' ? 'ct_invalid' : verdict.rule === null ? 'forward_drop' : 'firewall_drop'
  dropped(w, reason, 'forward', bridge, iptablesDrop(verdict, 6))
}
