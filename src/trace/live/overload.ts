/**
 * How few packets to take so that the thread can follow all that it takes. What the kernel loses for want of room tears
 * holes into packets; packets that are left out by choice leave the others whole. Pure.
 */
import { MOST_SHIFT } from '../../wire/sample.js'

/** What a capture has been through since the last time. */
export interface Strain {
  /** Packets that passed the filter, and those of them that were lost. */
  readonly seen: number
  readonly lost: number
  /** Packets that the thread has read. */
  readonly read: number
  /** Share of the time that the thread waited for packets. */
  readonly idle: number
  /** A ring is half full. */
  readonly isTight: boolean
}

/** And what the tracer has been through. */
export interface Load extends Strain {
  /** More than half as many packets are under way as there is room for. */
  readonly isCrowded: boolean
}

export interface Overload {
  /** 1 packet in 2^shift is to be taken from now on. */
  note(load: Load, nowNs: number): number
}

/** A ring that stays half full for so long will overflow, ns. */
const TIGHT = 300e6
/** Packets that died are under way for a second: so long after a change it shows, ns. */
const CROWDED = 1.5e9
/** More packets are tried after so long without trouble, ns, if the thread waits this much of the time. */
const CALM = 2e9
const MOST_CALM = 60e9
const IDLE = 0.65
/** How busy it may become by that. */
const BUSY = 0.5
/** Trouble this soon after that means that it was too many: the next try is to take longer. */
const TOO_SOON = 10e9
/** Weight of the newest of ten values a second. */
const NEWEST = 0.2
const MOST_STEPS = 3

export function makeOverload(): Overload {
  let shift = 0
  /** Packets in the rings. */
  let unread = 0
  /** Those of them that were there before the filter changed: what is lost until they are read says nothing of it. */
  let ahead = 0
  let changedAt = Number.NEGATIVE_INFINITY
  let raisedAt = Number.NEGATIVE_INFINITY
  let tightSince: number | null = null
  let calmSince: number | null = null
  let calm = CALM
  let idle = 0

  function set(next: number, now: number): void {
    changedAt = now
    shift = Math.max(0, Math.min(MOST_SHIFT, next))
    ahead = unread
    tightSince = calmSince = null
    idle = 0
  }

  function fewer(steps: number, now: number): void {
    calm = now - raisedAt < TOO_SOON ? Math.min(MOST_CALM, 2 * calm) : CALM
    set(shift + Math.min(steps, MOST_STEPS), now)
  }

  return {
    note(load, now) {
      const { seen, lost, read, isTight, isCrowded } = load
      idle += (load.idle - idle) * NEWEST
      unread = Math.max(0, unread + seen - lost - read)
      if (ahead > 0) {
        ahead -= read
        return shift
      }
      tightSince = isTight ? (tightSince ?? now) : null
      calmSince = lost === 0 && !isTight && !isCrowded ? (calmSince ?? now) : null
      if (lost > 0) fewer(Math.max(1, Math.ceil(Math.log2(seen / Math.max(1, read)))), now)
      else if (tightSince !== null && now - tightSince >= TIGHT) fewer(1, now)
      else if (isCrowded && now - changedAt >= CROWDED) fewer(1, now)
      else if (shift > 0 && calmSince !== null && now - calmSince >= calm && idle >= IDLE) {
        raisedAt = now
        const steps = Math.floor(Math.log2(BUSY / (1 - Math.min(0.99, idle))))
        set(shift - Math.max(1, Math.min(MOST_STEPS, steps)), now)
      }
      return shift
    },
  }
}

/** The longest datagram of the last seconds. */
export interface Longest {
  note(length: number, nowNs: number): void
  /** By its UDP length. */
  value(): number
}

const WINDOW = 5e9
/** A filter is not changed for a few bytes more or less. */
const ROUND = 16
/** As long as fits most devices. */
const USUAL = 1480

/** Where there was none, {@link USUAL} is taken for the longest. */
export function makeLongest(): Longest {
  let [before, current] = [0, 0]
  let since = Number.NEGATIVE_INFINITY
  return {
    note(length, now) {
      if (now - since >= WINDOW) {
        before = now - since >= 2 * WINDOW ? 0 : current
        current = 0
        since = now
      }
      current = Math.max(current, length)
    },
    value: () => Math.ceil(Math.max(before, current) / ROUND) * ROUND || USUAL,
  }
}
