/** Writing captures: what is written is read back, verdicts wait for their packets, and a broken disk ends only the file. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserError } from '../../../src/errors.js'
import type { Frame, Tap } from '../../../src/trace/core/frame.js'
import { NOT_JUDGED, openTraceWriter, type TraceWriterOptions } from '../../../src/trace/file/write.js'
import { hex } from '../../wire/capture-bytes.js'
import { readAll } from '../../wire/read-all.js'
import { collect } from './collect.js'

const EPOCH = Date.parse('2026-11-23T10:00:00Z')
const MACS = '02000000000a 02000000000b'
const PING6 = '60000000 0008 3a40 20010db8000100000000000000000002 0064ff9b0000000000000000cb00710a 8000 0000 0001 0001'
const TAP: Tap = { id: 0, netns: null, ifindex: 7, device: 'tap100i0', linkType: 1 }
const TUN: Tap = { id: 1, netns: null, ifindex: 8, device: 'nat64', linkType: 101 }
const INNER: Tap = { id: 2, netns: 'blue', ifindex: 2, device: 'veth0', linkType: 1 }

let dir: string
let serial = 0
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-write-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const fresh = () => join(dir, `${serial++}.pcapng`)

function frameOf(fields: Partial<Frame> & { readonly data?: string }): Frame {
  const { data = `${MACS} 86dd ${PING6}`, ...rest } = fields
  const bytes = hex(data)
  const end = bytes.length
  return { time: 0, tap: 0, direction: 'in', bytes, start: 0, ip: 14, end, length: end, vlan: 0, ...rest }
}

function open(options: Partial<TraceWriterOptions> = {}) {
  const problems: UserError[] = []
  const path = options.path ?? fresh()
  const writer = openTraceWriter({
    path,
    application: 'nat64 1.2.3',
    target: '203.0.113.10',
    extent: 'described',
    facts: null,
    onProblem: e => problems.push(e),
    ...options,
  })
  writer.start(EPOCH)
  for (const tap of [TAP, TUN, INNER]) writer.tap(tap)
  return { writer, path, problems }
}

const written = (path: string) => readAll(readFileSync(path))
const comments = (path: string) => written(path).seen.map(r => r.comments.join(' | '))

test('interfaces, directions, nanoseconds, lengths', () => {
  const { writer, path } = open()
  for (const frame of [
    frameOf({ tap: 1, direction: 'out', data: PING6, ip: 0, time: 5, length: 1500 }),
    frameOf({ time: 1_234_567_890 }),
    frameOf({ tap: 1, direction: 'unknown', data: PING6, ip: 0, time: -1 }),
    frameOf({ tap: 2, time: 3e9, vlan: 100 }),
  ]) {
    writer.judge(writer.see(frame), [])
  }
  expect(writer.close(null)).toEqual({ packets: 4, unjudged: 0 })
  const { reader, seen, problem } = written(path)
  expect(problem).toBeNull()
  expect(reader.comments).toEqual(['nat64 trace: 203.0.113.10', 'captured on the interfaces of this file'])
  expect(reader.interfaces.map(i => [i.name, i.description, i.linkType])).toEqual([
    ['tap100i0', 'ifindex 7', 1],
    ['nat64', 'ifindex 8', 101],
    ['veth0@blue', 'ifindex 2', 1],
  ])
  const seconds = EPOCH / 1000
  expect(seen.map(r => [r.interfaceId, r.time, r.flags, r.length])).toEqual([
    [1, `${seconds}.000000005`, 2, 1500],
    [0, `${seconds + 1}.234567890`, 1, 62],
    [1, `${seconds - 1}.999999999`, -1, 48],
    [2, `${seconds + 3}.000000000`, 1, 66],
  ])
  expect(seen[3]?.data).toMatch(/^02000000000a02000000000b8100006486dd60/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('frames of places that nobody announced are not written; places without frames are', async () => {
  const { writer, path } = open()
  writer.tap({ ...INNER, device: 'other' })
  expect(writer.see(frameOf({ tap: 9 }))).toBe(-1)
  writer.close(null)
  expect(written(path).reader.interfaces.length).toBe(3)
  const { taps, frames } = await collect([path])
  expect([taps, frames]).toEqual([[TAP, TUN, INNER], []])
})

test('a tag that is still in its frame is not put in again', () => {
  const { writer, path } = open()
  writer.see(frameOf({ data: `${MACS} 8100 6064 86dd ${PING6}`, ip: 18, vlan: 100 }))
  writer.see(frameOf({ tap: 1, data: PING6, ip: 0, vlan: 100 }))
  writer.close(null)
  expect(written(path).seen.map(r => r.data.length / 2)).toEqual([66, 48])
})

describe('verdicts', () => {
  test('packets leave in the order in which they came, once they are judged', () => {
    const { writer, path } = open()
    const packets = () => {
      writer.flush()
      return comments(path)
    }
    const tickets = [0, 1, 2, 3].map(time => writer.see(frameOf({ time })))
    writer.judge(tickets[1]!, ['b'])
    expect(packets()).toEqual([])
    writer.judge(tickets[0]!, ['a', 'delivered'])
    expect(packets()).toEqual(['a | delivered', 'b'])
    writer.judge(tickets[0]!, ['too late'])
    writer.judge(99, ['never seen'])
    writer.judge(-1, ['not written'])
    writer.judge(tickets[3]!, ['d'])
    expect(packets().length).toBe(2)
    expect(writer.close(null)).toEqual({ packets: 4, unjudged: 1 })
    expect(comments(path)).toEqual(['a | delivered', 'b', NOT_JUDGED, 'd'])
  })

  test('a packet that is not wanted is not written', () => {
    const { writer, path } = open()
    const tickets = [0, 1, 2].map(time => writer.see(frameOf({ time })))
    writer.drop(tickets[1]!)
    writer.judge(tickets[0]!, ['a'])
    writer.drop(tickets[0]!)
    writer.drop(-1)
    expect(writer.close(null)).toEqual({ packets: 2, unjudged: 1 })
    expect(comments(path)).toEqual(['a', NOT_JUDGED])
  })

  test('a packet that waits too long, or too many of them, leave without', () => {
    const old = open({ bounds: { bytes: 1e6, age: 1000 } })
    old.writer.see(frameOf({ time: 0 }))
    const last = old.writer.see(frameOf({ time: 1001 }))
    old.writer.judge(last, ['judged'])
    old.writer.close(null)
    expect(comments(old.path)).toEqual([NOT_JUDGED, 'judged'])

    const many = open({ bounds: { bytes: 5000, age: 1e9 } })
    for (let i = 0; i < 100; i++) many.writer.see(frameOf({ time: i }))
    many.writer.flush()
    const left = comments(many.path).length
    expect(left).toBeGreaterThan(80)
    expect(left).toBeLessThan(95)
    expect(many.writer.close(null)).toEqual({ packets: 100, unjudged: 100 })
  })

  test('tickets stay right over many thousand packets', () => {
    const { writer, path } = open()
    const waiting: number[] = []
    for (let i = 0; i < 20_000; i++) {
      waiting.push(writer.see(frameOf({ time: i })))
      if (i % 3 === 0) for (const ticket of waiting.splice(0, 4)) writer.judge(ticket, [`packet ${ticket}`])
    }
    for (const ticket of waiting) writer.judge(ticket, [`packet ${ticket}`])
    writer.close(null)
    expect(comments(path)).toEqual(Array.from({ length: 20_000 }, (_, i) => `packet ${i}`))
  })
})

test('what the capture lost, and until when it was, stand in the file', async () => {
  const { writer, path } = open()
  writer.see(frameOf({ time: 3e9 }))
  writer.loss(7, 3.5e9, 4e9)
  writer.loss(2, 4e9, 4.25e9)
  writer.close(9_000_000_001)
  expect(written(path).problem).toBeNull()
  const all = await collect([path])
  // The epoch of the file is its first packet's second.
  expect([all.epochMs, all.losses, all.end, all.notes]).toEqual([
    EPOCH + 3000,
    [
      [7, 0.5e9, 1e9],
      [2, 1e9, 1.25e9],
    ],
    6_000_000_001,
    [],
  ])
})

describe('a file that cannot be written', () => {
  test('a full disk: one sentence, and no more', () => {
    const { writer, problems } = open({ path: '/dev/full' })
    for (let i = 0; i < 10; i++) {
      writer.judge(writer.see(frameOf({ time: i })), [])
      writer.flush()
    }
    writer.close(null)
    expect(problems.map(p => [p.message, p.exitCode])).toEqual([
      ['cannot write /dev/full: no space is left on the device.', 3],
    ])
  })

  test('a file that is removed under the trace', () => {
    const path = fresh()
    const { writer, problems } = open({ path })
    const packet = frameOf({ data: `${MACS} 86dd ${PING6} ${'00'.repeat(1000)}` })
    for (let i = 0; i < 500; i++) writer.judge(writer.see({ ...packet, time: i }), [])
    writer.flush()
    const before = written(path)
    expect([before.problem, before.seen.length]).toEqual([null, 500])
    rmSync(path)
    writer.judge(writer.see(packet), [])
    writer.flush()
    writer.close(null)
    expect(problems.map(p => p.message)).toEqual([`cannot write ${path}: somebody has removed it.`])
  })

  test.each([
    ['a folder', () => dir, 3, /^cannot write .*: it is a directory\.$/],
    ['a folder that is not there', () => join(dir, 'no/x.pcapng'), 3, /: there is no such file or directory\.$/],
  ])('%s', (_, path, exitCode, sentence) => {
    expect(() => open({ path: path() })).toThrow(expect.objectContaining({ exitCode }))
    expect(() => open({ path: path() })).toThrow(sentence)
  })

  test('the file that is being read', () => {
    const path = fresh()
    writeFileSync(path, 'capture')
    expect(() => open({ path, inputs: ['-', '/nowhere', path] })).toThrow(/is read, and cannot be written at the same/)
    expect(readFileSync(path, 'utf8')).toBe('capture')
    open({ path, inputs: [dir] }).writer.close(null)
    expect(written(path).problem).toBeNull()
  })
})

test('a pipe that nobody reads any more', () => {
  const path = join(dir, 'pipe')
  // Opened for reading and writing, it lets others open it for writing.
  execFileSync('mkfifo', [path])
  const fd = openSync(path, 'r+')
  const { writer, problems } = open({ path })
  closeSync(fd)
  writer.see(frameOf({}))
  writer.close(null)
  expect(problems.map(p => p.message)).toEqual([`cannot write ${path}: nobody reads it any more.`])
})

const arbitraryFrame = fc
  .record({
    tap: fc.constantFrom(0, 1, 2),
    time: fc.nat(2_000_000_000),
    direction: fc.constantFrom('in' as const, 'out' as const, 'unknown' as const),
    payload: fc.uint8Array({ maxLength: 200 }),
    isIp: fc.boolean(),
    cut: fc.nat(3000),
    vlan: fc.oneof(fc.constant(0), fc.nat(4095)),
    before: fc.nat(20),
  })
  .map(({ tap, payload, isIp, cut, before, vlan, ...rest }): Frame => {
    const link = tap === 1 ? new Uint8Array(0) : hex(`${MACS} ${isIp ? '0800' : '88b5'}`)
    if (payload.length > 0) payload[0] = isIp ? 0x45 : 0x10
    // Within a larger buffer, as in a ring.
    const bytes = new Uint8Array(before + link.length + payload.length + 9).fill(0x60)
    bytes.set(link, before)
    bytes.set(payload, before + link.length)
    const end = before + link.length + payload.length
    const ip = isIp && payload.length > 0 ? before + link.length : -1
    return { ...rest, tap, bytes, start: before, ip, end, length: end - before + cut, vlan: tap === 1 ? 0 : vlan }
  })

test('what is written is read back to the same frames', async () => {
  const taps = [TAP, TUN, INNER]
  const plain = (f: Frame, known: readonly Tap[]) => ({
    tap: { ...known[f.tap], id: 0 },
    time: f.time,
    direction: f.direction,
    data: Buffer.from(f.bytes.subarray(f.start, f.end)).toString('hex'),
    ip: f.ip < 0 ? -1 : f.ip - f.start,
    length: f.length,
    vlan: f.vlan,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryFrame, { minLength: 1, maxLength: 30 }), async frames => {
      const inOrder = frames.sort((a, b) => a.time - b.time)
      const { writer, path } = open()
      for (const frame of inOrder) writer.judge(writer.see(frame), frame.length % 2 ? ['a comment'] : [])
      writer.close(null)
      const all = await collect([path])
      expect([all.error, all.notes, all.twins]).toEqual([null, [], 0])
      const shift = (all.epochMs! - EPOCH) * 1e6
      const back = all.frames.map(f => plain({ ...f, time: f.time + shift }, all.taps))
      expect(back).toEqual(inOrder.map(f => plain(f, taps)))
    }),
    { numRuns: 200 },
  )
})
