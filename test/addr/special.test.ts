import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { type Ipv6, parseIpv6 } from '../../src/addr/ipv6.js'
import { isGlobal4, isMartian4, isMartian6 } from '../../src/addr/special.js'

const v4 = (text: string): number => parseIpv4(text) as number
const v6 = (text: string): Ipv6 => parseIpv6(text) as Ipv6

describe('globally reachable IPv4', () => {
  it.each([
    ['8.8.8.8', true],
    ['1.1.1.1', true],
    ['9.255.255.255', true],
    ['10.0.0.0', false],
    ['10.255.255.255', false],
    ['11.0.0.0', true],
    ['100.63.255.255', true],
    ['100.64.0.0', false],
    ['100.127.255.255', false],
    ['100.128.0.0', true],
    ['127.0.0.1', false],
    ['169.254.1.1', false],
    ['172.15.255.255', true],
    ['172.16.0.0', false],
    ['172.31.255.255', false],
    ['172.32.0.0', true],
    ['192.0.0.1', false],
    ['192.0.2.1', false],
    ['192.0.1.1', true],
    ['192.168.0.0', false],
    ['192.169.0.0', true],
    ['198.17.255.255', true],
    ['198.18.0.0', false],
    ['198.19.255.255', false],
    ['198.51.100.7', false],
    ['203.0.113.7', false],
    ['240.0.0.1', false],
    ['255.255.255.255', false],
    ['0.1.2.3', false],
  ])('%s: %s', (text, expected) => {
    expect(isGlobal4(v4(text))).toBe(expected)
  })
  it('agrees with ipaddr.js on the private ranges of all /16', () => {
    const priv = new Set(['private', 'carrierGradeNat', 'loopback', 'linkLocal', 'unspecified', 'broadcast'])
    for (let i = 0; i < 65536; i++) {
      const range = new ipaddr.IPv4([i >>> 8, i & 255, 7, 7]).range()
      if (priv.has(range)) expect([i, isGlobal4(i * 65536 + 0x0707)]).toEqual([i, false])
    }
  })
})

describe('martians', () => {
  it.each([
    ['0.0.0.0', true],
    ['0.255.255.255', true],
    ['1.0.0.0', false],
    ['127.255.255.255', true],
    ['128.0.0.0', false],
    ['223.255.255.255', false],
    ['224.0.0.1', true],
    ['239.255.255.255', true],
    ['255.255.255.255', true],
    ['169.253.255.255', false],
    ['169.254.0.0', true],
    ['169.254.255.255', true],
    ['169.255.0.0', false],
    ['10.0.0.1', false],
    ['192.0.2.1', false],
  ])('IPv4 %s: %s', (text, expected) => {
    expect(isMartian4(v4(text))).toBe(expected)
  })
  it.each([
    ['::', true],
    ['::1', true],
    ['::ffff:1.2.3.4', true],
    ['64:ff9b::1.2.3.4', false],
    ['64:ff9b:1::1', false],
    ['64:ff9c::1', true],
    ['100::1', false],
    ['fe80::1', true],
    ['febf:ffff::1', true],
    ['fec0::1', false],
    ['fd00::1', false],
    ['ff02::1', true],
    ['2001:db8::1', false],
  ])('IPv6 %s: %s', (text, expected) => {
    expect(isMartian6(...v6(text))).toBe(expected)
  })
})
