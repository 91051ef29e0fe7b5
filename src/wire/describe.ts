/**
 * One line of text about a packet, for people. Any bytes will do: what cannot be read is said, nothing throws.
 *
 *     IPv6 2001:db8::1 > 64:ff9b::c000:201 hlim 64 TCP 51514 > 443 [S] seq 77 win 64240 mss 1440 len 0
 */
import { formatIpv4 } from '../addr/ipv4.js'
import { formatIpv6 } from '../addr/ipv6.js'
import { u8, u16, u32 } from './bytes.js'
import { describeTransport, protocolName } from './describe-transport.js'
import * as P from './protocol.js'

/** Extension headers that are walked; a longer chain is cut with "…". */
const MAX_EXTENSIONS = 16
/** A packet inside an ICMP error, inside which there is another one: no deeper. */
const MAX_DEPTH = 2

const EXTENSION_NAMES: Readonly<Record<number, string>> = {
  [P.HOPOPT]: 'hop-by-hop',
  [P.ROUTING]: 'routing',
  [P.DSTOPTS]: 'dest-options',
  [P.MOBILITY]: 'mobility',
  [P.HIP]: 'hip',
  [P.SHIM6]: 'shim6',
}

/** Describes the IP packet `b[start, end)`, of either family. */
export function describePacket(b: Uint8Array, start = 0, end = b.length): string {
  return describe(b, Math.max(0, start), Math.min(end, b.length), 0)
}

function describe(b: Uint8Array, start: number, end: number, depth: number): string {
  if (start >= end) return 'no bytes'
  const version = u8(b, start) >>> 4
  if (version === 4) return describe4(b, start, end, depth)
  if (version === 6) return describe6(b, start, end, depth)
  return `no IP packet (version ${version}, ${end - start} bytes)`
}

function describe4(b: Uint8Array, start: number, end: number, depth: number): string {
  if (end - start < P.IPV4_HEADER) return `IPv4 cut short after ${end - start} bytes`
  const headerLength = (u8(b, start) & 15) * 4
  const length = u16(b, start + P.IP4.LENGTH)
  const fragment = u16(b, start + P.IP4.FRAG)
  const protocol = u8(b, start + P.IP4.PROTOCOL)
  const offset = (fragment & P.FRAG_OFFSET_MASK) * 8
  const words = [
    `IPv4 ${formatIpv4(u32(b, start + P.IP4.SRC))} > ${formatIpv4(u32(b, start + P.IP4.DST))}`,
    `ttl ${u8(b, start + P.IP4.TTL)}`,
    ...tos('tos', u8(b, start + P.IP4.TOS)),
    ...(fragment & P.DF ? ['DF'] : []),
    ...(fragment & (P.MF | P.FRAG_OFFSET_MASK)
      ? [describeFragment(u16(b, start + P.IP4.ID), offset, (fragment & P.MF) !== 0)]
      : []),
  ]
  if (headerLength < P.IPV4_HEADER || start + headerLength > end)
    return `${words.join(' ')} header length ${headerLength}?`
  if (headerLength > P.IPV4_HEADER) words.push(`options ${headerLength - P.IPV4_HEADER} bytes`)
  return finish(words, b, start + headerLength, end, start + length, protocol, offset, depth)
}

function describe6(b: Uint8Array, start: number, end: number, depth: number): string {
  if (end - start < P.IPV6_HEADER) return `IPv6 cut short after ${end - start} bytes`
  const words = [
    `IPv6 ${address6(b, start + P.IP6.SRC)} > ${address6(b, start + P.IP6.DST)}`,
    `hlim ${u8(b, start + P.IP6.HOPS)}`,
    ...tos('class', (u16(b, start) >>> 4) & 0xff),
    ...((u32(b, start) & 0xfffff) !== 0 ? [`flow 0x${(u32(b, start) & 0xfffff).toString(16)}`] : []),
  ]
  const declaredEnd = start + P.IPV6_HEADER + u16(b, start + P.IP6.LENGTH)
  let next = u8(b, start + P.IP6.NEXT)
  let o = start + P.IPV6_HEADER
  let offset = 0
  for (let i = 0; ; i++) {
    const isFragment = next === P.FRAGMENT
    const name = EXTENSION_NAMES[next]
    if ((!isFragment && name === undefined) || offset > 0) break
    if (i === MAX_EXTENSIONS || o + 8 > end) return `${words.join(' ')} ${name ?? 'fragment'} header cut short`
    if (isFragment) {
      const field = u16(b, o + 2)
      offset = field & 0xfff8
      words.push(describeFragment(u32(b, o + 4), offset, (field & 1) !== 0))
    } else {
      words.push(name as string)
      if (next === P.ROUTING) words.push(`(type ${u8(b, o + 2)}, segments left ${u8(b, o + 3)})`)
    }
    const size = isFragment ? P.FRAGMENT_HEADER : 8 + 8 * u8(b, o + 1)
    next = u8(b, o)
    o += size
  }
  return finish(words, b, o, end, declaredEnd, next, offset, depth)
}

/** Says what follows the IP headers at `o`. */
function finish(
  words: string[],
  b: Uint8Array,
  o: number,
  end: number,
  declaredEnd: number,
  protocol: number,
  fragmentOffset: number,
  depth: number,
): string {
  const last = Math.min(end, declaredEnd)
  if (fragmentOffset > 0) words.push(`${protocolName(protocol)} len ${Math.max(0, last - o)}`)
  else if (o > last) words.push(`${protocolName(protocol)} cut short`)
  else {
    const inner = (from: number) => (depth < MAX_DEPTH && from < last ? describe(b, from, last, depth + 1) : '')
    words.push(describeTransport(b, o, last, declaredEnd, protocol, inner))
  }
  if (declaredEnd > end) words.push(`(${declaredEnd - end} bytes missing)`)
  return words.join(' ')
}

function describeFragment(id: number, offset: number, more: boolean): string {
  return `fragment 0x${id.toString(16)} at ${offset}${more ? '+' : ''}`
}

function tos(name: string, value: number): string[] {
  return value === 0 ? [] : [`${name} 0x${value.toString(16)}`]
}

function address6(b: Uint8Array, o: number): string {
  return formatIpv6([u32(b, o), u32(b, o + 4), u32(b, o + 8), u32(b, o + 12)])
}
