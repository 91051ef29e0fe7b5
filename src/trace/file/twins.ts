/** Finds sightings of one packet on one device that are in two captures. */
import type { Sighting } from './time-order.js'

export interface Twins {
  /** The earliest waiting sighting of the same packet in another capture; it is forgotten. */
  find(sighting: Sighting): Sighting | null
  remember(sighting: Sighting): void
  forget(sighting: Sighting): void
}

/**
 * How far apart two captures' times of one packet may lie, ns: each socket takes the time when its turn comes. 3.6 ms were
 * recorded, on a virtual machine without hardware support; a few microseconds are usual.
 */
const TWIN_NS = 10e6
/** Bytes behind the link header that sightings are filed by, and that captures hold however short they cut. */
const FILED_BY = 48
/** Equal packets among which a twin is looked for, the latest ones. */
const REACH = 64

export function createTwins(): Twins {
  const files = new Map<number, Sighting[]>()

  /** Takes the sighting at `at` out of its file. */
  function remove(file: Sighting[], key: number, at: number): void {
    if (file.length === 1) files.delete(key)
    else if (at === 0) file.shift()
    else file.splice(at, 1)
  }

  return {
    find(sighting) {
      const key = keyOf(sighting)
      const file = files.get(key)
      if (file === undefined) return null
      for (let i = Math.max(0, file.length - REACH); i < file.length; i++) {
        const other = file[i] as Sighting
        if (!areTwins(sighting, other)) continue
        remove(file, key, i)
        return other
      }
      return null
    },
    remember(sighting) {
      const key = keyOf(sighting)
      const file = files.get(key)
      if (file === undefined) files.set(key, [sighting])
      else file.push(sighting)
    },
    forget(sighting) {
      const key = keyOf(sighting)
      const file = files.get(key)
      const at = file?.indexOf(sighting) ?? -1
      if (file !== undefined && at >= 0) remove(file, key, at)
    },
  }
}

/** FNV-1a over device, length and the first bytes behind the link header. */
function keyOf({ bytes, tap, length, ...at }: Sighting): number {
  const start = headerEnd(at)
  let hash = Math.imul(0x811c9dc5 ^ tap, 0x01000193) ^ length
  for (let i = start; i < Math.min(at.end, start + FILED_BY); i++) {
    hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  }
  return hash
}

/** Says whether two sightings on one device are the same one: close in time, seen by different captures, same bytes. */
function areTwins(a: Sighting, b: Sighting): boolean {
  if (a.tap !== b.tap || a.length !== b.length || Math.abs(a.time - b.time) > TWIN_NS) return false
  if (a.direction !== b.direction && a.direction !== 'unknown' && b.direction !== 'unknown') return false
  if (a.captures.some(c => b.captures.includes(c))) return false
  const [from, other] = [headerEnd(a), headerEnd(b)]
  const size = Math.min(a.end - from, b.end - other)
  for (let i = 0; i < size; i++) if (a.bytes[from + i] !== b.bytes[other + i]) return false
  return true
}

/** Behind the link header, of which a cooked one knows little. */
function headerEnd({ start, ip, end }: Pick<Sighting, 'start' | 'ip' | 'end'>): number {
  return ip >= 0 ? ip : Math.min(end, start + 14)
}
