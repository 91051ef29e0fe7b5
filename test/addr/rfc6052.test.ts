import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../../src/addr/ipv6.js'
import { maskIpv6, type Prefix6, parsePrefix6 } from '../../src/addr/prefix.js'
import { embed, extract, POOL6_LENGTHS, WELL_KNOWN_PREFIX } from '../../src/addr/rfc6052.js'

const prefixOf = (text: string): Prefix6 => parsePrefix6(text) as Prefix6

describe('RFC 6052 section 2.4, all lengths with 192.0.2.33', () => {
  it.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
    ['64:ff9b::/96', '64:ff9b::c000:221'],
  ])('%s gives %s, and back', (prefix, address) => {
    const v4 = parseIpv4('192.0.2.33') as number
    const embedded = embed(prefixOf(prefix), v4)
    expect(formatIpv6(embedded)).toBe(formatIpv6(parseIpv6(address) as Ipv6))
    expect(formatIpv4(extract(prefixOf(prefix), embedded) as number)).toBe('192.0.2.33')
  })
})

const word = fc.nat(0xffffffff)
const prefix = fc
  .tuple(fc.tuple(word, word, word, word), fc.constantFrom(...POOL6_LENGTHS))
  .map(([a, length]): Prefix6 => {
    const [w0, w1, w2, w3] = maskIpv6(a as unknown as Ipv6, length)
    return { address: [w0, w1, (w2 & 0x00ffffff) >>> 0, w3], length }
  })
const check = <T>(property: fc.IProperty<T>): void => {
  fc.assert(property, { seed: 3, numRuns: 2000 })
}

describe('properties', () => {
  it('extract takes back what embed put in, for any prefix and address', () => {
    check(fc.property(prefix, word, (p, v4) => void expect(extract(p, embed(p, v4))).toBe(v4)))
  })
  it('embed leaves u-octet and suffix zero and words unsigned', () => {
    check(
      fc.property(prefix, word, (p, v4) => {
        const e = embed(p, v4)
        expect(e[2] >>> 24).toBe(0)
        for (const w of e) expect(w >>> 0).toBe(w)
        const used = p.length === 96 ? 128 : p.length + 40
        expect(maskIpv6(e, used)).toEqual(e)
      }),
    )
  })
  it('extract ignores u-octet and suffix', () => {
    check(
      fc.property(prefix, word, word, fc.nat(255), (p, v4, noise, u) => {
        if (p.length === 96) return
        const e = [...embed(p, v4)] as number[]
        const from = p.length + 40
        for (const i of [2, 3]) {
          const bits = Math.max(0, Math.min(32, from - 32 * i))
          const free = bits === 0 ? 0xffffffff : bits === 32 ? 0 : (1 << (32 - bits)) - 1
          e[i] = (e[i]! ^ (noise & free)) >>> 0
        }
        e[2] = (e[2]! & 0xffffff) | ((u << 24) >>> 0)
        e[2] = e[2]! >>> 0
        expect(extract(p, e as unknown as Ipv6)).toBe(v4)
      }),
    )
  })
  it('extract refuses what is outside the prefix', () => {
    check(
      fc.property(prefix, word, fc.nat(31), (p, v4, bit) => {
        const [a, ...rest] = embed(p, v4)
        expect(extract(p, [(a ^ (1 << bit)) >>> 0, ...rest] as unknown as Ipv6)).toBeUndefined()
      }),
    )
  })
})

it('the well-known prefix is what the RFC says', () => {
  expect(prefixOf('64:ff9b::/96')).toEqual(WELL_KNOWN_PREFIX)
})
