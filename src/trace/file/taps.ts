/** The table of places that the packets of capture files are from. */
import { clean } from '../../term/clean.js'
import type { Tap } from '../core/frame.js'
import { ANY_DEVICE, type Place, placeOfName } from './capture-files.js'

export interface TapTable {
  /**
   * The tap of a packet. null: there are more places than any host has.
   * `interfaceName`: as the file describes it, empty when it does not. `ifindex`: 0 when not known.
   */
  find(file: Place, interfaceName: string, ifindex: number, linkType: number): Tap | null
  /** Announces the tap, once. */
  announce(id: number): void
}

const MAX_TAPS = 4096

/** Names of interfaces by index, in the namespace of the trace (null) or another one; null: not known. */
export type DeviceNames = (ifindex: number, netns: string | null) => string | null

/** `announce`: called before the first packet of a tap. */
export function createTaps(deviceOf: DeviceNames, announce: (tap: Tap) => void): TapTable {
  const byPlace = new Map<string, number>()
  const taps: Tap[] = []
  const announced = new Set<number>()
  return {
    find(file, interfaceName, ifindex, linkType) {
      const { netns, device } = placeOf(file, interfaceName, ifindex, deviceOf)
      const key = `${linkType} ${device} ${netns ?? ''}`
      const known = taps[byPlace.get(key) ?? -1]
      // The index may stand in another capture than the one that was read first.
      if (known !== undefined && (ifindex === 0 || known.ifindex !== 0 || announced.has(known.id))) return known
      const id = known?.id ?? taps.length
      if (id === MAX_TAPS) return null
      byPlace.set(key, id)
      taps[id] = { id, netns, ifindex, device, linkType }
      return taps[id]
    },
    announce(id) {
      const tap = taps[id]
      if (tap === undefined || announced.has(id)) return
      announced.add(id)
      announce(tap)
    },
  }
}

function placeOf(file: Place, interfaceName: string, ifindex: number, deviceOf: DeviceNames): Place {
  const named = interfaceName === '' ? file : placeOfName(clean(interfaceName))
  const netns = named.netns ?? file.netns
  // The name of a file says little when its packets name their interfaces themselves.
  const isNamed = interfaceName !== '' && named.device !== ANY_DEVICE
  if (isNamed || ifindex === 0) return { netns, device: named.device }
  return { netns, device: deviceOf(ifindex, netns) ?? `if${ifindex}` }
}

/** What we write about an interface beside its name: pcapng has no field for the index. 0: nothing. */
export function describeIndex(ifindex: number): string {
  return ifindex === 0 ? '' : `ifindex ${ifindex}`
}

/** Reads what {@link describeIndex} wrote; 0: it is something else. */
export function describedIndex(description: string): number {
  return Number(/^ifindex (\d{1,9})$/.exec(description)?.[1] ?? 0)
}
