/** `nat64 trace --write` in a lab: the file says of each packet what the trace said of its path, and can be traced again. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LAB } from '../../src/lab/options.js'
import type { TracedPath } from '../../src/trace/core/traced.js'
import { commentsFor } from '../../src/trace/file/comments.js'
import { readOwnFile } from '../../src/trace/file/embedded-facts.js'
import { makeLab, product, type TestLab } from './lab-product.js'
import { sendAll, type Traced, traceIn } from './tracing.js'

const RULE = `FORWARD -m physdev --physdev-is-bridged --physdev-out tap100i0 -s ${LAB.pool6} -j DROP`

let lab: TestLab
let dir: string
let path: string
let traced: Traced

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-trace-write-'))
  path = join(dir, 'case.pcapng')
  lab = await makeLab({ guests: 1 })
  await lab.start()
  await lab.sh('vm100', `ping -n -c 1 -W 2 ${LAB.host4in6}`)
  traced = await traceIn(lab, [LAB.host4, '--write', path], async () => {
    await sendAll(lab, 'vm100', LAB.host4in6)
    // A rule that the trace does not know of beforehand: who drops the replies, only evidence tells.
    await lab.sh('node', `ip6tables -I ${RULE}`)
    await sendAll(lab, 'vm100', LAB.host4in6)
  })
})

afterAll(async () => {
  await lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs the product outside of the lab. */
function nat64(...args: string[]) {
  const [file = '', ...rest] = [...product, ...args]
  const { status, stdout, stderr } = spawnSync(file, rest, { encoding: 'utf8', timeout: 60_000 })
  const lines = stdout.startsWith('{')
    ? stdout
        .trim()
        .split('\n')
        .map(l => JSON.parse(l) as { type: string })
    : []
  return { status, stderr, paths: lines.filter(l => l.type === 'path') as unknown as TracedPath[] }
}

test('the trace itself', () => {
  expect(traced.paths.map(p => p.verdict.kind)).toEqual(expect.arrayContaining(['delivered', 'died']))
  expect(traced.notes.join('\n')).toMatch(/\d+ packets written to .*case\.pcapng/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('tshark shows place, path and verdict of each packet, as the trace told them', () => {
  const fields = ['frame.interface_name', 'frame.packet_flags_direction', 'frame.comment']
  const { stdout, stderr } = spawnSync(
    'tshark',
    ['-r', path, '-T', 'fields', '-E', 'aggregator=|', ...fields.flatMap(f => ['-e', f])],
    { encoding: 'utf8' },
  )
  expect(stderr.replace(/^Running as user.*\n/m, '')).toBe('')
  const rows = stdout.trimEnd().split('\n')
  const expected = traced.paths.flatMap(p =>
    p.hops.flatMap((hop, i) => {
      const direction = hop.direction === 'in' ? '0x00000001' : '0x00000002'
      return Array(hop.pieces).fill(`${hop.device}\t${direction}\t${commentsFor(p, i).join('|')}`) as string[]
    }),
  )
  expect(rows.sort()).toEqual(expected.sort())
  expect(rows.some(r => /died.*dropped.* by /.test(r))).toBe(true)
})

test('read again, it gives the same paths, without facts from elsewhere', () => {
  expect(readOwnFile(path)).toMatchObject({ target: LAB.host4, extent: 'promiscuous', facts: { links: { ok: true } } })
  const again = nat64('trace', '--read', path, '--json')
  expect([again.stderr, again.status]).toEqual(['', traced.status])
  const told = (paths: readonly TracedPath[]) =>
    paths.map(p => [p.way, p.what, p.verdict.kind, p.verdict.lastSeen, p.hops.map(h => `${h.device} ${h.direction}`)])
  expect(told(again.paths).sort()).toEqual(told(traced.paths).sort())
})

test('read and written again, narrowed to one protocol', () => {
  const ping = join(dir, 'ping.pcapng')
  expect(nat64('trace', '--read', path, '--write', ping, '-p', 'icmp', '--json').status).toBe(traced.status)
  const again = nat64('trace', '--read', ping, '--json')
  expect(new Set(again.paths.map(p => p.protocol))).toEqual(new Set(['icmp']))
  const pings = traced.paths.filter(p => p.protocol === 'icmp')
  expect(again.paths.map(p => p.verdict.kind).sort()).toEqual(pings.map(p => p.verdict.kind).sort())
})

test.each<[what: string, args: () => string[], status: number, sentence: RegExp]>([
  [
    'the file that is read',
    () => ['--read', path, '--write', path],
    2,
    /case\.pcapng is read, and cannot be written at the/,
  ],
  ['a folder', () => ['--read', path, '--write', dir], 3, /cannot write .*: it is a directory\./],
])('%s is not written to', (_, args, status, sentence) => {
  const size = statSync(path).size
  const result = nat64('trace', ...args())
  expect([result.status, result.stderr]).toEqual([status, expect.stringMatching(sentence)])
  expect(statSync(path).size).toBe(size)
})
