import { describe, expect, test } from 'vitest'
import { blankHeader, findIp, LINK, linkForBoth, turnRound, writeVersion } from '../../src/wire/link.js'
import { hex } from './capture-bytes.js'

const MACS = '020000000001 020000000002'
const spot = { ip: 0, typeAt: 0 }

describe('findIp', () => {
  test.each<[what: string, linkType: number, frame: string, ip: number, typeAt: number]>([
    ['Ethernet', LINK.ETHERNET, `${MACS} 86dd 60`, 14, 12],
    ['Ethernet, IPv4', LINK.ETHERNET, `${MACS} 0800 45`, 14, 12],
    ['one VLAN tag', LINK.ETHERNET, `${MACS} 8100 0064 86dd 60`, 18, 16],
    ['two tags', LINK.ETHERNET, `${MACS} 88a8 0001 8100 0064 0800 45`, 22, 20],
    ['five tags', LINK.ETHERNET, `${MACS} ${'81000001'.repeat(5)} 0800 45`, -1, -1],
    ['ARP', LINK.ETHERNET, `${MACS} 0806 00010800`, -1, -1],
    ['802.3 with LLC', LINK.ETHERNET, `${MACS} 0026 424203`, -1, -1],
    ['an ethertype that lies', LINK.ETHERNET, `${MACS} 86dd 45`, -1, -1],
    ['a header alone', LINK.ETHERNET, `${MACS} 86dd`, -1, -1],
    ['half a header', LINK.ETHERNET, MACS, -1, -1],
    ['half a tag', LINK.ETHERNET, `${MACS} 8100 00`, -1, -1],
    ['raw IPv6', LINK.RAW, '60', 0, -1],
    ['raw, something else', LINK.RAW, '10', -1, -1],
    ['raw, nothing', LINK.RAW, '', -1, -1],
    ['IPV4', LINK.IPV4, '45', 0, -1],
    ['cooked', LINK.SLL, '0000 0001 0006 0200000000010000 86dd 60', 16, 14],
    ['cooked with a tag', LINK.SLL, '0000 0001 0006 0200000000010000 8100 0064 0800 45', 20, 18],
    ['cooked v2', LINK.SLL2, '0800 0000 00000002 0001 00 06 0200000000010000 45', 20, 0],
    ['cooked v2 with a tag', LINK.SLL2, '8100 0000 00000002 0001 00 06 0200000000010000 0064 86dd 60', 24, 22],
    ['cooked v2, ARP', LINK.SLL2, '0806 0000 00000002 0001 00 06 0200000000010000 45', -1, -1],
    ['NULL, little-endian', LINK.NULL, '02000000 45', 4, 0],
    ['NULL, big-endian', LINK.NULL, '0000001e 60', 4, 3],
    ['LOOP', LINK.LOOP, '00000018 60', 4, 3],
    ['NULL, another family', LINK.NULL, '07000000 45', -1, -1],
    ['an unknown link type', 127, '60', -1, -1],
  ])('%s', (_, linkType, frame, ip, typeAt) => {
    // Bytes around the frame must not be read.
    const b = hex(`0800${frame}6060606060`)
    const length = hex(frame).length
    const found = findIp(linkType, b, 2, 2 + length, spot)
    expect([found, spot.ip, spot.typeAt]).toEqual([ip >= 0, ip < 0 ? -1 : ip + 2, typeAt < 0 ? -1 : typeAt + 2])
  })
})

test.each<[number, string, number, 4 | 6, string]>([
  [LINK.ETHERNET, `${MACS}86dd`, 12, 4, `${MACS}0800`],
  [LINK.ETHERNET, `${MACS}810000640800`, 16, 6, `${MACS}8100006486dd`],
  [LINK.NULL, '02000000', 0, 6, '18000000'],
  [LINK.LOOP, '00000018', 3, 4, '00000002'],
  [LINK.RAW, '', -1, 4, ''],
])('writeVersion on link type %d', (linkType, before, typeAt, version, after) => {
  const b = hex(before)
  writeVersion(linkType, b, typeAt, version)
  expect(b).toEqual(hex(after))
})

test.each([LINK.ETHERNET, LINK.SLL, LINK.SLL2, LINK.NULL, LINK.LOOP, LINK.RAW])(
  'a blank header of link type %d is found',
  linkType => {
    for (const [version, first] of [
      [4, 0x45],
      [6, 0x60],
    ] as const) {
      const frame = Uint8Array.of(...blankHeader(linkType, version), first)
      expect(findIp(linkType, frame, 0, frame.length, spot)).toBe(true)
      expect(spot.ip).toBe(frame.length - 1)
    }
  },
)

test('an answer goes back', () => {
  const b = hex(`${MACS}0800`)
  turnRound(LINK.ETHERNET, b, 0)
  expect(b).toEqual(hex('020000000002 020000000001 0800'))
})

test('what holds one family only becomes RAW', () => {
  expect([LINK.IPV4, LINK.IPV6, LINK.RAW_BSD, LINK.ETHERNET, LINK.SLL2].map(linkForBoth)).toEqual([
    101, 101, 101, 1, 276,
  ])
})
