/** Reading captures: names, directions, link types, order, twins, and files that are broken. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserError } from '../../../src/errors.js'
import { placeOfName } from '../../../src/trace/file/capture-files.js'
import { bytes, hex, order } from '../../wire/capture-bytes.js'
import { type Collected, census, collect } from './collect.js'

const o = order(true)
const utf8 = (text: string) => new TextEncoder().encode(text)
const PING6 = '60000000 0008 3a40 20010db8000100000000000000000002 0064ff9b0000000000000000cb00710a 8000 0000 0001 0001'
const PING4 = '4500 001c 0000 0000 4001 0000 c0000202 cb00710a 0800 0000 0001 0001'
const MACS = '02000000000a 02000000000b'
const ether = (payload: string, type = '86dd') => hex(`${MACS} ${type} ${payload}`)
const sll = (packetType: string, payload: string, type = '86dd', hardware = '0001') =>
  hex(`${packetType} ${hardware} 0006 02000000000b0000 ${type} ${payload}`)
const sll2 = (index: string, packetType: string, payload: string, type = '86dd', hardware = '0001') =>
  hex(`${type} 0000 000000${index} ${hardware} ${packetType} 06 02000000000b0000 ${payload}`)
const named = (name: string, linkType = 1) => o.interface(linkType, bytes(o.option(2, utf8(name)), o.option(9, [9])))
const flags = (value: number) => o.option(2, o.u32(value))

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-read-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let serial = 0
/** Writes files into a folder of their own. */
function folder(files: Readonly<Record<string, Uint8Array>>): string {
  const path = join(dir, String(serial++))
  mkdirSync(path)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}

/** A frame in words: `vmbr0 in 14+60 of 74 vlan 5 @1.5`. */
function words({ taps, frames }: Collected): string[] {
  return frames.map(f => {
    const { device, netns, linkType } = taps[f.tap]!
    const place = `${device}${netns === null ? '' : `@${netns}`}`
    const link = linkType === 1 ? f.ip - f.start : 'raw '
    const what = f.ip < 0 ? 'no IP' : `${link}+${f.end - f.ip}`
    const cut = f.length === f.end - f.start ? '' : ` of ${f.length}`
    return `${place} ${f.direction} ${what}${cut}${f.vlan > 0 ? ` vlan ${f.vlan}` : ''} @${f.time / 1e9}`
  })
}

test.each([
  ['fwbr100i0', null, 'fwbr100i0'],
  ['eno1.10', null, 'eno1.10'],
  ['any', null, 'any'],
  ['any.sll2', null, 'any'],
  ['anything', null, 'anything'],
  ['jool-ns.any.sll2', 'jool', 'any'],
  ['monday.any', null, 'monday.any'],
  ['veth0@blue', 'blue', 'veth0'],
  ['veth0@pid:12', 'pid:12', 'veth0'],
  ['@', null, '@'],
])('the name %s', (name, netns, device) => expect(placeOfName(name)).toEqual({ netns, device }))

describe('one file', () => {
  test.each<[what: string, name: string, file: Uint8Array, expected: string[]]>([
    [
      'Ethernet: the name of the file is the device',
      'tap100i0.pcap',
      bytes(o.pcapHeader(1), o.pcapRecord(1700000001, 500000, ether(PING6))),
      ['tap100i0 unknown 14+48 @0.5'],
    ],
    [
      'nanoseconds, cut short',
      'x.pcap',
      bytes(o.pcapHeader(1, 0xa1b23c4d), o.pcapRecord(1, 123456789, ether(PING6).subarray(0, 40), 62)),
      ['x unknown 14+26 of 62 @0.123456789'],
    ],
    [
      'a VLAN tag becomes a number; another one inside stays',
      'x.pcap',
      bytes(
        o.pcapHeader(1),
        o.pcapRecord(1, 0, ether(`6064 86dd ${PING6}`, '8100')),
        o.pcapRecord(1, 0, ether(`0007 8100 0008 86dd ${PING6}`, '88a8')),
      ),
      ['x unknown 14+48 vlan 100 @0', 'x unknown 18+48 vlan 7 @0'],
    ],
    [
      'ARP, and a frame of nothing else',
      'x.pcap',
      bytes(o.pcapHeader(1), o.pcapRecord(1, 0, ether('0001', '0806')), o.pcapRecord(1, 0, ether('', '86dd'))),
      ['x unknown no IP @0', 'x unknown no IP @0'],
    ],
    [
      'a name that a terminal would obey',
      'x.pcapng',
      bytes(o.section(), named('eth\u001b[2J0'), o.enhanced(0, 0n, ether(PING6))),
      ['eth\\u001b[2J0 unknown 14+48 @0'],
    ],
    ['raw IP', 'nat64.pcap', bytes(o.pcapHeader(101), o.pcapRecord(1, 0, hex(PING4))), ['nat64 unknown raw +28 @0']],
    [
      'BSD loopback',
      'lo0.pcap',
      bytes(o.pcapHeader(0), o.pcapRecord(1, 0, hex(`02000000${PING4}`))),
      ['lo0 unknown raw +28 @0'],
    ],
    [
      'cooked: directions, but no devices',
      'any.pcap',
      bytes(
        o.pcapHeader(113),
        o.pcapRecord(1, 0, sll('0000', PING6)),
        o.pcapRecord(1, 1, sll('0003', PING6)),
        o.pcapRecord(1, 2, sll('0004', PING4, '0800')),
        o.pcapRecord(1, 3, sll('0007', PING4, '0800')),
      ),
      ['any in 14+48 @0', 'any in 14+48 @0.000001', 'any out 14+28 @0.000002', 'any unknown 14+28 @0.000003'],
    ],
    [
      'cooked v2: devices by index, Ethernet where they are',
      'whatever.pcap',
      bytes(
        o.pcapHeader(276),
        o.pcapRecord(1, 0, sll2('05', '00', PING6)),
        o.pcapRecord(1, 0, sll2('06', '04', PING4, '0800', 'fffe')),
        o.pcapRecord(1, 0, sll2('07', '01', `0064 0806 0001`, '8100')),
      ),
      ['vmbr0 in 14+48 @0', 'if6 out raw +28 @0', 'if7 in no IP vlan 100 @0'],
    ],
    [
      'pcapng: names and directions',
      'whatever.pcapng',
      bytes(
        o.section(),
        named('tap100i0'),
        named('veth1@blue', 101),
        o.enhanced(0, 1_000_000_000n, ether(PING6), flags(1)),
        o.enhanced(1, 1_000_000_001n, hex(PING4), flags(2)),
        o.enhanced(1, 1_000_000_002n, hex(PING4), flags(0)),
        o.enhanced(1, 1_000_000_003n, hex(PING4)),
      ),
      [
        'tap100i0 in 14+48 @0',
        'veth1@blue out raw +28 @1e-9',
        'veth1@blue unknown raw +28 @2e-9',
        'veth1@blue unknown raw +28 @3e-9',
      ],
    ],
    [
      'pcapng without names: the file, and a number',
      'eth.pcapng',
      bytes(
        o.section(),
        o.interface(1),
        o.interface(1),
        o.enhanced(0, 0n, ether(PING6)),
        o.enhanced(1, 0n, ether(PING6)),
      ),
      ['eth unknown 14+48 @0', 'eth:1 unknown 14+48 @0'],
    ],
    [
      'pcapng of `any`, in both versions',
      'x.pcapng',
      bytes(
        o.section(),
        named('any', 276),
        named('any', 113),
        o.enhanced(0, 0n, sll2('05', '04', PING6)),
        o.enhanced(0, 0n, sll2('09', '00', PING6)),
        o.enhanced(1, 0n, sll('0000', PING6)),
      ),
      ['vmbr0 out 14+48 @0', 'if9 in 14+48 @0', 'any in 14+48 @0'],
    ],
  ])('%s', async (_, name, file, expected) => {
    const all = await collect([join(folder({ [name]: file }), name)], { deviceOf: i => (i === 5 ? 'vmbr0' : null) })
    expect([all.error, all.notes, words(all)]).toEqual([null, [], expected])
  })

  test('a cooked frame gets the header that its device gave it, as far as it is known', async () => {
    const file = bytes(
      o.pcapHeader(276),
      o.pcapRecord(1, 0, sll2('05', '04', PING6)),
      o.pcapRecord(1, 0, sll2('05', '00', '424203', '0004')),
    )
    const { frames } = await collect([join(folder({ 'any.pcap': file }), 'any.pcap')])
    const header = (i: number) => Buffer.from(frames[i]!.bytes).toString('hex', frames[i]!.start, frames[i]!.start + 14)
    expect(header(0)).toBe('00000000000002000000000b86dd')
    // 802.3: where others have the type, these frames have their length.
    expect(header(1)).toBe('00000000000002000000000b0003')
  })

  test('the epoch is the whole second of the first packet, also of the far past and future', async () => {
    for (const seconds of [0, 1795430955, 4294967295]) {
      const file = bytes(o.pcapHeader(1), o.pcapRecord(seconds, 999999, ether(PING6)))
      const { epochMs, frames } = await collect([join(folder({ 'x.pcap': file }), 'x.pcap')])
      expect([epochMs, frames[0]?.time]).toEqual([seconds * 1000, 999999000])
    }
  })
})

/** Interface statistics: the end, and packets that were lost since the beginning. */
const START = 4_000_000_000_000n
const time64 = (time: bigint) => bytes(o.u32(Number(time >> 32n)), o.u32(Number(time & 0xffffffffn)))
const statistics = (after: number, lost: number, isEnd: boolean, start = START) => {
  const time = time64(start + BigInt(after))
  const options = [o.option(4, new Uint8Array(8)), o.option(5, bytes(o.u32(lost), o.u32(0)))]
  return o.block(5, o.u32(0), isEnd ? time64(0n) : time, ...(isEnd ? [o.option(3, time)] : []), ...options)
}

test.each<[what: string, blocks: Uint8Array[], end: number | null, losses: object[], notes: RegExp[]]>([
  ['nothing is said', [], null, [], []],
  ['the end', [statistics(1e9, 0, true)], 1e9, [], []],
  [
    'the end, and lost packets',
    [statistics(1e9, 1, true)],
    1e9,
    [],
    [/: the capture lost 1 packet, and does not say when\.$/],
  ],
  [
    'an end in 1970',
    [statistics(1, 4, true, 0n)],
    null,
    [],
    [/: the capture lost 4 packets, and does not say when\.$/],
  ],
  [
    'counts while it ran',
    [statistics(1e8, 0, false), statistics(2e8, 5, false), statistics(3e8, 5, false), statistics(4e8, 8, true)],
    4e8,
    [
      [5, 1e8, 2e8],
      [3, 3e8, 4e8],
    ],
    [],
  ],
])('what a capture says of itself: %s', async (_, blocks, end, losses, notes) => {
  const file = bytes(o.section(), named('eth0'), o.enhanced(0, START, ether(PING6)), ...blocks)
  const all = await collect([join(folder({ 'x.pcapng': file }), 'x.pcapng')])
  expect([all.error, all.frames.length, all.end, all.losses]).toEqual([null, 1, end, losses])
  expect(all.notes).toEqual(notes.map(n => expect.stringMatching(n)))
})

/** A ping whose sequence number is `n`. */
const ping = (n: number) => ether(`${PING6.slice(0, -4)}${n.toString(16).padStart(4, '0')}`)
const sequence = ({ frames }: Collected) => frames.map(f => (f.bytes[f.start + 60]! << 8) | f.bytes[f.start + 61]!)

describe('several files', () => {
  test('merged by time', async () => {
    const file = (...times: number[]) =>
      bytes(o.pcapHeader(1), ...times.map(t => o.pcapRecord(100 + Math.floor(t / 10), (t % 10) * 1e5, ping(t))))
    const path = folder({ 'a.pcap': file(0, 3, 4, 90), 'b.pcap': file(1, 2, 5), 'c.pcap': file(), 'd.txt': hex('00') })
    const all = await collect([path])
    expect(sequence(all)).toEqual([0, 1, 2, 3, 4, 5, 90])
    expect(all.taps.map(t => t.device)).toEqual(['a', 'b'])
    const some = await collect([join(path, 'b.pcap'), join(path, 'a.pcap')])
    expect(sequence(some)).toEqual([0, 1, 2, 3, 4, 5, 90])
  })

  test('within a file, packets up to a second late find their place', async () => {
    const late = [5, 1, 3, 0, 12, 9, 30, 8].map(t => o.pcapRecord(100 + Math.floor(t / 10), (t % 10) * 1e5, ping(t)))
    const all = await collect([join(folder({ 'a.pcap': bytes(o.pcapHeader(1), ...late) }), 'a.pcap')])
    expect(sequence(all)).toEqual([0, 1, 3, 5, 9, 12, 8, 30])
    expect(all.frames[0]?.time).toBe(0)
  })

  const any = (...packets: [n: number, us: number, direction: 'in' | 'out'][]) =>
    bytes(
      o.pcapHeader(276),
      ...packets.map(([n, us, way]) =>
        o.pcapRecord(1, us, sll2('05', way === 'in' ? '00' : '04', Buffer.from(ping(n).subarray(14)).toString('hex'))),
      ),
    )
  const own = (...packets: [n: number, us: number][]) =>
    bytes(o.pcapHeader(1), ...packets.map(([n, us]) => o.pcapRecord(1, us, ping(n))))
  const both = async (files: Record<string, Uint8Array>) => {
    const all = await collect([folder(files)], { deviceOf: i => (i === 5 ? 'vmbr0' : null) })
    return { all, told: all.frames.map((f, i) => `${sequence(all)[i]} ${f.direction} ${f.time / 1000}`) }
  }

  test('a packet in two captures is one sighting: time and direction of the one that knows it', async () => {
    const { all, told } = await both({
      'any.pcap': any([1, 10, 'in'], [2, 30, 'out']),
      'vmbr0.pcap': own([1, 12], [2, 29]),
    })
    expect([told, all.twins, all.taps.length]).toEqual([['1 in 10', '2 out 30'], 2, 1])
    // The link header is the one that was captured.
    expect(all.frames.map(f => f.bytes[f.start + 5])).toEqual([10, 10])
  })

  test.each<[what: string, any: Parameters<typeof any>, own: Parameters<typeof own>, told: string[]]>([
    ['further apart than clocks are', [[1, 10, 'in']], [[1, 20_010]], ['1 in 10', '1 unknown 20010']],
    ['of other bytes', [[1, 10, 'in']], [[2, 10]], ['1 in 10', '2 unknown 10']],
    [
      'repeated: each has one twin',
      [
        [1, 10, 'in'],
        [1, 20, 'in'],
        [1, 30, 'out'],
      ],
      [
        [1, 12],
        [1, 22],
      ],
      ['1 in 10', '1 in 20', '1 out 30'],
    ],
    ['that came first in the other file', [[1, 40, 'out']], [[1, 39]], ['1 out 40']],
  ])('twins: packets %s', async (_, inAny, inOwn, expected) => {
    const { told } = await both({ 'any.pcap': any(...inAny), 'vmbr0.pcap': own(...inOwn) })
    expect(told).toEqual(expected)
  })

  test('twins of which one is cut short: the longer copy stays', async () => {
    const long = bytes(ping(1), new Uint8Array(100))
    const cut = sll2('05', '00', Buffer.from(long.subarray(14)).toString('hex')).subarray(0, 68)
    const { all } = await both({
      'any.pcap': bytes(o.pcapHeader(276), o.pcapRecord(1, 10, cut, 168)),
      'vmbr0.pcap': bytes(o.pcapHeader(1), o.pcapRecord(1, 11, long)),
    })
    expect(all.frames.map(f => [f.direction, f.end - f.start, f.length])).toEqual([['in', 162, 162]])
  })

  test('the same packet twice in one capture is two sightings', async () => {
    const { told } = await both({ 'a.pcap': own([7, 1]), 'vmbr0.pcap': own([1, 1], [1, 1]) })
    expect(told).toEqual(['7 unknown 1', '1 unknown 1', '1 unknown 1'])
  })
})

describe('broken files', () => {
  const good = bytes(o.pcapHeader(1), o.pcapRecord(1, 0, ping(1)), o.pcapRecord(3, 0, ping(3)))
  const claims = bytes(o.u32(4), o.u32(0), o.u32(0x7fffffff), o.u32(60))

  test.each<[what: string, files: Record<string, Uint8Array>, frames: number[], error: RegExp]>([
    [
      'in the middle: the error comes after the good packets of all files',
      { 'a.pcap': bytes(good, claims), 'b.pcap': bytes(o.pcapHeader(1), o.pcapRecord(9, 0, ping(9))) },
      [1, 3, 9],
      /^cannot read .*\/a\.pcap: at byte 188, a packet claims 2147483647 captured bytes\.$/,
    ],
    ['no capture', { 'a.pcap': utf8('hello') }, [], /^cannot read .*a\.pcap: at byte 0, this is neither a pcap nor/],
    ['empty', { 'a.pcap': hex('') }, [], /^cannot read .*a\.pcap: at byte 0, the file is empty\.$/],
    ['a folder without captures', { 'a.txt': hex('') }, [], /^no capture is in .*: no file there ends in \.pcap or /],
  ])('%s', async (_, files, frames, sentence) => {
    const all = await collect([folder(files)])
    expect(sequence(all)).toEqual(frames)
    expect((all.error as UserError).message).toMatch(sentence)
    expect((all.error as UserError).exitCode).toBe(3)
  })

  test('no such file', async () => {
    const { error } = await collect([join(dir, 'nowhere.pcap')])
    expect((error as UserError).message).toMatch(/^cannot read .*nowhere\.pcap: there is no such file or directory\.$/)
    expect((error as UserError).exitCode).toBe(3)
  })

  test('one that ends too early, or of unknown link type: said, and no error', async () => {
    const path = folder({
      'a.pcap': good.subarray(0, good.length - 1),
      'b.pcap': bytes(o.pcapHeader(127), o.pcapRecord(1, 0, ping(1)), o.pcapRecord(1, 0, ping(1))),
      'c.pcap': bytes(o.pcapHeader(1), o.pcapRecord(1, 0, hex('020000'))),
    })
    const all = await collect([path])
    expect([all.error, sequence(all)]).toEqual([null, [1]])
    expect(all.notes.map(n => n.replace(path, ''))).toEqual([
      '/a.pcap: the file ends in the middle of a packet (byte 102); what came before was read.',
      '/b.pcap: 2 packets passed over: link type 127 is not known.',
      '/c.pcap: 1 packet passed over: cut short within the link header.',
    ])
  })

  test('more interfaces than any host has', async () => {
    const index = (i: number) => (i + 1).toString(16).padStart(4, '0')
    const records = Array.from({ length: 5000 }, (_, i) =>
      o.pcapRecord(1, 0, hex(`86dd 0000 0000${index(i)} 0001 00 06 02000000000b0000 60`)),
    )
    const path = folder({ 'any.pcap': new Uint8Array(Buffer.concat([o.pcapHeader(276), ...records])) })
    const all = await collect([path])
    expect(all.frames.length).toBe(4096)
    expect(all.notes).toEqual([expect.stringMatching(/904 packets passed over: more interfaces than/)])
  })
})

describe('standard input', () => {
  const file = bytes(o.pcapHeader(1), o.pcapRecord(1, 0, ping(1)), o.pcapRecord(1, 5, ping(2)))

  test('a terminal is refused', async () => {
    const { error } = await collect(['-'], { input: Object.assign(new PassThrough(), { isTTY: true }) })
    expect((error as UserError).message).toBe('standard input is a terminal; pipe a capture into it.')
  })

  test('a pipe that falls silent keeps nothing back', async () => {
    const input = new PassThrough()
    const seen: number[] = []
    const reading = collect(['-'], { input }, f => seen.push(f.time))
    input.write(file)
    await sleep(800)
    expect(seen).toEqual([0, 5000])
    input.end(o.pcapRecord(1, 9, ping(3)))
    const all = await reading
    expect([sequence(all), all.taps[0]?.device, all.error]).toEqual([[1, 2, 3], 'any', null])
  })

  test('reading is ended from outside', async () => {
    const input = new PassThrough()
    const stop = new AbortController()
    const reading = collect(['-'], { input, signal: stop.signal })
    input.write(file)
    await sleep(20)
    stop.abort()
    const all = await reading
    expect([sequence(all), all.error]).toEqual([[1, 2], null])
  })
})

test('names of a host whose interfaces are known', async () => {
  const path = folder({ 'any.pcap': bytes(o.pcapHeader(276), o.pcapRecord(1, 0, sll2('05', '00', PING6))) })
  expect(census(await collect([path]))).toEqual({ 'if5 in': 1 })
  expect(census(await collect([path], { deviceOf: i => `dev${i}` }))).toEqual({ 'dev5 in': 1 })
})
