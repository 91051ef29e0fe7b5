import { describe, expect, test } from 'vitest'
import { emitPcapHeader, emitPcapRecordHeader } from '../../src/wire/pcap.js'
import { bytes, hex, order } from './capture-bytes.js'
import { readAll } from './read-all.js'

const DATA = hex('6000000000003b40')
const seen = (time: string, data = '6000000000003b40', length = data.length / 2) => ({
  interfaceId: 0,
  time,
  data,
  length,
  flags: -1,
  comments: [],
})

describe.each([true, false])('reading pcap, little-endian %s', little => {
  const o = order(little)

  test.each<[what: string, file: Uint8Array, records: object[]]>([
    ['no packet', o.pcapHeader(101), []],
    ['microseconds', bytes(o.pcapHeader(101), o.pcapRecord(1700000000, 999999, DATA)), [seen('1700000000.999999000')]],
    ['nanoseconds', bytes(o.pcapHeader(101, 0xa1b23c4d), o.pcapRecord(1, 999999999, DATA)), [seen('1.999999999')]],
    [
      'a fraction of more than a second',
      bytes(o.pcapHeader(101), o.pcapRecord(1, 1500000, DATA)),
      [seen('2.500000000')],
    ],
    ['times past 2038', bytes(o.pcapHeader(101), o.pcapRecord(4294967295, 0, DATA)), [seen('4294967295.000000000')]],
    [
      'packets cut short, and an empty one',
      bytes(o.pcapHeader(101), o.pcapRecord(1, 0, DATA, 1500), o.pcapRecord(2, 0, hex(''), 60)),
      [seen('1.000000000', '6000000000003b40', 1500), seen('2.000000000', '', 60)],
    ],
    ['a length below the captured one', bytes(o.pcapHeader(101), o.pcapRecord(1, 0, DATA, 3)), [seen('1.000000000')]],
  ])('%s, in chunks of any size', (_, file, records) => {
    for (const size of [file.length, 1, 7, 24, 25]) {
      const { seen, problem } = readAll(file, size)
      expect([seen, problem]).toEqual([records, null])
    }
  })

  test.each<[what: string, file: Uint8Array, problem: string]>([
    ['empty', hex(''), '0: the file is empty'],
    ['three bytes', hex('d4c3b2'), '0: the file is too short for a capture'],
    ['half a header', o.pcapHeader(1).subarray(0, 20), '0: the file is too short for a capture'],
    ['text', Buffer.from('hello, world'), '0: this is neither a pcap nor a pcapng file'],
    ['gzip', hex('1f8b0800000000000003'), '0: this file is compressed; unpack it first (gunzip)'],
    ['half a record header', bytes(o.pcapHeader(1), hex('00000000')), '24: the file ends in the middle of a packet'],
    [
      'half a packet',
      bytes(o.pcapHeader(1), o.pcapRecord(1, 0, DATA), o.pcapRecord(2, 0, DATA).subarray(0, 20)),
      '48: the file ends in the middle of a packet',
    ],
    [
      'a captured length no packet has',
      bytes(o.pcapHeader(1), o.u32(1), o.u32(0), o.u32(0x7fffffff), o.u32(60)),
      '32: a packet claims 2147483647 captured bytes',
    ],
    [
      'another version',
      bytes(o.u32(0xa1b2c3d4), o.u16(3), o.u16(0), o.u32(0), o.u32(0), o.u32(0), o.u32(1)),
      '4: this is version 3 of the pcap format; version 2 is known',
    ],
  ])('%s: said with its offset', (_, file, problem) => {
    for (const size of [file.length || 1, 1, 5]) expect(readAll(file, size).problem).toBe(problem)
  })
})

test('link type without its frame check sequence bits', () => {
  const { reader } = readAll(order(true).pcapHeader(0x24000001))
  expect(reader.interfaces).toEqual([{ linkType: 1, name: '', description: '', snapLength: 65535 }])
})

test.each([
  [false, '5.123456000'],
  [true, '5.123456789'],
])('writing, nanoseconds %s: read back', (nanoseconds, time) => {
  const file = bytes(
    emitPcapHeader(276, nanoseconds),
    emitPcapRecordHeader({ seconds: 5, nanoseconds: 123456789 }, DATA.length, 100, nanoseconds),
    DATA,
  )
  const { reader, seen: records, problem } = readAll(file)
  expect([reader.interfaces[0]?.linkType, records, problem]).toEqual([276, [seen(time, undefined, 100)], null])
})
