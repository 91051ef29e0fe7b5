/** Where a capture on all devices saw an echo request and its reply: `tap100i0/in6`, as texts that predictions are compared with. */
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6, type Ipv6 } from '../../src/addr/ipv6.js'
import { isInside6 } from '../../src/path/host-view.js'
import type { Leg } from '../../src/path/path.js'
import { createCaptureReader, nextRecord, pushBytes } from '../../src/wire/capture-reader.js'
import { findIp, LINK } from '../../src/wire/link.js'

export interface Sighting {
  /** Nanoseconds. */
  readonly time: bigint
  readonly way: 'request' | 'reply'
  /** `nat64/out6`, `host0/in6@nat64`. */
  readonly place: string
}

/** Flow that is looked for: echoes with this sequence number between IPv6 in pool6 and this IPv4 host. */
export interface Echo {
  readonly pool6: string
  readonly target4: string
  readonly sequence: number
}

/** LINUX_SLL2: offsets of the interface's index and of the packet's type, of which 4 is "sent". */
const [INDEX, TYPE, SENT] = [4, 10, 4]

/** Sightings in a capture of the `any` device (LINUX_SLL2), in the order of their times. */
export function readSightings(
  file: Uint8Array,
  nameOf: (index: number) => string | undefined,
  echo: Echo,
  netns: string | null = null,
): Sighting[] {
  const reader = createCaptureReader()
  pushBytes(reader, file)
  const found: Sighting[] = []
  while (nextRecord(reader)) {
    const { bytes, start, end, seconds, nanoseconds } = reader.record
    const spot = { ip: -1, typeAt: -1 }
    if (!findIp(LINK.SLL2, bytes, start, end, spot)) continue
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const way = wayOf(bytes, spot.ip, echo)
    const name = nameOf(view.getUint32(start + INDEX))
    if (way === null || name === undefined || name === 'lo') continue
    const direction = bytes[start + TYPE] === SENT ? 'out' : 'in'
    const family = (bytes[spot.ip] as number) >> 4
    found.push({
      time: BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
      way,
      place: `${name}/${direction}${family}${netns === null ? '' : `@${netns}`}`,
    })
  }
  // A bridge hands its copy up after the frame went on; the time of arrival that both have says where it belongs.
  return found.sort((a, b) => Number(a.time - b.time))
}

function wayOf(b: Uint8Array, ip: number, echo: Echo): 'request' | 'reply' | null {
  const view = new DataView(b.buffer, b.byteOffset)
  if ((b[ip] as number) >> 4 === 6) {
    const [type, sequence] = [b[ip + 40], view.getUint16(ip + 46)]
    if (b[ip + 6] !== 58 || (type !== 128 && type !== 129) || sequence !== echo.sequence) return null
    const peer = ip + (type === 128 ? 24 : 8)
    const words = [0, 4, 8, 12].map(o => view.getUint32(peer + o)) as unknown as Ipv6
    return isInside6(echo.pool6, formatIpv6(words)) ? (type === 128 ? 'request' : 'reply') : null
  }
  const [type, sequence] = [b[ip + 20], view.getUint16(ip + 26)]
  if (b[ip + 9] !== 1 || (type !== 0 && type !== 8) || sequence !== echo.sequence) return null
  const peer = view.getUint32(ip + (type === 8 ? 16 : 12))
  return peer === parseIpv4(echo.target4) ? (type === 8 ? 'request' : 'reply') : null
}

/** Places of one way, in order. */
export const placesOf = (sightings: readonly Sighting[], way: 'request' | 'reply'): string[] =>
  sightings.filter(s => s.way === way).map(s => s.place)

/** Devices that a leg is predicted to pass, in order. */
export const predictedPlaces = (leg: Leg): string[] =>
  leg.stations.flatMap(s =>
    s.kind === 'device' ? [`${s.device}/${s.direction}${s.family}${s.netns ? `@${s.netns}` : ''}`] : [],
  )
