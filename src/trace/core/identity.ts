// hot path
/**
 * Who a packet belongs to and what stays of it across the translation: the way it goes, the IPv4 host at its far end,
 * the guest where the packet shows it, and two keys made of what RFC 7915 and masquerading leave alone.
 */

import type { Prefix6 } from '../../addr/prefix.js'
import { contains6, mask32 } from '../../addr/prefix.js'
import { extractWords } from '../../addr/rfc6052.js'
import * as P from '../../wire/protocol.js'
import { combine, hi, lo, mix, seed } from './hash.js'
import { ICMP, isError, type Packet } from './packet.js'

/** An explicit address mapping (RFC 7757), both sides of the same length of suffix. */
export interface EamPair {
  readonly four: number
  readonly length4: number
  readonly six: Prefix6
}

/** What tells the far end of an IPv6 packet. */
export interface Realm {
  readonly pool6: readonly Prefix6[]
  readonly eam: readonly EamPair[]
}

export const REQUEST = 0
export const REPLY = 1

export interface Identity {
  /** {@link REQUEST}: towards IPv4. {@link REPLY}: towards the guest. */
  way: number
  /** The IPv4 host at the far end. */
  target4: number
  targetPort: number
  /** Port at the near end, of the guest or of the translator: translation may change it. */
  nearPort: number
  /** Same packet, same key, on both sides of the translator. A number of 53 bits. */
  key: number
  /** As `key` without what an ICMP error cannot quote: of the packet itself, or of the one that an error is about. */
  quote: number
  /** Connection at the far end: way, target, ports of the target. */
  flowKey: number
  /** It is an ICMP error; way, target and ports are those of the way back of the packet inside. */
  isError: boolean
}

export function makeIdentity(): Identity {
  return { way: 0, target4: 0, targetPort: 0, nearPort: 0, key: 0, quote: 0, flowKey: 0, isError: false }
}

type Words = readonly [number, number, number, number]

/** The IPv4 address that an IPv6 address stands for; -1: none. */
export function toV4(realm: Realm, words: Words): number {
  const mapped = mappedV4(realm, words)
  return mapped >= 0 ? mapped : pooledV4(realm, words)
}

function mappedV4(realm: Realm, words: Words): number {
  for (const { six, four, length4 } of realm.eam) {
    if (!contains6(six, words)) continue
    const bits = 32 - length4
    return (four | (bits === 0 ? 0 : suffixOf(words, six.length, bits))) >>> 0
  }
  return -1
}

function pooledV4(realm: Realm, words: Words): number {
  for (const pool of realm.pool6) {
    if (contains6(pool, words)) return extractWords(pool.length, words[1], words[2], words[3])
  }
  return -1
}

/** The IPv6 address that an explicit mapping gives to an IPv4 one; null: none does. */
export function mappedV6(realm: Realm, address: number): [number, number, number, number] | null {
  for (const { six, four, length4 } of realm.eam) {
    const suffix = (address ^ four) >>> 0
    if ((suffix & mask32(length4)) !== 0) continue
    const words: [number, number, number, number] = [...six.address]
    const bits = 32 - length4
    for (let i = 0; i < bits; i++) {
      const at = six.length + i
      const bit = (suffix >>> (bits - 1 - i)) & 1
      words[(at >>> 5) as 0] = ((words[(at >>> 5) as 0] | (bit << (31 - (at & 31)))) >>> 0) as number
    }
    return words
  }
  return null
}

/** The far end that an address behind pool6 is; -1: it is none, or a guest with an explicit mapping. */
export function farV4(realm: Realm, words: Words): number {
  return realm.eam.length > 0 && mappedV4(realm, words) >= 0 ? -1 : pooledV4(realm, words)
}

/** The `bits` that follow the first `from` bits of an address. */
function suffixOf(words: Words, from: number, bits: number): number {
  let value = 0
  for (let i = from; i < from + bits; i++) value = (value << 1) | ((words[i >>> 5]! >>> (31 - (i & 31))) & 1)
  return value >>> 0
}

/**
 * Fills `id` for an IPv6 packet. Returns false when neither end is behind the translator. The far end is the one behind
 * pool6, the destination before the source: a guest that speaks to another one through the translator sends a request.
 * An explicit mapping is mostly a guest's (RFC 7757); it is the far end where nothing is behind pool6.
 */
export function identify6(id: Identity, p: Packet, realm: Realm): boolean {
  const about = isError(p.icmpKind) ? p.inner : p
  if (!about?.readable || about.family !== 6 || !locate(id, about, realm)) return false
  if (about === p) fill(id, p)
  else fillError(id, p, about)
  return true
}

function locate(id: Identity, { source, destination }: Packet, realm: Realm): boolean {
  if (goes(id, REQUEST, farV4(realm, destination)) || goes(id, REPLY, farV4(realm, source))) return true
  if (realm.eam.length === 0) return false
  return goes(id, REQUEST, mappedV4(realm, destination)) || goes(id, REPLY, mappedV4(realm, source))
}

function goes(id: Identity, way: number, target4: number): boolean {
  id.way = way
  id.target4 = target4
  return target4 >= 0
}

/** Fills `id` for an IPv4 packet; `isTarget` says which hosts are far ends. Returns false when neither end is one. */
export function identify4(id: Identity, p: Packet, isTarget: (address: number) => boolean): boolean {
  const about = isError(p.icmpKind) ? p.inner : p
  if (!about?.readable || about.family !== 4) return false
  if (isTarget(about.destination[0])) goes(id, REQUEST, about.destination[0])
  else if (isTarget(about.source[0])) goes(id, REPLY, about.source[0])
  else return false
  if (about === p) fill(id, p)
  else fillError(id, p, about)
  return true
}

/** What is left to fill once way and far end are known. */
function fill(id: Identity, p: Packet): void {
  id.isError = false
  fillEnds(id, p)
  id.flowKey = mix(mix(seed(id.way + 16), id.target4), (p.protocol << 16) | id.targetPort)
  id.key = keyOf(p, id.quote)
}

/** An error goes back the way of the packet that it is about. */
function fillError(id: Identity, p: Packet, inner: Packet): void {
  id.isError = true
  fillEnds(id, inner)
  id.way = id.way === REQUEST ? REPLY : REQUEST
  id.flowKey = 0
  id.key = combine(mix(hi(id.quote), 0x1c3b), mix(lo(id.quote), p.icmpKind))
}

function fillEnds(id: Identity, p: Packet): void {
  const isRequest = id.way === REQUEST
  id.targetPort = p.protocol === ICMP ? 0 : isRequest ? p.destinationPort : p.sourcePort
  id.nearPort = isRequest ? p.sourcePort : p.destinationPort
  id.quote = quoteOf(id.way, id.target4, id.targetPort, p)
}

/** What an error quotes: port of the target, and what tells packets of one connection apart within the first 8 bytes. */
function quoteOf(way: number, target4: number, targetPort: number, p: Packet): number {
  const what = p.protocol === P.UDP ? p.udpLength : p.sequence
  return quote(way, target4, (p.protocol << 16) | targetPort, what, p.icmpKind)
}

function quote(way: number, target4: number, port: number, what: number, icmpKind: number): number {
  const a = mix(mix(seed(way), target4), port)
  return combine(mix(a, what), mix(mix(seed(way + 2), what), target4 ^ icmpKind))
}

/** The key that a datagram of this payload has when it travels alone, in the connection of `id`. */
export function datagramKey(id: Identity, payload: number, sample: number): number {
  const port = (P.UDP << 16) | id.targetPort
  return withMore(quote(id.way, id.target4, port, P.UDP_HEADER + payload, 0), sample)
}

/**
 * TCP: acknowledgement, timestamp, and the flags that a super-packet shares with its first segment. Others: the beginning
 * of the payload. Lengths are left out: fragments and segments of one packet are to have its key.
 */
function keyOf(p: Packet, quote: number): number {
  const more =
    p.protocol === P.TCP
      ? mix(
          mix(p.stamp, p.flags & P.ACK ? p.acknowledge : 0),
          (p.flags & (P.SYN | P.RST)) | (p.payload === 0 ? p.flags & P.FIN : 8),
        )
      : p.sample
  return withMore(quote, more)
}

function withMore(quote: number, more: number): number {
  return combine(mix(hi(quote), more), mix(lo(quote), more))
}
