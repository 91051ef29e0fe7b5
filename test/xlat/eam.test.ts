import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6 } from '../../src/addr/ipv6.js'
import { contains4, contains6, mask32, maskIpv6 } from '../../src/addr/prefix.js'
import { EamTable } from '../../src/xlat/eam.js'
import { address4, address6, eam } from './translating.js'

/** The table of RFC 7757 appendix A. */
const APPENDIX = [
  eam('2001:db8:aaaa::', '192.0.2.1'),
  eam('2001:db8:bbbb::b/128', '192.0.2.2/32'),
  eam('2001:db8:cccc::/124', '192.0.2.16/28'),
  eam('2001:db8:dddd::/64', '192.0.2.128/26'),
  eam('2001:db8:eeee:8::/62', '192.0.2.192/29'),
  eam('64:ff9b::/127', '192.0.2.224/31'),
]

const toV6 = (table: EamTable, text: string) =>
  table.toV6(address4(text)) ? formatIpv6([table.w0, table.w1, table.w2, table.w3]) : 'nothing'
const toV4 = (table: EamTable, text: string) => (table.toV4(...address6(text)) ? formatIpv4(table.address4) : 'nothing')

describe('the EAM table', () => {
  const table = new EamTable(APPENDIX)

  it.each([
    ['192.0.2.1', '2001:db8:aaaa::'],
    ['192.0.2.2', '2001:db8:bbbb::b'],
    ['192.0.2.16', '2001:db8:cccc::'],
    ['192.0.2.24', '2001:db8:cccc::8'],
    ['192.0.2.31', '2001:db8:cccc::f'],
    ['192.0.2.128', '2001:db8:dddd::'],
    ['192.0.2.152', '2001:db8:dddd:0:6000::'],
    ['192.0.2.183', '2001:db8:dddd:0:dc00::'],
    ['192.0.2.191', '2001:db8:dddd:0:fc00::'],
    ['192.0.2.195', '2001:db8:eeee:9:8000::'],
    ['192.0.2.199', '2001:db8:eeee:b:8000::'],
    ['192.0.2.224', '64:ff9b::'],
    ['192.0.2.225', '64:ff9b::1'],
    ['192.0.2.3', 'nothing'],
  ])('maps %s to %s and back', (v4, v6) => {
    expect(toV6(table, v4)).toBe(v6)
    if (v6 !== 'nothing') expect(toV4(table, v6)).toBe(v4)
  })

  it.each([
    ['2001:db8:dddd:0:6000::1234', '192.0.2.152'],
    ['2001:db8:dddd:0:63ff:ffff::', '192.0.2.152'],
    ['2001:db8:eeee:9:8fff::1', '192.0.2.195'],
    ['2001:db8:bbbb::c', 'nothing'],
  ])('ignores the rest of a longer IPv6 suffix: %s is %s', (v6, v4) => {
    expect(toV4(table, v6)).toBe(v4)
  })

  it('takes the longest prefix where mappings overlap, each way by itself', () => {
    const overlapping = new EamTable([
      eam('2001:db8::/96', '198.51.0.0/16'),
      eam('2001:db8::2:0/112', '198.51.100.0/24'),
      eam('2001:db8::2:7', '198.51.100.9'),
    ])
    expect(toV4(overlapping, '2001:db8::2:7')).toBe('198.51.100.9')
    expect(toV4(overlapping, '2001:db8::2:700')).toBe('198.51.100.7')
    expect(toV6(overlapping, '198.51.100.9')).toBe('2001:db8::2:7')
    expect(toV6(overlapping, '198.51.100.8')).toBe('2001:db8::2:800')
    expect(toV6(overlapping, '198.51.99.1')).toBe('2001:db8::6301:0')
  })

  it('agrees with a bit-by-bit model for any prefixes', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff })
    const entry = fc
      .record({
        words: fc.tuple(word, word, word, word),
        v4: word,
        l4: fc.integer({ min: 0, max: 32 }),
        more: fc.nat(96),
      })
      .map(({ words, v4, l4, more }) => {
        const length = 128 - Math.min(128, 32 - l4 + more)
        return {
          prefix6: { address: maskIpv6(words, length), length },
          prefix4: { address: ((v4 & mask32(l4)) >>> 0) as never, length: l4 },
        }
      })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), word, (entries, bits) => {
        const table = new EamTable(entries)
        for (const { prefix4 } of entries) {
          const address = ((prefix4.address | (bits & ~mask32(prefix4.length))) >>> 0) as never
          const best = entries
            .filter(e => contains4(e.prefix4, address))
            .reduce((x, y) => (y.prefix4.length > x.prefix4.length ? y : x))
          const suffix = bitsOf([address]).slice(best.prefix4.length)
          const model = bitsOf(best.prefix6.address).slice(0, best.prefix6.length) + suffix
          expect(table.toV6(address)).toBe(true)
          expect(bitsOf([table.w0, table.w1, table.w2, table.w3])).toBe(model.padEnd(128, '0'))
        }
        for (const { prefix6 } of entries) {
          const [a, b, c, d] = prefix6.address
          const best = entries
            .filter(e => contains6(e.prefix6, [a, b, c, d]))
            .reduce((x, y) => (y.prefix6.length > x.prefix6.length ? y : x))
          const length4 = best.prefix4.length
          const suffix = bitsOf([a, b, c, d])
            .slice(best.prefix6.length)
            .slice(0, 32 - length4)
          expect(table.toV4(a, b, c, d)).toBe(true)
          expect(bitsOf([table.address4])).toBe(bitsOf([best.prefix4.address]).slice(0, length4) + suffix)
        }
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})

const bitsOf = (words: readonly number[]): string => words.map(w => (w >>> 0).toString(2).padStart(32, '0')).join('')
