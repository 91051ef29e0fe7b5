import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerLine, askControl, type ControlHandler, removeDeadSocket, serveControl } from '../../src/run/control.js'

/** Ends without taking its socket away. */
const LEAVE_SOCKET =
  "require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))"

const handler: ControlHandler = {
  status: async () => ({ uptimeMs: 5 }),
  async table(what, limit) {
    if (what === 'guests') throw new Error('the packet worker did not answer')
    return { rows: Array.from({ length: limit }, (_, i) => i), total: 4711 }
  },
}

let dir: string
const servers: Server[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-control-'))
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  rmSync(dir, { recursive: true, force: true })
})
const serve = async (path: string) => {
  const server = await serveControl(path, handler)
  servers.push(server)
  return server
}

describe('a request', () => {
  const rows: readonly [string, object | string][] = [
    ['{"ask":"status"}', { ok: true, data: { uptimeMs: 5 } }],
    ['{"ask":"bib","limit":2}', { ok: true, data: { rows: [0, 1], total: 4711 } }],
    ['{"ask":"sessions","limit":0}', { ok: true, data: { rows: [], total: 4711 } }],
    ['{"ask":"guests"}', 'the packet worker did not answer'],
    ['{"ask":"bib","limit":-1}', '"limit" is a whole number'],
    ['{"ask":"bib","limit":1.5}', '"limit" is a whole number'],
    ['{"ask":"bib","limit":"all"}', '"limit" is a whole number'],
    ['{"ask":"bib","limit":1e9}', '"limit" is a whole number'],
    ['{"ask":"constructor"}', '"ask" is one of'],
    ['{"ask":["status"]}', '"ask" is one of'],
    ['{}', '"ask" is one of'],
    ['null', '"ask" is one of'],
    ['[]', '"ask" is one of'],
    ['42', '"ask" is one of'],
    ['{"ask":', 'one JSON object'],
    ['GET / HTTP/1.1', 'one JSON object'],
    [`{"ask":"${'x'.repeat(5000)}"}`, 'at most 4096 bytes'],
  ]
  it.each(rows)('%s', async (line, expected) => {
    const answer = await answerLine(line, handler)
    if (typeof expected === 'string') expect(answer).toEqual({ ok: false, error: expect.stringContaining(expected) })
    else expect(answer).toEqual(expected)
  })
})

describe('the socket', () => {
  it('is for its owner alone and answers', async () => {
    const path = join(dir, 'a.sock')
    await serve(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await askControl(path, { ask: 'status' })).toEqual({ uptimeMs: 5 })
    expect(await askControl(path, { ask: 'bib', limit: 5 })).toEqual({ rows: [0, 1, 2, 3, 4], total: 4711 })
  })

  it('replaces one that nobody listens on', async () => {
    const path = join(dir, 'a.sock')
    spawnSync(process.execPath, ['-e', LEAVE_SOCKET, path])
    expect(statSync(path).isSocket()).toBe(true)
    await serve(path)
    expect(await askControl(path, { ask: 'status' })).toEqual({ uptimeMs: 5 })
  })

  it('is taken away with what a killed translator has left, and only then', async () => {
    const path = join(dir, 'a.sock')
    spawnSync(process.execPath, ['-e', LEAVE_SOCKET, path])
    await removeDeadSocket(path)
    expect(existsSync(path)).toBe(false)
    await removeDeadSocket(path)
    await serve(path)
    await removeDeadSocket(path)
    expect(existsSync(path)).toBe(true)
  })

  it('replaces nothing else', async () => {
    const path = join(dir, 'precious')
    writeFileSync(path, 'precious')
    await expect(serve(path)).rejects.toThrow(`${path} is no socket, so the control socket is not put in its place.`)
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('does not take over one that is alive', async () => {
    const path = join(dir, 'a.sock')
    const other = createServer()
    servers.push(other)
    await new Promise<void>(resolve => other.listen(path, resolve))
    await expect(serveControl(path, handler)).rejects.toMatchObject({ exitCode: 3 })
    expect(existsSync(path)).toBe(true)
  })

  it('says in one sentence what is wrong when nobody is there, or nobody answers', async () => {
    await expect(askControl(join(dir, 'none.sock'), { ask: 'status' })).rejects.toThrow(/it does not run/)
    const mute = createServer()
    servers.push(mute)
    await new Promise<void>(resolve => mute.listen(join(dir, 'mute.sock'), resolve))
    // Whoever has the translator has no say over the terminal of root.
    const liar = createServer(socket =>
      socket.end('{"ok":true,"data":{"file":"\\u001b[2J","rows":[{"a":"\\u009b1m"}]}}\n'),
    )
    servers.push(liar)
    await new Promise<void>(resolve => liar.listen(join(dir, 'liar.sock'), resolve))
    expect(await askControl(join(dir, 'liar.sock'), { ask: 'status' })).toEqual({
      file: '\\u001b[2J',
      rows: [{ a: '\\u009b1m' }],
    })
    await expect(askControl(join(dir, 'mute.sock'), { ask: 'status' }, 100)).rejects.toThrow(/no answer in 0.1 s/)
    await expect(serveControl(join(dir, 'no/such/dir.sock'), handler)).rejects.toMatchObject({ exitCode: 3 })
  })

  it('cuts off who sends a line without end, and keeps answering others', async () => {
    const path = join(dir, 'a.sock')
    await serve(path)
    const socket = connect(path)
    const answer = await new Promise<string>(resolve => {
      let text = ''
      socket.setEncoding('utf8')
      socket.on('data', (chunk: string) => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
      socket.on('error', () => {})
      socket.write('x'.repeat(100_000))
    })
    expect(JSON.parse(answer.split('\n')[0]!)).toMatchObject({ ok: false })
    expect(await askControl(path, { ask: 'status' })).toEqual({ uptimeMs: 5 })
  })

  it('answers several lines in their order', async () => {
    const path = join(dir, 'a.sock')
    await serve(path)
    const socket = connect(path)
    socket.setEncoding('utf8')
    const lines = await new Promise<string[]>(resolve => {
      let text = ''
      socket.on('data', (chunk: string) => {
        text += chunk
        if (text.split('\n').length === 4) resolve(text.trim().split('\n'))
      })
      socket.write('{"ask":"bib","limit":1}\nnonsense\n\n{"ask":"status"}\n')
    })
    socket.destroy()
    expect(lines.map(l => JSON.parse(l).ok)).toEqual([true, false, true])
  })
})
