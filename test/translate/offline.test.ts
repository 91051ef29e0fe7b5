import { describe, expect, test } from 'vitest'
import { parsePrefix4 } from '../../src/addr/prefix.js'
import { createOffline, type OutPacket, translateRecord } from '../../src/translate/offline.js'
import { seededTranslator } from '../../src/translate/offline-config.js'
import { createCaptureReader, nextRecord, pushBytes } from '../../src/wire/capture-reader.js'
import { fold, pseudo4, sum } from '../../src/wire/checksum.js'
import { describePacket } from '../../src/wire/describe.js'
import { LINK } from '../../src/wire/link.js'
import { DEFAULT_CONFIG, type XlatConfig } from '../../src/xlat/config.js'
import { REASONS } from '../../src/xlat/reason.js'
import { bytes, hex } from '../wire/capture-bytes.js'
import { PING6, pcap, type Shot, UDP6, v4, v6 } from './packets.js'

const CONFIG: XlatConfig = {
  ...DEFAULT_CONFIG,
  pool4: [
    {
      prefix: parsePrefix4('192.0.2.1/32')!,
      protocols: ['tcp', 'udp', 'icmp'],
      ports: [5000, 5000],
    },
  ],
}

interface Result {
  readonly verdicts: string[]
  readonly out: (Omit<OutPacket, 'header' | 'packet'> & { header: string; packet: Uint8Array; text: string })[]
}

function translate(
  linkType: number,
  shots: readonly Shot[],
  options: { keepDropped?: boolean; raw?: boolean; config?: XlatConfig } = {},
): Result {
  const { keepDropped = false, raw = false, config = CONFIG } = options
  const out: Result['out'] = []
  const verdicts: string[] = []
  const offline = createOffline(seededTranslator(config, 1), config, { keepDropped, raw, comments: true }, o =>
    out.push({
      ...o,
      header: Buffer.from(o.header).toString('hex'),
      packet: o.packet.slice(),
      text: describePacket(o.packet),
    }),
  )
  const reader = createCaptureReader()
  pushBytes(reader, pcap(linkType, ...shots))
  while (nextRecord(reader)) {
    translateRecord(offline, reader.record, linkType)
    verdicts.push(offline.reason > 0 ? `${offline.verdict}: ${REASONS[offline.reason]?.code}` : offline.verdict)
  }
  return { verdicts, out }
}

const MACS = '020000000001 020000000002'
const at0 = (frame: Uint8Array, keep?: number): Shot[] => [{ at: 1000, frame, ...(keep === undefined ? {} : { keep }) }]

describe('link layers keep their header, but for the family', () => {
  test.each<[what: string, linkType: number, before: string, after: string]>([
    ['Ethernet', LINK.ETHERNET, `${MACS}86dd`, `${MACS}0800`],
    ['VLAN', LINK.ETHERNET, `${MACS}8100006486dd`, `${MACS}810000640800`],
    ['RAW', LINK.RAW, '', ''],
    ['IPV6', LINK.IPV6, '', ''],
    ['LINUX_SLL', LINK.SLL, '000000010006020000000001000086dd', '00000001000602000000000100000800'],
    ['LINUX_SLL2', LINK.SLL2, '86dd0000000000020001000602000000000100 00', '080000000000000200010006020000000001 0000'],
    ['NULL', LINK.NULL, '1e000000', '02000000'],
    ['LOOP', LINK.LOOP, '00000018', '00000002'],
  ])('%s', (_, linkType, before, after) => {
    const { verdicts, out } = translate(linkType, at0(bytes(hex(before), UDP6)))
    expect(verdicts).toEqual(['translated'])
    expect(out[0]).toMatchObject({
      header: after.replace(/ /g, ''),
      text: 'IPv4 192.0.2.1 > 192.31.196.2 ttl 63 UDP 5000 > 53 len 4',
      length: hex(after).length + 32,
      seconds: 1000,
      nanoseconds: 0,
    })
  })

  test('raw drops it', () => {
    const { out } = translate(LINK.ETHERNET, at0(bytes(hex(`${MACS}86dd`), UDP6)), { raw: true })
    expect(out[0]).toMatchObject({ header: '', length: 32 })
  })

  test('padding of short frames goes', () => {
    const { out } = translate(LINK.ETHERNET, at0(bytes(hex(`${MACS}86dd`), UDP6, new Uint8Array(9))))
    expect(out[0]?.packet.length).toBe(32)
  })
})

test('both directions in one capture: the reply finds the session', () => {
  const reply = v4(17, '0035 1388 000a 0000 7879')
  const { verdicts, out } = translate(LINK.RAW, [
    { at: 1, frame: UDP6 },
    { at: 1.5, frame: reply },
    { at: 700, frame: reply },
  ])
  // The third comes after the binding's five minutes.
  expect(verdicts).toEqual(['translated', 'translated', expect.stringMatching(/no_bib_entry/)])
  expect(out[1]?.text).toBe('IPv6 64:ff9b::c01f:c402 > 2001:db8:1::2 hlim 63 UDP 53 > 4660 len 2')
  expect(out[1]).toMatchObject({ seconds: 1, nanoseconds: 500_000_000 })
})

test('time that goes back does no harm', () => {
  const { verdicts } = translate(LINK.RAW, [
    { at: 1000, frame: UDP6 },
    { at: 10, frame: v4(17, '0035 1388 000a 0000 7879') },
  ])
  expect(verdicts).toEqual(['translated', 'translated'])
})

test('an ICMP error goes back to whence the packet came', () => {
  const { verdicts, out } = translate(LINK.ETHERNET, at0(bytes(hex(`${MACS}86dd`), v6(17, '1234 0035 0008 0000', 1))))
  expect(verdicts).toEqual(['replied: ttl_expired'])
  expect(out[0]?.header).toBe('02000000000202000000000186dd')
  expect(out[0]?.text).toMatch(/^IPv6 .* > 2001:db8:1::2 .*ICMPv6 3\/0 time exceeded \{IPv6 2001:db8:1::2/)
  expect(out[0]?.comments.at(-1)).toMatch(/^nat64 replied \(ttl_expired: .*; on: IPv6 2001:db8:1::2 > /)
})

test('a SYN from outside that nobody answers is refused six seconds later', () => {
  const frame = v4(6, '03e8 1388 00000001 00000000 5002 0400 0000 0000')
  const config = { ...CONFIG, filtering: 'address-dependent' as const }
  const { verdicts, out } = translate(
    LINK.ETHERNET,
    [
      { at: 1, frame: bytes(hex(`${MACS}0800`), frame) },
      { at: 100, frame: bytes(hex(`${MACS}0806`), hex('0001')) },
    ],
    { config },
  )
  expect(verdicts).toEqual(['stored', 'passed'])
  expect(out).toHaveLength(1)
  expect(out[0]?.text).toMatch(/^IPv4 .* > 192\.31\.196\.2 .*ICMP 3\/3/)
  expect(out[0]?.header).toBe('0000000000000000000000000800')
  expect(out[0]!.seconds).toBeGreaterThanOrEqual(7)
  expect(out[0]!.seconds).toBeLessThan(9)
})

describe('what is not translated', () => {
  const ARP = bytes(hex(`${MACS}0806`), hex('00010800'))
  const OTHER = bytes(hex(`${MACS}86dd`), v6(17, '0001 0002 0008 0000').fill(0x20, 24, 40))

  test('is left out', () => {
    const { verdicts, out } = translate(LINK.ETHERNET, [...at0(ARP), ...at0(OTHER)])
    expect([verdicts, out]).toEqual([['passed', 'dropped: pool6_mismatch'], []])
  })

  test('is kept as it is on request, with the reason', () => {
    const { out } = translate(LINK.ETHERNET, [...at0(ARP), ...at0(OTHER)], { keepDropped: true })
    expect(out.map(o => [o.isOriginal, o.comments])).toEqual([
      [true, ['nat64 passed: the frame carries no IP packet']],
      [true, ['nat64 dropped (pool6_mismatch: The IPv6 destination is outside pool6.)']],
    ])
    expect(out[1]?.packet).toEqual(OTHER)
  })

  test('without link layer, frames without IP cannot be kept', () => {
    const { out } = translate(LINK.ETHERNET, [...at0(ARP), ...at0(OTHER)], { keepDropped: true, raw: true })
    expect(out.map(o => o.packet)).toEqual([OTHER.subarray(14)])
  })
})

describe('packets cut short', () => {
  const TCP6 = v6(6, `1234 0050 00000001 00000000 8002 0400 0000 0000 0204 05b4 01010101 0000 0000 ${'aa'.repeat(200)}`)

  test.each<[what: string, packet: Uint8Array, keep: number, verdict: string, captured: number]>([
    ['UDP, header captured', UDP6, 48, 'translated', 28],
    ['UDP, half a header', UDP6, 46, 'dropped: truncated', 0],
    ['TCP without its options', TCP6, 60, 'translated', 40],
    ['TCP, half a header', TCP6, 59, 'dropped: truncated', 0],
    ['ping', PING6, 48, 'translated', 28],
    ['half an IPv6 header', UDP6, 30, 'dropped: truncated', 0],
    [
      'an ICMP error, whose checksum covers what is missing',
      v6(58, `0100 0000 00000000 ${'60'.repeat(60)}`),
      80,
      'dropped: truncated',
      0,
    ],
  ])('%s', (_, packet, keep, verdict, captured) => {
    const { verdicts, out } = translate(LINK.RAW, at0(packet, keep))
    expect(verdicts).toEqual([verdict])
    if (captured === 0) return expect(out).toEqual([])
    expect([out[0]?.packet.length, out[0]?.length]).toEqual([captured, packet.length - 20])
  })

  test('the missing bytes count in the checksum as if they were there', () => {
    const whole = translate(LINK.RAW, at0(TCP6)).out[0]!.packet
    const cut = translate(LINK.RAW, at0(TCP6, 72)).out[0]!.packet
    expect(cut).toEqual(whole.subarray(0, 52))
  })
})

describe('captures taken before the offloads', () => {
  /** Leaves only the pseudo-header's sum in the TCP checksum. */
  const partial = (packet: Uint8Array) => {
    const b = packet.slice()
    const length = b.length - 40
    const c = fold(sum(b, 8, 40, length + 6))
    b.set([c >>> 8, c & 255], 56)
    return b
  }
  const isTcpRight = (b: Uint8Array) =>
    fold(sum(b, 20, b.length, pseudo4(sum32At(b, 12), sum32At(b, 16), 6, b.length - 20))) === 0xffff
  const sum32At = (b: Uint8Array, o: number) => Buffer.from(b).readUInt32BE(o)
  const SYN = '1234 0050 00000001 00000000 5002 0400 0000 0000'

  test('a checksum left to the card is completed', () => {
    const { out } = translate(LINK.RAW, at0(partial(v6(6, SYN))))
    expect(isTcpRight(out[0]!.packet)).toBe(true)
  })

  test('a wrong checksum stays wrong', () => {
    const b = v6(6, SYN)
    b[56]! ^= 0x55
    expect(isTcpRight(translate(LINK.RAW, at0(b)).out[0]!.packet)).toBe(false)
  })

  test('TCP larger than the MTU is one packet, not too big', () => {
    const open = { at: 1, frame: v6(6, SYN) }
    const data = {
      at: 2,
      frame: partial(v6(6, `1234 0050 00000002 00000001 5010 0400 0000 0000 ${'ab'.repeat(20_000)}`)),
    }
    const { verdicts, out } = translate(LINK.RAW, [open, data])
    expect(verdicts).toEqual(['translated', 'translated'])
    expect(out[1]?.packet.length).toBe(20_040)
    expect(isTcpRight(out[1]!.packet)).toBe(true)
  })
})

test('the same capture and seed give the same bytes; another seed other ports', () => {
  const config = { ...CONFIG, pool4: [{ ...CONFIG.pool4[0]!, ports: [1024, 65535] as const }] }
  const run = (seed: number) => {
    const packets: string[] = []
    const offline = createOffline(
      seededTranslator(config, seed),
      config,
      { keepDropped: false, raw: false, comments: false },
      o => packets.push(Buffer.from(o.packet).toString('hex')),
    )
    const reader = createCaptureReader()
    pushBytes(reader, pcap(LINK.RAW, { at: 1, frame: UDP6 }, { at: 2, frame: PING6 }))
    while (nextRecord(reader)) translateRecord(offline, reader.record, LINK.RAW)
    return packets
  }
  expect(run(1)).toEqual(run(1))
  expect(run(1)).not.toEqual(run(2))
})
