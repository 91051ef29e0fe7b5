/** Mutated captures through reading and writing: a sentence at most, never another exception, in bounded memory. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UserError } from '../../../src/errors.js'
import { parseFacts } from '../../../src/facts/save.js'
import { readCaptures } from '../../../src/trace/file/read.js'
import { openTraceWriter, type TraceWriter } from '../../../src/trace/file/write.js'
import { checkEnd, createCaptureReader, nextRecord, pushBytes } from '../../../src/wire/capture-reader.js'
import { findIp } from '../../../src/wire/link.js'
import { bytes, hex, order } from '../../wire/capture-bytes.js'
import { readAll } from '../../wire/read-all.js'

const RUNS = 20_000
/** Bytes of a seed that are used: few, so that mutations meet what matters. */
const HEAD = 1500
const FIXTURES = join(import.meta.dirname, '../../../fixtures')

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-fuzz-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function writer(path: string, onProblem: (error: UserError) => void): TraceWriter {
  const facts = parseFacts(readFileSync(join(FIXTURES, 'facts/jool-no-instance.json'), 'utf8'), '')
  const links = { ...facts, kernelLog: { ...facts.kernelLog, value: [] } } as typeof facts
  return openTraceWriter({ path, application: 'nat64 1', target: 'all', facts: links, onProblem })
}

function seeds(): Uint8Array[] {
  const files = [
    'pcap/guest.pcap',
    'pcap/any-snap96.pcap',
    'pcap/both.pcapng',
    'recordings/jool-ok-nofw/any.sll2.pcap',
    'recordings/remedy-tayga/nat64.pcap',
  ].map(f => new Uint8Array(readFileSync(join(FIXTURES, f))).slice(0, HEAD))
  const ping = hex('02000000000a02000000000b 81000064 86dd 6000000000003b40')
  const orders = [true, false].map(little => {
    const o = order(little)
    const named = o.interface(1, bytes(o.option(2, hex('65746830')), o.option(9, [9]), o.u32(0)))
    return bytes(
      o.section(),
      named,
      o.interface(113),
      o.interface(0),
      o.enhanced(0, 5n, ping, bytes(o.option(1, hex('6869')), o.option(2, o.u32(1)), o.u32(0))),
      o.enhanced(1, 9n, hex('0004 0001 0006 02000000000b0000 0800 45')),
      o.enhanced(2, 9n, hex('02000000 45')),
      o.simple(ping),
      o.obsolete(0, 1n, ping),
      o.block(
        5,
        o.u32(0),
        o.u32(0),
        o.u32(99),
        o.option(3, bytes(o.u32(0), o.u32(999))),
        o.option(5, bytes(o.u32(1), o.u32(0))),
      ),
    )
  })
  const path = join(dir, 'own.pcapng')
  const own = writer(path, () => {})
  own.start(1000)
  own.tap({ id: 0, netns: 'blue', ifindex: 3, device: 'veth0', linkType: 1 })
  own.judge(
    own.see({ time: 1, tap: 0, direction: 'in', bytes: ping, start: 0, ip: -1, end: 26, length: 90, vlan: 0 }),
    ['x'],
  )
  own.loss(3, 1, 2)
  own.close(5)
  return [...files, ...orders, new Uint8Array(readFileSync(path))]
}

test(`${RUNS} files`, { timeout: 240_000 }, async () => {
  const all = seeds()
  const random = xorshift(4)
  const path = join(dir, 'out.pcapng')
  const before = process.memoryUsage().arrayBuffers
  let frames = 0
  let problems = 0
  for (let run = 0; run < RUNS; run++) {
    const file = mutate(all[run % all.length]!, random)
    const isRewritten = run % 40 === 0
    const out = isRewritten
      ? writer(path, error => {
          throw error
        })
      : null
    let ended: number | null = null
    const input = Readable.from(pieces(file, random), { objectMode: true })
    try {
      await readCaptures(
        ['-'],
        { input },
        {
          start: ms => out?.start(ms),
          tap: tap => out?.tap(tap),
          frame(frame) {
            frames++
            if (frame.start > frame.end || frame.end > frame.bytes.length || frame.ip >= frame.end) {
              throw new Error(`frame ${frame.start} ${frame.ip} ${frame.end} of ${frame.bytes.length}`)
            }
            out?.see(frame)
          },
          loss: (count, from, to) => out?.loss(count, from, to),
          end(time) {
            ended = time
          },
          note: text => expect(text).not.toBe(''),
        },
      )
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode !== 3) throw error
      expect(error.message).toMatch(/^cannot read standard input: at byte \d+, .+\.$/)
      problems++
    }
    if (out === null) continue
    const { packets } = out.close(ended)
    const back = readAll(new Uint8Array(readFileSync(path)))
    expect([back.problem, back.seen.length]).toEqual([null, packets])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(300e6)
  }
  // The mutations must matter, and some files must survive them.
  expect(problems).toBeGreaterThan(RUNS / 20)
  expect(problems).toBeLessThan(RUNS * 0.9)
  expect(frames).toBeGreaterThan(RUNS)
})

const READER_RUNS = 80_000

test(`${READER_RUNS} more through the reader alone`, { timeout: 240_000 }, () => {
  const all = seeds()
  const random = xorshift(8)
  const spot = { ip: -1, typeAt: -1 }
  let records = 0
  let problems = 0
  for (let run = 0; run < READER_RUNS; run++) {
    const file = mutate(all[run % all.length]!, random)
    const reader = createCaptureReader()
    for (const piece of pieces(file, random)) {
      pushBytes(reader, piece)
      while (nextRecord(reader)) {
        const { bytes, start, end, interfaceId } = reader.record
        const { linkType } = reader.interfaces[interfaceId]!
        if (start > end || end > bytes.length) throw new Error(`run ${run}: record ${start} ${end} of ${bytes.length}`)
        if (findIp(linkType, bytes, start, end, spot) && (spot.ip < start || spot.ip >= end)) {
          throw new Error(`run ${run}: IP at ${spot.ip}, record ${start} ${end}`)
        }
        records++
      }
    }
    const malformed = reader.malformed ?? checkEnd(reader)
    if (malformed === null) continue
    problems++
    if (malformed.text === '' || /[\0-\x1f\x7f]/.test(malformed.text)) throw new Error(`run ${run}: ${malformed.text}`)
  }
  expect(problems).toBeGreaterThan(READER_RUNS / 20)
  expect(records).toBeGreaterThan(READER_RUNS)
})

function mutate(seed: Uint8Array, random: () => number): Uint8Array {
  const file = seed.slice()
  for (let i = random() % 5; i > 0; i--) {
    const at = random() % (random() % 2 ? file.length : Math.min(200, file.length))
    file[at] = random() % 3 ? random() : [0, 1, 4, 128, 255][random() % 5]!
  }
  return random() % 4 ? file : file.subarray(0, random() % file.length)
}

function* pieces(file: Uint8Array, random: () => number): Generator<Uint8Array> {
  const size = random() % 3 ? file.length : 1 + (random() % 200)
  for (let o = 0; o < file.length; o += size) yield file.slice(o, o + size)
}

/** A small seeded generator, so that a failure can be repeated. */
function xorshift(seed: number): () => number {
  let x = seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}
