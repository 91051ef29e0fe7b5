/** Lays what was seen over the expected way: hops in the order of the way, the last place reached, the next one that should have seen it. */
import type { Tap } from './frame.js'
import type { RawHop } from './open-path.js'
import type { LegWay, Place } from './way.js'

export interface Overlay {
  /** Hops in order, with the index of their place; -1: not on the way. */
  readonly hops: readonly { readonly hop: RawHop; readonly place: number }[]
  /** Index of the last place that was reached; -1: none. */
  readonly last: number
  /** Index of the first place behind it that a capture would have seen; the number of places when there is none. */
  readonly next: number
  /** It was seen at the end of its way: at most devices that it may take or leave out lie behind. */
  readonly isAtEnd: boolean
}

/**
 * `isVisible`: a capture sees packets at this place.
 * A capture that does not tell directions fits any.
 */
export function layOver(
  way: LegWay,
  hops: readonly RawHop[],
  tapOf: (tap: number) => Tap,
  isVisible: (place: Place) => boolean,
): Overlay {
  const free = new Set(hops)
  const placed = new Map<RawHop, number>()
  way.places.forEach((place, i) => {
    const hop = [...free].find(
      h =>
        h.family === place.family &&
        (h.direction === place.direction || h.direction === 'unknown') &&
        isAt(tapOf(h.tap), place),
    )
    if (!hop) return
    free.delete(hop)
    placed.set(hop, i)
  })
  const last = Math.max(-1, ...placed.values())
  let next = last + 1
  while (next < way.places.length && !isVisible(way.places[next] as Place)) next++
  const isAtEnd = way.places.slice(last + 1).every(p => p.visibility === 'sometimes')
  return { hops: ordered(hops, placed), last, next, isAtEnd }
}

const isAt = (tap: Tap, place: Place) => tap.device === place.device && tap.netns === (place.netns ?? null)

/** Places in the order of the way; others behind what was seen before them. */
function ordered(hops: readonly RawHop[], placed: ReadonlyMap<RawHop, number>): { hop: RawHop; place: number }[] {
  const on = hops.filter(h => placed.has(h)).sort((a, b) => (placed.get(a) as number) - (placed.get(b) as number))
  const result = on.map(hop => ({ hop, place: placed.get(hop) as number }))
  for (const hop of hops.filter(h => !placed.has(h))) {
    let at = result.length
    while (at > 0 && (result[at - 1] as { hop: RawHop }).hop.time > hop.time) at--
    result.splice(at, 0, { hop, place: -1 })
  }
  return result
}
