import { describe, expect, it } from 'vitest'
import {
  destination,
  echo,
  filler,
  fragment,
  hex,
  hopByHop,
  icmp,
  ip4,
  ip6,
  type Message,
  raw,
  routing,
  tcp,
  udp,
} from './packets.js'
import { parseOf } from './rewriting.js'

const cut = (b: Uint8Array, length: number): Uint8Array => b.slice(0, length)
const patch = (b: Uint8Array, at: number, ...bytes: number[]): Uint8Array => {
  const out = b.slice()
  out.set(bytes, at)
  return out
}

describe('parse refuses', () => {
  const u4 = ip4(udp(1, 2, filler(20)))
  const u6 = ip6(udp(1, 2, filler(20)))
  const quoted4 = Array.from(ip4(udp(1, 2, filler(20))))
  const error4 = ip4(icmp(3, 1, [0, 0, 0, 0], quoted4))
  const error6 = ip6(icmp(1, 0, [0, 0, 0, 0], Array.from(ip6(udp(1, 2)))))
  it.each<[string, Uint8Array | number[], string]>([
    ['no byte', [], 'not_ip'],
    ['version 5', patch(u4, 0, 0x55), 'not_ip'],
    ['one byte of version 5', [0x50], 'not_ip'],
    ['one byte of IPv4', [0x45], 'truncated'],
    ['19 bytes of IPv4', cut(u4, 19), 'truncated'],
    ['IPv4 cut in the payload', cut(u4, 40), 'truncated'],
    ['IPv4 header length 16', patch(u4, 0, 0x44), 'truncated'],
    ['IPv4 header longer than the packet', patch(ip4(raw(253, [])), 0, 0x4f), 'truncated'],
    ['IPv4 total length below the header', ip4(udp(1, 2), { total: 19 }), 'truncated'],
    ['IPv4 header checksum', patch(u4, 10, 0, 1), 'header4_checksum'],
    ['39 bytes of IPv6', cut(u6, 39), 'truncated'],
    ['IPv6 cut in the payload', cut(u6, 60), 'truncated'],
    ['UDP of 7 bytes', ip4(raw(17, filler(7))), 'truncated'],
    ['UDP length below its header', ip4(udp(1, 2, [], 7)), 'truncated'],
    ['UDP length past the packet', ip6(udp(1, 2, filler(4), 13)), 'truncated'],
    ['TCP of 19 bytes', ip6(raw(6, filler(19))), 'truncated'],
    ['TCP data offset 4', ip4(raw(6, [...filler(12), 0x40, ...filler(11)])), 'truncated'],
    ['TCP data offset past the packet', ip4(raw(6, [...filler(12), 0x60, ...filler(7)])), 'truncated'],
    ['TCP in a tiny first fragment', ip4(tcp(1, 2, filler(20)), { mf: true, to: 16 }), 'truncated'],
    ['ICMP of 7 bytes', ip4(raw(1, [8, 0, 0, 0, 0, 1, 0])), 'truncated'],
    ['ICMPv4 error with a wrong checksum', patch(error4, 22, 1, 2), 'icmp_checksum'],
    ['ICMPv6 error with a wrong checksum', patch(error6, 42, 1, 2), 'icmp_checksum'],
    ['ICMPv6 in IPv4', ip4(raw(58, filler(8))), 'protocol'],
    ['ICMPv4 in IPv6', ip6(raw(1, filler(8))), 'protocol'],
    ['IGMP', ip4(raw(2, filler(8))), 'protocol'],
    ['IGMP in IPv6', ip6(raw(2, filler(8))), 'protocol'],
    ['hop-by-hop options as an IPv4 protocol', ip4(raw(0, filler(8))), 'protocol'],
    ['a Routing header as an IPv4 protocol', ip4(raw(43, filler(8))), 'protocol'],
    ['a Fragment header as an IPv4 protocol', ip4(raw(44, filler(8))), 'protocol'],
    ['destination options as an IPv4 protocol', ip4(raw(60, filler(8))), 'protocol'],
    ['an IPv4 fragment of 12 bytes with more to come', ip4(raw(253, filler(12)), { mf: true }), 'fragment_bad'],
    [
      'an IPv6 fragment of 12 bytes with more to come',
      ip6(raw(253, filler(12)), { ext: [fragment(1, 0, true)] }),
      'fragment_bad',
    ],
    ['an empty fragment with more to come', ip4(raw(253, []), { mf: true }), 'fragment_bad'],
    ['a fragment past 65535', ip4(raw(253, filler(40)), { offset: 65504 }), 'fragment_bad'],
    ['an IPv6 fragment past 65535', ip6(raw(253, filler(40)), { ext: [fragment(1, 65504)] }), 'fragment_bad'],
    ['routing with segments left', ip6(udp(1, 2), { ext: [routing(1)] }), 'segments_left'],
    [
      'destination options after Fragment',
      ip6(udp(1, 2), { ext: [fragment(1), destination] }),
      'extension_after_fragment',
    ],
    ['AH after Fragment', ip6(raw(51, filler(24)), { ext: [fragment(1)] }), 'extension_after_fragment'],
    [
      'a mobility header after Fragment in a later fragment',
      ip6(raw(135, filler(24)), { ext: [fragment(1, 8)] }),
      'extension_after_fragment',
    ],
    ['Fragment after Fragment', ip6(udp(1, 2), { ext: [fragment(1), fragment(1)] }), 'extension_headers'],
    ['hop-by-hop options in second place', ip6(udp(1, 2), { ext: [destination, hopByHop] }), 'extension_headers'],
    ['nine extension headers', ip6(udp(1, 2), { ext: new Array(9).fill(destination) }), 'extension_headers'],
    ['an extension header past the end', ip6(raw(60, [17, 200, 0, 0, 0, 0, 0, 0])), 'truncated'],
    ['an extension header of 4 bytes', ip6(raw(60, [17, 0, 0, 0])), 'truncated'],
    ['a strict source route', ip4(udp(1, 2), { options: hex('89070401020304 00') }), 'source_route'],
    [
      'a loose source route after others',
      ip4(udp(1, 2), { options: hex('01 83 0b 04 01020304 05060708') }),
      'source_route',
    ],
    ['a source route in the middle', ip4(udp(1, 2), { options: hex('01 83 0b 08 01020304 05060708') }), 'source_route'],
    ['an option longer than the header', ip4(udp(1, 2), { options: hex('44050000') }), 'truncated'],
    ['an option of length 1', ip4(udp(1, 2), { options: hex('44010000') }), 'truncated'],
  ])('%s', (_name, bytes, reason) => {
    expect(parseOf(bytes).reason).toBe(reason)
  })

  it.each<[string, Uint8Array]>([
    ...[4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 30, 255].map(
      type => [`ICMPv4 type ${type}`, ip4(icmp(type, 0, [0, 0, 0, 0], quoted4))] as [string, Uint8Array],
    ),
    ...[0, 5, 100, 127, 130, 131, 132, 133, 134, 135, 136, 137, 143, 255].map(
      type => [`ICMPv6 type ${type}`, ip6(icmp(type, 0, [0, 0, 0, 0], filler(48)))] as [string, Uint8Array],
    ),
  ])('%s as without counterpart', (_name, bytes) => {
    expect(parseOf(bytes).reason).toBe('icmp_type')
  })
})

describe('parse accepts', () => {
  const udpOf = udp(0x1122, 0x3344, filler(9))
  const fields = (bytes: Uint8Array): Record<string, unknown> => {
    const { reason, p } = parseOf(bytes)
    expect(reason).toBe('none')
    return { ...p, l4: p.l4 - p.start, length: p.end - p.start, buf: undefined }
  }
  it('an IPv4 packet, field by field', () => {
    expect(fields(ip4(udpOf, { id: 0xbeef, df: true, tos: 3 }))).toMatchObject({
      version: 4,
      protocol: 17,
      l4: 20,
      s3: 0xc0000201,
      d3: 0xc6336402,
      s0: 0,
      d2: 0,
      sport: 0x1122,
      dport: 0x3344,
      fragId: 0xbeef,
      df: true,
      isFragment: false,
      isIcmpError: false,
    })
  })
  it('an IPv6 packet, field by field', () => {
    expect(fields(ip6(udpOf))).toMatchObject({
      version: 6,
      protocol: 17,
      l4: 40,
      s0: 0x20010db8,
      s1: 0,
      s2: 0,
      s3: 1,
      d0: 0x0064ff9b,
      d3: 0xc6336402,
      sport: 0x1122,
      dport: 0x3344,
      isFragment: false,
    })
  })
  it('extension headers of every kind', () => {
    const ext = [hopByHop, destination, routing(0), fragment(0xcafebabe)]
    expect(fields(ip6(udpOf, { ext }))).toMatchObject({
      l4: 40 + 8 + 16 + 8 + 8,
      protocol: 17,
      isFragment: true,
      moreFragments: false,
      fragOffset: 0,
      fragId: 0xcafebabe,
      sport: 0x1122,
    })
  })
  it.each<[string, Uint8Array, object]>([
    ['TCP flags', ip6(tcp(1, 2, [], { flags: 0x12 })), { tcpFlags: 0x12, protocol: 6 }],
    [
      'an echo by its identifier',
      ip4(echo(8, 0x77aa)),
      { sport: 0x77aa, dport: 0x77aa, icmpType: 8, isIcmpError: false },
    ],
    ['an ICMPv6 echo reply', ip6(echo(129, 0x77aa)), { sport: 0x77aa, dport: 0x77aa, icmpType: 129 }],
    ['an echo with a wrong checksum: the receiver judges', patch(ip4(echo(8, 1)), 22, 1, 1), { icmpType: 8 }],
    ['an ICMP error', ip4(icmp(11, 0, [0, 0, 0, 0], Array.from(ip4(udp(1, 2))))), { isIcmpError: true, icmpType: 11 }],
    [
      'a first fragment by its ports',
      ip4(udp(5, 6, filler(40)), { mf: true, to: 24 }),
      { sport: 5, isFragment: true, moreFragments: true },
    ],
    [
      'a later fragment without ports',
      ip4(udp(5, 6, filler(40)), { from: 24 }),
      { sport: 0, dport: 0, fragOffset: 24, isFragment: true },
    ],
    [
      'a later IPv6 fragment',
      ip6(udp(5, 6, filler(40)), { ext: [fragment(7, 24)], from: 24 }),
      { sport: 0, fragOffset: 24 },
    ],
    ['an expired source route', ip4(udpOf, { options: hex('89 07 08 01020304 00') }), { l4: 28, sport: 0x1122 }],
    ['options that end early', ip4(udpOf, { options: hex('01 00 83 01') }), { l4: 24 }],
    ['a router alert option', ip4(udpOf, { options: hex('94 04 0000') }), { l4: 24 }],
    ['AH', ip6(raw(51, filler(24))), { protocol: 51 }],
    ['ESP after Fragment', ip6(raw(50, filler(24)), { ext: [fragment(1)] }), { protocol: 50 }],
    ['an unknown protocol', ip4(raw(253, [])), { protocol: 253 }],
    ['bytes after the IPv4 packet', Uint8Array.from([...ip4(udpOf), 9, 9]), { length: 37 }],
    ['bytes after the IPv6 packet', Uint8Array.from([...ip6(udpOf), 9, 9]), { length: 57 }],
    ['eight extension headers', ip6(udpOf, { ext: new Array(8).fill(destination) }), { l4: 168 }],
  ])('%s', (_name, bytes, expected) => {
    expect(fields(bytes)).toMatchObject(expected)
  })

  it('and keeps the pointer to Segments Left', () => {
    const { p } = parseOf(ip6(udpOf, { ext: [destination, routing(2)] }))
    expect(p.errorParam).toBe(40 + 16 + 3)
  })
  it('the transport header behind a refusal, so that errors are not answered by errors', () => {
    const error: Message = icmp(1, 0, [0, 0, 0, 0], Array.from(ip6(udp(1, 2))))
    const { reason, p } = parseOf(ip6(error, { ext: [routing(1)] }))
    expect([reason, p.isIcmpError]).toEqual(['segments_left', true])
  })
})
