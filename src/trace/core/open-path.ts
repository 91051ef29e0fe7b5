/** A packet under way: its sightings so far. What the joiner collects and settling makes a traced path of. */

import { TCP } from '../../wire/protocol.js'
import type { Flow } from './flows.js'
import type { Direction } from './frame.js'
import { isError, type Packet } from './packet.js'
import type { Links } from './path-list.js'
import type { Confidence } from './traced.js'

export interface RawHop {
  readonly tap: number
  readonly direction: Direction
  readonly family: 4 | 6
  readonly time: number
  readonly source: readonly [number, number, number, number]
  readonly destination: readonly [number, number, number, number]
  readonly sourcePort: number
  readonly destinationPort: number
  readonly ttl: number
  length: number
  pieces: number
  /** The piece with the transport header was seen here. */
  head: boolean
  /** Bytes of transport payload that were seen here. */
  payload: number
}

/** An ICMP error in words that both families share. */
export interface ErrorNote {
  readonly kind: number
  readonly type: number
  readonly code: number
  readonly family: 4 | 6
  readonly from: readonly [number, number, number, number]
  /** Of a link that the packet is too big for, bytes; 0: not said. */
  readonly mtu: number
  /** The packet inside belongs to this protocol. */
  readonly protocol: number
}

export interface OpenPath {
  readonly id: number
  readonly key: number
  readonly quote: number
  readonly flowKey: number
  readonly way: number
  readonly protocol: number
  readonly target4: number
  readonly targetPort: number
  /** Port at the near end where it was first seen; of an error, that in the packet inside. */
  readonly nearPort: number
  flow: Flow | null
  readonly hops: RawHop[]
  readonly time: number
  last: number
  /** TCP: sequence number of the first byte, or of an echo. */
  readonly sequence: number
  readonly flags: number
  /** TCP: the sender's timestamp, which all segments of a super-packet have; 0: none. */
  readonly stamp: number
  readonly icmpKind: number
  /** How sparingly a sample may be taken that still has this packet, see `rankOf`. */
  readonly rank: number
  /** Of the first bytes of the payload. */
  readonly sample: number
  /** Bytes of transport payload of the whole packet. */
  payload: number
  /** The header of its first fragment does not say how long the whole is: `payload` is what was seen of it. */
  isCut: boolean
  /** Fragments of it were seen. */
  isFragmented: boolean
  confidence: Confidence
  retransmission: boolean
  readonly error: ErrorNote | null
  /** Set when it is settled: later sightings of its kind are another packet. */
  closed: boolean
  /** Tickets of the frames that a capture file holds for it, with the hop they are of. */
  readonly tickets: { readonly ticket: number; readonly hop: RawHop }[]
  /** When it reached the end of its way; -1: not yet. */
  ripe: number
  /** Its connection knows of it. */
  met: boolean
  /** The trace ended while it was under way. */
  cutOff: boolean
  /** Its neighbours among open paths with the same key, and of the same connection. */
  readonly inKey: Links
  readonly inLine: Links
  /** A capture lost packets while this one was under way. */
  incomplete: boolean
}

/** The hop of a path at a tap, in one direction and family; undefined: not seen there. */
export function hopAt(path: OpenPath, tap: number, direction: Direction, family: 4 | 6): RawHop | undefined {
  for (const hop of path.hops) {
    if (hop.tap === tap && hop.family === family && hop.direction === direction) return hop
  }
  return undefined
}

/** `payload`: bytes of the path's payload that this sighting shows; a super-packet may show those of other paths as well. */
export function addHop(
  path: OpenPath,
  tap: number,
  direction: Direction,
  time: number,
  p: Packet,
  payload = p.payload,
): RawHop {
  const head = p.piece !== 'later'
  // A later fragment has no ports: they are those of the first, on the same leg.
  const leg = head ? p : (path.hops.find(h => isSameLeg(h, p)) ?? p)
  // Most hops have the addresses of the one before: they share them.
  const before = path.hops.length > 0 ? path.hops[path.hops.length - 1] : undefined
  const hop: RawHop = {
    tap,
    direction,
    family: p.family,
    time,
    source: before && isSame(before.source, p.source) ? before.source : copyOf(p.source),
    destination: before && isSame(before.destination, p.destination) ? before.destination : copyOf(p.destination),
    sourcePort: leg.sourcePort,
    destinationPort: leg.destinationPort,
    ttl: p.ttl,
    length: p.length,
    pieces: 1,
    head,
    payload,
  }
  path.hops.push(hop)
  if (time > path.last) path.last = time
  return hop
}

type Words = readonly [number, number, number, number]

const copyOf = (w: Words): Words => [w[0], w[1], w[2], w[3]]
const isSame = (a: Words, b: Words): boolean => a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3]

function isSameLeg(h: RawHop, p: Packet): boolean {
  return isSame(h.source, p.source) && isSame(h.destination, p.destination)
}

/** Another piece of the packet at a hop where a first one was seen. */
export function addPiece(path: OpenPath, hop: RawHop, time: number, p: Packet, payload = p.payload): RawHop {
  hop.pieces++
  hop.length += p.length
  hop.payload += payload
  hop.head ||= p.piece !== 'later'
  if (time > path.last) path.last = time
  return hop
}

/**
 * Bytes of a path's payload that a packet shows: the part of a super-packet's sequence numbers that is the path's, the
 * share of a burst, or all.
 */
export function shareOf(path: OpenPath, p: Packet): number {
  if (p.piece === 'later' || path.isCut || path.error !== null) return p.payload
  if (p.protocol !== TCP) return Math.min(p.payload, path.payload)
  if (p.stamp !== path.stamp) return 0
  const into = (p.sequence - path.sequence) | 0
  return Math.max(0, Math.min(into + p.payload, path.payload) - Math.max(into, 0))
}

/**
 * Less of it was seen at a hop than there is of it. Of datagrams in a burst nobody knows for sure which one is missing.
 */
export function isPartial(path: OpenPath, hop: RawHop): boolean {
  return hop.payload < path.payload && (path.isFragmented || path.protocol === TCP)
}

/** What an error packet says, copied out of the reused packet. */
export function noteError(p: Packet): ErrorNote | null {
  if (!isError(p.icmpKind) || !p.inner?.readable) return null
  return {
    kind: p.icmpKind,
    type: p.icmpType,
    code: p.icmpCode,
    family: p.family,
    from: copyOf(p.source),
    mtu: p.mtu,
    protocol: p.inner.protocol,
  }
}
