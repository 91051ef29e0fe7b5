import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG } from '../../src/xlat/config.js'
import { Outbox } from '../../src/xlat/outbox.js'
import { Packet } from '../../src/xlat/packet.js'
import { parse } from '../../src/xlat/parse.js'
import { parseInner } from '../../src/xlat/parse-inner.js'
import { Rewriter } from '../../src/xlat/rewriter.js'
import {
  be32,
  destination,
  echo,
  fragment,
  hopByHop,
  icmp,
  ip4,
  ip6,
  type Message,
  raw,
  read,
  routing,
  tcp,
  udp,
} from './packets.js'
import { packetOf, parseOf, rewrite } from './rewriting.js'

const SEED = 20260401
const check = <T>(property: fc.IProperty<T>, numRuns = 250): void => {
  fc.assert(property, { seed: SEED, numRuns })
}

const port = fc.nat(0xffff)
const data = fc.uint8Array({ maxLength: 1200 }).map(x => Array.from(x))
const options = fc.array(fc.nat(255), { maxLength: 10 }).map(x => x.flatMap(y => [1, 1, 1, y & 1]))
/** Messages that mean the same in both families, with each family's ICMP type. */
const message: fc.Arbitrary<readonly [Message, Message]> = fc.oneof(
  fc.tuple(port, port, data).map(([s, d, x]) => [udp(s, d, x), udp(s, d, x)] as const),
  fc
    .tuple(port, port, data, fc.nat(255), options)
    .map(([s, d, x, flags, o]) => [tcp(s, d, x, { flags, options: o }), tcp(s, d, x, { flags, options: o })] as const),
  fc.tuple(port, data).map(([id, x]) => [echo(8, id, x), echo(128, id, x)] as const),
  fc.tuple(port, data).map(([id, x]) => [echo(0, id, x), echo(129, id, x)] as const),
  data.map(x => [raw(253, x), raw(253, x)] as const),
)
const dotted = fc.nat(0xffffffff).map(n => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.'))
const header = fc.record({ tos: fc.nat(255), ttl: fc.integer({ min: 2, max: 255 }), id: port, df: fc.boolean() })
const extensions = fc.subarray([destination, routing(0), fragment(0x51234)])

describe('every accepted packet', () => {
  it('has right checksums after rewriting to IPv6, with any ports', () => {
    check(
      fc.property(message, header, dotted, dotted, port, port, ([m], h, src, dst, sport, dport) => {
        const r = rewrite(ip4(m, { ...h, src, dst }), {}, { src: `64:ff9b::${src}`, dst: '2001:db8::1', sport, dport })
        expect(r.reason).toBe('none')
        for (const out of r.out) expect(read(out).checksumOk).not.toBe(false)
      }),
    )
  })
  it('has right checksums after rewriting to IPv4, with any ports', () => {
    check(
      fc.property(message, dotted, dotted, port, port, extensions, ([, m], src, dst, sport, dport, ext) => {
        const r = rewrite(ip6(m, { dst: `64:ff9b::${dst}`, ext }), {}, { src, dst, sport, dport })
        expect(r.reason).toBe('none')
        for (const out of r.out) expect(read(out).checksumOk).not.toBe(false)
      }),
    )
  })
})

describe('there and back again', () => {
  it('toV4 of toV6 is the packet, less one hop each', () => {
    check(
      fc.property(message, header, dotted, dotted, ([m], h, src, dst) => {
        const six = rewrite(
          ip4(m, { ...h, src, dst, df: true }),
          {},
          { src: `64:ff9b::${src}`, dst: `64:ff9b::${dst}` },
        )
        if (h.ttl < 3) return
        const back = rewrite(six.out[0] as Uint8Array, {}, { src, dst, seed: h.id })
        const df = 20 + m.bytes.length > 1260
        const expected = ip4(m, { ...h, src, dst, df, ttl: h.ttl - 2 })
        expect(Array.from(back.out[0] as Uint8Array)).toEqual(Array.from(expected))
      }),
    )
  })
  it('toV6 of toV4 is the packet without flow label and extension headers, less one hop each', () => {
    check(
      fc.property(message, fc.nat(255), fc.nat(0xfffff), ([, m], tc, flow) => {
        const src = '64:ff9b::192.0.2.1'
        const four = rewrite(ip6(m, { src, tc, flow, hops: 9, ext: [hopByHop] }))
        const six = rewrite(four.out[0] as Uint8Array, { lowestIpv6Mtu: 1500 }, { src, dst: '64:ff9b::198.51.100.2' })
        expect(Array.from(six.out[0] as Uint8Array)).toEqual(Array.from(ip6(m, { src, tc, hops: 7 })))
      }),
    )
  })
  it('an ICMP error comes back quoting the packet that it was sent about', () => {
    check(
      fc.property(message, ([m]) => {
        const sent = ip4(m, { src: '198.51.100.2', dst: '192.0.2.1', df: 20 + m.bytes.length > 1260, ttl: 7 })
        const error = ip4(icmp(3, 1, be32(0), Array.from(sent)))
        const six = rewrite(error, {}, { dst: '64:ff9b::198.51.100.2', innerSrc: '64:ff9b::198.51.100.2' })
        const back = rewrite(six.out[0] as Uint8Array)
        const quote = Array.from(back.out[0] as Uint8Array).slice(28)
        expect(quote).toEqual(Array.from(sent.slice(0, quote.length)))
        expect(quote.length).toBe(Math.min(548, sent.length))
      }),
    )
  })
})

describe('mutated and truncated input', () => {
  const corpus: Uint8Array[] = [
    ip4(udp(1, 2, [1, 2, 3])),
    ip4(tcp(1, 2, [1, 2, 3], { flags: 2, options: [2, 4, 5, 0xb4, 1, 1, 4, 2] })),
    ip4(echo(8, 1)),
    ip4(icmp(3, 4, be32(1400), Array.from(ip4(tcp(1, 2, [1]))))),
    ip4(icmp(11, 0, [0, 32, 0, 0], [...ip4(udp(1, 2, new Array(100).fill(7))), 0x20, 0, 0, 0, 0, 4, 1, 1])),
    ip4(udp(1, 2, new Array(64).fill(3)), { mf: true, to: 48 }),
    ip6(udp(1, 2, [1, 2, 3]), { ext: [hopByHop, destination, routing(0)] }),
    ip6(tcp(1, 2, [1, 2, 3], { flags: 2, options: [2, 4, 5, 0xb4] })),
    ip6(icmp(2, 0, be32(1280), Array.from(ip6(tcp(1, 2, [1]), { ext: [fragment(1, 0, true)] })))),
    ip6(icmp(1, 0, [16, 0, 0, 0], [...ip6(udp(1, 2, new Array(80).fill(7))), 0x20, 0, 0, 0, 0, 4, 1, 1])),
    ip6(udp(1, 2, new Array(64).fill(3)), { ext: [fragment(1, 8, true)], from: 8, to: 48 }),
  ]
  const mutation = fc.record({
    which: fc.nat(corpus.length - 1),
    flips: fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
    cut: fc.option(fc.nat(200)),
    meta: fc.record({
      flags: fc.nat(3),
      gsoType: fc.constantFrom(0, 1, 3, 4, 5, 0x81, 0x84, 255),
      gsoSize: fc.nat(2000),
      hdrLen: fc.nat(100),
      csumStart: fc.nat(100),
      csumOffset: fc.constantFrom(0, 6, 16, 60000),
    }),
    mtu: fc.constantFrom(1280, 1500),
  })
  it('never throws, never writes outside, and gives lengths that fit', () => {
    const inner = new Packet()
    const outbox = new Outbox()
    check(
      fc.property(mutation, ({ which, flips, cut, meta, mtu }) => {
        let bytes = (corpus[which] as Uint8Array).slice()
        for (const [at, x] of flips) if (at < bytes.length) bytes[at] = x
        if (cut !== null) bytes = bytes.slice(0, cut)
        fixHeaderChecksum(bytes)
        outbox.clear()
        const rewriter = new Rewriter({ ...DEFAULT_CONFIG, mtu }, outbox, 1)
        const p = packetOf(bytes, meta)
        const limit = p.end
        const refusal =
          parse(p) ||
          (p.isIcmpError
            ? parseInner(p, inner) ||
              (p.version === 4
                ? rewriter.errorToV6(p, 1, 2, 3, 4, 5, 6, 7, 8, inner, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
                : rewriter.errorToV4(p, 1, 2, inner, 3, 4, 5, 6))
            : p.version === 4
              ? rewriter.toV6(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
              : rewriter.toV4(p, 1, 2, 3, 4))
        expect(p.buf.slice(limit).every(x => x === 0xa5)).toBe(true)
        if (refusal !== 0) {
          expect(outbox.count).toBe(0)
          return
        }
        if (!rewriter.emitted) {
          expect(p.start).toBeGreaterThanOrEqual(0)
          expect(p.end).toBeLessThanOrEqual(limit)
          read(p.buf.slice(p.start, p.end))
        }
        for (let i = 0; i < outbox.count; i++) read(outbox.buf.slice(outbox.start(i), outbox.end(i)))
      }),
      6_000,
    )
  })
  it('parsing random bytes never throws', () => {
    check(
      fc.property(fc.uint8Array({ maxLength: 120 }), bytes => void parseOf(bytes)),
      5_000,
    )
  })
})

/** So that mutations get past the header. */
function fixHeaderChecksum(b: Uint8Array): void {
  if (b.length < 20 || b[0]! >>> 4 !== 4) return
  const header = Math.min((b[0]! & 15) * 4, b.length)
  b[10] = b[11] = 0
  let sum = 0
  for (let i = 0; i < header; i += 2) sum += (b[i]! << 8) | (b[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  b[10] = (~sum >>> 8) & 255
  b[11] = ~sum & 255
}
