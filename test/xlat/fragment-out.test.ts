import { describe, expect, it } from 'vitest'
import type { XlatConfig } from '../../src/xlat/config.js'
import { DEFAULT_CONFIG } from '../../src/xlat/config.js'
import { OUTBOX_PACKETS, Outbox } from '../../src/xlat/outbox.js'
import { parse } from '../../src/xlat/parse.js'
import { REASON } from '../../src/xlat/reason.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import { echo, filler, fragment, ip4, ip6, type Message, read, tcp, udp, udpWith, v6 } from './packets.js'
import { packetOf, rewrite } from './rewriting.js'

function fragments(bytes: Uint8Array, config: Partial<XlatConfig> = {}) {
  const r = rewrite(bytes, config)
  expect(r.reason).toBe('none')
  expect(r.outbox.count).toBe(r.out.length)
  return r.out.map(read)
}

const guest = { src: '64:ff9b::192.0.2.1', dst: '2001:db8::1' }
const whole6 = (m: Message): number[] => Array.from(ip6(m, guest)).slice(40)

describe('RFC 7915 section 4: over-long IPv4 packets without DF become IPv6 fragments', () => {
  it.each<[string, Message, Message]>([
    ['UDP', udp(1, 2, filler(1400)), udp(1, 2, filler(1400))],
    ['UDP without checksum', udpWith(0, 1, 2, filler(1400)), udp(1, 2, filler(1400))],
    ['TCP', tcp(1, 2, filler(1400)), tcp(1, 2, filler(1400))],
    ['echo', echo(8, 1, filler(1400)), echo(128, 1, filler(1400))],
    ['a ping of 65507 bytes', echo(8, 1, filler(65507)), echo(128, 1, filler(65507))],
  ])('%s', (_name, m4, m6) => {
    const parts = fragments(ip4(m4, { id: 0xbeef, tos: 5, ttl: 9 }))
    expect(parts.flatMap(p => p.payload)).toEqual(whole6(m6))
    for (const [i, p] of parts.entries()) {
      const isLast = i === parts.length - 1
      expect(p).toMatchObject({ fragmentHeader: true, id: 0xbeef, offset: i * 1232, mf: !isLast, tos: 5, ttl: 8 })
      expect(p).toMatchObject({ src: '64:ff9b:0:0:0:0:c000:201', dst: '2001:db8:0:0:0:0:0:1', protocol: m6.protocol6 })
      if (!isLast) expect(p.payload.length + 48).toBe(1280)
    }
  })
  it('1281 bytes make two, the shortest possible', () => {
    expect(fragments(ip4(udp(1, 2, filler(1233)))).map(p => p.payload.length)).toEqual([1232, 9])
  })
  it('another lowest MTU', () => {
    expect(fragments(ip4(udp(1, 2, filler(1452))), { lowestIpv6Mtu: 1400 }).map(p => p.payload.length)).toEqual([
      1352, 108,
    ])
    expect(rewrite(ip4(udp(1, 2, filler(1452))), { lowestIpv6Mtu: 1500 }).outbox.count).toBe(0)
  })
  it('the lowest MTU does not exceed the device', () => {
    const parts = fragments(ip4(udp(1, 2, filler(1452))), { lowestIpv6Mtu: 1500, mtu: 1400 })
    expect(parts.map(p => p.payload.length)).toEqual([1352, 108])
  })
  it('a fragment is cut further', () => {
    const parts = fragments(ip4(udp(1, 2, filler(2600)), { from: 0, to: 1480, mf: true, id: 7 }))
    expect(parts.map(p => [p.offset, p.payload.length, p.mf])).toEqual([
      [0, 1232, true],
      [1232, 248, true],
    ])
    const last = fragments(ip4(udp(1, 2, filler(2800)), { from: 1480, id: 7 }))
    expect(last.map(p => [p.offset, p.payload.length, p.mf, p.id])).toEqual([
      [1480, 1232, true, 7],
      [2712, 96, false, 7],
    ])
  })
  it('a partial checksum is completed', () => {
    const bytes = ip4(udpWith(0x1234, 1, 2, filler(1400)))
    const pseudo = (0xc000 + 0x0201 + 0xc633 + 0x6402 + 17 + 1408) % 0xffff
    bytes.set([pseudo >>> 8, pseudo & 255], 26)
    const r = rewrite(bytes, {}, { sport: 9, dport: 10 }, { flags: 1, csumStart: 20, csumOffset: 6 })
    expect(r.out.map(read).flatMap(p => p.payload)).toEqual(whole6(udp(9, 10, filler(1400))))
  })
})

describe('RFC 7915 section 5: reassembled IPv6 packets become IPv4 fragments', () => {
  it('up to the MTU of the device, with the identification they had', () => {
    const m = udp(1, 2, filler(4000))
    const parts = fragments(ip6(m, { ext: [fragment(0x10077)], tc: 3 }))
    expect(parts.flatMap(p => p.payload)).toEqual(Array.from(ip4(m)).slice(20))
    expect(parts.map(p => [p.offset, p.mf, p.df, p.id, p.tos])).toEqual([
      [0, true, false, 0x77, 3],
      [1480, true, false, 0x77, 3],
      [2960, false, false, 0x77, 3],
    ])
  })
  it('others are too big', () => {
    const r = rewrite(ip6(udp(1, 2, filler(1500))))
    expect([r.reason, r.p.errorParam]).toEqual(['too_big', 1520])
  })
  it('more than 65535 bytes are too big for IPv4', () => {
    expect(rewrite(ip6(udp(1, 2, filler(65510))), { mtu: 65535 }).reason).toBe('too_big')
  })
})

describe('a full outbox', () => {
  it.each([1, 2, 30])('with %i places left refuses all and keeps the packet whole', left => {
    const outbox = new Outbox()
    while (outbox.count < OUTBOX_PACKETS - left) outbox.reserve(40)
    const before = outbox.count
    const rewriter = new Rewriter(DEFAULT_CONFIG, outbox, 0)
    const bytes = ip4(udp(1, 2, filler(60000)))
    const p = packetOf(bytes)
    expect(parse(p)).toBe(0)
    expect(rewriter.toV6(p, ...v6(guest.src), ...v6(guest.dst), 3, 4)).toBe(REASON.outbox_full)
    expect(outbox.count).toBe(before)
    expect(p.buf.slice(p.start, p.end)).toEqual(bytes)
  })
})
