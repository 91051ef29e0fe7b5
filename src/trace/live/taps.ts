/** Which tap a frame belongs to: one for each interface of a namespace, made when its first frame comes. */
import type { LinkEvent } from '../../host/link-watch.js'
import { linkTypeOf } from '../../host/packet-ring.js'
import type { Tap } from '../core/frame.js'

/** How long frames of an interface that is gone may still come, ns. */
const LINGER_NS = 1e9

/** The taps of one namespace. */
export interface TapTable {
  /** The tap of an interface; makes it when there is none yet. `hatype` is the ARPHRD type of its frames. */
  of(ifindex: number, hatype: number): Tap
  /** Notes what became of interfaces. */
  note(events: readonly LinkEvent[], nowNs: number): void
}

export interface TapTableOptions {
  readonly netns: string | null
  /** Numbers the taps of all namespaces. */
  nextId(): number
  /** Asks the kernel for the name of an interface; null when it is gone. */
  nameOf(ifindex: number): string | null
  onTap(tap: Tap): void
}

/** Makes the table of a namespace. */
export function makeTapTable({ netns, nextId, nameOf, onTap }: TapTableOptions): TapTable {
  const taps = new Map<number, Tap>()
  /** Names by the last event: an interface may be gone when its first frame is read. */
  const names = new Map<number, string>()
  const gone = new Map<number, number>()

  const forget = (nowNs: number) => {
    for (const [ifindex, since] of gone) {
      if (nowNs - since < LINGER_NS) continue
      for (const map of [taps, names, gone]) map.delete(ifindex)
    }
  }
  return {
    of(ifindex, hatype) {
      const known = taps.get(ifindex)
      if (known !== undefined) return known
      const device = nameOf(ifindex) ?? names.get(ifindex) ?? `if${ifindex}`
      const tap: Tap = { id: nextId(), netns, ifindex, device, linkType: linkTypeOf(hatype) }
      taps.set(ifindex, tap)
      onTap(tap)
      return tap
    },
    note(events, nowNs) {
      forget(nowNs)
      for (const event of events) {
        if (event.event === 'resync') names.clear()
        else if (event.event === 'gone') gone.set(event.ifindex, nowNs)
        else {
          gone.delete(event.ifindex)
          names.set(event.ifindex, event.name)
          const tap = taps.get(event.ifindex)
          if (tap !== undefined && tap.device !== event.name) taps.delete(event.ifindex)
        }
      }
    },
  }
}
