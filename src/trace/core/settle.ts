/** Makes a traced path of an open one: hops in the order of the way, who translates, and the verdict. */
import type { EngineInfo, GuestNic } from '../../path/inventory.js'
import type { Protocol, Station } from '../../path/path.js'
import { addressText, endpointsOf, errorText, guestOf, protocolOf, whatOf } from './describe.js'
import type { Tap } from './frame.js'
import type { HostModel } from './host-model.js'
import { REQUEST } from './identity.js'
import { type JudgeContext, judge, type Killer } from './judge.js'
import type { OpenPath, RawHop } from './open-path.js'
import { layOver, type Overlay } from './overlay.js'
import type { Hop, TracedPath } from './traced.js'
import type { Place, Way } from './way.js'

export interface SettleContext {
  readonly model: HostModel
  readonly tap: (id: number) => Tap
  /** Captures see packets at this place. */
  readonly isVisible: (place: Place) => boolean
  readonly whoDrops: (hook: Extract<Station, { kind: 'hook' }>, path: OpenPath, way: Way) => Killer | null
  /** The ICMP error that answered a packet, by its quote. */
  readonly answerTo: (quote: number) => { readonly text: string; readonly from: string } | null
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
  const way =
    nic && engine
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
  const hops = hopsOf(ordered, overlay !== null, tap)
  const onWay = hops.filter(h => h.onWay)
  const judging: JudgeContext = {
    isRequest,
    engine: engine?.label ?? null,
    whoDrops: hook => (way ? context.whoDrops(hook, path, way) : null),
    deadNeighbour: model.deadNeighbour,
    answer: context.answerTo(path.quote),
    elsewhere: overlay ? elsewhere(overlay, context) : null,
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
      firewall?.expected === true && seen === false && verdict.kind !== 'died' && verdict.kind !== 'unknown',
    verdict,
  }
  return { traced, way, order: ordered.map(o => o.hop) }
}

function hopsOf(ordered: Overlay['hops'], hasWay: boolean, tap: (id: number) => Tap): Hop[] {
  let before = -1
  return ordered.map(({ hop, place }) => {
    const { netns, device } = tap(hop.tap)
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
      onWay: place >= 0 || !hasWay,
      ...endpointsOf(hop),
    }
  })
}

function nicOf(path: OpenPath, guest6: string | null, { model, tap }: SettleContext): GuestNic | null {
  const wanted = path.way === REQUEST ? 'in' : 'out'
  for (const hop of path.hops) {
    const nic = hop.family === 6 && hop.direction !== other(wanted) ? model.nic(tap(hop.tap).device) : undefined
    if (!nic) continue
    if (path.flow) path.flow.nic = nic.device
    return nic
  }
  const known = path.flow?.nic ? model.nic(path.flow.nic) : undefined
  const byAddress = guest6 === null ? undefined : model.nicOfAddress(guest6)
  return known ?? byAddress ?? (model.nics.length === 1 ? (model.nics[0] as GuestNic) : null)
}

const other = (direction: 'in' | 'out') => (direction === 'in' ? 'out' : 'in')

/** The translator whose prefix it is; where there are several, the one whose device saw the packet. */
function engineOf(path: OpenPath, { model, tap }: SettleContext): EngineInfo | null {
  const six = path.hops.find(h => h.family === 6)
  const isRequest = path.way === REQUEST
  const far = six && (path.error ? null : addressText(6, isRequest ? six.destination : six.source))
  const candidates = far ? model.enginesFor(far) : model.engines
  if (candidates.length < 2) return candidates[0] ?? null
  const devices = new Set(path.hops.map(h => tap(h.tap).device))
  const seen = candidates.find(e => 'device' in e.engine && devices.has(e.engine.device))
  return seen ?? (candidates[0] as EngineInfo)
}

/** A device outside of the way that sent the packet out although it is no port of a bridge. */
function elsewhere(overlay: Overlay, { model, tap }: SettleContext): string | null {
  const last = overlay.hops.findLast(h => h.place === overlay.last)
  for (const { hop, place } of overlay.hops) {
    const { device, netns } = tap(hop.tap)
    const isOther = place < 0 && netns === null && hop.direction === 'out' && !model.isPort(device)
    if (isOther && last && hop.time >= last.hop.time) return device
  }
  return null
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
