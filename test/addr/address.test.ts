import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { formatIpv4, ipv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6, sameIpv6 } from '../../src/addr/ipv6.js'

const SEED = 7
const check = <T>(property: fc.IProperty<T>, numRuns = 2000): void => {
  fc.assert(property, { seed: SEED, numRuns })
}
const word = fc.nat(0xffffffff)
/** Words that are often zero, so that runs of zeros of every length turn up. */
const group = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff), fc.nat(0xf))
const address6: fc.Arbitrary<Ipv6> = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map(g => [0, 2, 4, 6].map(i => ((g[i]! << 16) | g[i + 1]!) >>> 0) as unknown as Ipv6)
const words = (bytes: number[]): number[] =>
  [0, 4, 8, 12].map(i => ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) >>> 0)

describe('IPv4', () => {
  it('text and number agree with ipaddr.js', () => {
    check(
      fc.property(word, n => {
        const text = ipaddr.fromByteArray([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]).toString()
        expect(formatIpv4(n)).toBe(text)
        expect(parseIpv4(text)).toBe(n)
      }),
    )
  })
  it.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.04',
    '1.2.3.',
    '.1.2.3',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1.2.3.-4',
    '1,2,3,4',
    '1.2.3.4/8',
    '١.2.3.4',
  ])('refuses %j', text => {
    expect(parseIpv4(text)).toBeUndefined()
  })
  it('takes signed numbers', () => {
    expect(ipv4(-1)).toBe(0xffffffff)
    expect(formatIpv4(-1)).toBe('255.255.255.255')
  })
})

describe('IPv6', () => {
  it('parses what ipaddr.js prints, short and long', () => {
    check(
      fc.property(address6, a => {
        const bytes = a.flatMap(w => [w >>> 24, (w >>> 16) & 255, (w >>> 8) & 255, w & 255])
        const oracle = ipaddr.fromByteArray(bytes) as ipaddr.IPv6
        for (const text of [
          oracle.toString(),
          oracle.toNormalizedString(),
          oracle.toNormalizedString().toUpperCase(),
        ]) {
          expect(parseIpv6(text)).toEqual(a)
        }
      }),
    )
  })
  it('prints as RFC 5952 says, readable by ipaddr.js', () => {
    check(
      fc.property(address6, a => {
        const text = formatIpv6(a)
        expect(words(ipaddr.parse(text).toByteArray())).toEqual(a)
        expect(parseIpv6(text)).toEqual(a)
        if (!text.includes('.')) expect(text).toBe((ipaddr.parse(text) as ipaddr.IPv6).toRFC5952String())
      }),
    )
  })
  it.each([
    ['::', [0, 0, 0, 0]],
    ['::1', [0, 0, 0, 1]],
    ['1::', [0x10000, 0, 0, 0]],
    ['64:ff9b::192.0.2.33', [0x64ff9b, 0, 0, 0xc0000221]],
    ['::ffff:1.2.3.4', [0, 0, 0xffff, 0x01020304]],
    ['2001:DB8::A', [0x20010db8, 0, 0, 10]],
    ['1:2:3:4:5:6:7::', [0x10002, 0x30004, 0x50006, 0x70000]],
    ['::2:3:4:5:6:7:8', [2, 0x30004, 0x50006, 0x70008]],
    ['1:2:3:4:5:6:1.2.3.4', [0x10002, 0x30004, 0x50006, 0x01020304]],
  ])('parses %s', (text, expected) => {
    expect(parseIpv6(text)).toEqual(expected)
  })
  it.each([
    '',
    ':',
    ':::',
    '1:::2',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:1',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    '::1/128',
    ' ::1',
    '1.2.3.4',
  ])('refuses %j', text => {
    expect(parseIpv6(text)).toBeUndefined()
  })
  it.each([
    [[0, 0, 0, 0], '::'],
    [[0x20010db8, 0, 0, 1], '2001:db8::1'],
    [[0x20010db8, 0x00000001, 0, 0x00010000], '2001:db8:0:1::1:0'],
    [[0x00010000, 0x00020000, 0x00030000, 0x00040000], '1:0:2:0:3:0:4:0'],
    [[0, 0, 0x00010000, 0], '::1:0:0:0'],
    [[0, 0x00010000, 0, 0x00010001], '0:0:1::1:1'],
    [[0, 0, 0xffff, 0xc0000201], '::ffff:192.0.2.1'],
  ] as [Ipv6, string][])('prints %j as %s', (a, text) => {
    expect(formatIpv6(a)).toBe(text)
  })
  it('compares all words', () => {
    const a: Ipv6 = [1, 2, 3, 4]
    expect(sameIpv6(a, [1, 2, 3, 4])).toBe(true)
    for (let i = 0; i < 4; i++)
      expect(sameIpv6(a, a.map((w, k) => (k === i ? w + 1 : w)) as unknown as Ipv6)).toBe(false)
  })
})
