// hot path
/**
 * Packets that travel joined: segments as one super-packet of TCP, datagrams of one size (the last may be shorter) as one
 * burst of UDP. Kernels join and cut them where they like, and translators too. Finds the open path that such a packet
 * continues, and the others that it stands for.
 */
import { TCP, UDP } from '../../wire/protocol.js'
import { rankOfPayload, type Sample } from '../../wire/sample.js'
import type { Frame } from './frame.js'
import { combine, mix } from './hash.js'
import { datagramKey, type Identity } from './identity.js'
import { hopAt, type OpenPath, shareOf } from './open-path.js'
import { type Packet, SAMPLE, sampleOf } from './packet.js'
import { append, type PathList, remove } from './path-list.js'

/** Paths of a connection that are compared with a packet. */
const NEAR_PATHS = 64
/** Bursts of a connection at the far end that have gone on in part. */
const MOST_PARTIAL = 16

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
 * that it continues. `sample`: what of the datagrams is captured; of bursts, where it is not null, all bytes.
 */
export function makeBursts(
  packet: Packet,
  id: Identity,
  fits: (path: OpenPath, frame: Frame) => boolean,
  ofKey: (key: number, frame: Frame) => OpenPath | null,
  sample: () => Sample | null,
): Bursts {
  /** By connection at the far end. */
  const segments = new Map<number, PathList>()
  /** By connection at the far end, then by payload. */
  const datagrams = new Map<number, Map<number, PathList>>()
  /** The newest with this beginning, alone or of a burst. */
  const beginnings = new Map<number, OpenPath>()
  /** By connection at the far end: those that were seen in pieces. */
  const partial = new Map<number, OpenPath[]>()
  /** Where in a burst the datagram stands by which it was found. */
  let foundAt = 0

  return {
    add(path) {
      if (path.protocol === TCP) append(segments, path.flowKey, 'inLine', path)
      else if (path.protocol === UDP && path.payload > 0) {
        const sizes = datagrams.get(path.flowKey) ?? new Map<number, PathList>()
        if (sizes.size === 0) datagrams.set(path.flowKey, sizes)
        append(sizes, path.payload, 'inLine', path)
        beginnings.set(beginningOf(path.flowKey, path.sample), path)
      }
    },
    remove(path) {
      if (path.protocol === TCP) remove(segments, path.flowKey, 'inLine', path)
      const sizes = path.protocol === UDP ? datagrams.get(path.flowKey) : undefined
      if (!sizes) return
      remove(sizes, path.payload, 'inLine', path)
      if (sizes.size === 0) datagrams.delete(path.flowKey)
      const beginning = beginningOf(path.flowKey, path.sample)
      if (beginnings.get(beginning) === path) beginnings.delete(beginning)
      const parts = partial.get(path.flowKey)?.filter(p => p !== path)
      if (parts?.length === 0) partial.delete(path.flowKey)
      else if (parts) partial.set(path.flowKey, parts)
    },
    find(frame) {
      if (packet.payload === 0) return null
      if (packet.protocol === TCP) return overlapping(frame)
      return packet.protocol === UDP && datagrams.has(id.flowKey) ? datagram(frame) : null
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
      if (shareOf(path, packet) > 0 && fits(path, frame)) return path
    }
    return null
  }

  /** They were sent before it and after it. */
  function coverSegments(path: OpenPath, frame: Frame, others: OpenPath[]): void {
    for (const side of ['before', 'after'] as const) {
      let other = path.inLine[side]
      for (let i = 0; other && i < NEAR_PATHS; i++, other = other.inLine[side]) {
        if (shareOf(other, packet) > 0 && fits(other, frame)) others.push(other)
      }
    }
  }

  /** The first datagram of a burst, or the burst of which this is a piece: they begin alike. */
  function datagram(frame: Frame): OpenPath | null {
    foundAt = 0
    const like = beginnings.get(beginningOf(id.flowKey, packet.sample))
    if (like && like.payload < packet.payload) return member(0, like.payload, frame)
    if (like && like.payload > packet.payload && isMissing(like, frame) && fits(like, frame)) {
      notePartial(like)
      return like
    }
    // A datagram shorter than what is compared begins like no burst.
    if (packet.payload > SAMPLE)
      for (const size of datagrams.get(id.flowKey)?.keys() ?? []) {
        const first = size < SAMPLE ? member(0, size, frame) : null
        if (first) return first
      }
    return partial.get(id.flowKey)?.find(path => isNext(path, frame)) ?? anyMember(frame)
  }

  /** In a burst the first datagram need not be one of the sample. */
  function anyMember(frame: Frame): OpenPath | null {
    const taken = sample()
    if (taken === null || packet.udpLength <= taken.burstAbove) return null
    for (const size of datagrams.get(id.flowKey)?.keys() ?? []) {
      for (let offset = 0; size < packet.payload && offset < packet.payload; offset += size) {
        const path = member(offset, Math.min(size, packet.payload - offset), frame)
        foundAt = offset
        if (path) return path
      }
    }
    return null
  }

  function notePartial(path: OpenPath): void {
    const parts = partial.get(path.flowKey) ?? []
    if (parts.includes(path)) return
    partial.set(path.flowKey, [...parts.slice(1 - MOST_PARTIAL), path])
  }

  /** Further pieces fill a burst up, one after the other. */
  function isNext(path: OpenPath, frame: Frame): boolean {
    const hop = hopAt(path, frame.tap, frame.direction, packet.family)
    return hop !== undefined && hop.payload + packet.payload <= path.payload && fits(path, frame)
  }

  /** The datagram at an offset of a burst. */
  function member(offset: number, size: number, frame: Frame): OpenPath | null {
    if (!isCaptured(offset, size, frame)) return null
    const from = packet.payloadAt + offset
    const shift = sample()?.shift ?? 0
    if (shift > 0 && rankOfPayload(frame.bytes, from, size) < shift) return null
    return ofKey(datagramKey(id, size, sampleOf(frame.bytes, from, from + size)), frame)
  }

  function isCaptured(offset: number, size: number, frame: Frame): boolean {
    return packet.payloadAt + offset + Math.min(size, SAMPLE) <= frame.end
  }

  /** Those whose bytes were not captured follow in the order in which they were sent. */
  function coverDatagrams(first: OpenPath, frame: Frame, others: OpenPath[]): void {
    const size = first.payload
    let before = first
    for (let offset = 0; size > 0 && offset < packet.payload; offset += size) {
      if (offset === foundAt) continue
      const length = Math.min(size, packet.payload - offset)
      const isKnown = isCaptured(offset, length, frame)
      const other = isKnown ? member(offset, length, frame) : following(before, length, frame)
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

const beginningOf = (flowKey: number, sample: number): number => combine(mix(flowKey, sample), mix(sample, flowKey))
