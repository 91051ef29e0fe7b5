/** What became of a packet, from the hops that were seen and the way that was expected. */
import type { DropRule, LegDrop, OutcomeReason, Station } from '../../path/path.js'
import type { ShownDrop } from '../../path/shown-drop.js'
import type { Answer } from './exchanges.js'
import { type Found, findKiller, HOOKS } from './killers.js'
import { isPartial, type OpenPath } from './open-path.js'
import type { Overlay } from './overlay.js'
import type { TraceEvidence, Verdict, VerdictKind } from './traced.js'
import type { LegWay, Place } from './way.js'

/** Which check of the doctor explains a reason. */
const CHECKS: Partial<Record<OutcomeReason, string>> = {
  hairpin_loop: 'N64-201',
  ct_invalid: 'N64-401',
  forward_drop: 'N64-402',
  rule_drop: 'N64-404',
  no_rule: 'N64-405',
  no_engine: 'N64-304',
  no_route6: 'N64-322',
  no_route4: 'N64-322',
  not_forwarding6: 'N64-121',
  not_forwarding4: 'N64-121',
  device_down: 'N64-603',
  no_masquerade: 'N64-309',
  local_pool4: 'N64-311',
  other_engine: 'N64-901',
  unknown_device: 'N64-209',
}

/** Asks who would drop a packet at a hook. */
export type WhoDrops = (hook: Hook) => Killer | null

export interface Killer {
  readonly reason: OutcomeReason
  readonly killer: string
  readonly evidence: readonly TraceEvidence[]
}

export interface JudgeContext {
  readonly isRequest: boolean
  /** `Jool "default" (netfilter)`; null: not known. */
  readonly engine: string | null
  readonly whoDrops: WhoDrops
  /** The next hop's neighbour entry has failed: its line; null: nothing of the kind. */
  readonly deadNeighbour: (device: string, family: 4 | 6) => TraceEvidence | null
  readonly showRule: (rule: DropRule) => ShownDrop | null
  /** An ICMP error that answered the packet; null: none seen. */
  readonly answer: Answer | null
  /** It is addressed to the translator itself, which sends it back to a guest. */
  readonly turnsBack: boolean
  /** Others of its fragments or segments got through. */
  readonly isPart?: boolean
  /** The packet was seen to leave by a device that is not on the way: its name. */
  readonly elsewhere: string | null
  /** It left there for good, and untranslated. */
  readonly isUntranslated: boolean
  /** An ICMP error that was handed to the guest, wherever it came from: by this device. */
  readonly errorTo: string | null
}

const plain = (kind: VerdictKind, reason: OutcomeReason, text: string, more: Partial<Verdict> = {}): Verdict => ({
  kind,
  reason,
  text,
  lastSeen: null,
  neverReached: null,
  at: null,
  hookDevice: null,
  bridged: false,
  killer: null,
  check: CHECKS[reason] ?? null,
  evidence: [],
  ...more,
})

/** Judges a packet that nothing more is expected of. */
export function judge(path: OpenPath, way: LegWay | null, overlay: Overlay | null, context: JudgeContext): Verdict {
  if (context.turnsBack) {
    const text = 'addressed to the translator itself: what it sends back to a guest is a packet of its own'
    return plain('unknown', 'no_model', text)
  }
  if ((!overlay || overlay.last < 0) && context.errorTo !== null) {
    return plain('delivered', 'ok', `delivered to ${context.errorTo}`, { lastSeen: context.errorTo })
  }
  if (!way || !overlay || overlay.last < 0) {
    return path.incomplete
      ? incomplete(null)
      : plain('unknown', 'no_model', 'what is known of this host does not say where it should go')
  }
  const last = (way.places[overlay.last] as Place).device
  const behind = way.drops.find(d => d.gap === way.places.length && d.reason !== 'no_masquerade')
  const part = partOf(path, way, overlay)
  if (part) {
    const found = findKiller({ ...way, drops: [] }, part.last, part.next, { ...context, ...OF_A_PART })
    return died(way, part.last, part.next, `${part.seen}: ${found.text}`, found)
  }
  if (overlay.next >= way.places.length && !overlay.isAtEnd) {
    return plain('unknown', 'not_captured', `last seen on ${last}; nobody captured behind it`, { lastSeen: last })
  }
  if (overlay.next >= way.places.length && !behind) {
    const verb = context.isRequest ? 'left by' : 'delivered to'
    return plain('delivered', 'ok', `${verb} ${last}`, { lastSeen: last })
  }
  const answered = answeredBy(context)
  if (context.elsewhere !== null && context.isUntranslated) {
    const text = withAnswer(`last seen on ${last}; then it left by ${context.elsewhere} as ordinary IPv6`, answered)
    return plain('died', 'no_engine', text, { lastSeen: last, at: 'route' })
  }
  if (context.elsewhere !== null) {
    const then = context.elsewhere === last ? 'then there once more' : `then on ${context.elsewhere}`
    const text = `last seen on ${last}, ${then}, where the model does not expect it`
    return plain(answered ? 'answered' : 'unknown', 'elsewhere', withAnswer(text, answered), { lastSeen: last })
  }
  const next = (way.places[overlay.next] as Place | undefined)?.device ?? null
  const seen = `last seen on ${last}${next === null || next === last ? '' : `; never reached ${next}`}`
  const found = findKiller(way, overlay.last, overlay.next, context)
  if (context.answer && !explains(found, context.answer)) {
    // Whoever translates may say more of what he refused.
    const at = found.reason === 'translator_drop' ? found.at : null
    const where = { lastSeen: last, neverReached: next, at, killer: context.answer.from }
    return plain('answered', 'icmp_error', `${seen}: ${answered}`, where)
  }
  if (path.cutOff) {
    const text = `last seen on ${last}; the trace ended while it was under way`
    return plain('incomplete', 'capture_lost', text, { lastSeen: last })
  }
  if (path.incomplete) return incomplete(last)
  return died(way, overlay.last, overlay.next, withAnswer(`${seen}: ${found.text}`, answered), found)
}

/** No rule says why: the others passed it. */
const OF_A_PART = { isPart: true, whoDrops: () => null }

/** It was seen at place `last`, and not at place `next`. */
function died(way: LegWay, last: number, next: number, text: string, found: Found): Verdict {
  return plain('died', found.reason, text, {
    lastSeen: (way.places[last] as Place).device,
    neverReached: way.places[next]?.device ?? null,
    at: found.at,
    hookDevice: found.hook?.device ?? null,
    bridged: found.hook?.bridged ?? false,
    killer: found.killer,
    evidence: found.evidence,
  })
}

/** Where some of its fragments or segments were lost, and others were not; null: nowhere. */
function partOf(path: OpenPath, way: LegWay, overlay: Overlay): { last: number; next: number; seen: string } | null {
  if (path.incomplete || path.cutOff) return null
  // Ways that a packet may take share it.
  const hops = overlay.hops.filter(({ place }) => place >= 0 && way.places[place]?.visibility !== 'sometimes')
  const at = hops.findLastIndex(({ hop }) => !isPartial(path, hop))
  const [whole, less] = [hops[at], hops[at + 1]]
  if (!whole || !less) return null
  const [last, next] = [whole, less].map(h => way.places[h.place]?.device)
  const seen = `last seen whole on ${last}; ${less.hop.payload} of ${path.payload} bytes reached ${next}`
  return { last: whole.place, next: less.place, seen }
}

const answeredBy = ({ answer }: JudgeContext) => answer && `answered by ${answer.from} with ICMP ${answer.text}`

/** It is why somebody answered with an ICMP error. */
function explains({ isSure, reason, evidence }: Found, { text }: Answer): boolean {
  if (isSure) return true
  return reason === 'no_neighbour' ? text.includes('unreachable') : evidence.some(e => /^reject$/i.test(e.mark ?? ''))
}

const withAnswer = (text: string, answered: string | null) => (answered === null ? text : `${text} (${answered})`)

function incomplete(lastSeen: string | null): Verdict {
  const seen = lastSeen === null ? '' : `last seen on ${lastSeen}; `
  return plain('incomplete', 'capture_lost', `${seen}the capture missed packets at that time, so nothing is claimed`, {
    lastSeen,
  })
}

/** A packet that left, and came to its end behind this host, as an ICMP error says. */
export function answeredBehind(verdict: Verdict, { from, text }: Answer): Verdict {
  const said = `${verdict.text}; answered by ${from} with ICMP ${text}`
  return { ...verdict, kind: 'answered', reason: 'icmp_error', text: said, killer: from }
}

/** A request that left, and that nothing answered. */
export function unanswered(
  verdict: Verdict,
  source: string | null,
  drops: readonly LegDrop[],
  seconds: number,
): Verdict {
  const left = `${verdict.text}${source === null ? '' : ` from ${source}`}`
  const unmasked = drops.find(d => d.reason === 'no_masquerade')
  if (unmasked) {
    const text = `${left}, a private address that nobody masquerades: no reply can come back`
    return { ...verdict, kind: 'unanswered', reason: 'no_masquerade', text, check: CHECKS.no_masquerade ?? null }
  }
  return { ...verdict, kind: 'unanswered', reason: 'no_answer', text: `${left}; no reply in ${seconds} s` }
}

type Hook = Extract<Station, { kind: 'hook' }>

/** A death whose killer was found out later, by counters, logs or events. */
export function named(verdict: Verdict, killer: string | null, evidence: readonly TraceEvidence[]): Verdict {
  // What the model knew of a rule is said again, with its count.
  const known = new Set(evidence.map(uncounted))
  const all = [...verdict.evidence.filter(e => !known.has(uncounted(e))), ...evidence]
  if (verdict.reason !== 'lost' || killer === null) {
    return { ...verdict, killer: verdict.killer ?? killer, evidence: all }
  }
  const isRule = killer.startsWith('rule ') || killer.startsWith('policy ')
  const hooked: OutcomeReason =
    verdict.at === 'prerouting' ? 'rule_drop' : verdict.bridged ? 'firewall_drop' : 'forward_drop'
  const reason = isRule ? hooked : verdict.reason
  const place = isRule && verdict.hookDevice !== null ? ` in ${HOOKS[verdict.at ?? '']} on ${verdict.hookDevice}` : ''
  const text = `${verdict.text.replace(/: lost .*$/, '')}: dropped${place} by ${killer}`
  return { ...verdict, reason, killer, text, check: CHECKS[reason] ?? null, evidence: all }
}

/** A rule as it is printed, whatever it has counted. */
function uncounted({ text }: TraceEvidence): string {
  return text
    .replace(/ \(\+\d[^)]*\)$/, '')
    .replace(/^\[\d+\] | \[\d+\]$/, '')
    .replace(/counter packets \d+ bytes \d+ /, '')
}
