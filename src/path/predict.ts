/**
 * Predicts the way of a guest's request and of its reply. Jool's netfilter hook takes what is in its pool6 or pool4 at
 * PRE_ROUTING, wherever that runs, and drops what comes from pool6; what is on a TUN device or in another namespace is
 * routed to. bridge.ts, request.ts and reply.ts have the parts; the recorded hosts are their test.
 */
import { parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import { parsePrefix6 } from '../addr/prefix.js'
import { embed } from '../addr/rfc6052.js'
import type { Facts, JoolInstanceFact } from '../facts/facts.js'
import { type HostView, viewHost } from './host-view.js'
import type { Engine, Flow, Leg, PredictedPath } from './path.js'
import { replyLeg } from './reply.js'
import { requestLeg } from './request.js'
import { type PathOptions, undecidedOrder, type Walk } from './walk.js'

export type { PathOptions } from './walk.js'

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
    firewall: { expected: isExpected(host, flow), requestSeen: false, replySeen: false, conntrack: 'unseen' },
    confirmed: false,
  }
  const requestReason = requestLeg(walk)
  const request: Leg = { stations: [...walk.stations], reason: requestReason }
  walk.stations.length = 0
  const replyReason = requestReason === 'ok' ? replyLeg(walk) : requestReason
  const reply: Leg = { stations: [...walk.stations], reason: replyReason }
  const reason = requestReason === 'ok' ? replyReason : requestReason
  return {
    flow,
    engine: options.engine,
    request,
    reply,
    delivered: reason === 'ok',
    reason,
    firewall: walk.firewall,
    uncertain: [...host.policyRules, ...(isCalled(host, flow) ? undecidedOrder(walk) : [])],
  }
}

/** A firewall bridge is there for a firewall's sake; Proxmox may say that it is switched off, or on without one. */
function isExpected(host: HostView, flow: Flow): boolean {
  const wanted = host.firewallWanted(flow.nic)
  return wanted ?? /^fwbr\d+i\d+$/.test(host.link(flow.nic)?.master ?? '')
}

function isCalled(host: HostView, flow: Flow): boolean {
  const master = host.link(flow.nic)?.master ?? null
  return master !== null && host.callsIptables(master, 6)
}

function joolOf(facts: Facts, engine: Engine): JoolInstanceFact | null {
  if (engine.kind !== 'jool' || !facts.jool.ok) return null
  return facts.jool.value.instances.find(i => i.name === engine.instance && i.netns === engine.netns) ?? null
}
