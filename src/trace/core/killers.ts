/** Who had a packet when it died: whom the model says, else rules, neighbours, and whoever had it last. */
import type { LegDrop, OutcomeReason, Station } from '../../path/path.js'
import type { JudgeContext } from './judge.js'
import type { TraceEvidence } from './traced.js'
import type { LegWay, Place } from './way.js'

/** The label of what translates where nothing does. */
export const NO_TRANSLATOR = 'no translator'

type Hook = Extract<Station, { kind: 'hook' }>

/** Who had a packet when it died, and what he did. */
export interface Found {
  /** The model foresaw it. */
  readonly isSure?: boolean
  readonly hook?: Hook | undefined
  readonly reason: OutcomeReason
  readonly text: string
  readonly at: string
  readonly killer: string | null
  readonly evidence: readonly TraceEvidence[]
}

export const HOOKS: Readonly<Record<string, string>> = {
  prerouting: 'PREROUTING',
  input: 'INPUT',
  forward: 'FORWARD',
  output: 'OUTPUT',
  postrouting: 'POSTROUTING',
}

/** Who had it between two places: whom the model says, else whoever is seen to. */
export function findKiller(way: LegWay, last: number, next: number, context: JudgeContext): Found {
  const between = way.gaps.slice(last + 1, next + 1).flat()
  const drop = way.drops.find(d => d.gap > last && d.gap <= next)
  if (!drop) return observedKiller(between, way.places[next], context)
  const isHookOf = (s: Station) => s.kind === 'hook' && s.hook === drop.where && s.device === drop.device
  return { ...predictedKiller(drop, context), isSure: true, hook: between.find(isHookOf) as Hook | undefined }
}

function predictedKiller(drop: LegDrop, context: JudgeContext): Found {
  const hook = HOOKS[drop.where]
  const place = hook ? `dropped in ${hook} on ${drop.device} by ` : ''
  const rule = drop.rule && context.showRule(drop.rule)
  const evidence: TraceEvidence[] = rule ? [{ source: rule.source, text: rule.text, mark: rule.mark }] : []
  const route = drop.route ?? null
  const family = drop.reason === 'no_route4' ? 4 : 6
  if (route !== null) evidence.push({ source: `ip -${family} route show table all`, text: route, mark: route })
  const { engine } = context
  const instead = engine === null || engine === NO_TRANSLATOR ? '' : `, not to ${engine}`
  // What leaves as ordinary IPv6 is killed by nobody here.
  const kernel = drop.reason === 'no_engine' ? null : 'the kernel'
  const isTranslators = drop.reason === 'hairpin_loop' || drop.reason === 'host_address'
  const killer = drop.rule ? (rule?.name ?? null) : isTranslators ? context.engine : kernel
  const texts: Partial<Record<OutcomeReason, string>> = {
    hairpin_loop: `${place}${context.engine ?? 'Jool'}, hairpinning loop`,
    ct_invalid: `${place}the guest's firewall, because connection tracking never saw the request (INVALID)`,
    firewall_drop: `${place}the guest's firewall`,
    forward_drop: `${place}the host's firewall`,
    no_engine: `no translator takes it; it is routed as ordinary IPv6${instead}`,
    no_rule: "no rule of Jool's iptables framework hands it over",
    no_route6: route === null ? 'the host has no IPv6 route for it' : 'its IPv6 route leads nowhere',
    no_route4: route === null ? 'the host has no IPv4 route for it' : 'its IPv4 route leads nowhere',
    not_forwarding6: 'the host does not forward IPv6',
    not_forwarding4: 'the host does not forward IPv4',
    device_down: `${drop.device} is down, or nobody has it open`,
    local_pool4: 'it is addressed to the host itself and never reaches the translator',
    other_engine: 'another translator takes it first',
    host_address: `${context.engine ?? 'the translator'} refuses this host's own addresses`,
    unknown_device: 'there is no way from here',
  }
  return { reason: drop.reason, text: texts[drop.reason] ?? drop.reason, at: drop.where, killer, evidence }
}

/** The model expected it to go on: rules first, then neighbours, then whoever had it last. */
function observedKiller(between: readonly Station[], next: Place | undefined, context: JudgeContext): Found {
  for (const station of between) {
    const found = station.kind === 'hook' ? context.whoDrops(station) : null
    if (!found || station.kind !== 'hook') continue
    const text = `dropped in ${HOOKS[station.hook]} on ${station.device} by ${found.killer}`
    return { ...found, text, at: station.hook, hook: station }
  }
  const translator = between.find(s => s.kind === 'translator')
  if (translator) {
    const killer = context.engine ?? translator.engine
    return {
      reason: 'translator_drop',
      text: `${killer} took it and sent ${context.isPart ? 'a part of it' : 'nothing'} on`,
      at: 'translator',
      killer,
      evidence: [],
    }
  }
  const dead = next?.direction === 'out' ? context.deadNeighbour(next.device, next.family) : null
  if (dead) {
    const text = `the next host on ${next?.device} does not answer, so it was never sent`
    return { reason: 'no_neighbour', text, at: 'route', killer: 'the kernel', evidence: [dead] }
  }
  const hooks = between.filter(s => s.kind === 'hook')
  const routed = between.some(s => s.kind === 'route')
  const steps = [...(routed ? ['routing'] : []), ...new Set(hooks.map(h => `${HOOKS[h.hook]} on ${h.device}`))]
  const at = routed ? 'route' : (hooks[0]?.hook ?? 'device')
  const text = steps.length === 0 ? 'lost on the way there' : `lost in ${steps.join(' or ')}`
  return { reason: 'lost', text, at, hook: hooks[0], killer: null, evidence: [] }
}
