/** One guest's packets through one translator: predicted, and put into the words of a comparison. Pure. */
import { parseIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import { parsePrefix6 } from '../addr/prefix.js'
import { embed } from '../addr/rfc6052.js'
import { type GuestNic, optionsFor } from '../path/inventory.js'
import { type Flow, type Leg, type LegDrop, OUTCOME_REASONS, type PredictedPath } from '../path/path.js'
import { predict } from '../path/predict.js'
import { guestChains } from './chains.js'
import type { ComparedEngine, Ended, FirewallView, Move, WayName } from './compared.js'
import type { Candidate } from './engines.js'
import { WELL_KNOWN } from './engines.js'
import { laneOf } from './lane.js'
import { mtuOf } from './mtu.js'
import { offloadsOf } from './offloads.js'

/** `guest6`: the guest's address, when it was named. */
export function predictEngine(
  candidate: Candidate,
  nic: GuestNic,
  flow: Flow,
  guest6: string | null,
  move: Move,
): ComparedEngine {
  const { facts, info, id, kind, label, state } = candidate
  const known = optionsFor(facts, info, nic)
  const options = { ...known, guest6: guest6 ?? known.guest6, hooked6: candidate.hooked6 }
  const path = predict(facts, flow, options)
  const whole = predict(facts, flow, { ...options, pastDrops: true })
  const pool6 = info.pool6 ?? WELL_KNOWN
  const ends = { guest6: options.guest6 ?? '::', target6: targetBehind(pool6, flow.target4) }
  const chains = (way: WayName) => guestChains(facts, nic, flow, ends, way, path.firewall.conntrack)
  const { request, reply, delivered, reason } = path
  const { expected, requestSeen, replySeen, conntrack } = path.firewall
  const hostForward = { request: seesForward(request), reply: seesForward(reply) }
  const firewall: FirewallView = {
    ...{ expected, requestSeen, replySeen },
    inForce: isInForce(path),
    chains: { request: chains('request'), reply: chains('reply') },
    hostForward,
  }
  return {
    id,
    kind,
    label,
    state,
    pool6,
    delivered,
    reason,
    meaning: OUTCOME_REASONS[reason],
    suits: (delivered || reason === 'firewall_drop') && firewall.inForce,
    ended: endOf(path),
    firewall,
    conntrack: conntrack === 'unseen' && hostForward.request && hostForward.reply ? 'established' : conntrack,
    mtu: mtuOf(facts, info.engine, nic.device, whole.request, whole.reply),
    offloads: offloadsOf(facts, info.engine, [...whole.request.stations, ...whole.reply.stations]),
    uncertain: path.uncertain,
    move,
    request,
    reply,
    lanes: { request: laneOf(request, 'leaves the host'), reply: replyLane(path) },
  }
}

function replyLane({ request, reply }: PredictedPath) {
  // A request that died has no reply; its reason is not one of a way that nobody goes.
  return request.reason === 'ok' ? laneOf(reply, 'reaches the guest') : []
}

export function targetBehind(pool6: string, target4: string): string {
  const prefix = parsePrefix6(pool6)
  const target = parseIpv4(target4)
  return prefix && target !== undefined ? formatIpv6(embed(prefix, target)) : '::'
}

function isInForce({ firewall, request, reply }: PredictedPath): boolean {
  if (!firewall.expected) return true
  if (request.reason === 'firewall_drop') return firewall.requestSeen
  const isReplySeen = reply.reason === 'ok' || reply.reason === 'firewall_drop'
  return firewall.requestSeen && isReplySeen && firewall.replySeen && firewall.conntrack === 'established'
}

function endOf({ request, reply }: PredictedPath): Ended | null {
  const legs: readonly (readonly [WayName, Leg])[] = [
    ['request', request],
    ['reply', reply],
  ]
  for (const [way, leg] of legs) {
    const [drop] = leg.drops
    if (!drop) continue
    return { way, at: placeWords(drop), drop }
  }
  return null
}

const seesForward = (leg: Leg): boolean =>
  leg.stations.some(s => s.kind === 'hook' && s.hook === 'forward' && !s.bridged)

function placeWords({ where, device }: LegDrop): string {
  const on = device === '' ? '' : ` on ${device}`
  if (where === 'route') return `when it is routed${device === '' ? '' : `, received${on}`}`
  if (where === 'device') return `at ${device}`
  return where === 'translator' ? `at the translator${on}` : `in ${where.toUpperCase()}${on}`
}
