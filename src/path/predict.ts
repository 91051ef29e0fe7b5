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
    drops: [],
    firewall: { expected: isExpected(host, flow), requestSeen: false, replySeen: false, conntrack: 'unseen' },
    confirmed: false,
  }
  const request = legOf(walk, requestLeg)
  const isOut = request.reason === 'ok'
  // There is no reply to a request that died; the way that one would go is none that the firewall saw.
  const firewall = isOut ? walk.firewall : { ...walk.firewall }
  const reply = isOut || options.pastDrops ? legOf(walk, replyLeg) : { ...request, stations: [], drops: [] }
  const reason = isOut ? reply.reason : request.reason
  return {
    flow,
    engine: options.engine,
    request,
    reply,
    delivered: reason === 'ok',
    reason,
    firewall,
    uncertain: [...host.policyRules, ...(isCalled(host, flow) ? undecidedOrder(walk) : [])],
  }
}

/** Walks one leg, and cuts it off behind the first drop unless the whole way is wanted. */
function legOf(w: Walk, go: (w: Walk) => void): Leg {
  w.stations.length = 0
  w.drops.length = 0
  go(w)
  const [first] = w.drops
  if (!first) return { stations: [...w.stations], reason: 'ok', drops: [] }
  if (w.options.pastDrops) return { stations: [...w.stations], reason: first.reason, drops: [...w.drops] }
  return { stations: w.stations.slice(0, first.at + 1), reason: first.reason, drops: [first] }
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
