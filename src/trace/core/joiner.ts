/**
 * Sightings into packets. A sighting belongs to an open path with the same key (identity.ts) whose near end it fits and
 * that was not seen at this tap yet; fragments and segments follow their whole. What fits nothing opens a path.
 * Bounded: open paths, waiting fragments and remembered keys have a limit each; what is given up is counted.
 */

import { TCP } from '../../wire/protocol.js'
import { makeBursts } from './bursts.js'
import { belongs, type Flow, type Flows, flowBehind, flowOfGuest, learn, makeFlows, nearAddress } from './flows.js'
import type { Frame } from './frame.js'
import { identify4, identify6, makeIdentity, REPLY, REQUEST, type Realm } from './identity.js'
import { addHop, addPiece, hopAt, noteError, type OpenPath, type RawHop } from './open-path.js'
import { makePacket, type Packet, readPacket } from './packet.js'
import { append, makeLinks, type PathList, remove } from './path-list.js'

export interface JoinerLimits {
  /** Paths under way at once. */
  readonly open: number
  /** Later fragments that wait for their first. */
  readonly fragments: number
}

const LIMITS: JoinerLimits = { open: 65_536, fragments: 1024 }
/** Paths with one key that a sighting is compared with, newest first. */
const MOST_SAME = 1024
const REMEMBERED = 65_536

export interface Joiner {
  readonly flows: Flows
  realm: Realm
  /** Says whether an IPv4 address is a far end. */
  isTarget: (address: number) => boolean
  /** Called for each IPv4 far end that a guest's packet shows. */
  onTarget: (address: number) => void
  /** Called with the ticket of a frame that belongs to no path after all. */
  onGivenUp: (ticket: number) => void
  /** Open paths in the order in which they began. */
  readonly open: Map<number, OpenPath>
  readonly counts: { unmatched: number; evicted: number }
  /** Paths that were given up for want of room; whoever settles takes them. */
  readonly evicted: OpenPath[]
  /** Paths that the last sighting stood for as well: it was a burst of several packets. */
  readonly covered: OpenPath[]
  /** `take` keeps the frame for a file and gives its ticket; it is called for frames that belong to a path, or may. */
  see(frame: Frame, take?: () => number): OpenPath | null
  close(path: OpenPath): void
  /** Gives up fragments that have waited since before `time`. */
  expire(time: number): void
}

interface WaitingFragment {
  readonly key: string
  readonly ticket: number
  readonly frame: Frame
  readonly bytes: Uint8Array
}

export function makeJoiner(realm: Realm, limits: JoinerLimits = LIMITS): Joiner {
  const packet = makePacket()
  const id = makeIdentity()
  const byKey = new Map<number, PathList>()
  const bursts = makeBursts(packet, id, (path, frame) => isFit(fits(path, frame)), ofKey)
  /** First fragments by leg and fragment identification. */
  const fragments = new Map<string, OpenPath>()
  const waiting: WaitingFragment[] = []
  /** Keys of closed paths: the same datagram again is one that was sent again. */
  const past = new Set<number>()
  let serial = 0
  /** Where the last sighting was put. */
  let lastHop: RawHop | null = null

  const joiner: Joiner = {
    flows: makeFlows(),
    realm,
    isTarget: () => false,
    onTarget: () => {},
    onGivenUp: () => {},
    open: new Map(),
    counts: { unmatched: 0, evicted: 0 },
    evicted: [],
    covered: [],
    see,
    close,
    expire,
  }
  return joiner

  function see(frame: Frame, take: () => number = noTicket): OpenPath | null {
    if (joiner.covered.length > 0) joiner.covered.length = 0
    readPacket(packet, frame.bytes, frame.ip, frame.end, frame.length - (frame.ip - frame.start))
    if (!packet.readable) return null
    if (packet.piece === 'later') return seeLater(frame, take)
    if (!identify()) {
      return null
    }
    const known = packet.piece === 'whole' ? undefined : fragments.get(fragmentKey(packet))
    const path = known ? (isFit(fits(known, frame)) ? known : null) : find(frame)
    const result = path ? place(path, frame) : begin(frame)
    note(result, take())
    if (packet.piece === 'first') rememberFragments(result)
    return result
  }

  function note(path: OpenPath, ticket: number): void {
    if (ticket >= 0 && lastHop) path.tickets.push({ ticket, hop: lastHop })
  }

  function identify(): boolean {
    if (packet.family === 4) return identify4(id, packet, joiner.isTarget)
    if (!identify6(id, packet, joiner.realm)) return false
    joiner.onTarget(id.target4)
    return true
  }

  /** The open path that this sighting continues. */
  function find(frame: Frame): OpenPath | null {
    return ofKey(id.key, frame) ?? (id.isError ? null : bursts.find(frame))
  }

  /**
   * Of the paths with a key the one that fits best. Equal packets are seen in the order in which they were sent: it is the
   * oldest behind the last one that was seen here.
   */
  function ofKey(key: number, frame: Frame): OpenPath | null {
    let best: OpenPath | null = null
    let bestFit: Fit = 'no'
    let others = 0
    let path = byKey.get(key)?.last ?? null
    for (let i = 0; path && i < MOST_SAME; i++, path = path.inKey.before) {
      const fit = fits(path, frame)
      if (fit === 'past') break
      if (fit === 'no') continue
      if (fit === 'weak') others++
      if (RANK[fit] >= RANK[bestFit]) {
        best = path
        bestFit = fit
      }
    }
    if (best && bestFit === 'weak' && others > 1) best.confidence = 'guess'
    return best
  }

  /** How well a sighting fits a path: its near end is the path's, is not known, or another's; or it was here already. */
  function fits(path: OpenPath, frame: Frame): Fit {
    const hop = hopAt(path, frame.tap, frame.direction, packet.family)
    const isRequest = path.way === REQUEST
    if (hop && !isPiece(path, hop)) return sameNear(hop, packet, isRequest) ? 'past' : 'no'
    for (const h of path.hops) {
      if (h.family !== packet.family) continue
      if (sameNear(h, packet, isRequest)) return 'sure'
      if (packet.family === 6) return 'no'
    }
    if (packet.family === 6) return path.flow === null || isGuestOf(path.flow) ? 'weak' : 'no'
    if (path.flow === null) return 'weak'
    const owner = belongs(joiner.flows, path.flow, nearAddress(packet, isRequest), id.nearPort)
    return owner === 'this' ? 'sure' : owner === 'other' ? 'no' : 'weak'
  }

  function isGuestOf(flow: Flow): boolean {
    const guest = id.way === REQUEST ? packet.source : packet.destination
    return flow.guestPort === id.nearPort && guest.every((w, i) => w === flow.guest[i])
  }

  /** Less of the packet was seen at this hop than there is of it. */
  function isPiece(path: OpenPath, hop: RawHop): boolean {
    if (packet.piece !== 'whole') return hop.pieces > 0 && packet.piece === 'later'
    return path.payload > 0 && hop.payload + packet.payload <= path.payload && packet.payload < path.payload
  }

  function place(path: OpenPath, frame: Frame): OpenPath {
    const hop = hopAt(path, frame.tap, frame.direction, packet.family)
    if (hop) lastHop = addPiece(path, hop, frame.time, packet)
    else {
      lastHop = addHop(path, frame.tap, frame.direction, frame.time, packet)
      tie(path)
    }
    if (packet.payload > path.payload && !id.isError) {
      bursts.cover(path, frame, joiner.covered)
      for (const other of joiner.covered) {
        addHop(other, frame.tap, frame.direction, frame.time, packet)
        tie(other)
      }
    }
    return path
  }

  /** Learns from a path that now has both families who is behind which end. */
  function tie(path: OpenPath): void {
    const isRequest = path.way === REQUEST
    if (path.flow === null && packet.family === 6 && path.error === null) {
      const guest = isRequest ? packet.source : packet.destination
      path.flow = flowOfGuest(joiner.flows, path.protocol, guest, id.nearPort, path.target4, path.targetPort)
      for (const h of path.hops) if (h.family === 4) learnHop(path, h)
    } else if (path.flow && packet.family === 4 && path.error === null) {
      learnHop(path, path.hops.at(-1) as RawHop)
    }
  }

  function learnHop(path: OpenPath, h: RawHop): void {
    const isRequest = path.way === REQUEST
    const address = (isRequest ? h.source : h.destination)[0]
    const port = isRequest ? h.sourcePort : h.destinationPort
    if (path.confidence !== 'guess') learn(joiner.flows, path.flow as Flow, address, port, false)
  }

  function begin(frame: Frame): OpenPath {
    const protocol = id.isError ? (packet.inner as Packet).protocol : packet.protocol
    const flow = flowFor(protocol)
    const isRequest = id.way === REQUEST
    const isAgain = packet.protocol !== TCP && (past.has(id.key) || byKey.has(id.key))
    const path: OpenPath = {
      id: ++serial,
      key: id.key,
      quote: id.quote,
      flowKey: id.flowKey,
      way: id.way,
      protocol,
      target4: id.target4,
      targetPort: id.targetPort,
      flow,
      hops: [],
      time: frame.time,
      last: frame.time,
      sequence: packet.sequence,
      flags: packet.flags,
      icmpKind: packet.icmpKind,
      sample: packet.sample,
      payload: packet.payload,
      confidence: 'likely',
      retransmission: isAgain || isOld(flow),
      error: noteError(packet),
      closed: false,
      tickets: [],
      ripe: -1,
      met: false,
      cutOff: false,
      inKey: makeLinks(),
      inLine: makeLinks(),
      incomplete: false,
    }
    if (
      packet.family === 4 &&
      flow &&
      belongs(joiner.flows, flow, nearAddress(packet, isRequest), id.nearPort) !== 'this'
    )
      path.flow = null
    lastHop = addHop(path, frame.tap, frame.direction, frame.time, packet)
    joiner.open.set(path.id, path)
    append(byKey, path.key, 'inKey', path)
    if (!id.isError) bursts.add(path)
    if (joiner.open.size > limits.open) evict()
    return path
  }

  function flowFor(protocol: number): Flow | null {
    if (packet.family === 6) {
      const towards = id.way === REQUEST
      // The guest of an error is in the packet inside.
      const from = id.isError ? (packet.inner as Packet) : packet
      const guest = towards !== id.isError ? from.source : from.destination
      return flowOfGuest(joiner.flows, protocol, guest, id.nearPort, id.target4, id.targetPort)
    }
    const near = id.isError
      ? nearAddress(packet.inner as Packet, id.way === REPLY)
      : nearAddress(packet, id.way === REQUEST)
    return flowBehind(joiner.flows, protocol, near, id.nearPort, id.target4, id.targetPort) ?? null
  }

  /** TCP: bytes that were sent before. */
  function isOld(flow: Flow | null): boolean {
    if (!flow || packet.protocol !== TCP || id.isError) return false
    const length = packet.payload + (packet.flags & 3 ? 1 : 0)
    if (length === 0) return false
    const end = (packet.sequence + length) >>> 0
    const sent = flow.sent[id.way === REQUEST ? 0 : 1]
    if (sent >= 0 && ((end - sent) | 0) <= 0) return true
    flow.sent[id.way === REQUEST ? 0 : 1] = end
    return false
  }

  function seeLater(frame: Frame, take: () => number): OpenPath | null {
    const key = fragmentKey(packet)
    const path = fragments.get(key)
    if (!path || path.closed) {
      if (!isNear()) return null
      if (waiting.length >= limits.fragments) {
        giveUp()
      }
      const bytes = frame.bytes.slice(frame.ip, frame.end)
      waiting.push({ key, ticket: take(), bytes, frame: { ...frame, bytes, start: 0, ip: 0, end: bytes.length } })
      return null
    }
    const hop = hopAt(path, frame.tap, frame.direction, packet.family)
    lastHop = hop
      ? addPiece(path, hop, frame.time, packet)
      : addHop(path, frame.tap, frame.direction, frame.time, packet)
    note(path, take())
    return path
  }

  /** A later fragment has no ports; its addresses must do. */
  function isNear(): boolean {
    if (packet.family === 4) return joiner.isTarget(packet.destination[0]) || joiner.isTarget(packet.source[0])
    return identify6(id, packet, joiner.realm)
  }

  function rememberFragments(path: OpenPath): void {
    const key = fragmentKey(packet)
    if (fragments.get(key) === path) return
    fragments.set(key, path)
    if (fragments.size > limits.fragments) fragments.delete(fragments.keys().next().value as string)
    const early = waiting.filter(w => w.key === key)
    if (early.length === 0) return
    for (const w of early) waiting.splice(waiting.indexOf(w), 1)
    for (const w of early) see(w.frame, () => w.ticket)
  }

  function close(path: OpenPath): void {
    path.closed = true
    joiner.open.delete(path.id)
    remove(byKey, path.key, 'inKey', path)
    if (!path.error) bursts.remove(path)
    past.add(path.key)
    if (past.size > REMEMBERED) past.delete(past.values().next().value as number)
  }

  function evict(): void {
    const oldest = joiner.open.values().next().value as OpenPath
    close(oldest)
    joiner.counts.evicted++
    joiner.evicted.push(oldest)
  }

  function giveUp(): void {
    const fragment = waiting.shift()
    joiner.counts.unmatched++
    if (fragment && fragment.ticket >= 0) joiner.onGivenUp(fragment.ticket)
  }

  function expire(time: number): void {
    while (waiting.length > 0 && (waiting[0] as WaitingFragment).frame.time < time) {
      giveUp()
    }
  }
}

const noTicket = () => -1

type Fit = 'no' | 'past' | 'weak' | 'sure'
const RANK = { no: 0, past: 0, weak: 1, sure: 2 } as const
const isFit = (fit: Fit) => RANK[fit] > 0

function sameNear(h: RawHop, p: Packet, isRequest: boolean): boolean {
  const a = isRequest ? h.source : h.destination
  const b = isRequest ? p.source : p.destination
  const port = isRequest ? h.sourcePort === p.sourcePort : h.destinationPort === p.destinationPort
  // Errors of routers on the way have none of their own.
  return (port || p.piece === 'later') && a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3]
}

function fragmentKey(p: Packet): string {
  return `${p.source.join()}>${p.destination.join()}/${p.protocol}#${p.fragmentId}`
}
