/** Sightings for tests of the tracer: packets as guests, translators and masquerades leave them, at places with names. */
import type { Direction, Frame, Tap } from '../../../src/trace/core/frame.js'
import { type Joiner, type JoinerLimits, makeJoiner } from '../../../src/trace/core/joiner.js'
import type { OpenPath } from '../../../src/trace/core/open-path.js'
import { type Ip4, type Ip6, ip4, ip6, type Message, v4 } from '../../xlat/packets.js'
import { prefix6 } from '../../xlat/translating.js'

export const PEER = '203.0.113.10'
export const ROUTER = '203.0.113.254'
export const PREFIX = '64:ff9b::'
export const GUESTS = ['2001:db8:100::100', '2001:db8:100::101', '2001:db8:100::102', '2001:db8:100::103'] as const
/** What the translator makes of the guests, where each has an address of its own. */
export const POOL = ['192.168.255.1', '192.168.255.2', '192.168.255.3', '192.168.255.4'] as const
/** What a masquerade makes of them. */
export const UPLINK = '198.51.100.2'

/** Packets of the four legs. */
export const six = (m: Message, guest: string = GUESTS[0], o: Ip6 = {}) =>
  ip6(m, { src: guest, dst: `${PREFIX}${PEER}`, ...o })
export const four = (m: Message, near: string = POOL[0], o: Ip4 = {}) => ip4(m, { src: near, dst: PEER, ...o })
export const back4 = (m: Message, near: string = POOL[0], o: Ip4 = {}) => ip4(m, { src: PEER, dst: near, ...o })
export const back6 = (m: Message, guest: string = GUESTS[0], o: Ip6 = {}) =>
  ip6(m, { src: `${PREFIX}${PEER}`, dst: guest, ...o })

export const US = 1e3
export const MS = 1e6
export const S = 1e9

/** `tap100i0 in`, a packet, and when: ns, or as long after the one before as it takes. */
export type Sighting = readonly [place: string, bytes: Uint8Array, time?: number]

/** Gives each place a tap, in the order in which they are first used. `nat64/eth0`: in a namespace. */
export function makePlaces(onTap: (tap: Tap) => void = () => {}) {
  const taps: Tap[] = []
  return {
    taps,
    tapOf(name: string): Tap {
      const [device, netns = null] = name.split('/').reverse() as [string, string?]
      let tap = taps.find(t => t.device === device && t.netns === netns)
      if (!tap) {
        tap = { id: taps.length, netns, ifindex: taps.length + 1, device, linkType: 101 }
        taps.push(tap)
        onTap(tap)
      }
      return tap
    },
  }
}

/** A frame without link header, as it is handed to joiner and tracer. */
export function frameOf(tap: Tap, direction: Direction, bytes: Uint8Array, time: number): Frame {
  return { time, tap: tap.id, direction, bytes, start: 0, ip: 0, end: bytes.length, length: bytes.length, vlan: 0 }
}

export interface Scene {
  readonly joiner: Joiner
  /** Hands over sightings, 10 us apart unless they say when. Returns the paths they were put to; null: none. */
  see(...sightings: Sighting[]): (OpenPath | null)[]
  /** All paths, in the order in which they began. */
  readonly paths: OpenPath[]
  /** Where each was seen, in the order of sightings: `tap100i0 nat64 nat64/4*2`; `/4` IPv4, `*2` in two pieces. */
  ways(): string[]
}

export function makeScene(limits?: JoinerLimits): Scene {
  const joiner = makeJoiner({ pool6: [prefix6(`${PREFIX}/96`)], eam: [] }, limits)
  joiner.isTarget = address => address === v4(PEER)
  const places = makePlaces()
  const paths: OpenPath[] = []
  let now = 0
  return {
    joiner,
    paths,
    see: (...sightings) =>
      sightings.map(([place, bytes, time = now + 10 * US]) => {
        now = time
        const [name, direction = 'unknown'] = place.split(' ') as [string, Direction?]
        const path = joiner.see(frameOf(places.tapOf(name), direction, bytes, time))
        if (path && !paths.includes(path)) paths.push(path)
        return path
      }),
    ways: () =>
      paths.map(p =>
        p.hops
          .map(h => {
            const pieces = h.pieces > 1 ? `*${h.pieces}` : ''
            return `${places.taps[h.tap]?.device}${h.family === 4 ? '/4' : ''}${pieces}`
          })
          .join(' '),
      ),
  }
}

/** The places of a guest behind a firewall bridge, translated on a TUN device, masqueraded on a routed uplink. */
const IN6 = ['tap100i0 in', 'fwbr100i0 in', 'fwln100i0 out', 'fwpr100p0 in', 'vmbr0 in', 'nat64 out']
const OUT6 = ['nat64 in', 'vmbr0 out', 'fwpr100p0 out', 'fwln100i0 in', 'fwbr100i0 in', 'tap100i0 out']

export interface Journey {
  /** Of the first sighting, ns; the others follow 10 us apart. */
  readonly at?: number
  /** How many places see it; default: all. */
  readonly upTo?: number
  /** Number of the guest; its devices are tap101i0 and so on. */
  readonly guest?: number
  /** As it is called behind the masquerade. */
  readonly outside?: Message
  /** As the translator calls it, where that changes ports. */
  readonly between?: Message
}

const timed = (sightings: readonly (readonly [string, Uint8Array])[], { at, upTo }: Journey): Sighting[] =>
  sightings
    .slice(0, upTo)
    .map(([place, bytes], i) => (i === 0 && at !== undefined ? [place, bytes, at] : [place, bytes]))

const devicesOf = (places: readonly string[], guest: number) => places.map(p => p.replace('100', String(100 + guest)))

/** A request: eight places, `nat64` twice. */
export function request(m: Message, journey: Journey = {}): Sighting[] {
  const { guest = 0, between = m, outside = between } = journey
  const inside = devicesOf(IN6, guest).map(place => [place, six(m, GUESTS[guest])] as const)
  return timed([...inside, ['nat64 in', four(between, POOL[guest])], ['eno1 out', four(outside, UPLINK)]], journey)
}

/** A reply: eight places, `nat64` twice. */
export function reply(m: Message, journey: Journey = {}): Sighting[] {
  const { guest = 0, between = m, outside = between } = journey
  const inside = devicesOf(OUT6, guest).map(place => [place, back6(m, GUESTS[guest])] as const)
  return timed([['eno1 in', back4(outside, UPLINK)], ['nat64 out', back4(between, POOL[guest])], ...inside], journey)
}
