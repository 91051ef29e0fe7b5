/** Who drops a packet at a hook of its way: the host's rules, asked with the addresses and ports that were seen. */
import type { Facts, IptablesFact } from '../../facts/facts.js'
import { viewHost } from '../../path/host-view.js'
import type { CtState, RulePacket } from '../../path/iptables-rule.js'
import type { Station } from '../../path/path.js'
import { whoDrops } from '../../path/who-drops.js'
import { ACK, RST, TCP } from '../../wire/protocol.js'
import { addressText, protocolOf } from './describe.js'
import { REPLY, REQUEST } from './identity.js'
import type { Killer } from './judge.js'
import type { OpenPath } from './open-path.js'
import type { LegWay, Way } from './way.js'

type Hook = Extract<Station, { kind: 'hook' }>

const NO_RULES: IptablesFact = { rules: [], policies: [] }

/** Finds the rule; null: none that is understood drops it. */
export function ruleKiller(facts: Facts, hook: Hook, path: OpenPath, way: Way): Killer | null {
  const isRequest = path.way === REQUEST
  const leg = isRequest ? way.request : way.reply
  const ctState = ctStateOf(path, way, isRequest)
  const packet = packetAt(hook, path, leg, ctState)
  if (!packet) return null
  const rules = {
    iptables: facts.iptables.ok ? facts.iptables.value : NO_RULES,
    nft: facts.nft.ok ? facts.nft.value : [],
  }
  const called = viewHost(facts).callsIptables(hook.device, hook.family)
  const ask = (asked: RulePacket) => whoDrops(rules, { hook: hook.hook, bridged: hook.bridged, called }, asked)
  const reset = isForgotten(hook, path, leg) ? ask({ ...packet, ctState: 'invalid' }) : null
  const drop = ask(packet) ?? reset
  if (!drop) return null
  const isGuest = hook.bridged && hook.hook === 'forward'
  const usual = hook.hook === 'prerouting' ? 'rule_drop' : isGuest ? 'firewall_drop' : 'forward_drop'
  return {
    reason: drop === reset ? 'ct_reset' : usual,
    killer: drop.name,
    evidence: [{ source: drop.source, text: drop.text, mark: drop.mark }],
  }
}

function ctStateOf(path: OpenPath, way: Way, isRequest: boolean): CtState {
  if (!isRequest) return way.predicted.firewall.conntrack === 'invalid' ? 'invalid' : 'established'
  return path.flow && path.flow.replies > 0 ? 'established' : 'new'
}

/**
 * A reset that refuses a connection ends its entry at the first hook that tracks it (nf_conntrack_tcp_packet() in
 * net/netfilter/nf_conntrack_proto_tcp.c): at a later one the packet is of no connection.
 */
function isForgotten(hook: Hook, path: OpenPath, leg: LegWay): boolean {
  const isRefusal = path.protocol === TCP && (path.flags & (RST | ACK)) === (RST | ACK) && path.sequence === 0
  const before = leg.gaps.flat().filter(s => s.kind === 'hook' && s.hook === 'prerouting' && s.family === hook.family)
  return path.way === REPLY && isRefusal && hook.bridged && before.some(s => s.kind === 'hook' && !s.bridged)
}

function packetAt(hook: Hook, path: OpenPath, leg: LegWay, ctState: CtState): RulePacket | null {
  const seen = path.hops.findLast(h => h.family === hook.family)
  const gap = leg.gaps.findIndex(stations => stations.includes(hook))
  if (!seen || gap < 0) return null
  // Ports of the bridge; its own device between them is the copy that a promiscuous bridge hands up.
  const others = (from: number, step: 1 | -1) => {
    let i = from
    while (leg.places[i]?.device === hook.device) i += step
    return leg.places[i]?.device ?? ''
  }
  const [before, after] = [others(gap - 1, -1), others(gap, 1)]
  const protocol = protocolOf(path.protocol)
  const isEarly = hook.hook === 'prerouting' || hook.hook === 'input'
  const isLate = hook.hook === 'postrouting'
  return {
    family: hook.family,
    source: addressText(hook.family, seen.source),
    destination: addressText(hook.family, seen.destination),
    protocol: protocol === 'other' ? String(path.protocol) : protocol,
    sport: protocol === 'icmp' ? 0 : seen.sourcePort,
    dport: protocol === 'icmp' ? 0 : seen.destinationPort,
    inDevice: isLate ? '' : hook.device,
    outDevice: isEarly ? '' : hook.bridged || isLate ? hook.device : after,
    physIn: hook.bridged ? before : '',
    physOut: hook.bridged && !isEarly ? after : '',
    ctState,
    mac: '',
  }
}
