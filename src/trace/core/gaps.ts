/** What a capture missed, and when: packets that the kernel lost, and those that a sample left out. Bounded. */
import { TCP, UDP, UDP_HEADER } from '../../wire/protocol.js'
import { REGION_BITS, type Sample } from '../../wire/sample.js'
import type { OpenPath } from './open-path.js'

export interface Gaps {
  /** Packets were lost between these times. */
  lose(from: number, to: number): void
  /** From `at` on the capture takes this sample; null: all packets. */
  take(sample: Sample | null, at: number): void
  /** A sighting of the packet in this time may be missing. */
  hides(path: OpenPath, from: number, to: number): boolean
  /** So may an answer to it. */
  hidesAnswer(path: OpenPath, from: number, to: number): boolean
}

interface Span {
  readonly from: number
  readonly to: number
}

/** Of each. Those before are forgotten: packets are judged soon. */
const MOST = 256
/** No super-packet is longer, bytes. */
const SUPER_PACKET = 0x10000
const IN_REGION = (1 << REGION_BITS) - 1

export function makeGaps(): Gaps {
  let losses: Span[] = []
  let samples: (Span & { readonly sample: Sample })[] = []

  const sampled = (from: number, to: number) => samples.filter(s => overlap(s, from, to))

  function hides(path: OpenPath, from: number, to: number): boolean {
    if (losses.some(l => overlap(l, from, to))) return true
    return sampled(from, to).some(s => leavesOut(s.sample, path) || (mayTravelJoined(path) && isChanged(s, from, to)))
  }

  return {
    lose(from, to) {
      losses = [...losses.slice(1 - MOST), { from, to }]
    },
    take(sample, at) {
      const ended = samples.map(s => (s.to === Number.POSITIVE_INFINITY ? { ...s, to: at } : s))
      const next = sample && { from: at, to: Number.POSITIVE_INFINITY, sample }
      samples = [...ended.slice(1 - MOST), ...(next ? [next] : [])]
    },
    hides,
    hidesAnswer(path, from, to) {
      // Datagrams are chosen one by one; handshakes and echoes with what answers them.
      return hides(path, from, to) || (path.protocol === UDP && sampled(from, to).length > 0)
    },
  }
}

/** Joined with others that were left out, a datagram is only found where the sample is the same all the time. */
const isChanged = (span: Span, from: number, to: number): boolean => span.from > from || span.to < to
const mayTravelJoined = ({ protocol, error }: OpenPath): boolean => protocol === UDP && error === null

const overlap = (span: Span, from: number, to: number): boolean => span.from <= to && span.to >= from

/** The sample may leave out the packet, or something longer that it was made part of. */
function leavesOut({ shift, burstAbove }: Sample, { rank, error, protocol, payload, sequence }: OpenPath): boolean {
  if (rank < shift) return true
  if (error !== null || payload === 0) return false
  // A burst of two like this one may be short enough to be taken for a datagram, and not be chosen.
  if (protocol === UDP) return UDP_HEADER + 2 * payload <= burstAbove
  // A super-packet may have begun in the region before.
  return protocol === TCP && (sequence & IN_REGION) < SUPER_PACKET
}
