// hot path
/**
 * Packets that travel joined: segments as one super-packet of TCP, datagrams of one size (the last may be shorter) as one
 * burst of UDP. Kernels join and cut them where they like, and translators too. Finds the open path that such a packet
 * continues, and the others that it stands for.
 */
import { TCP, UDP } from '../../wire/protocol.js'
import type { Frame } from './frame.js'
import { datagramKey, type Identity } from './identity.js'
import { hopAt, type OpenPath } from './open-path.js'
import { type Packet, SAMPLE, sampleOf } from './packet.js'
import { append, type PathList, remove } from './path-list.js'

/** Paths of a connection that are compared with a packet, newest first. */
const NEAR_PATHS = 64

export interface Bursts {
  add(path: OpenPath): void
  remove(path: OpenPath): void
  /** The open path that a packet continues as a piece of it, or as the first that it is made of. */
  find(frame: Frame): OpenPath | null
  /** Fills `others` with the open paths that the packet stands for beside `path`. */
  cover(path: OpenPath, frame: Frame, others: OpenPath[]): void
}

/**
 * `packet` and `id` are of the sighting at hand. `fits`: it may continue this path. `ofKey`: the open path with this key
 * that it continues.
 */
export function makeBursts(
  packet: Packet,
  id: Identity,
  fits: (path: OpenPath, frame: Frame) => boolean,
  ofKey: (key: number, frame: Frame) => OpenPath | null,
): Bursts {
  /** By connection at the far end. */
  const segments = new Map<number, PathList>()
  /** By connection at the far end, then by payload. */
  const datagrams = new Map<number, Map<number, PathList>>()

  return {
    add(path) {
      if (path.protocol === TCP) append(segments, path.flowKey, 'inLine', path)
      else if (path.protocol === UDP) {
        const sizes = datagrams.get(path.flowKey) ?? new Map<number, PathList>()
        if (sizes.size === 0) datagrams.set(path.flowKey, sizes)
        append(sizes, path.payload, 'inLine', path)
      }
    },
    remove(path) {
      if (path.protocol === TCP) remove(segments, path.flowKey, 'inLine', path)
      const sizes = path.protocol === UDP ? datagrams.get(path.flowKey) : undefined
      if (!sizes) return
      remove(sizes, path.payload, 'inLine', path)
      if (sizes.size === 0) datagrams.delete(path.flowKey)
    },
    find(frame) {
      if (packet.payload === 0) return null
      if (packet.protocol === TCP) return overlapping(frame)
      if (packet.protocol !== UDP) return null
      const sizes = datagrams.get(id.flowKey)
      if (!sizes) return null
      for (const [size, list] of sizes) {
        if (size === packet.payload || size === 0) continue
        const path = size < packet.payload ? member(0, size, frame) : wholeOf(list, frame)
        if (path) return path
      }
      return null
    },
    cover(path, frame, others) {
      if (packet.protocol === TCP) coverSegments(path, frame, others)
      else if (packet.protocol === UDP) coverDatagrams(path, frame, others)
    },
  }

  /** A segment of a super-packet, or a super-packet of segments: their ranges overlap. */
  function overlapping(frame: Frame): OpenPath | null {
    let path = segments.get(id.flowKey)?.last ?? null
    for (let i = 0; path && i < NEAR_PATHS; i++, path = path.inLine.before) {
      const into = (packet.sequence - path.sequence) | 0
      const overlaps = into >= 0 ? into < path.payload : -into < packet.payload
      if (overlaps && path.payload > 0 && fits(path, frame)) return path
    }
    return null
  }

  function coverSegments(path: OpenPath, frame: Frame, others: OpenPath[]): void {
    let other = segments.get(path.flowKey)?.last ?? null
    for (let i = 0; other && i < NEAR_PATHS; i++, other = other.inLine.before) {
      const into = (other.sequence - packet.sequence) | 0
      const isInside = into >= 0 && into < packet.payload && other.payload > 0
      if (isInside && other !== path && isMissing(other, frame) && fits(other, frame)) others.push(other)
    }
  }

  /** A burst that has not passed here as a whole: the first piece begins as it does, further ones fill it up. */
  function wholeOf(list: PathList, frame: Frame): OpenPath | null {
    let whole: OpenPath | null = null
    let path = list.last
    for (let i = 0; path && i < NEAR_PATHS; i++, path = path.inLine.before) {
      const hop = hopAt(path, frame.tap, frame.direction, packet.family)
      const isNext = hop
        ? hop.payload + packet.payload <= path.payload
        : packet.payload < SAMPLE || packet.sample === path.sample
      if (isNext && fits(path, frame)) whole = path
    }
    return whole
  }

  /** The datagram at an offset of a burst, as far as its bytes were captured. */
  function member(offset: number, size: number, frame: Frame): OpenPath | null {
    const from = packet.payloadAt + offset
    if (from + Math.min(size, SAMPLE) > frame.end) return null
    return ofKey(datagramKey(id, size, sampleOf(frame.bytes, from, from + size)), frame)
  }

  /** Those whose bytes were not captured follow in the order in which they were sent. */
  function coverDatagrams(first: OpenPath, frame: Frame, others: OpenPath[]): void {
    const size = first.payload
    let before = first
    for (let offset = size; size > 0 && offset < packet.payload; offset += size) {
      const length = Math.min(size, packet.payload - offset)
      const other = member(offset, length, frame) ?? following(before, length, frame)
      if (!other) continue
      others.push(other)
      before = other
    }
  }

  function following(before: OpenPath, size: number, frame: Frame): OpenPath | null {
    let path = size === before.payload ? before.inLine.after : (datagrams.get(id.flowKey)?.get(size)?.first ?? null)
    for (let i = 0; path && i < NEAR_PATHS; path = path.inLine.after) {
      if (path.id < before.id) continue
      i++
      if (isMissing(path, frame) && fits(path, frame)) return path
    }
    return null
  }

  function isMissing(path: OpenPath, frame: Frame): boolean {
    return !hopAt(path, frame.tap, frame.direction, packet.family)
  }
}
