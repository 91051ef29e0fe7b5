import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emitInterface, emitPacket, emitSection, emitStatistics } from '../../src/wire/pcapng-write.js'
import { bytes, hex, order } from './capture-bytes.js'
import { readAll } from './read-all.js'

const DATA = hex('6000000000003b40aabb')
const utf8 = (text: string) => new TextEncoder().encode(text)
const record = (fields: object) => ({
  interfaceId: 0,
  time: '0.000000000',
  data: '6000000000003b40aabb',
  length: 10,
  flags: -1,
  comments: [],
  ...fields,
})
const LITTLE = order(true)
const BIG = order(false)

describe.each([true, false])('reading pcapng, little-endian %s', little => {
  const o = order(little)
  const option64 = (value: bigint) => {
    const halves = [o.u32(Number((value >> 32n) & 0xffffffffn)), o.u32(Number(value & 0xffffffffn))] as const
    return little ? bytes(halves[1], halves[0]) : bytes(halves[0], halves[1])
  }
  const NAMED = o.interface(1, bytes(o.option(2, utf8('tap100i0')), o.option(9, [9]), o.u32(0)))

  test.each<[what: string, file: Uint8Array, records: object[]]>([
    ['a section alone', o.section(), []],
    [
      'microseconds are the default unit',
      bytes(o.section(), o.interface(101), o.enhanced(0, 1700000000123456n, DATA)),
      [record({ time: '1700000000.123456000' })],
    ],
    [
      'nanoseconds',
      bytes(o.section(), NAMED, o.enhanced(0, 1700000000123456789n, DATA)),
      [record({ time: '1700000000.123456789' })],
    ],
    [
      'binary fractions and an offset in seconds',
      bytes(
        o.section(),
        o.interface(1, bytes(o.option(9, [0x80 | 10]), o.option(14, option64(-100n)))),
        o.enhanced(0, 1000n * 1024n + 512n, DATA),
      ),
      [record({ time: '900.500000000' })],
    ],
    [
      'the finest unit there is',
      bytes(o.section(), o.interface(1, o.option(9, [127])), o.enhanced(0, 0xffffffffffffffffn, DATA)),
      [record({})],
    ],
    [
      'flags and comments, unknown options skipped',
      bytes(
        o.section(),
        o.interface(1),
        o.enhanced(
          0,
          0n,
          DATA,
          bytes(
            o.option(1, utf8('eins')),
            o.option(999, [1, 2, 3]),
            o.option(2, o.u32(2)),
            o.option(1, utf8('zwei ü')),
            o.u32(0),
          ),
        ),
      ),
      [record({ flags: 2, comments: ['eins', 'zwei ü'] })],
    ],
    [
      'what follows the end of options is no option',
      bytes(o.section(), o.interface(1), o.enhanced(0, 0n, DATA, bytes(o.u32(0), o.u16(1), o.u16(60000)))),
      [record({})],
    ],
    [
      'simple packets take the snap length and the time of the packet before',
      bytes(
        o.section(),
        o.interface(1, undefined, 4),
        o.enhanced(0, 7_000_000n, DATA),
        o.simple(DATA.subarray(0, 4), 10),
      ),
      [record({ time: '7.000000000' }), record({ time: '7.000000000', data: '60000000' })],
    ],
    [
      'obsolete packets',
      bytes(o.section(), o.interface(1), o.obsolete(0, 1_000_001n, DATA)),
      [record({ time: '1.000001000' })],
    ],
    [
      'blocks of other kinds, in between',
      bytes(
        o.section(),
        o.block(4, o.u32(0)),
        o.interface(1),
        o.block(5, new Uint8Array(20)),
        o.block(0x80000bad, DATA),
        o.enhanced(0, 0n, DATA),
      ),
      [record({})],
    ],
    [
      'a packet cut short',
      bytes(o.section(), o.interface(1), o.enhanced(0, 0n, DATA, undefined, 1514)),
      [record({ length: 1514 })],
    ],
    [
      'a second section in the other byte order has interfaces of its own',
      bytes(
        o.section(),
        o.interface(1),
        o.enhanced(0, 0n, DATA),
        ...[order(!little)].flatMap(p => [
          p.section(),
          p.interface(101),
          p.interface(113),
          p.enhanced(1, 2_000_000n, DATA),
        ]),
      ),
      [record({}), record({ interfaceId: 2, time: '2.000000000' })],
    ],
  ])('%s, in chunks of any size', (_, file, records) => {
    for (const size of [file.length, 1, 5, 28, 100]) {
      const { seen, problem } = readAll(file, size)
      expect([seen, problem]).toEqual([records, null])
    }
  })

  test('interfaces: link type, name, snap length', () => {
    const { reader } = readAll(bytes(o.section(), NAMED, o.interface(276, undefined, 96)))
    expect(reader.interfaces).toEqual([
      { linkType: 1, name: 'tap100i0', description: '', snapLength: 0 },
      { linkType: 276, name: '', description: '', snapLength: 96 },
    ])
  })

  const start = bytes(o.section(), o.interface(1))
  test.each<[what: string, file: Uint8Array, problem: string]>([
    [
      'wrong byte-order magic',
      bytes(o.u32(0x0a0d0d0a), o.u32(28), o.u32(1), new Uint8Array(16)),
      '8: a section does not begin with the byte-order magic',
    ],
    ['another version', o.section(2), '12: this is version 2 of the pcapng format; version 1 is known'],
    [
      'a length of zero',
      bytes(start, o.u32(6), o.u32(0), o.u32(0)),
      `${start.length + 4}: a block claims a length of 0 bytes`,
    ],
    [
      'a length that is no multiple of 4',
      bytes(start, o.u32(6), o.u32(33), new Uint8Array(40)),
      `${start.length + 4}: a block claims a length of 33 bytes`,
    ],
    [
      'a huge length',
      bytes(start, o.u32(6), o.u32(0xfffffff0), o.u32(0)),
      `${start.length + 4}: a block claims a length of 4294967280 bytes`,
    ],
    [
      'lengths that differ',
      bytes(start, o.u32(5), o.u32(16), o.u32(0), o.u32(20)),
      `${start.length + 12}: the two lengths of a block differ`,
    ],
    [
      'an unknown interface',
      bytes(start, o.enhanced(1, 0n, DATA)),
      `${start.length + 8}: a packet names interface 1, which the file does not describe`,
    ],
    [
      'no interface at all',
      bytes(o.section(), o.simple(DATA)),
      '36: a packet names interface 0, which the file does not describe',
    ],
    [
      'more captured bytes than the block has',
      bytes(start, o.block(6, o.u32(0), o.u32(0), o.u32(0), o.u32(9), o.u32(9), new Uint8Array(8))),
      `${start.length + 20}: a packet claims 9 captured bytes, more than its block holds`,
    ],
    [
      'a packet block too short',
      bytes(start, o.block(6, o.u32(0))),
      `${start.length + 8}: a packet block is too short`,
    ],
    ['a simple packet too short', bytes(start, o.block(3)), `${start.length + 8}: a simple packet block is too short`],
    ['an interface too short', bytes(o.section(), o.block(1)), '36: an interface description is too short'],
    [
      'a section too short',
      bytes(o.u32(0x0a0d0d0a), o.u32(16), o.u32(0x1a2b3c4d), o.u32(16)),
      '8: a section header is too short',
    ],
    [
      'an option past its block',
      bytes(start, o.enhanced(0, 0n, DATA, bytes(o.u16(1), o.u16(5)))),
      `${start.length + 8 + 20 + 12}: an option of 5 bytes runs past its block`,
    ],
    [
      'more interfaces than there are',
      new Uint8Array(Buffer.concat([o.section(), ...Array.from({ length: 65_537 }, () => o.interface(1))])),
      `${28 + 65_536 * 20 + 8}: the file describes more than 65536 interfaces`,
    ],
    [
      'half a block',
      bytes(start, o.enhanced(0, 0n, DATA).subarray(0, 30)),
      `${start.length}: the file ends in the middle of a packet`,
    ],
  ])('%s: said with its offset', (_, file, problem) => {
    for (const size of [file.length, 9, ...(file.length < 1000 ? [1] : [])])
      expect(readAll(file, size).problem).toBe(problem)
  })
})

test('what is written is read back', () => {
  const meta = { interfaceId: 1, seconds: 1700000000, nanoseconds: 123456789, length: 2000, flags: 1 }
  const long = 'ü'.repeat(40_000)
  const file = bytes(
    emitSection('nat64', { hardware: 'x86_64', os: 'Linux', comments: ['eins', 'zwei'] }),
    emitInterface(101, ''),
    emitInterface(1, 'vmbr0', 'ifindex 5'),
    emitPacket({ ...meta, comments: ['dropped: no_bib_entry'] }, hex('aabb'), hex('cc')),
    emitPacket({ ...meta, flags: -1, comments: [long] }, hex(''), hex('')),
  )
  const { reader, seen, problem } = readAll(file)
  expect(problem).toBeNull()
  expect(reader.comments).toEqual(['eins', 'zwei'])
  expect(reader.interfaces.map(i => [i.name, i.description])).toEqual([
    ['', ''],
    ['vmbr0', 'ifindex 5'],
  ])
  expect(seen[0]).toEqual(
    record({
      interfaceId: 1,
      time: '1700000000.123456789',
      data: 'aabbcc',
      length: 2000,
      flags: 1,
      comments: ['dropped: no_bib_entry'],
    }),
  )
  expect(seen[1]).toMatchObject({ flags: -1, data: '', comments: ['ü'.repeat(32_766)] })
})

test('mutated files: a problem at most, never an exception, the same however they are cut into chunks', {
  timeout: 60_000,
}, () => {
  const seeds = [LITTLE, BIG].flatMap(o => [
    bytes(o.pcapHeader(1), o.pcapRecord(1, 2, DATA), o.pcapRecord(3, 4, DATA, 99)),
    bytes(
      o.section(),
      o.interface(1, bytes(o.option(2, utf8('eth0')), o.option(9, [9]), o.u32(0))),
      o.enhanced(0, 5n, DATA, bytes(o.option(1, utf8('hi')), o.u32(0))),
      o.simple(DATA),
      o.obsolete(0, 1n, DATA),
    ),
  ])
  const random = mulberry32(20)
  let problems = 0
  for (let run = 0; run < 100_000; run++) {
    const file = (seeds[run % seeds.length] as Uint8Array).slice()
    for (let i = 1 + (random() % 4); i > 0; i--)
      file[random() % file.length] = random() % 3 ? random() : [0, 1, 255][random() % 3]!
    const cut = random() % 4 ? file : file.subarray(0, random() % file.length)
    const whole = readAll(cut)
    if (whole.problem !== null) problems++
    if (run % 16 === 0) {
      const pieces = readAll(cut, 1 + (random() % 16))
      expect([pieces.problem, pieces.seen]).toEqual([whole.problem, whole.seen])
    }
  }
  // The mutations must matter, and some files must survive them.
  expect(problems).toBeGreaterThan(10_000)
  expect(problems).toBeLessThan(90_000)
})

test('interface statistics, in either byte order', () => {
  for (const o of [LITTLE, BIG]) {
    const count = (n: number) => (o === LITTLE ? bytes(o.u32(n), o.u32(0)) : bytes(o.u32(0), o.u32(n)))
    const file = bytes(
      o.section(),
      o.interface(1),
      o.block(5, o.u32(0), o.u32(0), o.u32(7), o.option(5, count(3)), o.option(7, count(4)), o.option(6, count(9))),
      o.block(5, o.u32(0), o.u32(0), o.u32(7), o.option(3, bytes(o.u32(0), o.u32(1_500_000)))),
      o.block(5, o.u32(1), o.u32(0), o.u32(7)),
    )
    const { reader, problem } = readAll(file)
    expect(problem).toBeNull()
    expect(reader.statistics).toEqual([
      { interfaceId: 0, seconds: 0, nanoseconds: 7000, lost: 7 },
      { interfaceId: 0, seconds: 1, nanoseconds: 500_000_000, lost: 0 },
    ])
    expect(readAll(bytes(o.section(), o.interface(1), o.block(5, o.u32(0)))).problem).toMatch(
      /statistics are too short/,
    )
  }
  const written = bytes(emitSection('t'), emitInterface(1, ''), emitStatistics(0, 5, 6, 2 ** 32 + 1, true))
  expect(readAll(written).reader.statistics).toEqual([
    { interfaceId: 0, seconds: 5, nanoseconds: 6, lost: 2 ** 32 + 1 },
  ])
})

test('any time survives writing and reading', () => {
  fc.assert(
    fc.property(fc.nat(4294967295), fc.nat(999_999_999), (seconds, nanoseconds) => {
      const packet = emitPacket(
        { interfaceId: 0, seconds, nanoseconds, length: 0, flags: -1, comments: [] },
        hex(''),
        hex(''),
      )
      const { seen } = readAll(bytes(emitSection('t'), emitInterface(1, ''), packet))
      expect(seen[0]?.time).toBe(`${seconds}.${String(nanoseconds).padStart(9, '0')}`)
    }),
    { numRuns: 500 },
  )
})

/** A small seeded generator, so that a failure can be repeated. */
function mulberry32(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}
