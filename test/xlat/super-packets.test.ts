import { describe, expect, it } from 'vitest'
import { GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM } from '../../src/wire/virtio-net.js'
import { DEFAULT_CONFIG, type XlatConfig } from '../../src/xlat/config.js'
import { Outbox } from '../../src/xlat/outbox.js'
import { parse } from '../../src/xlat/parse.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import { destination, filler, hex, ip4, ip6, type Message, read, tcp, udp, udpWith, wordSum } from './packets.js'
import { type Addresses, type Meta, packetOf, rewrite } from './rewriting.js'

/** Replaces the transport checksum by the sum of the pseudo-header, as a sending kernel does. */
function partial(bytes: Uint8Array, l4: number, checksumAt: number): Uint8Array {
  const out = bytes.slice()
  const length = out.length - l4
  const addresses = out[0]! >>> 4 === 4 ? out.slice(12, 20) : out.slice(8, 40)
  const protocol = checksumAt === 16 ? 6 : 17
  const sum = wordSum([...addresses, 0, protocol, length >>> 8, length & 255])
  out.set([sum >>> 8, sum & 255], l4 + checksumAt)
  return out
}

const TCP_META = { flags: NEEDS_CSUM, csumOffset: 16 }
const UDP_META = { flags: NEEDS_CSUM, csumOffset: 6 }
const big = tcp(1000, 80, filler(20000), { options: hex('0101080a 11223344 55667788') })
const burst = udp(1000, 53, filler(12000))

function one(bytes: Uint8Array, meta: Meta, config: Partial<XlatConfig> = {}, a: Addresses = {}) {
  const r = rewrite(bytes, config, a, meta)
  expect(r.reason).toBe('none')
  expect(r.out).toHaveLength(1)
  return { ...r, packet: r.out[0] as Uint8Array }
}

/** Completes the checksum as a network card would, from where the metadata point. */
function completed(r: ReturnType<typeof one>): ReturnType<typeof read> {
  const { p, packet } = r
  expect(p.flags & NEEDS_CSUM).toBe(NEEDS_CSUM)
  const c = ~wordSum(packet.slice(p.csumStart)) & 0xffff
  packet.set([c >>> 8, c & 255], p.csumStart + p.csumOffset)
  return read(packet)
}

describe('TCP super-packets', () => {
  const v6meta = { ...TCP_META, gsoType: GSO_TCPV6, gsoSize: 1428, hdrLen: 72, csumStart: 40 }
  const v4meta = { ...TCP_META, gsoType: GSO_TCPV4, gsoSize: 1428, hdrLen: 52, csumStart: 20 }
  it('to IPv4', () => {
    const r = one(partial(ip6(big), 40, 16), v6meta, {}, { sport: 7, dport: 8 })
    expect(r.p).toMatchObject({ gsoType: GSO_TCPV4, gsoSize: 1428, hdrLen: 52, csumStart: 20, csumOffset: 16 })
    expect(completed(r)).toMatchObject({
      checksumOk: true,
      df: true,
      payload: expect.objectContaining({ length: big.bytes.length }),
    })
  })
  it('to IPv6', () => {
    const r = one(partial(ip4(big, { df: true }), 20, 16), v4meta, {}, { sport: 7, dport: 8 })
    expect(r.p).toMatchObject({ gsoType: GSO_TCPV6, gsoSize: 1428, hdrLen: 72, csumStart: 40, csumOffset: 16 })
    expect(completed(r)).toMatchObject({ checksumOk: true })
  })
  it('to IPv4 past extension headers', () => {
    const meta = { ...v6meta, hdrLen: 88, csumStart: 56 }
    const r = one(partial(ip6(big, { ext: [destination] }), 56, 16).slice(), meta)
    expect(r.p).toMatchObject({ hdrLen: 52, csumStart: 20 })
  })
  it('keep the ECN bit', () => {
    expect(one(ip6(big), { ...v6meta, gsoType: GSO_TCPV6 | GSO_ECN }).p.gsoType).toBe(GSO_TCPV4 | GSO_ECN)
    expect(one(ip4(big, { df: true }), { ...v4meta, gsoType: GSO_TCPV4 | GSO_ECN }).p.gsoType).toBe(GSO_TCPV6 | GSO_ECN)
  })
  it.each<[string, number, boolean, Partial<XlatConfig>, number]>([
    ['1448 to what fits 1500', 1448, true, {}, 1428],
    ['1428 fits', 1428, true, {}, 1428],
    ['small ones stay', 500, true, {}, 500],
    ['MTU 1280', 1448, true, { mtu: 1280 }, 1208],
    ['MTU 9000', 8948, true, { mtu: 9000 }, 8928],
    ['without DF: the lowest MTU', 1448, false, {}, 1208],
    ['without DF, fitting', 1208, false, {}, 1208],
  ])('to IPv6 with segments of another size: %s', (_name, gsoSize, df, config, expected) => {
    const r = one(partial(ip4(big, { df }), 20, 16), { ...v4meta, gsoSize }, config)
    expect(r.p.gsoSize).toBe(expected)
    expect(completed(r).checksumOk).toBe(true)
  })
  it('without partial checksum: a whole one stays whole', () => {
    expect(read(one(ip6(big), { gsoType: GSO_TCPV6, gsoSize: 1428 }).packet).checksumOk).toBe(true)
    expect(read(one(ip4(big, { df: true }), { gsoType: GSO_TCPV4, gsoSize: 1428 }).packet).checksumOk).toBe(true)
  })
  it('to IPv4 take an identification for each segment', () => {
    const rewriter = new Rewriter(DEFAULT_CONFIG, new Outbox(), 0xfffe)
    const ids = [big, tcp(1, 2)].map(m => {
      const p = packetOf(ip6(m), m === big ? v6meta : {})
      expect(parse(p) || rewriter.toV4(p, 1, 2, p.sport, p.dport)).toBe(0)
      return read(p.buf.slice(p.start, p.end)).id
    })
    // 20000 bytes are 15 segments of 1428.
    expect(ids).toEqual([0xfffe, 13])
  })
  it('of 65535 bytes in IPv4 go over', () => {
    const max = tcp(1, 2, filler(65535 - 40))
    const r = one(ip4(max, { df: true }), v4meta)
    expect(r.packet).toHaveLength(65555)
    expect(read(r.packet).payload).toHaveLength(65515)
  })
  it('of more than 65515 bytes in IPv6 do not fit IPv4', () => {
    const max = tcp(1, 2, filler(65535 - 20))
    expect(rewrite(ip6(max), {}, {}, v6meta).reason).toBe('too_big')
  })
  it('a SYN with a partial checksum gets its MSS lowered without an update', () => {
    const syn = tcp(1, 2, [], { flags: 2, options: hex('020405b4') })
    const to6 = one(partial(ip4(syn), 20, 16), { ...TCP_META, csumStart: 20 })
    expect(completed(to6)).toMatchObject({ checksumOk: true })
    expect(to6.packet.slice(60, 64)).toEqual(Uint8Array.from(hex('020405a0')))
    const to4 = one(partial(ip6(syn), 40, 16), { ...TCP_META, csumStart: 40 })
    expect(completed(to4)).toMatchObject({ checksumOk: true })
  })
})

describe('UDP super-packets', () => {
  const v6meta = { ...UDP_META, gsoType: GSO_UDP_L4, gsoSize: 1200, hdrLen: 48, csumStart: 40 }
  const v4meta = { ...UDP_META, gsoType: GSO_UDP_L4, gsoSize: 1200, hdrLen: 28, csumStart: 20 }
  it('to IPv4', () => {
    const r = one(partial(ip6(burst), 40, 6), v6meta, {}, { sport: 7, dport: 8 })
    expect(r.p).toMatchObject({ gsoType: GSO_UDP_L4, gsoSize: 1200, hdrLen: 28, csumStart: 20 })
    expect(completed(r)).toMatchObject({ checksumOk: true, df: false })
  })
  it('to IPv6', () => {
    const r = one(partial(ip4(burst), 20, 6), v4meta, {}, { sport: 7, dport: 8 })
    expect(r.p).toMatchObject({ gsoType: GSO_UDP_L4, gsoSize: 1200, hdrLen: 48, csumStart: 40 })
    expect(completed(r)).toMatchObject({ checksumOk: true })
  })
  it('whose datagrams do not fit IPv6: too big with DF', () => {
    const r = rewrite(ip4(burst, { df: true }), {}, {}, { ...v4meta, gsoSize: 1472 })
    expect([r.reason, r.p.errorParam]).toEqual(['too_big', 1480])
  })
  it.each<[string, Message, Meta]>([
    ['partial', burst, v4meta],
    ['whole', burst, { ...v4meta, flags: 0 }],
    ['no', udpWith(0, 1000, 53, filler(12000)), { ...v4meta, flags: 0 }],
  ])('without DF: datagrams in fragments, from %s checksum', (kind, m, meta) => {
    const bytes = kind === 'partial' ? partial(ip4(m, { id: 0xfffe }), 20, 6) : ip4(m, { id: 0xfffe })
    const r = rewrite(bytes, {}, { sport: 7, dport: 8 }, { ...meta, gsoSize: 1400 })
    expect(r.reason).toBe('none')
    const parts = r.out.map(read)
    const datagrams = [...Array(8).keys()].map(i => parts.slice(2 * i, 2 * i + 2))
    for (const [i, datagram] of datagrams.entries()) {
      const data = filler(12000).slice(1400 * i, 1400 * (i + 1))
      const whole = ip6(udp(7, 8, data), { src: '64:ff9b::192.0.2.1', dst: '2001:db8::1' })
      expect(datagram.flatMap(p => p.payload)).toEqual(Array.from(whole.slice(40)))
      expect(datagram.map(p => [p.id, p.offset, p.mf])).toEqual([
        [(0xfffe + i) & 0xffff, 0, true],
        [(0xfffe + i) & 0xffff, 1232, false],
      ])
    }
    // The last datagram, of 800 bytes, fits.
    expect(parts).toHaveLength(17)
    expect(parts[16]).toMatchObject({ fragmentHeader: false, checksumOk: true })
    expect(parts[16]?.payload.slice(8)).toEqual(filler(12000).slice(11200))
  })
  it('of the greatest size, in the most pieces, find room in an empty outbox', () => {
    const bytes = ip4(udp(1, 2, filler(65507)))
    const r = rewrite(bytes, {}, {}, { gsoType: GSO_UDP_L4, gsoSize: 1233 })
    expect([r.reason, r.out.length]).toEqual(['none', 2 * Math.floor(65507 / 1233) + 1])
  })
  it('without checksum, fitting: the kernel is asked to make one', () => {
    const r = one(ip4(udpWith(0, 1, 2, filler(12000))), { ...v4meta, flags: 0 })
    expect(completed(r)).toMatchObject({ checksumOk: true })
  })
})

describe('metadata that make no sense', () => {
  it.each<[string, Uint8Array, Meta]>([
    ['a segmentation of TCP for UDP', ip6(udp(1, 2, filler(9))), { gsoType: GSO_TCPV6, gsoSize: 100 }],
    ['a segmentation of UDP for TCP', ip4(tcp(1, 2, filler(9))), { gsoType: GSO_UDP_L4, gsoSize: 100 }],
    ['segments of nothing', ip4(tcp(1, 2, filler(9))), { gsoType: GSO_TCPV4, gsoSize: 0 }],
    ['an unknown segmentation', ip4(tcp(1, 2, filler(9))), { gsoType: 3, gsoSize: 1000 }],
  ])('%s is forgotten', (_name, bytes, meta) => {
    const r = one(bytes, meta)
    expect(r.p).toMatchObject({ gsoType: 0, gsoSize: 0 })
    expect(read(r.packet).checksumOk).toBe(true)
  })
  it('a partial checksum elsewhere than in the transport header is completed', () => {
    // Over the payload, from its start, into its first word: what a tunnel would ask for.
    const bytes = ip6(udp(1, 2, filler(32)))
    const r = one(bytes, { flags: NEEDS_CSUM, csumStart: 48, csumOffset: 0 })
    expect(r.p.flags & NEEDS_CSUM).toBe(0)
    expect(wordSum(r.packet.slice(28, 30))).toBe(~wordSum(filler(32)) & 0xffff)
  })
  it('a partial checksum past the end is forgotten', () => {
    const r = one(ip6(udp(1, 2, filler(32))), { flags: NEEDS_CSUM, csumStart: 4000, csumOffset: 6 })
    expect(read(r.packet).checksumOk).toBe(true)
  })
  it('a super-packet that is a fragment is refused', () => {
    const bytes = ip4(udp(1, 2, filler(2000)), { mf: true, to: 1600 })
    expect(rewrite(bytes, {}, {}, { gsoType: GSO_UDP_L4, gsoSize: 500 }).reason).toBe('fragment_bad')
  })
})
