/** A leg of a predicted path as a lane: points that can be laid beside those of another translator. Pure. */
import type { Leg, LegDrop, Station } from '../path/path.js'

/**
 * What happens at a point beside passing it. taken: a translator's hook takes the packet out of the kernel's way there.
 * filtered: the guest's firewall looks at it there. dropped: it ends there.
 */
export type Event = 'pass' | 'taken' | 'translated' | 'filtered' | 'dropped' | 'arrived'

/** A place on the way of a packet. */
export interface Point {
  /** The same for the same place on the way through another translator. */
  readonly key: string
  readonly kind: Station['kind'] | 'end'
  /** `PREROUTING fwbr100i0`, `fwln100i0 out`, `route to eno1`. */
  readonly text: string
  /** Of the packet there; 0: neither, or both. */
  readonly family: 4 | 6 | 0
  readonly event: Event
  /** Who takes or translates it there: `Jool`; empty for other events. */
  readonly by: string
}

/** How people name a translator at a point: `Jool`, `tayga`, `nat64 run`. */
const NAMES: Readonly<Record<string, string>> = { jool: 'Jool', nat64: 'nat64 run' }
export const translatorName = (engine: string): string => NAMES[engine] ?? engine

/** The lane of a leg. `end`: what its last point says when the packet arrives. */
export function laneOf(leg: Leg, end: string): Point[] {
  const drop = leg.drops[0] ?? null
  const points = leg.stations.map((station, i) => pointOf(station, leg.stations[i + 1], i === drop?.at ? drop : null))
  return [...points, drop === null ? arrived(end) : died(drop)]
}

function pointOf(station: Station, next: Station | undefined, drop: LegDrop | null): Point {
  const passed = placeOf(station)
  if (drop !== null) return { ...passed, event: 'dropped' }
  if (station.kind === 'translator') return { ...passed, event: 'translated', by: translatorName(station.engine) }
  if (station.kind !== 'hook') return passed
  if (next?.kind === 'translator') return { ...passed, event: 'taken', by: translatorName(next.engine) }
  const isGuests = station.bridged && station.hook === 'forward' && station.family === 6
  return isGuests ? { ...passed, event: 'filtered' } : passed
}

function placeOf(station: Station): Point {
  const at = (key: string, text: string, family: 4 | 6 | 0): Point => {
    return { key, kind: station.kind, text, family, event: 'pass', by: '' }
  }
  switch (station.kind) {
    case 'device': {
      const { device, direction, family, netns } = station
      const place = netns === undefined ? '' : ` in ${netns}`
      return at(`device ${device}${place} ${direction} ${family}`, `${device} ${direction}${place}`, family)
    }
    case 'hook': {
      const { hook, device, family } = station
      return at(`hook ${hook} ${device} ${family}`, `${hook.toUpperCase()} ${device}`, family)
    }
    case 'route':
      return at(`route ${station.via} ${station.family}`, `route to ${station.via}`, station.family)
    case 'translator':
      return at(`translator ${station.direction}`, station.direction === 'toV4' ? 'IPv6 to IPv4' : 'IPv4 to IPv6', 0)
    case 'masquerade':
      return at(`masquerade ${station.device}`, 'masquerade', 4)
    case 'namespace':
      return at(`namespace ${station.name}`, `namespace ${station.name}`, 0)
  }
}

const arrived = (text: string): Point => ({ key: 'end', kind: 'end', family: 0, text, event: 'arrived', by: '' })
/** Its key has the reason: an end in the middle of the way stands in a row of its own. */
const died = ({ reason }: LegDrop): Point => {
  return { key: `end ${reason}`, kind: 'end', family: 0, text: reason, event: 'dropped', by: '' }
}
