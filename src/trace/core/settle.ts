/** Makes a traced path of an open one: hops in the order of the way, who translates, and the verdict. */
import { contains4 } from '../../addr/prefix.js'
import type { EngineInfo, GuestNic } from '../../path/inventory.js'
import type { Protocol, Station } from '../../path/path.js'
import { addressText, endpointsOf, errorText, guestOf, protocolOf, whatOf } from './describe.js'
import type { Answer } from './exchanges.js'
import type { Tap } from './frame.js'
import type { HostModel } from './host-model.js'
import { REQUEST } from './identity.js'
import { type JudgeContext, judge, type Killer } from './judge.js'
import type { OpenPath, RawHop } from './open-path.js'
import { layOver, type Overlay } from './overlay.js'
import type { Endpoints, Hop, TracedPath } from './traced.js'
import type { LegWay, Place, Way } from './way.js'

export interface SettleContext {
  readonly model: HostModel
  readonly tap: (id: number) => Tap
  /** Captures see packets at this place. */
  readonly isVisible: (place: Place) => boolean
  readonly whoDrops: (hook: Extract<Station, { kind: 'hook' }>, path: OpenPath, way: Way) => Killer | null
  /** The ICMP error that answered a packet. */
  readonly answerTo: (path: OpenPath) => Answer | null
}

export interface Settled {
  readonly traced: TracedPath
  readonly way: Way | null
  /** The sightings behind `traced.hops`, in their order. */
  readonly order: readonly RawHop[]
}

/** Everything but what takes two paths: round-trip time, and requests that nothing answers. */
export function settle(path: OpenPath, context: SettleContext): Settled {
  const { model, tap } = context
  const isRequest = path.way === REQUEST
  const guest = guestOf(path)
  const nic = nicOf(path, guest?.address ?? null, context)
  const engine = engineOf(path, context)
  const name = protocolOf(path.protocol)
  const turnsBack = isRequest && model.own4.some(p => contains4(p, path.target4))
  const way =
    nic && engine && !turnsBack
      ? model.way(engine, nic, {
          protocol: (name === 'other' ? 'udp' : name) as Protocol,
          port: path.targetPort,
          target4: addressText(4, [path.target4, 0, 0, 0]),
          guest6: guest?.address ?? null,
        })
      : null
  const leg = way && (isRequest ? way.request : way.reply)
  const overlay = leg && layOver(leg, path.hops, tap, context.isVisible)
  const ordered = overlay?.hops ?? path.hops.map(hop => ({ hop, place: -1 }))
  // Nobody expects errors anywhere: where they come from is their way's beginning.
  const first = ordered.findIndex(o => o.place >= 0)
  const begins = path.error === null ? 0 : first < 0 ? ordered.length : first
  const hops = hopsOf(ordered, i => overlay === null || i < begins, tap)
  const onWay = hops.filter(h => h.onWay)
  const astray = leg && overlay ? elsewhere(leg, overlay, context) : null
  const judging: JudgeContext = {
    isRequest,
    engine: engine?.label ?? null,
    whoDrops: hook => (way ? context.whoDrops(hook, path, way) : null),
    deadNeighbour: (device, family) => model.deadNeighbour(device, destinationOf(path, family)),
    showRule: model.showRule,
    turnsBack,
    answer: answerTo(path, context),
    elsewhere: astray,
    errorTo: path.error && nic && isHome(path, nic.device, tap) ? nic.device : null,
    isUntranslated: isRequest && astray !== null && model.isEnd(astray, true) && path.hops.every(h => h.family === 6),
  }
  const verdict = judge(path, leg, overlay, judging)
  const firewall = way?.predicted.firewall
  const seen = isRequest ? firewall?.requestSeen : firewall?.replySeen
  const traced: TracedPath = {
    id: path.id,
    way: isRequest ? 'request' : 'reply',
    protocol: name,
    what: whatOf(path),
    confidence: confidenceOf(path),
    guest6: guest?.address ?? null,
    guestPort: guest?.port ?? 0,
    target4: addressText(4, [path.target4, 0, 0, 0]),
    targetPort: path.targetPort,
    nic: nic?.device ?? null,
    guest: nic?.guest ?? null,
    engine: engine?.label ?? null,
    time: Math.min(...path.hops.map(h => h.time)),
    duration: onWay.length > 1 ? Math.max(...onWay.map(h => h.time)) - Math.min(...onWay.map(h => h.time)) : 0,
    hops,
    translatedAt: hops.findIndex(h => h.family !== hops[0]?.family),
    masqueraded: masqueraded(hops, isRequest),
    retransmission: path.retransmission,
    error: path.error && {
      text: errorText(path.error),
      from: addressText(path.error.family, path.error.from),
    },
    rtt: null,
    skippedFirewall:
      path.error === null &&
      firewall?.expected === true &&
      seen === false &&
      !['died', 'unknown'].includes(verdict.kind),
    verdict,
  }
  return { traced, way, order: ordered.map(o => o.hop) }
}

function hopsOf(ordered: Overlay['hops'], isFree: (index: number) => boolean, tap: (id: number) => Tap): Hop[] {
  let before = -1
  let ends: Endpoints | null = null
  let like: RawHop | null = null
  return ordered.map(({ hop, place }, i) => {
    const { netns, device } = tap(hop.tap)
    if (!ends || !like || !hasSameEnds(like, hop)) ends = endpointsOf(hop)
    like = hop
    const delta = before < 0 ? 0 : Math.max(0, hop.time - before)
    before = Math.max(before, hop.time)
    return {
      tap: hop.tap,
      netns,
      device,
      direction: hop.direction,
      family: hop.family,
      time: hop.time,
      delta,
      length: hop.length,
      pieces: hop.pieces,
      ttl: hop.ttl,
      onWay: place >= 0 || isFree(i),
      ...ends,
    }
  })
}

function hasSameEnds(a: RawHop, b: RawHop): boolean {
  return (
    a.source === b.source &&
    a.destination === b.destination &&
    a.sourcePort === b.sourcePort &&
    a.destinationPort === b.destinationPort
  )
}

/** Requests tell by the device that they came in by; replies go to where requests came from, for a bridge may flood them. */
function nicOf(path: OpenPath, guest6: string | null, { model, tap }: SettleContext): GuestNic | null {
  const isRequest = path.way === REQUEST
  const wrong = isRequest ? 'out' : 'in'
  const seen = path.hops
    .filter(h => h.family === 6 && h.direction !== wrong)
    .map(h => model.nic(tap(h.tap).device))
    .filter(nic => nic !== undefined)
  const known = path.flow?.nic ? model.nic(path.flow.nic) : undefined
  const byAddress = guest6 === null ? undefined : model.nicOfAddress(guest6)
  const [first] = seen
  const nic = isRequest ? (first ?? known ?? byAddress) : (known ?? byAddress ?? first)
  if (path.flow && (isRequest ? first : seen.length === 1 && nic === first)) path.flow.nic = (nic as GuestNic).device
  return nic ?? (model.nics.length === 1 ? (model.nics[0] as GuestNic) : null)
}

/** The translator whose prefix it is; where there are several, the one whose device saw the packet. */
function engineOf(path: OpenPath, { model, tap }: SettleContext): EngineInfo | null {
  const six = path.hops.find(h => h.family === 6)
  const isRequest = path.way === REQUEST
  const far = six && (path.error ? null : isRequest ? six.destination : six.source)
  const candidates = far ? model.enginesFor(far) : model.engines
  if (candidates.length < 2) return candidates[0] ?? null
  const devices = new Set(path.hops.map(h => tap(h.tap).device))
  const seen = candidates.find(e => 'device' in e.engine && devices.has(e.engine.device))
  return seen ?? (candidates[0] as EngineInfo)
}

/** Where a packet goes in a family. */
function destinationOf(path: OpenPath, family: 4 | 6): string {
  const last = path.hops.findLast(h => h.family === family)
  if (last) return addressText(family, last.destination)
  return family === 4 ? addressText(4, [path.target4, 0, 0, 0]) : path.flow ? addressText(6, path.flow.guest) : '::'
}

/**
 * A device outside of the way that had the packet after its last place: one that sent it out although it is no port of a
 * bridge, or the one where a hook was to take it.
 */
function elsewhere(leg: LegWay, overlay: Overlay, { model, tap }: SettleContext): string | null {
  const last = overlay.hops.findLast(h => h.place === overlay.last)
  const ahead = leg.gaps.slice(overlay.last + 1, overlay.next + 1).flat()
  for (const { hop, place } of overlay.hops) {
    const { device, netns } = tap(hop.tap)
    if (place >= 0 || netns !== null || !last || hop.time < last.hop.time) continue
    const isHooked = ahead.some(s => s.kind === 'hook' && s.device === device && s.family === hop.family)
    if (hop.direction === 'out' ? !model.isPort(device) : isHooked) return device
  }
  return null
}

const isHome = ({ hops }: OpenPath, device: string, tap: SettleContext['tap']) =>
  hops.some(h => h.direction === 'out' && tap(h.tap).device === device)

/** The ICMP error about a packet, with who sent it in words. */
export function answerTo(
  path: OpenPath,
  { model, answerTo }: Pick<SettleContext, 'model' | 'answerTo'>,
): Answer | null {
  const answer = answerTo(path)
  return answer && { ...answer, from: model.nameOf(answer.from) }
}

function masqueraded(hops: readonly Hop[], isRequest: boolean): string | null {
  const four = hops.filter(h => h.family === 4)
  const near = four.map(h => (isRequest ? h.source : h.destination))
  const [first, last] = [near[0], near.at(-1)]
  if (first === undefined || first === last) return null
  return (isRequest ? last : first) ?? null
}

function confidenceOf(path: OpenPath): TracedPath['confidence'] {
  const isRequest = path.way === REQUEST
  const isExact = (h: RawHop) => {
    const [address, port] = isRequest ? [h.source[0], h.sourcePort] : [h.destination[0], h.destinationPort]
    return path.flow?.near4.some(e => e.exact && e.address === address && e.port === port) === true
  }
  const four = path.hops.filter(h => h.family === 4)
  return path.confidence === 'likely' && four.length > 0 && four.every(isExact) ? 'exact' : path.confidence
}
