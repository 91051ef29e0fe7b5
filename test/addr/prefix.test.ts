import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { formatIpv4, type Ipv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6, type Ipv6, parseIpv6 } from '../../src/addr/ipv6.js'
import {
  contains4,
  contains6,
  formatPrefix4,
  formatPrefix6,
  mask32,
  maskIpv6,
  overlaps4,
  overlaps6,
  type Prefix4,
  type Prefix6,
  parsePrefix4,
  parsePrefix6,
  size4,
} from '../../src/addr/prefix.js'

const check = <T>(property: fc.IProperty<T>): void => {
  fc.assert(property, { seed: 11, numRuns: 1000 })
}
const word = fc.nat(0xffffffff)
const address6 = fc.tuple(word, word, word, word) as unknown as fc.Arbitrary<Ipv6>
const prefix4 = fc
  .tuple(word, fc.nat(32))
  .map(([a, length]): Prefix4 => ({ address: ((a & mask32(length)) >>> 0) as Ipv4, length }))
const prefix6 = fc
  .tuple(address6, fc.nat(128))
  .map(([a, length]): Prefix6 => ({ address: maskIpv6(a, length), length }))

/** The address with the bits past `keep` flipped at random: close enough to be inside sometimes. */
const near4 = fc
  .tuple(prefix4, word, fc.nat(33))
  .map(([p, w, keep]) => [p, (p.address ^ (w & ~mask32(keep))) >>> 0] as const)
const near6 = fc.tuple(prefix6, address6, fc.nat(129)).map(([p, w, keep]) => {
  const flipped = p.address.map((x, i) => (x ^ (w[i]! & ~mask32(keep - 32 * i))) >>> 0)
  return [p, flipped as unknown as Ipv6] as const
})

describe('prefixes', () => {
  it('contain what ipaddr.js says', () => {
    check(
      fc.property(near4, ([p, a]) => {
        const oracle = ipaddr.IPv4.parse(formatIpv4(a)).match(ipaddr.IPv4.parse(formatIpv4(p.address)), p.length)
        expect(contains4(p, a)).toBe(oracle)
      }),
    )
    check(
      fc.property(near6, ([p, a]) => {
        const oracle = ipaddr.IPv6.parse(formatIpv6(a)).match(ipaddr.IPv6.parse(formatIpv6(p.address)), p.length)
        expect(contains6(p, a)).toBe(oracle)
      }),
    )
  })
  it('come back from text', () => {
    check(fc.property(prefix4, p => void expect(parsePrefix4(formatPrefix4(p))).toEqual(p)))
    check(fc.property(prefix6, p => void expect(parsePrefix6(formatPrefix6(p))).toEqual(p)))
  })
  it('overlap when one contains the other’s address', () => {
    check(
      fc.property(
        prefix4,
        prefix4,
        (a, b) => void expect(overlaps4(a, b)).toBe(contains4(a, b.address) || contains4(b, a.address)),
      ),
    )
    check(
      fc.property(
        prefix6,
        prefix6,
        (a, b) => void expect(overlaps6(a, b)).toBe(contains6(a, b.address) || contains6(b, a.address)),
      ),
    )
  })
  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '/8',
    '10.0.0/8',
    '10.0.0.0/1e1',
    '10.0.0.0/ 8',
    '::/0',
  ])('IPv4 refuses %j', text => expect(parsePrefix4(text)).toBeUndefined())
  it.each(['2001:db8::1/64', '::/129', '::/', '/64', '2001:db8::/0x10', '10.0.0.0/8'])('IPv6 refuses %j', text =>
    expect(parsePrefix6(text)).toBeUndefined(),
  )
  it.each([
    ['0.0.0.0/0', 2 ** 32],
    ['192.0.2.0/24', 256],
    ['192.0.2.1', 1],
  ])('%s holds %d addresses', (text, size) => expect(size4(parsePrefix4(text) as Prefix4)).toBe(size))
  it('of length 0 contain everything, of full length one address', () => {
    expect(contains4(parsePrefix4('0.0.0.0/0') as Prefix4, 0xffffffff)).toBe(true)
    expect(contains6(parsePrefix6('::/0') as Prefix6, parseIpv6('ffff::') as Ipv6)).toBe(true)
    const one = parsePrefix4('192.0.2.1') as Prefix4
    expect([parseIpv4('192.0.2.1'), parseIpv4('192.0.2.0')].map(a => contains4(one, a as number))).toEqual([
      true,
      false,
    ])
  })
})
