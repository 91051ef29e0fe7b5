/**
 * Sightings into packets. A sighting belongs to an open path with the same key (identity.ts) whose near end it fits and
 * that was not seen at this tap yet; fragments and segments follow their whole. What fits nothing opens a path.
 * Bounded: open paths, waiting fragments and remembered keys have a limit each; what is given up is counted.
 */

import { FIN, SYN, TCP, UDP, UDP_HEADER } from '../../wire/protocol.js'
import { rankOf, type Sample } from '../../wire/sample.js'
import { makeBursts } from './bursts.js'
import {
  belongs,
  type Flow,
  type Flows,
  flowBehind,
  flowOfGuest,
  isIdle,
  learn,
  makeFlows,
  nearAddress,
} from './flows.js'
import { fragmentKey, makeFragments } from './fragments.js'
import type { Frame } from './frame.js'
import { identify4, identify6, makeIdentity, REPLY, REQUEST, type Realm } from './identity.js'
import { addHop, addPiece, hopAt, noteError, type OpenPath, type RawHop, shareOf } from './open-path.js'
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
/** Keys of closed paths in a set; there are two. */
const REMEMBERED = 32_768

export interface Joiner {
  readonly flows: Flows
  realm: Realm
  /** Which packets are captured; null: all. Others that are seen open no path. */
  sample: Sample | null
  /** A frame that has just come in from outside. */
  isEntry: (frame: Frame) => boolean
  /** The longest UDP length of those. */
  longest: number
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

export function makeJoiner(realm: Realm, limits: JoinerLimits = LIMITS): Joiner {
  const packet = makePacket()
  const id = makeIdentity()
  const byKey = new Map<number, PathList>()
  const bursts = makeBursts(
    packet,
    id,
    (path, frame) => isFit(fits(path, frame)),
    ofKey,
    () => joiner.sample,
  )
  const fragments = makeFragments(limits.fragments, giveUp)
  /** Keys of closed paths: the same datagram again is one that was sent again. */
  let past = new Set<number>()
  let older = past
  let serial = 0
  /** Where the last sighting was put. */
  let lastHop: RawHop | null = null

  const joiner: Joiner = {
    flows: makeFlows(),
    realm,
    sample: null,
    isEntry: () => false,
    longest: 0,
    isTarget: () => false,
    onTarget: () => {},
    onGivenUp: () => {},
    open: new Map(),
    counts: { unmatched: 0, evicted: 0 },
    evicted: [],
    covered: [],
    see,
    close,
    expire: fragments.expire,
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
    const path = find(frame)
    const result = path ? place(path, frame) : begin(frame)
    if (result === null) return null
    note(result, take())
    if (packet.piece === 'first') {
      for (const early of fragments.remember(fragmentKey(packet), result)) see(early.frame, () => early.ticket)
    }
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
    return ofKey(id.key, frame) ?? (id.isError || packet.piece !== 'whole' ? null : bursts.find(frame))
  }

  /**
   * Of the paths with a key the one that fits best. Equal packets are seen in the order in which they were sent: it is the
   * oldest behind the last one that was seen here, save that one which has not been seen for a while has died.
   */
  function ofKey(key: number, frame: Frame): OpenPath | null {
    let best: OpenPath | null = null
    let bestFit: Fit = 'no'
    let equals = 0
    let guesses = 0
    let path = byKey.get(key)?.last ?? null
    for (let i = 0; path && i < MOST_SAME; i++, path = path.inKey.before) {
      const fit = fits(path, frame)
      // Its owner's packet was here: this is another of the owner's.
      if (fit === 'past' && bestFit === 'stale') return null
      if (fit === 'past') break
      if (path.confidence === 'guess') guesses++
      if (RANK[fit] < RANK[bestFit] || fit === 'no') continue
      if (fit !== bestFit) equals = 0
      else if (path.flow === null || path.flow !== best?.flow) equals++
      if (fit === bestFit && isSilent(path, frame)) continue
      best = path
      bestFit = fit
    }
    // What was guessed of one of them leaves the others in doubt as well.
    if (best && bestFit !== 'sure' && equals + guesses > 0) best.confidence = 'guess'
    return best
  }

  /** How well a sighting fits a path: see {@link Fit}. */
  function fits(path: OpenPath, frame: Frame): Fit {
    if (id.isError && packet.family === 6 && !isThisError(path)) return 'no'
    const hop = hopAt(path, frame.tap, frame.direction, packet.family)
    const isRequest = path.way === REQUEST
    if (hop && !isPiece(path, hop)) return sameNear(hop, packet, isRequest) ? 'past' : 'no'
    for (const h of path.hops) {
      if (h.family !== packet.family) continue
      if (sameNear(h, packet, isRequest)) return 'sure'
      if (packet.family === 6) return 'no'
    }
    if (path.flow === null) return 'weak'
    if (packet.family === 6) return isGuestOf(path.flow) ? 'sure' : isIdle(path.flow, frame.time) ? 'stale' : 'no'
    const near = nearAddress(packet, isRequest)
    const owner = belongs(joiner.flows, path.flow, near, id.nearPort, frame.time)
    if (owner === 'this') return 'sure'
    if (owner !== null) return owner === 'other' ? 'no' : 'stale'
    const isOnIpv4 = path.hops.some(h => h.family === 4)
    return isOnIpv4 || path.flow.near4.length === 0 ? 'weak' : 'strange'
  }

  /** Of the same sender, about a packet with the same near end, as far as one saw that on IPv6. */
  function isThisError(path: OpenPath): boolean {
    const six = path.hops.find(h => h.family === 6)
    if (six?.source.some((w, i) => w !== packet.source[i])) return false
    if (path.hops[0]?.family === 6) return path.nearPort === id.nearPort
    return path.flow === null || isGuestOf(path.flow)
  }

  /** The guest that an IPv6 packet is of. That of an error is in the packet inside. */
  function guest6(): Packet['source'] {
    const from = id.isError ? (packet.inner as Packet) : packet
    return (id.way === REQUEST) !== id.isError ? from.source : from.destination
  }

  function isGuestOf(flow: Flow): boolean {
    return flow.guestPort === id.nearPort && guest6().every((w, i) => w === flow.guest[i])
  }

  /** Less of the packet was seen at this hop than there is of it. */
  function isPiece(path: OpenPath, hop: RawHop): boolean {
    if (packet.piece !== 'whole') return !hop.head
    const share = shareOf(path, packet)
    return share > 0 && share < path.payload && hop.payload + share <= path.payload
  }

  function place(path: OpenPath, frame: Frame): OpenPath {
    const share = shareOf(path, packet)
    lastHop = put(path, frame, share)
    if (packet.payload > share && packet.piece === 'whole' && !id.isError) {
      bursts.cover(path, frame, joiner.covered)
      for (const other of joiner.covered) put(other, frame, shareOf(other, packet))
    }
    return path
  }

  function put(path: OpenPath, frame: Frame, share: number): RawHop {
    const known = hopAt(path, frame.tap, frame.direction, packet.family)
    const hop = known
      ? addPiece(path, known, frame.time, packet, share)
      : addHop(path, frame.tap, frame.direction, frame.time, packet, share)
    if (packet.piece !== 'whole') path.isFragmented = true
    if (path.isCut) {
      path.payload = Math.max(path.payload, hop.payload)
      path.isCut = packet.piece !== 'whole'
    }
    if (!known && packet.piece !== 'later') tie(path, hop)
    return hop
  }

  /** Learns from a path that now has both families who is behind which end. */
  function tie(path: OpenPath, hop: RawHop): void {
    if (hop.family === 6) {
      const isNew = path.flow === null || !isGuestOf(path.flow)
      if (isNew) path.flow = flowFor(path.protocol)
      if (path.flow) path.flow.last = hop.time
      if (isNew) for (const h of path.hops) learnHop(path, h)
    } else learnHop(path, hop)
  }

  function learnHop(path: OpenPath, h: RawHop): void {
    if (h.family === 6 || path.flow === null || path.error !== null || path.confidence === 'guess') return
    const isRequest = path.way === REQUEST
    const address = (isRequest ? h.source : h.destination)[0]
    learn(joiner.flows, path.flow, address, isRequest ? h.sourcePort : h.destinationPort, false)
  }

  /** Null when it is no packet of the sample. */
  function begin(frame: Frame): OpenPath | null {
    if (packet.udpLength > joiner.longest && joiner.isEntry(frame)) joiner.longest = packet.udpLength
    const rank = rankOf(frame.bytes, frame.ip, frame.end)
    if (joiner.sample !== null && rank < joiner.sample.shift) return null
    const about = id.isError ? (packet.inner as Packet) : packet
    const flow = flowFor(about.protocol)
    if (flow && packet.family === 6) flow.last = frame.time
    const path: OpenPath = {
      id: ++serial,
      key: id.key,
      quote: id.quote,
      flowKey: id.flowKey,
      way: id.way,
      protocol: about.protocol,
      target4: id.target4,
      targetPort: id.targetPort,
      nearPort: id.nearPort,
      flow,
      hops: [],
      time: frame.time,
      last: frame.time,
      sequence: about.sequence,
      flags: packet.flags,
      stamp: packet.stamp,
      icmpKind: packet.icmpKind,
      rank,
      sample: packet.sample,
      payload: packet.protocol === UDP ? Math.max(packet.payload, packet.udpLength - UDP_HEADER) : packet.payload,
      isCut: packet.piece === 'first' && packet.protocol !== UDP,
      isFragmented: packet.piece !== 'whole',
      confidence: 'likely',
      retransmission: !id.isError && (packet.protocol === TCP ? isOld(flow) : isAgain(flow)),
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
    lastHop = addHop(path, frame.tap, frame.direction, frame.time, packet)
    joiner.open.set(path.id, path)
    append(byKey, path.key, 'inKey', path)
    if (!id.isError) bursts.add(path)
    if (joiner.open.size > limits.open) evict()
    return path
  }

  function flowFor(protocol: number): Flow | null {
    const { flows } = joiner
    if (packet.family === 6) return flowOfGuest(flows, protocol, guest6(), id.nearPort, id.target4, id.targetPort)
    const near = id.isError
      ? nearAddress(packet.inner as Packet, id.way === REPLY)
      : nearAddress(packet, id.way === REQUEST)
    return flowBehind(flows, protocol, near, id.nearPort, id.target4, id.targetPort) ?? null
  }

  /** TCP: bytes that were sent before. */
  function isOld(flow: Flow | null): boolean {
    const length = packet.payload + (packet.flags & (SYN | FIN) ? 1 : 0)
    if (!flow || length === 0) return false
    const end = (packet.sequence + length) >>> 0
    const way = id.way === REQUEST ? 0 : 1
    const sent = flow.sent[way]
    // A SYN begins a connection anew, wherever the one before was.
    if (packet.flags & SYN ? end === sent : sent >= 0 && ((end - sent) | 0) <= 0) return true
    flow.sent[way] = end
    return false
  }

  /** The same datagram of the same connection was here before, not long ago. */
  function isAgain(flow: Flow | null): boolean {
    const key = pastKey(id.key, flow)
    if (past.has(key) || older.has(key)) return true
    for (let path = byKey.get(id.key)?.last ?? null; path; path = path.inKey.before) if (path.flow === flow) return true
    return false
  }

  function seeLater(frame: Frame, take: () => number): OpenPath | null {
    const key = fragmentKey(packet)
    const path = fragments.pathOf(key)
    if (!path) {
      if (isNear()) fragments.wait(key, frame, take())
      return null
    }
    lastHop = put(path, frame, packet.payload)
    note(path, take())
    return path
  }

  /** A later fragment has no ports; its addresses must do. */
  function isNear(): boolean {
    if (packet.family === 4) return joiner.isTarget(packet.destination[0]) || joiner.isTarget(packet.source[0])
    return identify6(id, packet, joiner.realm)
  }

  function close(path: OpenPath): void {
    path.closed = true
    joiner.open.delete(path.id)
    remove(byKey, path.key, 'inKey', path)
    if (!path.error) bursts.remove(path)
    if (path.protocol !== TCP) remember(pastKey(path.key, path.flow))
  }

  /** Two sets in turn: forgetting keys one by one would take longer than remembering them. */
  function remember(key: number): void {
    past.add(key)
    if (past.size < REMEMBERED) return
    older = past
    past = new Set()
  }

  function evict(): void {
    const oldest = joiner.open.values().next().value as OpenPath
    close(oldest)
    joiner.counts.evicted++
    joiner.evicted.push(oldest)
  }

  function giveUp(ticket: number): void {
    joiner.counts.unmatched++
    if (ticket >= 0) joiner.onGivenUp(ticket)
  }
}

const noTicket = () => -1

/**
 * no: it is of another packet. past: the packet was seen here already, with this near end. stale: its near end was
 * another's, long ago. strange: nobody knows whose the near end is, and the path's connection had another one. weak: nobody
 * knows whose it is. sure: it is the path's.
 */
type Fit = 'no' | 'past' | 'stale' | 'strange' | 'weak' | 'sure'
const RANK = { no: 0, past: 0, stale: 1, strange: 2, weak: 3, sure: 4 } as const
const isFit = (fit: Fit) => RANK[fit] > 0

/** Nothing on the way takes so long; a neighbour that has to be found may, but then nothing overtakes, ns. */
const SILENT = 100e6
const isSilent = (path: OpenPath, frame: Frame) => frame.time - path.last > SILENT

/** Of what a packet is to be known by when it is sent again: its key and its connection. */
const pastKey = (key: number, flow: Flow | null) => key + (flow?.id ?? 0)

function sameNear(h: RawHop, p: Packet, isRequest: boolean): boolean {
  const a = isRequest ? h.source : h.destination
  const b = isRequest ? p.source : p.destination
  const port = isRequest ? h.sourcePort === p.sourcePort : h.destinationPort === p.destinationPort
  // Errors of routers on the way have none of their own.
  return (port || p.piece === 'later') && a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3]
}
