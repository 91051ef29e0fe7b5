/**
 * Brings sightings of several captures into the order of time, and makes one of two when captures on the same device
 * overlap (one on `any` and one on the device itself). In bounded memory: what lies further back than the slack, or than
 * there is room for, is handed over late.
 */
import type { Frame } from '../core/frame.js'
import { createTwins } from './twins.js'

/** A frame that waits, and the captures that saw it. */
export interface Sighting extends Frame {
  readonly captures: readonly number[]
  /** Its link header is made up. */
  readonly isCooked: boolean
  /** It has become part of another one. */
  isGone: boolean
}

export interface TimeOrder {
  /** Frames that two captures held. */
  readonly twins: number
  add(sighting: Sighting): void
  /** Hands over all that are not younger than `until`, ns. */
  release(until: number): void
}

/** Bounds of what waits. */
const MAX_WAITING = 50_000
const MAX_BYTES = 32 * 1024 * 1024

export function createTimeOrder(emit: (sighting: Sighting) => void): TimeOrder {
  /** By time from `head` on; what came first stands first among equals. */
  let waiting: Sighting[] = []
  let head = 0
  let bytes = 0
  let count = 0
  const twins = createTwins()

  function insert(sighting: Sighting): void {
    bytes += sizeOf(sighting)
    const last = waiting.at(-1)
    if (last === undefined || last.time <= sighting.time || head === waiting.length) waiting.push(sighting)
    else waiting.splice(placeOf(sighting.time), 0, sighting)
  }

  /** Where a sighting of this time belongs: behind all that are not younger. */
  function placeOf(time: number): number {
    let low = head
    let high = waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((waiting[middle] as Sighting).time <= time) low = middle + 1
      else high = middle
    }
    return low
  }

  function hand(): void {
    const sighting = waiting[head] as Sighting
    head++
    bytes -= sizeOf(sighting)
    if (head > 4096 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      head = 0
    }
    if (sighting.isGone) return
    twins.forget(sighting)
    emit(sighting)
  }

  return {
    get twins() {
      return count
    },
    add(sighting) {
      const twin = twins.find(sighting)
      if (twin !== null) {
        count++
        twin.isGone = true
      }
      const kept = twin === null ? sighting : unite(twin, sighting)
      twins.remember(kept)
      insert(kept)
      while (waiting.length - head > MAX_WAITING || bytes > MAX_BYTES) hand()
    },
    release(until) {
      while (head < waiting.length && (waiting[head] as Sighting).time <= until) hand()
    },
  }
}

function sizeOf({ start, end }: Sighting): number {
  return end - start
}

/**
 * Of both the best: the longer copy, or else the one with its own link header; direction from the one that knows it, and
 * the time with it, because a capture that knows directions sees all devices by one clock. Else the earlier time.
 */
function unite(a: Sighting, b: Sighting): Sighting {
  const isFuller = sizeOf(a) !== sizeOf(b) ? sizeOf(a) > sizeOf(b) : !a.isCooked
  const knows = (s: Sighting) => s.direction !== 'unknown'
  const clock = knows(a) !== knows(b) ? (knows(a) ? a : b) : a.time <= b.time ? a : b
  return {
    ...(isFuller ? a : b),
    time: clock.time,
    direction: clock.direction,
    vlan: a.vlan || b.vlan,
    captures: [...a.captures, ...b.captures],
    isGone: false,
  }
}
