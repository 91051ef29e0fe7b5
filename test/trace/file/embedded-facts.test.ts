/** Facts within a capture file: in and out again, at any size, and what is broken. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Facts } from '../../../src/facts/facts.js'
import { loadFacts } from '../../../src/facts/load.js'
import { parseFacts } from '../../../src/facts/save.js'
import { ownComments, readFacts, readOwnFile } from '../../../src/trace/file/embedded-facts.js'
import { openTraceWriter } from '../../../src/trace/file/write.js'
import { emitSection } from '../../../src/wire/pcapng-write.js'
import { readAll } from '../../wire/read-all.js'

const FIXTURES = join(import.meta.dirname, '../../../fixtures')
let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-facts-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let serial = 0
function written(facts: Facts | null): string {
  const path = join(dir, `${serial++}.pcapng`)
  const onProblem = (error: Error) => {
    throw error
  }
  openTraceWriter({ path, application: 'nat64 1', target: 'guest 100', facts, onProblem }).close(null)
  return path
}
const file = (content: Uint8Array) => {
  const path = join(dir, `${serial++}.pcapng`)
  writeFileSync(path, content)
  return path
}
const HOST = readFileSync(join(FIXTURES, 'facts/jool-ok-1.json'), 'utf8')

test.each(readdirSync(join(FIXTURES, 'facts')).filter(f => f.endsWith('.json')))('%s', name => {
  const facts = parseFacts(readFileSync(join(FIXTURES, 'facts', name), 'utf8'), name)
  const path = written(facts)
  expect(readFacts(path)).toEqual(facts)
  // One comment: a host takes some 8 KB in its capture file.
  expect(statSync(path).size).toBeLessThan(9000)
  expect(readAll(readFileSync(path)).problem).toBeNull()
})

test('a recorded host', () => {
  const facts = loadFacts(join(FIXTURES, 'recordings/remedy-jool-netns'))
  expect(readFacts(written(facts))).toEqual(parseFacts(JSON.stringify(facts), ''))
})

test('a large host in several pieces; one that is too large is left out, and that is said', () => {
  const facts = parseFacts(HOST, '')
  // Random text does not compress.
  const noisy = (size: number): Facts => ({
    ...facts,
    kernelLog: { ok: true, source: 'dmesg', value: [{ time: 1, text: randomBytes(size).toString('base64') }] },
  })
  const large = noisy(500_000)
  const path = written(large)
  expect(readAll(readFileSync(path)).reader.comments.length).toBeGreaterThan(10)
  expect(readFacts(path)).toEqual(large)
  expect(ownComments({ target: 'x', extent: 'passive', facts: noisy(4_000_000) })).toEqual([
    'nat64 trace: x',
    'captured on all interfaces, none made promiscuous',
    'the facts of the host are not in this file: they are too large',
  ])
})

test.each(['promiscuous', 'passive', 'described'] as const)('captured %s', extent => {
  const comments = ownComments({ target: 'guest 100,\nnet0', extent, facts: null })
  expect(readOwnFile(commented(...comments))).toEqual({ target: 'guest 100,\nnet0', extent, facts: null })
})

test('other files have none', () => {
  expect(readFacts(written(null))).toBeNull()
  for (const name of ['guest.pcap', 'both.pcapng', 'README.md']) {
    expect(readOwnFile(join(FIXTURES, 'pcap', name))).toBeNull()
  }
  expect(readFacts(file(new Uint8Array(0)))).toBeNull()
  expect(() => readFacts(join(dir, 'nowhere'))).toThrow(/^cannot read .*nowhere: there is no such file or directory\.$/)
})

const OURS = 'nat64 trace: all'
const commented = (...comments: string[]) => file(emitSection('t', { comments }))
const packed = (text: string | Uint8Array) => gzipSync(text).toString('base64')

test.each<[what: string, path: () => string, sentence: RegExp]>([
  [
    'a piece is missing',
    () =>
      commented(
        ...ownComments({ target: '', extent: 'passive', facts: parseFacts(HOST, '') }).map(c => c.slice(0, 4000)),
      ),
    /are damaged\.$/,
  ],
  ['no archive', () => commented(OURS, 'nat64-facts 1/1 AAAA'), /^the facts of the host in .* are damaged\.$/],
  [
    'no facts',
    () => commented(OURS, `nat64-facts 1/1 ${packed('{}')}`),
    /does not hold facts of a host: it has no "schema"/,
  ],
  ['a bomb', () => commented(OURS, `nat64-facts 1/1 ${packed(new Uint8Array(70 * 1024 * 1024))}`), /are damaged\.$/],
])('%s', (_, path, sentence) => {
  expect(() => readFacts(path())).toThrow(sentence)
  expect(() => readFacts(path())).toThrow(expect.objectContaining({ exitCode: 4 }))
})
