import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG } from '../../src/xlat/config.js'
import { OUTBOX_PACKETS, Outbox } from '../../src/xlat/outbox.js'
import { Packet } from '../../src/xlat/packet.js'
import { parse } from '../../src/xlat/parse.js'
import { parseInner } from '../../src/xlat/parse-inner.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import { type Bytes, filler, hex, icmp, ip4, ip6, read, toHex, udp, v6 } from './packets.js'
import { packetOf, rewrite } from './rewriting.js'

/** An MPLS label stack object (RFC 4950) in an extension structure; its own checksum is not looked at. */
const extension = hex('2000 dffb 0008 0101 00010 1 ff')
const longExtension = [...extension, ...filler(400)]

const guest4 = { src: '198.51.100.2', dst: '192.0.2.1' }
const guest6 = { src: '64:ff9b::198.51.100.2', dst: '2001:db8::1' }
const quote4 = (data: number, options: Bytes = []): number[] => [
  ...ip4(udp(1, 2, filler(data)), { ...guest4, options }),
]
const quote6 = (data: number): number[] => [...ip6(udp(1, 2, filler(data)), guest6)]
const pad = (bytes: Bytes, to: number): number[] => [
  ...bytes,
  ...new Array<number>(Math.max(0, to - bytes.length)).fill(0),
]

/** An error with `quote` padded to `attribute` bytes, and an extension. */
function error4(type: number, code: number, quote: number[], attribute: number, ext: Bytes = extension): Uint8Array {
  return ip4(icmp(type, code, [0, attribute / 4, 0, 0], [...pad(quote, attribute), ...ext]))
}
function error6(type: number, code: number, quote: number[], attribute: number, ext: Bytes = extension): Uint8Array {
  return ip6(icmp(type, code, [attribute / 8, 0, 0, 0], [...pad(quote, attribute), ...ext]))
}

/** What comes out: the attribute in bytes, the quote up to there, the extension behind. */
function one(bytes: Uint8Array) {
  const r = rewrite(bytes)
  expect(r.reason).toBe('none')
  const outer = read(r.out[0] as Uint8Array)
  expect(outer.checksumOk).toBe(true)
  const attribute = outer.version === 4 ? outer.payload[5]! * 4 : outer.payload[4]! * 8
  const body = outer.payload.slice(8)
  return { attribute, quote: body.slice(0, attribute), extension: body.slice(attribute), body, outer }
}

const back6 = (data: number): Bytes => ip6(udp(1, 2, filler(data)), { src: '2001:db8::1', dst: '64:ff9b::192.0.2.1' })
const back4 = (data: number): Bytes => ip4(udp(1, 2, filler(data)), guest4)

describe('RFC 4884 extensions to IPv6', () => {
  it.each<[string, number, number, number, number]>([
    ['a quote padded to 128 bytes', 3, 72, 128, 128],
    ['a quote of 128 bytes grows by 20, padded to 8', 3, 100, 128, 152],
    ['132 bytes grow to 152', 3, 104, 132, 152],
    ['time exceeded', 11, 100, 128, 152],
    ['500 bytes', 3, 472, 500, 520],
  ])('%s', (_name, type, data, attribute, expected) => {
    const r = one(error4(type, 0, quote4(data), attribute))
    expect(r.attribute).toBe(expected)
    expect(toHex(r.quote)).toBe(toHex(pad(back6(data), expected)))
    expect(r.extension).toEqual(extension)
  })
  it('a quote with options shrinks and is padded to 128', () => {
    const options = new Array<number>(40).fill(1)
    const r = one(error4(3, 1, quote4(60, options), 128))
    expect(r.attribute).toBe(128)
    expect(toHex(r.quote)).toBe(toHex(pad(back6(60), 128)))
    expect(r.extension).toEqual(extension)
  })
  it('the quote gives way to the extension at 1280 bytes', () => {
    const r = one(error4(3, 1, quote4(972), 1000, longExtension))
    expect(r.outer.payload.length + 40).toBeLessThanOrEqual(1280)
    expect(r.extension).toEqual(longExtension)
    expect(r.attribute % 8).toBe(0)
    expect(r.attribute).toBeGreaterThanOrEqual(128)
    expect(toHex(r.quote)).toBe(toHex(Array.from(back6(972)).slice(0, r.attribute)))
  })
  it('an extension that leaves no 128 bytes is cut off', () => {
    const r = one(error4(3, 1, quote4(100), 128, filler(1200)))
    expect(r.attribute).toBe(0)
    expect(toHex(r.body)).toBe(toHex(back6(100)))
  })
  it.each<[string, number, number]>([
    ['fragmentation needed', 3, 4],
    ['protocol unreachable', 3, 2],
    ['parameter problem', 12, 0],
  ])('%s loses it: the new type has no length attribute', (_name, type, code) => {
    const r = one(error4(type, code, quote4(100), 128))
    expect(toHex(r.body)).toBe(toHex(back6(100)))
  })
})

describe('RFC 4884 extensions to IPv4', () => {
  it.each<[string, number, number, number, number]>([
    ['a quote of 128 bytes shrinks and is padded to 128', 1, 80, 128, 128],
    ['a padded quote', 1, 20, 128, 128],
    ['152 bytes shrink to 132', 1, 104, 152, 132],
    ['time exceeded', 3, 104, 152, 132],
    ['an odd length is padded to 4', 1, 101, 152, 132],
  ])('%s', (_name, type, data, attribute, expected) => {
    const r = one(error6(type, 0, quote6(data), attribute))
    expect(r.attribute).toBe(expected)
    expect(toHex(r.quote)).toBe(toHex(pad(back4(data), expected)))
    expect(r.extension).toEqual(extension)
  })
  it('the quote gives way to the extension at 576 bytes', () => {
    const r = one(error6(1, 0, quote6(752), 800, longExtension.slice(0, 300)))
    expect(r.outer.payload.length + 20).toBeLessThanOrEqual(576)
    expect(r.extension).toEqual(longExtension.slice(0, 300))
    expect(r.attribute).toBeGreaterThanOrEqual(128)
    expect(toHex(r.quote)).toBe(toHex(Array.from(back4(752)).slice(0, r.attribute)))
  })
  it('an extension that leaves no 128 bytes is cut off', () => {
    const r = one(error6(1, 0, quote6(100), 152, longExtension.concat(filler(100))))
    expect(r.attribute).toBe(0)
    expect(toHex(r.body)).toBe(toHex(back4(100)))
  })
  it('packet too big has no attribute: its first word is the MTU', () => {
    const r = rewrite(ip6(icmp(2, 0, [0, 0, 5, 0], quote6(100))))
    expect(read(r.out[0] as Uint8Array).payload.slice(4, 8)).toEqual([0, 0, 0x04, 0xec])
  })
})

describe('RFC 4884 attributes that are wrong', () => {
  it('past the end: refused', () => {
    expect(rewrite(ip4(icmp(3, 1, [0, 33, 0, 0], quote4(100)))).reason).toBe('icmp_extension')
    expect(rewrite(ip6(icmp(1, 0, [20, 0, 0, 0], quote6(104)))).reason).toBe('icmp_extension')
  })
  it('exactly the end: no extension', () => {
    expect(one(ip4(icmp(3, 1, [0, 32, 0, 0], quote4(100)))).attribute).toBe(0)
  })
  it('before the transport header ends: refused', () => {
    expect(rewrite(ip4(icmp(3, 1, [0, 6, 0, 0], quote4(100)))).reason).toBe('icmp_inner')
  })
  it.each([48, 56, 64, 120])('%i bytes to IPv4: the quote is padded to 128', attribute => {
    const r = one(error6(1, 0, quote6(0), attribute))
    expect(toHex(r.quote)).toBe(toHex(pad(back4(0), 128)))
    expect(r.extension).toEqual(extension)
  })
  it.each([28, 64, 100, 124])('%i bytes to IPv6: the quote is padded to 128', attribute => {
    const r = one(error4(3, 1, quote4(0), attribute))
    expect(toHex(r.quote)).toBe(toHex(pad(back6(0), 128)))
    expect(r.extension).toEqual(extension)
  })
  it('with a full outbox, the extension is dropped', () => {
    const outbox = new Outbox()
    while (outbox.count < OUTBOX_PACKETS) outbox.reserve(40)
    const p = packetOf(error4(3, 1, quote4(0), 28))
    const inner = new Packet()
    const rewriter = new Rewriter(DEFAULT_CONFIG, outbox, 0)
    const [a, b] = [v6('64:ff9b::192.0.2.1'), v6('2001:db8::1')]
    expect(parse(p) || parseInner(p, inner)).toBe(0)
    expect(rewriter.errorToV6(p, ...a, ...b, inner, ...b, ...a, 1, 2)).toBe(0)
    const outer = read(p.buf.slice(p.start, p.end))
    expect([rewriter.emitted, outer.payload[4], toHex(outer.payload.slice(8))]).toEqual([false, 0, toHex(back6(0))])
  })
})
