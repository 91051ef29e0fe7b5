/**
 * Fragments behind the first have no ports: they belong to the path of the first with their addresses and identification.
 * Those that come before it wait. Bounded: so many first ones are remembered, and so many later ones wait.
 */
import type { Frame } from './frame.js'
import type { OpenPath } from './open-path.js'
import type { Packet } from './packet.js'

export interface WaitingFragment {
  readonly key: string
  /** Holds a copy of the packet. */
  readonly frame: Frame
  readonly ticket: number
}

export interface Fragments {
  /** The open path of the first fragment; undefined: it was not seen. */
  pathOf(key: string): OpenPath | undefined
  /** Returns the fragments that were waiting for this first one. */
  remember(key: string, path: OpenPath): readonly WaitingFragment[]
  wait(key: string, frame: Frame, ticket: number): void
  /** Gives up those that came before `time`. */
  expire(time: number): void
}

export function makeFragments(limit: number, onGivenUp: (ticket: number) => void): Fragments {
  const firsts = new Map<string, OpenPath>()
  let waiting: WaitingFragment[] = []

  const giveUp = () => onGivenUp((waiting.shift() as WaitingFragment).ticket)
  return {
    pathOf(key) {
      const path = firsts.get(key)
      return path?.closed ? undefined : path
    },
    remember(key, path) {
      if (firsts.get(key) === path) return []
      // To the end: it is the youngest now.
      firsts.delete(key)
      firsts.set(key, path)
      if (firsts.size > limit) firsts.delete(firsts.keys().next().value as string)
      const early = waiting.filter(w => w.key === key)
      if (early.length > 0) waiting = waiting.filter(w => w.key !== key)
      return early
    },
    wait(key, frame, ticket) {
      if (waiting.length >= limit) giveUp()
      const bytes = frame.bytes.slice(frame.ip, frame.end)
      waiting.push({ key, ticket, frame: { ...frame, bytes, start: 0, ip: 0, end: bytes.length } })
    },
    expire(time) {
      while (waiting.length > 0 && (waiting[0] as WaitingFragment).frame.time < time) giveUp()
    },
  }
}

/** What fragments of a packet share (RFC 791 section 3.2, RFC 8200 section 4.5): in IPv6 the protocol is none of it. */
export function fragmentKey(p: Packet): string {
  return `${p.source.join()}>${p.destination.join()}/${p.family === 4 ? p.protocol : 6}#${p.fragmentId}`
}
