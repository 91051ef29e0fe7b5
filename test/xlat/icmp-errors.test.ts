import { describe, expect, it } from 'vitest'
import type { XlatConfig } from '../../src/xlat/config.js'
import {
  type Bytes,
  be16,
  be32,
  destination,
  echo,
  filler,
  fragment,
  hex,
  hopByHop,
  icmp,
  ip4,
  ip6,
  raw,
  read,
  tcp,
  toHex,
  udp,
} from './packets.js'
import { type Addresses, rewrite } from './rewriting.js'

const GUEST = '2001:db8::1'
const PEER = '64:ff9b::198.51.100.2'

/** What an IPv4 host got from the guest, 2001:db8::1 as 198.51.100.2, and quotes. */
const quoted4 = ip4(udp(1000, 53, filler(20)), { src: '198.51.100.2', dst: '192.0.2.1', ttl: 33 })
/** What the guest got from an IPv4 host and quotes. */
const quoted6 = ip6(udp(53, 1000, filler(20)), { src: PEER, dst: GUEST, hops: 33 })

const error4 = (type: number, code: number, rest: Bytes = [0, 0, 0, 0], quote: Bytes = quoted4): Uint8Array =>
  ip4(icmp(type, code, rest, quote))
const error6 = (type: number, code: number, rest: Bytes = [0, 0, 0, 0], quote: Bytes = quoted6): Uint8Array =>
  ip6(icmp(type, code, rest, quote))

/** Rewrites an error: type, code and second word of what comes out, and the packet quoted in it. */
function one(bytes: Uint8Array, config: Partial<XlatConfig> = {}, a: Addresses = {}) {
  const r = rewrite(bytes, config, a)
  expect(r.reason).toBe('none')
  expect(r.out).toHaveLength(1)
  const outer = read(r.out[0] as Uint8Array)
  expect(outer.checksumOk).toBe(true)
  const [type, code] = outer.payload
  return { outer, type, code, rest: outer.payload.slice(4, 8), quote: Uint8Array.from(outer.payload.slice(8)) }
}

describe('RFC 7915 section 4.2, ICMPv4 error types and codes', () => {
  it.each<[string, number, number, string]>([
    ['network unreachable', 3, 0, '1/0'],
    ['host unreachable', 3, 1, '1/0'],
    ['protocol unreachable', 3, 2, '4/1'],
    ['port unreachable', 3, 3, '1/4'],
    ['fragmentation needed', 3, 4, '2/0'],
    ['source route failed', 3, 5, '1/0'],
    ['network unknown', 3, 6, '1/0'],
    ['host unknown', 3, 7, '1/0'],
    ['source host isolated', 3, 8, '1/0'],
    ['network prohibited', 3, 9, '1/1'],
    ['host prohibited', 3, 10, '1/1'],
    ['network unreachable for TOS', 3, 11, '1/0'],
    ['host unreachable for TOS', 3, 12, '1/0'],
    ['communication prohibited', 3, 13, '1/1'],
    ['precedence cutoff', 3, 15, '1/1'],
    ['TTL exceeded', 11, 0, '3/0'],
    ['reassembly time exceeded', 11, 1, '3/1'],
    ['parameter problem', 12, 0, '4/0'],
    ['bad length', 12, 2, '4/0'],
  ])('%s', (_name, type, code, expected) => {
    const r = one(error4(type, code))
    expect(`${r.type}/${r.code}`).toBe(expected)
  })
  it.each<[string, number, number]>([
    ['host precedence violation', 3, 14],
    ['an unknown code of unreachable', 3, 16],
    ['source quench', 4, 0],
    ['redirect', 5, 1],
    ['missing option', 12, 1],
    ['an unknown code of parameter problem', 12, 3],
  ])('%s is dropped', (_name, type, code) => {
    expect(rewrite(error4(type, code)).reason).toBe('icmp_type')
  })
  it('protocol unreachable points at the next header field', () => {
    expect(one(error4(3, 2)).rest).toEqual(be32(6))
  })
  it.each<[string, number, number[]]>([
    ['unreachable', 3, [0, 0, 0, 0]],
    ['time exceeded', 11, [0, 0, 0, 0]],
  ])('the unused word of %s is zero, whatever it was', (_name, type, rest) => {
    expect(one(error4(type, 0, [9, 0, 9, 9])).rest).toEqual(rest)
  })
})

describe('RFC 7915 section 5.2, ICMPv6 error types and codes', () => {
  it.each<[string, number, number, string]>([
    ['no route', 1, 0, '3/1'],
    ['prohibited', 1, 1, '3/10'],
    ['beyond scope', 1, 2, '3/1'],
    ['address unreachable', 1, 3, '3/1'],
    ['port unreachable', 1, 4, '3/3'],
    ['packet too big', 2, 0, '3/4'],
    ['packet too big, code ignored', 2, 7, '3/4'],
    ['hop limit exceeded', 3, 0, '11/0'],
    ['reassembly time exceeded', 3, 1, '11/1'],
    ['parameter problem', 4, 0, '12/0'],
    ['unknown next header', 4, 1, '3/2'],
  ])('%s', (_name, type, code, expected) => {
    const r = one(error6(type, code))
    expect(`${r.type}/${r.code}`).toBe(expected)
  })
  it.each<[string, number, number]>([
    ['source failed policy', 1, 5],
    ['reject route', 1, 6],
    ['an unknown code of unreachable', 1, 255],
    ['unknown option', 4, 2],
    ['an unknown code of parameter problem', 4, 3],
    ['an unknown error', 5, 0],
    ['a private error', 100, 0],
  ])('%s is dropped', (_name, type, code) => {
    expect(rewrite(error6(type, code)).reason).toBe('icmp_type')
  })
})

describe('parameter problem pointers', () => {
  const none = undefined
  const toV6 = [0, 1, 4, 4, none, none, none, none, 7, 6, none, none, 8, 8, 8, 8, 24, 24, 24, 24, none]
  it.each(toV6.map((to, from) => [from, to] as const))('figure 3: %s becomes %s', (from, to) => {
    const bytes = error4(12, 0, [from, 0, 0, 0])
    if (to === undefined) expect(rewrite(bytes).reason).toBe('icmp_type')
    else expect(one(bytes).rest).toEqual(be32(to))
  })
  const toV4 = [0, 1, none, none, 2, 2, 9, 8, ...new Array(16).fill(12), ...new Array(16).fill(16), none]
  it.each(toV4.map((to, from) => [from, to] as const))('figure 6: %s becomes %s', (from, to) => {
    const bytes = error6(4, 0, be32(from))
    if (to === undefined) expect(rewrite(bytes).reason).toBe('icmp_type')
    else expect(one(bytes).rest).toEqual([to as number, 0, 0, 0])
  })
  it.each([255, 256, 0x10000, 0x80000000, 0xffffffff])('pointer %s is past the header', pointer => {
    expect(rewrite(error6(4, 0, be32(pointer))).reason).toBe('icmp_type')
  })
})

describe('MTU', () => {
  const long4 = (total: number): Uint8Array =>
    ip4(udp(1, 2, filler(20)), { src: '198.51.100.2', dst: '192.0.2.1', total })
  it.each<[string, number, number, number, number]>([
    ['20 more', 1400, 1500, 1500, 1420],
    ['never below 1280', 576, 576, 1500, 1280],
    ['1260 is the least that shows', 1260, 1500, 1500, 1280],
    ['1261', 1261, 1500, 1500, 1281],
    ['never above the device', 1490, 1500, 1500, 1500],
    ['huge', 65535, 1500, 1500, 1500],
    ['jumbo', 8000, 9000, 9000, 8020],
    ['0: plateau below 1500', 0, 1500, 1500, 1500],
    ['0: plateau below 1492', 0, 1492, 1500, 1280],
    ['0: plateau below 9000', 0, 9000, 9000, 8186],
    ['0: below all plateaus', 0, 60, 1500, 1280],
  ])('fragmentation needed, %s: %i of %i bytes over %i', (_name, mtu, total, link, expected) => {
    expect(one(error4(3, 4, [0, 0, ...be16(mtu)], long4(total)), { mtu: link }).rest).toEqual(be32(expected))
  })
  it.each<[string, number, number, number]>([
    ['20 less', 1400, 1500, 1380],
    ['1280', 1280, 1500, 1260],
    ['never above the device', 1600, 1500, 1480],
    ['65536 and more', 0x12345, 65535, 65515],
    ['2^32 - 1', 0xffffffff, 9000, 8980],
    ['below the least MTU of IPv6', 600, 1500, 580],
    ['nonsense', 0, 1500, 68],
  ])('packet too big, %s: %i over %i', (_name, mtu, link, expected) => {
    expect(one(error6(2, 0, be32(mtu)), { mtu: link }).rest).toEqual([0, 0, ...be16(expected)])
  })
  it('packet too big about a packet with Fragment header: 28 less', () => {
    const quote = ip6(udp(53, 1000, filler(20)), { src: PEER, dst: GUEST, ext: [fragment(1, 0, true)] })
    expect(one(error6(2, 0, be32(1280), quote)).rest).toEqual([0, 0, ...be16(1252)])
  })
})

describe('the quoted packet', () => {
  const guest4 = { src: '198.51.100.2', dst: '192.0.2.1' }
  const guest6 = { src: PEER, dst: GUEST }
  const back6 = { src: GUEST, dst: '64:ff9b::192.0.2.1' }
  const kinds = [
    ['UDP', udp(1000, 53, filler(20))],
    ['TCP', tcp(1000, 80, filler(20))],
    ['UDP without data', udp(1000, 53)],
    ['unknown protocol', raw(253, filler(20))],
  ] as const
  it.each(kinds)('%s to IPv6: as if translated, hop limit untouched', (_name, message) => {
    const quote = one(error4(3, 1, [0, 0, 0, 0], ip4(message, { ...guest4, ttl: 33, tos: 0x2e }))).quote
    expect(toHex(quote)).toBe(toHex(ip6(message, { ...back6, hops: 33, tc: 0x2e })))
  })
  it.each(kinds)('%s to IPv4', (_name, message) => {
    const quote = one(error6(1, 0, [0, 0, 0, 0], ip6(message, { ...guest6, hops: 33, tc: 0x2e, flow: 0x12345 }))).quote
    expect(toHex(quote)).toBe(toHex(ip4(message, { src: '198.51.100.2', dst: '192.0.2.1', ttl: 33, tos: 0x2e })))
  })
  it('echo', () => {
    const quote6 = one(error4(3, 1, [0, 0, 0, 0], ip4(echo(8, 7), guest4))).quote
    expect(toHex(quote6)).toBe(toHex(ip6(echo(128, 7), back6)))
    const quote4 = one(error6(1, 3, [0, 0, 0, 0], ip6(echo(129, 7), guest6))).quote
    expect(toHex(quote4)).toBe(toHex(ip4(echo(0, 7), { src: '198.51.100.2', dst: '192.0.2.1' })))
  })
  it('with other ports', () => {
    const ports = { innerSport: 4000, innerDport: 5000 }
    const quote6 = one(error4(3, 3, [0, 0, 0, 0], ip4(tcp(1, 2, filler(3)), guest4)), {}, ports).quote
    expect(toHex(quote6)).toBe(toHex(ip6(tcp(4000, 5000, filler(3)), back6)))
    const quote4 = one(error6(1, 4, [0, 0, 0, 0], ip6(udp(1, 2, filler(3)), guest6)), {}, ports).quote
    expect(toHex(quote4)).toBe(toHex(ip4(udp(4000, 5000, filler(3)), { src: '198.51.100.2', dst: '192.0.2.1' })))
  })
  it('with another identifier', () => {
    const ids = { innerSport: 4000, innerDport: 4000 }
    const quote6 = one(error4(11, 0, [0, 0, 0, 0], ip4(echo(8, 7), guest4)), {}, ids).quote
    expect(toHex(quote6)).toBe(toHex(ip6(echo(128, 4000), back6)))
    const quote4 = one(error6(3, 0, [0, 0, 0, 0], ip6(echo(129, 7), guest6)), {}, ids).quote
    expect(toHex(quote4)).toBe(toHex(ip4(echo(0, 4000), { src: '198.51.100.2', dst: '192.0.2.1' })))
  })
  it('without its headers’ options and extensions', () => {
    const quote6 = one(
      error4(3, 1, [0, 0, 0, 0], ip4(udp(1, 2, filler(9)), { ...guest4, options: hex('94040000') })),
    ).quote
    expect(toHex(quote6)).toBe(toHex(ip6(udp(1, 2, filler(9)), back6)))
    const quote4 = one(
      error6(1, 0, [0, 0, 0, 0], ip6(udp(1, 2, filler(9)), { ...guest6, ext: [hopByHop, destination] })),
    ).quote
    expect(toHex(quote4)).toBe(toHex(ip4(udp(1, 2, filler(9)), { src: '198.51.100.2', dst: '192.0.2.1' })))
  })
  it('as a fragment', () => {
    const part = { from: 0, to: 16 }
    const quote6 = one(
      error4(11, 1, [0, 0, 0, 0], ip4(udp(1, 2, filler(64)), { ...guest4, ...part, mf: true, id: 0x77 })),
    ).quote
    expect(toHex(quote6)).toBe(toHex(ip6(udp(1, 2, filler(64)), { ...back6, ...part, ext: [fragment(0x77, 0, true)] })))
    const ext = [fragment(0xabcd0077, 0, true)]
    const quote4 = one(error6(3, 1, [0, 0, 0, 0], ip6(udp(1, 2, filler(64)), { ...guest6, ...part, ext }))).quote
    expect(toHex(quote4)).toBe(
      toHex(ip4(udp(1, 2, filler(64)), { ...part, src: '198.51.100.2', dst: '192.0.2.1', mf: true, id: 0x77 })),
    )
  })
  it('as a later fragment: addresses only', () => {
    const quote6 = one(error4(11, 1, [0, 0, 0, 0], ip4(udp(1, 2, filler(64)), { ...guest4, from: 40, id: 5 }))).quote
    expect(toHex(quote6)).toBe(toHex(ip6(udp(1, 2, filler(64)), { ...back6, from: 40, ext: [fragment(5, 40)] })))
  })
  it('keeps its declared length when it is cut off', () => {
    const quote6 = one(error4(3, 1, [0, 0, 0, 0], ip4(udp(1, 2, filler(100)), guest4).slice(0, 28))).quote
    expect(toHex(quote6)).toBe(toHex(ip6(udp(1, 2, filler(100)), back6).slice(0, 48)))
    const quote4 = one(error6(1, 0, [0, 0, 0, 0], ip6(tcp(1, 2, filler(1300)), guest6).slice(0, 48))).quote
    const whole = ip4(tcp(1, 2, filler(1300)), { src: '198.51.100.2', dst: '192.0.2.1', df: true })
    expect(toHex(quote4)).toBe(toHex(whole.slice(0, 28)))
  })
  it('with a header checksum that a router broke', () => {
    const broken = quoted4.slice()
    broken[10] = 0x55
    expect(one(error4(3, 1, [0, 0, 0, 0], broken)).quote).toEqual(one(error4(3, 1)).quote)
  })
  it('without what follows its end', () => {
    expect(one(error4(3, 1, [0, 0, 0, 0], [...quoted4, 1, 2, 3])).quote).toEqual(one(error4(3, 1)).quote)
    expect(one(error6(1, 0, [0, 0, 0, 0], [...quoted6, 1, 2, 3])).quote).toEqual(one(error6(1, 0)).quote)
  })
  it.each<[string, Uint8Array]>([
    ['an IPv6 packet in IPv4', error4(3, 1, [0, 0, 0, 0], quoted6)],
    ['an IPv4 packet in IPv6', error6(1, 0, [0, 0, 0, 0], quoted4)],
    ['19 bytes', error4(3, 1, [0, 0, 0, 0], quoted4.slice(0, 19))],
    ['39 bytes', error6(1, 0, [0, 0, 0, 0], quoted6.slice(0, 39))],
    ['no ports', error4(3, 1, [0, 0, 0, 0], quoted4.slice(0, 27))],
    ['no ports in IPv6', error6(1, 0, [0, 0, 0, 0], quoted6.slice(0, 47))],
    ['an ICMP error', error4(3, 1, [0, 0, 0, 0], error4(3, 1))],
    ['an ICMPv6 error', error6(1, 0, [0, 0, 0, 0], error6(1, 0))],
    ['a multicast listener report', error6(1, 0, [0, 0, 0, 0], ip6(icmp(143, 0, [0, 0, 0, 0])))],
    ['a total length below the header', error4(3, 1, [0, 0, 0, 0], ip4(udp(1, 2), { total: 10 }))],
    ['nothing', error4(3, 1, [0, 0, 0, 0], [])],
  ])('%s inside is refused', (_name, bytes) => {
    expect(rewrite(bytes).reason).toBe('icmp_inner')
  })
})

describe('the outer packet', () => {
  it('has the new addresses, one hop less, no DF', () => {
    const r = one(error6(1, 0), {}, { src: '203.0.113.7', dst: '192.0.2.99' }).outer
    expect(r).toMatchObject({ src: '203.0.113.7', dst: '192.0.2.99', ttl: 63, df: false, protocol: 1 })
    const s = one(error4(3, 1), {}, { src: '2001:db8:f::1', dst: '2001:db8::77' }).outer
    expect(s).toMatchObject({ src: '2001:db8:f:0:0:0:0:1', dst: '2001:db8:0:0:0:0:0:77', ttl: 63, protocol: 58 })
  })
  it('passes extension headers and options by', () => {
    const message = icmp(1, 0, [0, 0, 0, 0], quoted6)
    expect(one(ip6(message, { ext: [hopByHop, destination, fragment(5)] })).outer).toMatchObject({ id: 5 })
    expect(one(ip4(icmp(3, 1, [0, 0, 0, 0], quoted4), { options: hex('94040000') })).type).toBe(1)
  })
  it('expires', () => {
    expect(rewrite(ip4(icmp(3, 1, [0, 0, 0, 0], quoted4), { ttl: 1 })).reason).toBe('ttl_expired')
    expect(rewrite(ip6(icmp(1, 0, [0, 0, 0, 0], quoted6), { hops: 1 })).reason).toBe('ttl_expired')
  })
  it('must not be a fragment', () => {
    const big = [...quoted4, ...filler(100)]
    expect(rewrite(ip4(icmp(3, 1, [0, 0, 0, 0], big), { mf: true, to: 80 })).reason).toBe('fragmented_icmp')
    const big6 = [...quoted6, ...filler(100)]
    const ext = [fragment(1, 0, true)]
    expect(rewrite(ip6(icmp(1, 0, [0, 0, 0, 0], big6), { ext, to: 80 })).reason).toBe('fragmented_icmp')
  })
  it('is at most 576 bytes in IPv4', () => {
    const quote = ip6(udp(1, 2, filler(1100)), { src: PEER, dst: GUEST })
    const r = one(error6(1, 0, [0, 0, 0, 0], quote))
    expect(r.outer.payload).toHaveLength(556)
    const whole = ip4(udp(1, 2, filler(1100)), { src: '198.51.100.2', dst: '192.0.2.1' })
    expect(toHex(r.quote)).toBe(toHex(whole.slice(0, 548)))
  })
  it('is at most 1280 bytes in IPv6', () => {
    const quote = ip4(udp(1, 2, filler(1400)), { src: '198.51.100.2', dst: '192.0.2.1' })
    const r = one(error4(3, 1, [0, 0, 0, 0], quote))
    expect(r.outer.payload).toHaveLength(1240)
    const whole = ip6(udp(1, 2, filler(1400)), { src: GUEST, dst: '64:ff9b::192.0.2.1' })
    expect(toHex(r.quote)).toBe(toHex(whole.slice(0, 1232)))
  })
})
