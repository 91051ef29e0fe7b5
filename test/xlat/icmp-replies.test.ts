import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG, type XlatConfig } from '../../src/xlat/config.js'
import { ErrorReplies } from '../../src/xlat/icmp-error.js'
import { OUTBOX_PACKETS, Outbox } from '../../src/xlat/outbox.js'
import { parse } from '../../src/xlat/parse.js'
import { REASON } from '../../src/xlat/reason.js'
import { TokenBucket } from '../../src/xlat/token-bucket.js'
import {
  be16,
  be32,
  echo,
  filler,
  fragment,
  hex,
  icmp,
  ip4,
  ip6,
  read,
  routing,
  toHex,
  udp,
  udpWith,
  v4,
  v6,
} from './packets.js'
import { type Meta, packetOf } from './rewriting.js'

/** Parses, answers for `reason` (what parsing said, unless given), and reads the answer. */
function reply(bytes: Uint8Array, reason?: number, config: Partial<XlatConfig> = {}, param = 0, meta: Meta = {}) {
  const outbox = new Outbox()
  const replies = new ErrorReplies({ ...DEFAULT_CONFIG, ...config }, outbox, 0x4000)
  const p = packetOf(bytes, meta)
  const refusal = parse(p)
  if (reason !== undefined && param !== 0) p.errorParam = param
  const sent = replies.replyWithError(p, reason ?? refusal, 1000)
  expect(outbox.count).toBe(sent ? 1 : 0)
  if (!sent) return undefined
  const outer = read(outbox.buf.slice(outbox.start(0), outbox.end(0)))
  expect(outer.checksumOk).toBe(true)
  return {
    ...outer,
    kind: `${outer.payload[0]}/${outer.payload[1]}`,
    rest: outer.payload.slice(4, 8),
    quote: Uint8Array.from(outer.payload.slice(8)),
  }
}

const u4 = ip4(udp(1, 2, filler(30)))
const u6 = ip6(udp(1, 2, filler(30)))
const { ttl_expired, too_big, no_mapping, filtered, syn_timeout, pool4_exhausted, udp_checksum_zero } = REASON

describe('ICMP errors of our own', () => {
  it.each<[string, Uint8Array, number | undefined, string]>([
    ['TTL expired', u4, ttl_expired, '11/0'],
    ['hop limit expired', u6, ttl_expired, '3/0'],
    ['source route', ip4(udp(1, 2), { options: hex('89 07 04 01020304 00') }), undefined, '3/5'],
    ['segments left', ip6(udp(1, 2), { ext: [routing(1)] }), undefined, '4/0'],
    ['extension header after Fragment', ip6(udp(1, 2), { ext: [fragment(1), routing(0)] }), undefined, '1/1'],
    ['too big in IPv4', u4, too_big, '3/4'],
    ['too big in IPv6', u6, too_big, '2/0'],
    ['no mapping in IPv4', u4, no_mapping, '3/13'],
    ['no mapping in IPv6', u6, no_mapping, '1/1'],
    ['a denied address in IPv4', u4, REASON.denylist4, '3/13'],
    ['a denied address in IPv6', u6, REASON.denylist4, '1/1'],
    ['a non-global address', u6, REASON.non_global, '1/1'],
    ['filtered', u4, filtered, '3/13'],
    ['SYN not answered', u4, syn_timeout, '3/3'],
    ['no port left', u6, pool4_exhausted, '1/3'],
    ['no port left for a guest', u6, REASON.ports_per_guest, '1/3'],
    ['no session left for a guest', u6, REASON.sessions_per_guest, '1/3'],
    ['BIB full', u6, REASON.bib_full, '1/3'],
    ['sessions full', u6, REASON.sessions_full, '1/3'],
    ['pool exhausted', u6, REASON.pool_exhausted, '1/3'],
  ])('%s', (_name, bytes, reason, kind) => {
    const r = reply(bytes, reason)
    expect(r?.kind).toBe(kind)
    expect(toHex(r?.quote ?? [])).toBe(toHex(bytes))
  })
  it.each<[string, Uint8Array, number | undefined]>([
    ['a wrong header checksum', u4, REASON.header4_checksum],
    ['no binding', u4, REASON.no_bib_entry],
    ['no port left, from IPv4', u4, pool4_exhausted],
    ['filtered, from IPv6', u6, filtered],
    ['a query without counterpart', ip4(icmp(13, 0, [0, 0, 0, 0], filler(12))), undefined],
  ])('none for %s', (_name, bytes, reason) => {
    expect(reply(bytes, reason)).toBeUndefined()
  })
  it('carry MTU and pointer', () => {
    expect(reply(u4, too_big, {}, 1480)?.rest).toEqual(be32(1480))
    expect(reply(u6, too_big, {}, 1520)?.rest).toEqual(be32(1520))
    expect(reply(ip6(udp(1, 2), { ext: [routing(1)] }))?.rest).toEqual(be32(43))
  })
  it('zero checksum only when asked for', () => {
    const bytes = ip4(udpWith(0, 1, 2))
    expect(reply(bytes, udp_checksum_zero, { udpZeroChecksum: 'drop-with-icmp' })?.kind).toBe('3/13')
    expect(reply(bytes, udp_checksum_zero, { udpZeroChecksum: 'drop' })).toBeUndefined()
  })
  it('go to the sender, from the address configured or the original destination', () => {
    expect(reply(u4, ttl_expired)).toMatchObject({
      src: '198.51.100.2',
      dst: '192.0.2.1',
      ttl: 64,
      tos: 0xc0,
      df: false,
    })
    expect(reply(u6, ttl_expired)).toMatchObject({
      src: '64:ff9b:0:0:0:0:c633:6402',
      dst: '2001:db8:0:0:0:0:0:1',
      ttl: 64,
    })
    const config = { icmpSource4: v4('203.0.113.9') as never, icmpSource6: v6('2001:db8:f::9') }
    expect(reply(u4, ttl_expired, config)?.src).toBe('203.0.113.9')
    expect(reply(u6, ttl_expired, config)?.src).toBe('2001:db8:f:0:0:0:0:9')
  })
  it('quote as much as fits 576 and 1280 bytes', () => {
    const long4 = ip4(udp(1, 2, filler(1400)))
    expect(reply(long4, ttl_expired)?.quote).toEqual(long4.slice(0, 548))
    const long6 = ip6(udp(1, 2, filler(1400)))
    expect(reply(long6, ttl_expired)?.quote).toEqual(long6.slice(0, 1232))
  })
  it('quote a partial checksum completed', () => {
    const bytes = u6.slice()
    const pseudo = (0x2001 + 0xdb8 + 1 + 0x64 + 0xff9b + 0xc633 + 0x6402 + 17 + 38) % 0xffff
    bytes.set(be16(pseudo), 46)
    const r = reply(bytes, ttl_expired, {}, 0, { flags: 1, csumStart: 40, csumOffset: 6 })
    expect(toHex(r?.quote ?? [])).toBe(toHex(u6))
  })
})

describe('never answered', () => {
  const quoted4 = Array.from(u4)
  it.each<[string, Uint8Array]>([
    ['ICMP errors', ip4(icmp(3, 1, [0, 0, 0, 0], quoted4))],
    ['ICMP redirects', ip4(icmp(5, 1, [0, 0, 0, 0], quoted4))],
    ['ICMPv6 errors', ip6(icmp(1, 0, [0, 0, 0, 0], Array.from(u6)))],
    ['unknown ICMPv6 errors', ip6(icmp(100, 0, [0, 0, 0, 0], filler(8)))],
    ['later fragments', ip4(udp(1, 2, filler(64)), { from: 40 })],
    ['later IPv6 fragments', ip6(udp(1, 2, filler(64)), { from: 40, ext: [fragment(1, 40)] })],
    ['IPv4 multicast', ip4(udp(1, 2), { dst: '224.0.0.251' })],
    ['IPv4 broadcast', ip4(udp(1, 2), { dst: '255.255.255.255' })],
    ['from 0.0.0.0', ip4(udp(1, 2), { src: '0.0.0.0' })],
    ['from loopback', ip4(udp(1, 2), { src: '127.0.0.1' })],
    ['from multicast', ip4(udp(1, 2), { src: '239.1.1.1' })],
    ['from 240/4', ip4(udp(1, 2), { src: '250.1.1.1' })],
    ['IPv6 multicast', ip6(udp(1, 2), { dst: 'ff02::1' })],
    ['from ::', ip6(udp(1, 2), { src: '::' })],
    ['from ::1', ip6(udp(1, 2), { src: '::1' })],
    ['from IPv6 multicast', ip6(udp(1, 2), { src: 'ff05::2' })],
  ])('%s', (_name, bytes) => {
    expect(reply(bytes, ttl_expired)).toBeUndefined()
  })
  it('but first fragments and echo are', () => {
    expect(reply(ip4(udp(1, 2, filler(64)), { mf: true, to: 40 }), ttl_expired)?.kind).toBe('11/0')
    expect(reply(ip6(echo(128, 1)), ttl_expired)?.kind).toBe('3/0')
  })
})

describe('the rate limit', () => {
  it('is a second’s worth at once, then as tokens flow', () => {
    const bucket = new TokenBucket(10)
    const take = (n: number, nowMs: number) => Array.from({ length: n }, () => bucket.take(nowMs)).filter(x => x).length
    expect(take(20, 5000)).toBe(10)
    expect(take(20, 5099)).toBe(0)
    expect(take(20, 5100)).toBe(1)
    expect(take(20, 5500)).toBe(4)
    expect(take(20, 4000)).toBe(0)
    expect(take(20, 1e12)).toBe(10)
  })
  it('keeps tokens for others', () => {
    const bucket = new TokenBucket(10)
    const taken = Array.from({ length: 20 }, () => bucket.take(5000, 4)).filter(x => x).length
    const left = Array.from({ length: 20 }, () => bucket.take(5000)).filter(x => x).length
    expect([taken, left]).toEqual([6, 4])
  })
  it('leaves a quarter for "too big", which connections wait for', () => {
    const outbox = new Outbox()
    const limits = { ...DEFAULT_CONFIG.limits, icmpErrorsPerSecond: 20 }
    const replies = new ErrorReplies({ ...DEFAULT_CONFIG, limits }, outbox, 0)
    const p = packetOf(u4)
    parse(p)
    for (let i = 0; i < 50; i++) replies.replyWithError(p, ttl_expired, 1000)
    expect([outbox.count, replies.replyWithError(p, too_big, 1000)]).toEqual([15, true])
  })
  it('of 0 lets nothing through', () => {
    expect(new TokenBucket(0).take(1e9)).toBe(false)
  })
  it('holds errors back and counts them', () => {
    const outbox = new Outbox()
    const limits = { ...DEFAULT_CONFIG.limits, icmpErrorsPerSecond: 3 }
    const replies = new ErrorReplies({ ...DEFAULT_CONFIG, limits }, outbox, 0)
    const p = packetOf(u4)
    expect(parse(p)).toBe(0)
    for (let i = 0; i < 5; i++) replies.replyWithError(p, ttl_expired, 1000)
    expect([outbox.count, replies.held]).toEqual([3, 2])
  })
  it('costs nothing for what is never answered', () => {
    const limits = { ...DEFAULT_CONFIG.limits, icmpErrorsPerSecond: 1 }
    const replies = new ErrorReplies({ ...DEFAULT_CONFIG, limits }, new Outbox(), 0)
    const multicast = packetOf(ip4(udp(1, 2), { dst: '224.0.0.1' }))
    parse(multicast)
    expect(replies.replyWithError(multicast, ttl_expired, 1000)).toBe(false)
    const p = packetOf(u4)
    parse(p)
    expect(replies.replyWithError(p, ttl_expired, 1000)).toBe(true)
  })
  it('a full outbox is no answer', () => {
    const outbox = new Outbox()
    while (outbox.count < OUTBOX_PACKETS) outbox.reserve(40)
    const p = packetOf(u4)
    parse(p)
    expect(new ErrorReplies(DEFAULT_CONFIG, outbox, 0).replyWithError(p, ttl_expired, 1000)).toBe(false)
  })
})
