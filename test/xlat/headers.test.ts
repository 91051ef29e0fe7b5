import { describe, expect, it } from 'vitest'
import type { XlatConfig } from '../../src/xlat/config.js'
import {
  destination,
  echo,
  filler,
  fragment,
  hex,
  hopByHop,
  ip4,
  ip6,
  raw,
  read,
  routing,
  tcp,
  toHex,
  udp,
  udpWith,
} from './packets.js'
import { type Addresses, parseOf, rewrite } from './rewriting.js'

/** The one packet that comes out, read. */
function one(bytes: Uint8Array, config: Partial<XlatConfig> = {}, a: Addresses = {}) {
  const r = rewrite(bytes, config, a)
  expect(r.reason).toBe('none')
  expect(r.out).toHaveLength(1)
  return read(r.out[0] as Uint8Array)
}

describe('golden bytes', () => {
  it('UDP to IPv4', () => {
    const r = rewrite(
      hex(`60000000 000c1140 20010db8 00000000 00000000 00000001 0064ff9b 00000000 00000000 c6336402
           04d20035 000cca1c 64617461`),
    )
    expect(toHex(r.out[0] ?? [])).toBe('45000020 12340000 3f117d62 c0000201 c6336402 04d20035 000c35d5 64617461')
  })
  it('UDP to IPv6', () => {
    const r = rewrite(hex('45000020 12340000 40117c62 c0000201 c6336402 04d20035 000c35d5 64617461'))
    expect(toHex(r.out[0] ?? [])).toBe(
      '60000000 000c113f 0064ff9b 00000000 00000000 c0000201 20010db8 00000000 00000000 00000001 04d20035 000c3251 64617461',
    )
  })
})

describe('RFC 7915 section 5.1, header to IPv4', () => {
  it.each<[string, Uint8Array, object, Partial<XlatConfig>?]>([
    ['traffic class is copied', ip6(udp(1, 2), { tc: 0xb9 }), { tos: 0xb9 }],
    ['or set', ip6(udp(1, 2), { tc: 0xb9 }), { tos: 0x10 }, { tos: 0x10 }],
    ['flow label is lost', ip6(udp(1, 2), { tc: 1, flow: 0xfffff }), { tos: 1 }],
    ['hop limit is decremented', ip6(udp(1, 2), { hops: 2 }), { ttl: 1 }],
    ['DF is clear up to 1260 bytes', ip6(udp(1, 2, filler(1232))), { df: false }],
    ['DF is set above', ip6(udp(1, 2, filler(1233))), { df: true }],
    ['ICMPv6 becomes ICMP', ip6(echo(128, 7)), { protocol: 1 }],
    ['unknown protocols are copied', ip6(raw(253, filler(5))), { protocol: 253, payload: filler(5) }],
    ['ESP, too', ip6(raw(50, filler(24))), { protocol: 50 }],
    ['AH, too', ip6(raw(51, filler(24))), { protocol: 51 }],
    ['HIP, which IPv4 has as well', ip6(raw(139, filler(24))), { protocol: 139 }],
    ['a mobility header, which IPv4 does not have', ip6(raw(135, filler(24))), { protocol: 135 }],
    ['shim6, too', ip6(raw(140, filler(24))), { protocol: 140 }],
    ['no next header', ip6(raw(59, [])), { protocol: 59, payload: [] }],
    ['SCTP has no pseudo-header', ip6(raw(132, filler(24))), { protocol: 132, payload: filler(24) }],
    [
      'extension headers are skipped',
      ip6(tcp(1, 2, filler(5)), { ext: [hopByHop, destination, routing(0)] }),
      { protocol: 6 },
    ],
  ])('%s', (_name, bytes, expected, config = {}) => {
    expect(one(bytes, config)).toMatchObject({
      version: 4,
      src: '192.0.2.1',
      dst: '198.51.100.2',
      mf: false,
      offset: 0,
      ...expected,
    })
  })
  it('identifications of our own count up', () => {
    expect(one(ip6(udp(1, 2)), {}, { seed: 0xffff }).id).toBe(0xffff)
  })
  it.each([0, 1])('hop limit %i expires', hops => {
    expect(rewrite(ip6(udp(1, 2), { hops })).reason).toBe('ttl_expired')
  })
})

describe('RFC 7915 section 5.1.1, Fragment header in', () => {
  const big = udp(1, 2, filler(1400))
  it.each<[string, Uint8Array, object]>([
    [
      'first',
      ip6(big, { ext: [fragment(0x12345678, 0, true)], to: 1280 }),
      { id: 0x5678, mf: true, offset: 0, df: false },
    ],
    [
      'middle',
      ip6(big, { ext: [fragment(0x12345678, 64, true)], from: 64, to: 128 }),
      { id: 0x5678, mf: true, offset: 64 },
    ],
    ['last', ip6(big, { ext: [fragment(0x12345678, 1280)], from: 1280 }), { id: 0x5678, mf: false, offset: 1280 }],
    [
      'atomic',
      ip6(udp(1, 2, filler(1300)), { ext: [fragment(0x1abcd)] }),
      { id: 0xabcd, mf: false, offset: 0, df: false },
    ],
    [
      'after other headers',
      ip6(big, { ext: [hopByHop, routing(0), fragment(9, 8, true)], from: 8, to: 16 }),
      { id: 9, mf: true, offset: 8, payload: filler(8) },
    ],
    ['TCP', ip6(tcp(1, 2, filler(40)), { ext: [fragment(9, 0, true)], to: 40 }), { protocol: 6, mf: true }],
  ])('%s', (_name, bytes, expected) => {
    expect(one(bytes)).toMatchObject(expected)
  })
  it('the parts fit together again, checksum included', () => {
    const parts = [0, 512, 1024].map(from =>
      one(ip6(big, { ext: [fragment(1, from, from < 1024)], from, to: from < 1024 ? from + 512 : 1408 })),
    )
    const whole = ip4(udp(1, 2, filler(1400)))
    expect(parts.flatMap(p => p.payload)).toEqual(Array.from(whole.slice(20)))
  })
  it('fragments of ICMPv6 are refused, an atomic one is not', () => {
    const ping = echo(128, 1, filler(64))
    expect(rewrite(ip6(ping, { ext: [fragment(1, 0, true)], to: 32 })).reason).toBe('fragmented_icmp')
    expect(rewrite(ip6(ping, { ext: [fragment(1, 32)], from: 32 })).reason).toBe('fragmented_icmp')
    expect(one(ip6(ping, { ext: [fragment(1)] })).checksumOk).toBe(true)
  })
})

describe('RFC 7915 section 4.1, header to IPv6', () => {
  it.each<[string, Uint8Array, object, Partial<XlatConfig>?]>([
    ['TOS is copied', ip4(udp(1, 2), { tos: 0xb9 }), { tos: 0xb9 }],
    ['or reset', ip4(udp(1, 2), { tos: 0xb9 }), { tos: 0 }, { resetTrafficClass: true }],
    ['TTL is decremented', ip4(udp(1, 2), { ttl: 2 }), { ttl: 1 }],
    ['no Fragment header without DF', ip4(udp(1, 2)), { fragmentHeader: false }],
    ['no Fragment header with DF', ip4(udp(1, 2), { df: true }), { fragmentHeader: false }],
    ['ICMP becomes ICMPv6', ip4(echo(8, 7)), { protocol: 58 }],
    ['unknown protocols are copied', ip4(raw(253, filler(5))), { protocol: 253, payload: filler(5) }],
    ['options are dropped', ip4(udp(1, 2), { options: hex('94040000 01010101') }), { protocol: 17 }],
    ['1280 bytes without DF pass whole', ip4(udp(1, 2, filler(1232))), { fragmentHeader: false }],
    ['1500 bytes with DF pass whole', ip4(udp(1, 2, filler(1452)), { df: true }), { fragmentHeader: false }],
    [
      'a first fragment',
      ip4(udp(1, 2, filler(40)), { mf: true, to: 24, id: 0x9abc }),
      { fragmentHeader: true, id: 0x9abc, mf: true, offset: 0 },
    ],
    [
      'a middle fragment',
      ip4(raw(17, filler(40)), { mf: true, offset: 800, id: 3 }),
      { fragmentHeader: true, id: 3, mf: true, offset: 800 },
    ],
    [
      'a last fragment',
      ip4(raw(17, filler(41)), { offset: 65488, id: 3 }),
      { fragmentHeader: true, mf: false, offset: 65488 },
    ],
    [
      'a fragment with DF',
      ip4(raw(17, filler(40)), { mf: true, df: true, offset: 80 }),
      { fragmentHeader: true, mf: true, offset: 80 },
    ],
  ])('%s', (_name, bytes, expected, config = {}) => {
    expect(one(bytes, config)).toMatchObject({
      version: 6,
      src: '64:ff9b:0:0:0:0:c000:201',
      dst: '2001:db8:0:0:0:0:0:1',
      flow: 0,
      ...expected,
    })
  })
  it.each<[string, Uint8Array, string]>([
    ['TTL 1', ip4(udp(1, 2), { ttl: 1 }), 'ttl_expired'],
    ['TTL 0', ip4(udp(1, 2), { ttl: 0 }), 'ttl_expired'],
    ['a fragment of ICMP', ip4(echo(8, 1, filler(64)), { mf: true, to: 32 }), 'fragmented_icmp'],
    ['a later fragment of ICMP', ip4(echo(8, 1, filler(64)), { from: 32 }), 'fragmented_icmp'],
  ])('%s is refused', (_name, bytes, reason) => {
    expect(rewrite(bytes).reason).toBe(reason)
  })
  it('DF and 1501 bytes in IPv6: too big, with the MTU that fits', () => {
    const r = rewrite(ip4(udp(1, 2, filler(1453)), { df: true }))
    expect([r.reason, r.p.errorParam]).toEqual(['too_big', 1480])
  })
  it('a fragment with DF that does not fit: room for the Fragment header, too', () => {
    const r = rewrite(ip4(raw(17, filler(1456)), { df: true, mf: true, offset: 8 }))
    expect([r.reason, r.p.errorParam]).toEqual(['too_big', 1472])
  })
})

describe('transport headers', () => {
  const both: [string, Uint8Array][] = [
    ['UDP to IPv4', ip6(udp(1000, 53, filler(31)))],
    ['UDP to IPv6', ip4(udp(53, 1000, filler(31)))],
    ['TCP to IPv4', ip6(tcp(1000, 80, filler(31), { options: hex('0101080a 11223344 55667788') }))],
    ['TCP to IPv6', ip4(tcp(80, 1000, filler(31)))],
    ['echo to IPv4', ip6(echo(128, 99, filler(31)))],
    ['echo to IPv6', ip4(echo(8, 99, filler(31)))],
    ['echo reply to IPv4', ip6(echo(129, 99, filler(31)))],
    ['echo reply to IPv6', ip4(echo(0, 99, filler(31)))],
    ['UDP-Lite to IPv4', ip6({ ...udp(1, 2, filler(9)), protocol4: 136, protocol6: 136 })],
    ['UDP-Lite to IPv6', ip4({ ...udp(1, 2, filler(9)), protocol4: 136, protocol6: 136 })],
    ['DCCP to IPv6', ip4({ ...udp(1, 2, filler(9)), protocol4: 33, protocol6: 33 })],
  ]
  it.each(both)('%s keeps a right checksum', (_name, bytes) => {
    expect(one(bytes).checksumOk).toBe(true)
  })
  it.each(both)('%s keeps a wrong checksum wrong', (_name, bytes) => {
    const wrong = bytes.slice()
    wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 0x40
    expect(one(wrong).checksumOk).toBe(false)
  })
  it.each(both.slice(0, 4))('%s gets its new ports', (_name, bytes) => {
    const r = one(bytes, {}, { sport: 0xfedc, dport: 0x1357 })
    expect(r.payload.slice(0, 4)).toEqual([0xfe, 0xdc, 0x13, 0x57])
    expect(r.checksumOk).toBe(true)
  })
  it.each(both.slice(4, 8))('%s gets its new identifier', (_name, bytes) => {
    const r = one(bytes, {}, { sport: 0xfedc, dport: 0xfedc })
    expect(r.payload.slice(4, 6)).toEqual([0xfe, 0xdc])
    expect(r.checksumOk).toBe(true)
  })
  it.each([
    [128, 8, ip6(echo(128, 1))],
    [129, 0, ip6(echo(129, 1))],
    [8, 128, ip4(echo(8, 1))],
    [0, 129, ip4(echo(0, 1))],
  ])('ICMP type %i becomes %i', (_from, to, bytes) => {
    expect(one(bytes).payload.slice(0, 2)).toEqual([to, 0])
  })
  it('a UDP checksum that comes to 0 is sent as 0xffff', () => {
    // The last word is chosen so that the IPv4 sum is all ones.
    const base = udp(1, 2, [0, 0])
    const zero = [...ip4(base)].slice(26, 28)
    const bytes = ip6(udp(1, 2, zero))
    expect(one(bytes).payload.slice(6, 8)).toEqual([255, 255])
    expect(one(bytes).checksumOk).toBe(true)
  })
})

describe('IPv4 UDP without checksum (RFC 7915 section 4.5)', () => {
  const whole = ip4(udpWith(0, 1, 2, filler(33)))
  const first = ip4(udpWith(0, 1, 2, filler(33)), { mf: true, to: 24 })
  it.each<[string, Partial<XlatConfig>, Uint8Array, string]>([
    ['dropped', { udpZeroChecksum: 'drop' }, whole, 'udp_checksum_zero'],
    ['dropped with an error', { udpZeroChecksum: 'drop-with-icmp' }, whole, 'udp_checksum_zero'],
    ['a first fragment is dropped, the rest is not there to sum up', {}, first, 'udp_checksum_zero'],
  ])('%s', (_name, config, bytes, reason) => {
    expect(rewrite(bytes, config).reason).toBe(reason)
  })
  it('computed', () => {
    expect(one(whole)).toMatchObject({ checksumOk: true })
    expect(one(whole, {}, { sport: 7, dport: 9 })).toMatchObject({ checksumOk: true })
  })
  it('computed over the UDP length, not the padding behind it', () => {
    const m = { ...udpWith(0, 1, 2, filler(8)), bytes: [...udpWith(0, 1, 2, filler(8)).bytes, 5, 5] }
    const padded = one(ip4(m)).payload
    expect(padded.slice(6, 8)).toEqual(one(ip4(udpWith(0, 1, 2, filler(8)))).payload.slice(6, 8))
  })
  it('forwarded', () => {
    expect(one(whole, { udpZeroChecksum: 'forward' }).payload.slice(6, 8)).toEqual([0, 0])
    expect(one(first, { udpZeroChecksum: 'forward' }).payload.slice(6, 8)).toEqual([0, 0])
  })
  it('a zero checksum in IPv6 stays zero: it means none in IPv4', () => {
    expect(one(ip6(udpWith(0, 1, 2, filler(3)))).payload.slice(6, 8)).toEqual([0, 0])
  })
})

describe('MSS of SYNs', () => {
  const mss = (value: number, before = '') => hex(`${before}0204${value.toString(16).padStart(4, '0')}`)
  const syn = (options: number[], flags = 2) => tcp(1, 2, [], { flags, options })
  it.each<[string, Uint8Array, number[], Partial<XlatConfig>?]>([
    ['to IPv6: lowered to what fits 1500', ip4(syn(mss(1460))), mss(1440)],
    ['to IPv4: the same', ip6(syn(mss(1460))), mss(1440)],
    ['SYN ACK', ip4(syn(mss(1460), 0x12)), mss(1440)],
    ['never raised', ip4(syn(mss(1200))), mss(1200)],
    ['MTU 1280', ip6(syn(mss(1440))), mss(1220), { mtu: 1280 }],
    ['MTU 9000', ip6(syn(mss(8960))), mss(8940), { mtu: 9000 }],
    ['at an odd offset', ip4(syn([...mss(1460, '01'), 1, 1, 1])), [...mss(1440, '01'), 1, 1, 1]],
    [
      'behind other options',
      ip4(syn([...hex('0402 0303 0701'), ...mss(1460, '0101')])),
      [...hex('0402 0303 0701'), ...mss(1440, '0101')],
    ],
    ['not without SYN', ip4(syn(mss(1460), 0x10)), mss(1460)],
    ['not behind the end of options', ip4(syn([0, 0, 0, 0, ...mss(1460)])), [0, 0, 0, 0, ...mss(1460)]],
    ['not with a wrong length', ip4(syn(hex('0203 05b4 01000000'))), hex('0203 05b4 01000000')],
    ['not past a broken option', ip4(syn([...hex('08010000'), ...mss(1460)])), [...hex('08010000'), ...mss(1460)]],
  ])('%s', (_name, bytes, options, config = {}) => {
    const r = one(bytes, config)
    expect(r.payload.slice(20, 20 + options.length)).toEqual(options)
    expect(r.checksumOk).toBe(true)
  })
})

describe('nothing outside the packet is touched', () => {
  it.each<[string, Uint8Array]>([
    ['to IPv4', ip6(udp(1, 2, filler(9)))],
    ['to IPv6', ip4(udp(1, 2, filler(9)))],
  ])('%s', (_name, bytes) => {
    const { p } = rewrite(bytes)
    expect(p.buf.slice(p.end).every(x => x === 0xa5)).toBe(true)
    expect(p.buf.slice(0, 64 - 20).every(x => x === 0xa5)).toBe(true)
  })
  it('parsing changes no byte', () => {
    const bytes = ip6(tcp(1, 2, filler(9)), { ext: [destination] })
    const { p } = parseOf(bytes)
    expect(p.buf.slice(p.start, p.end)).toEqual(bytes)
  })
})
