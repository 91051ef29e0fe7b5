// hot path
/**
 * Which packets to follow when there are more than can be followed: 1 in a power of two, chosen by what translation
 * leaves as it is, so that a packet is chosen at every place where it is seen, in both families, or at none. What answers
 * a packet is chosen with it where it can be told: echo replies, SYN-ACKs and resets.
 *
 * - UDP: words of the payload. Not the length: it is another one in a burst of datagrams (GSO).
 * - TCP: where both directions stand, in megabytes, so that segments go with the super-packet that they are part of; for
 *   SYN and RST the sequence number of the side that began.
 * - ICMP echo: the sequence number.
 * - Later fragments show nothing of this and are left out. All other packets are always chosen.
 */
import { u8, u16, u32 } from './bytes.js'
import * as P from './protocol.js'

export interface Sample {
  /** 1 packet in 2^shift. */
  readonly shift: number
  /** Datagrams with a longer UDP length are bursts. They always pass, as a whole: any of theirs may be chosen. */
  readonly burstAbove: number
}

/** Packets are chosen more sparingly than 1 in 2^this never. */
export const MOST_SHIFT = 10
/** A packet's hash is (value + OFFSET) * FACTOR; the more zeros it begins with, the more rarely it is left out. */
export const FACTOR = 0x9e3779b1
/** Of many packets that are all zeros, none is chosen. */
export const OFFSET = 0x7f4a7c15
/** Payload, bytes, from which on so many words count: one, the first three, and these and the seventh. */
export const PAYLOAD_STEPS = { one: 4, three: 12, four: 28 } as const
/** TCP: sequence numbers are compared in units of 2^this. */
export const REGION_BITS = 20
export const ECHO4 = { request: 8, reply: 0 } as const
export const ECHO6 = { request: 128, reply: 129 } as const

/** The largest shift with which the IP packet `b[o, end)` is chosen; -1: with none. Bytes past `end` were not captured. */
export function rankOf(b: Uint8Array, o: number, end: number): number {
  const version = o < end ? u8(b, o) >>> 4 : 0
  if (version === 4 && o + P.IPV4_HEADER <= end) {
    if (u16(b, o + P.IP4.FRAG) & P.FRAG_OFFSET_MASK) return -1
    return rank(b, o + (u8(b, o) & 15) * 4, end, u8(b, o + P.IP4.PROTOCOL), P.ICMP4, ECHO4)
  }
  if (version !== 6 || o + P.IPV6_HEADER > end) return -1
  const at = o + P.IPV6_HEADER
  const next = u8(b, o + P.IP6.NEXT)
  if (next !== P.FRAGMENT) return rank(b, at, end, next, P.ICMP6, ECHO6)
  if (at + P.FRAGMENT_HEADER > end || u16(b, at + 2) & 0xfff8) return -1
  return rank(b, at + P.FRAGMENT_HEADER, end, u8(b, at), P.ICMP6, ECHO6)
}

type Echo = { readonly request: number; readonly reply: number }

function rank(b: Uint8Array, o: number, end: number, protocol: number, icmp: number, echo: Echo): number {
  if (protocol === P.UDP) return rankUdp(b, o, end)
  if (protocol === P.TCP) return rankTcp(b, o, end)
  if (protocol !== icmp) return MOST_SHIFT
  if (o >= end) return -1
  const type = u8(b, o)
  if (type !== echo.request && type !== echo.reply) return MOST_SHIFT
  return o + P.ICMP_HEADER > end ? -1 : rankValue(u16(b, o + 6))
}

function rankUdp(b: Uint8Array, o: number, end: number): number {
  if (o + 6 > end) return -1
  const payload = u16(b, o + 4) - P.UDP_HEADER
  const { one, three, four } = PAYLOAD_STEPS
  const needed = payload < one ? 0 : payload < three ? one : payload < four ? three : four
  return needed > 0 && o + P.UDP_HEADER + needed > end ? -1 : rankOfPayload(b, o + P.UDP_HEADER, payload)
}

/** As {@link rankOf} of a datagram with so much payload, which stands at `o`; its first 28 bytes have to be there. */
export function rankOfPayload(b: Uint8Array, o: number, payload: number): number {
  const { one, three, four } = PAYLOAD_STEPS
  if (payload < one) return MOST_SHIFT
  const first = u32(b, o)
  if (payload < three) return rankValue(first)
  const sum = first + u32(b, o + 4) + u32(b, o + 8)
  return rankValue(payload < four ? sum : sum + u32(b, o + 24))
}

function rankTcp(b: Uint8Array, o: number, end: number): number {
  if (o + 14 > end) return -1
  const flags = u8(b, o + 13)
  const [sequence, acknowledge] = [u32(b, o + 4), u32(b, o + 8)]
  if (flags & (P.SYN | P.RST)) return rankValue(flags & P.ACK ? acknowledge - 1 : sequence)
  return rankValue((sequence >>> REGION_BITS) + (acknowledge >>> REGION_BITS))
}

function rankValue(value: number): number {
  return Math.min(MOST_SHIFT, Math.clz32(Math.imul(value + OFFSET, FACTOR)))
}
