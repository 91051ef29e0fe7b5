/** A packet under way: its sightings so far. What the joiner collects and settling makes a traced path of. */

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
  flow: Flow | null
  readonly hops: RawHop[]
  readonly time: number
  last: number
  /** TCP: sequence number of the first byte, or of an echo. */
  readonly sequence: number
  readonly flags: number
  readonly icmpKind: number
  /** Of the first bytes of the payload. */
  readonly sample: number
  /** Bytes of transport payload of the whole packet, as far as seen. */
  readonly payload: number
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

export function addHop(path: OpenPath, tap: number, direction: Direction, time: number, p: Packet): RawHop {
  const hop: RawHop = {
    tap,
    direction,
    family: p.family,
    time,
    source: [p.source[0], p.source[1], p.source[2], p.source[3]],
    destination: [p.destination[0], p.destination[1], p.destination[2], p.destination[3]],
    sourcePort: p.sourcePort,
    destinationPort: p.destinationPort,
    ttl: p.ttl,
    length: p.length,
    pieces: 1,
    payload: p.payload,
  }
  path.hops.push(hop)
  if (time > path.last) path.last = time
  return hop
}

/** Another piece of the packet at a hop where a first one was seen. */
export function addPiece(path: OpenPath, hop: RawHop, time: number, p: Packet): RawHop {
  hop.pieces++
  hop.length += p.length
  hop.payload += p.payload
  if (time > path.last) path.last = time
  return hop
}

/** What an error packet says, copied out of the reused packet. */
export function noteError(p: Packet): ErrorNote | null {
  if (!isError(p.icmpKind) || !p.inner?.readable) return null
  return {
    kind: p.icmpKind,
    type: p.icmpType,
    code: p.icmpCode,
    family: p.family,
    from: [p.source[0], p.source[1], p.source[2], p.source[3]],
    protocol: p.inner.protocol,
  }
}
