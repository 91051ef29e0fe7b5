/** Garbage for the control protocol: each line has an answer, and whoever behaves is answered whatever the others do. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerLine, askControl, type ControlHandler, serveControl } from '../../src/run/control.js'
import { mutateJsonText, mutateText, type Pick, picker, rounds, seedOf } from '../fuzz/text.js'

const handler: ControlHandler = {
  status: async () => ({ uptimeMs: 5 }),
  async table(what, limit) {
    if (what === 'guests') throw new Error('the packet worker did not answer')
    return { rows: Array.from({ length: Math.min(limit, 5) }, (_, i) => i), total: 4711 }
  },
}
const REQUESTS = [
  { ask: 'status' },
  { ask: 'bib', limit: 2 },
  { ask: 'sessions', limit: 100_000 },
  { ask: 'guests', limit: 0 },
  { ask: ['bib'], limit: { a: 1 } },
]
const OTHERS = [
  'GET / HTTP/1.1',
  '\u0016\u0003\u0001\u0002',
  'null',
  '[]',
  '{}',
  '"',
  '{"ask":'.repeat(500),
  '['.repeat(4000),
]
const WORDS = ['"ask"', '"limit"', 'status', '__proto__', '1e400']
const SEED = seedOf(13)

function garbage(pick: Pick): string {
  const kind = pick(10)
  if (kind === 0) return OTHERS[pick(OTHERS.length)] as string
  if (kind === 1) return 'x'.repeat(pick(6000))
  if (kind === 2) return Array.from({ length: pick(80) }, () => String.fromCharCode(pick(0x2ff))).join('')
  const request = REQUESTS[pick(REQUESTS.length)]
  return kind < 5 ? mutateJsonText(request, pick) : mutateText(JSON.stringify(request), pick, WORDS)
}

it(`answers ${rounds(100_000)} lines (seed ${SEED})`, { timeout: 60_000 * rounds(2) }, async () => {
  const pick = picker(SEED)
  const seen = { ok: 0, refused: 0 }
  for (let i = 0; i < rounds(100_000); i++) {
    const line = garbage(pick)
    const answer = await answerLine(line, handler)
    if (answer.ok) seen.ok++
    else {
      seen.refused++
      if (!/^(?:a request is|"ask" is|"limit" is|the packet worker)/.test(answer.error))
        throw new Error(`${line}: ${answer.error}`)
    }
    if (/[\n\0-\x1f]/.test(JSON.stringify(answer))) throw new Error(`${line}: an answer of several lines`)
  }
  expect(seen.ok).toBeGreaterThan(1000)
  expect(seen.refused).toBeGreaterThan(10_000)
})

describe('the socket', () => {
  let dir: string
  let path: string
  let server: Server
  const sockets: Socket[] = []
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'nat64-garbage-'))
    path = join(dir, 'a.sock')
    server = await serveControl(path, handler)
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
    server.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(socket))
      socket.on('error', error => {
        if (!('code' in error) || !/^E(?:PIPE|CONNRESET)$/.test(String(error.code))) reject(error)
      })
      sockets.push(socket)
    })
  const closed = (socket: Socket) =>
    socket.destroyed ? Promise.resolve() : new Promise<void>(resolve => socket.once('close', () => resolve()))
  const behaves = async () => expect(await askControl(path, { ask: 'status' })).toEqual({ uptimeMs: 5 })
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

  it(`takes ${rounds(20_000)} lines of garbage, cut anywhere, from many, and answers each line`, {
    timeout: 120_000,
  }, async () => {
    const pick = picker(SEED + 1)
    for (let client = 0; client < 20; client++) {
      const socket = await open()
      const lines = Array.from({ length: rounds(1000) }, () => garbage(pick).replaceAll('\n', ' ')).filter(
        l => l.trim() !== '',
      )
      const short = lines.filter(l => l.length < 4000)
      let answers = 0
      socket.setEncoding('utf8').on('data', (text: string) => {
        for (const c of text) if (c === '\n') answers++
      })
      const bytes = Buffer.from(`${short.join('\n')}\n`)
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + pick(3000)
        if (!socket.write(bytes.subarray(at, at + size))) await new Promise<void>(r => socket.once('drain', () => r()))
        at += size
      }
      socket.end()
      await closed(socket)
      expect(answers).toBe(short.length)
    }
    await behaves()
  })

  it('outlives 3000 connections that are opened and dropped, mute, in the middle of a line, or with binary', {
    timeout: 60_000,
  }, async () => {
    const pick = picker(SEED + 2)
    for (let i = 0; i < 3000; i++) {
      const socket = connect(path)
      socket.on('error', () => {})
      const kind = pick(4)
      if (kind === 0) socket.destroy()
      else if (kind === 1) socket.write('{"ask":"sta', () => socket.destroy())
      else if (kind === 2)
        socket.write(Buffer.from(Array.from({ length: 200 }, () => pick(256))), () => socket.destroy())
      else socket.write('{"ask":"status"}\n', () => socket.destroy())
      if (i % 20 === 0) await closed(socket)
      if (i % 1000 === 0) await pause(50).then(behaves)
    }
    await pause(50)
    await behaves()
  })

  it('cuts off lines without end, and lines without anything in them', async () => {
    for (const flood of ['x'.repeat(1_000_000), '\n'.repeat(1_000_000), '{'.repeat(1_000_000)]) {
      const socket = await open()
      socket.resume()
      socket.write(flood)
      await closed(socket)
      await behaves()
    }
  })

  it('keeps no answers for who asks and never reads', { timeout: 60_000 }, async () => {
    const large = Array.from({ length: 100_000 }, (_, i) => i)
    let asked = 0
    const other = join(dir, 'large.sock')
    const greedy = await serveControl(other, {
      status: async () => ({ uptimeMs: 5 }),
      table: async () => {
        asked++
        return { rows: large, total: large.length }
      },
    })
    try {
      const socket = connect(other)
      socket.on('error', () => {})
      sockets.push(socket)
      socket.pause()
      socket.write('{"ask":"sessions","limit":100000}\n'.repeat(1000))
      await pause(300)
      expect(asked).toBeGreaterThan(0)
      // One is being sent; those behind it wait with their askers.
      expect(asked).toBeLessThan(4)
      expect(await askControl(other, { ask: 'status' })).toEqual({ uptimeMs: 5 })
    } finally {
      greedy.close()
    }
  })
})
