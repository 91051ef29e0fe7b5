/** The server of metrics: what it answers, where it listens, and that no client can hold it up. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ListenAt } from '../../src/config/run-config.js'
import { EXIT } from '../../src/errors.js'
import { type MetricsServer, serveMetrics } from '../../src/run/metrics/server.js'

const TEXT = `# TYPE x gauge\nx 1\n${'# padding\n'.repeat(2000)}`
let dir: string
let healthy: () => Promise<boolean>
let asked = 0
let broken = false
const servers: MetricsServer[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-metrics-'))
  healthy = async () => true
  asked = 0
  broken = false
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  rmSync(dir, { recursive: true, force: true })
})

async function serve(at: ListenAt): Promise<MetricsServer> {
  const server = await serveMetrics(at, {
    metrics() {
      if (broken) throw new Error('a counter is missing')
      return TEXT
    },
    isHealthy: () => {
      asked++
      return healthy()
    },
  })
  servers.push(server)
  return server
}
const path = () => join(dir, 'm')

interface Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly body: string
}
const get = (at: object, url: string, method = 'GET') =>
  new Promise<Answer>((resolve, reject) => {
    const sent = request({ ...at, path: url, method, agent: false }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], body }))
    })
    sent.on('error', reject)
    sent.end()
  })

/** Sends text; resolves with what came back when the server has closed. */
const talk = (text: string, then: (write: (more: string) => void) => void = () => {}) =>
  new Promise<string>(resolve => {
    const socket = connect(path(), () => {
      socket.write(text)
      then(more => socket.write(more))
    })
    let got = ''
    socket.setEncoding('utf8').on('data', part => {
      got += part
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(got))
  })

describe('GET', () => {
  it('answers on a Unix socket and on a loopback port', async () => {
    await serve({ path: path() })
    const answer = await get({ socketPath: path() }, '/metrics')
    expect(answer).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: TEXT })
    const port = 20_000 + (process.pid % 20_000)
    await serve({ host: '127.0.0.1', port })
    expect((await get({ host: '127.0.0.1', port }, '/metrics?x=1')).body).toBe(TEXT)
  })

  const rows: readonly [method: string, url: string, status: number, body: RegExp][] = [
    ['GET', '/-/healthy', 200, /Packets flow/],
    ['HEAD', '/metrics', 200, /^$/],
    ['GET', '/', 404, /\/metrics/],
    ['GET', '/metrics/../etc/passwd', 404, /\/metrics/],
    ['POST', '/metrics', 405, /GET/],
    ['DELETE', '/-/healthy', 405, /GET/],
  ]
  it.each(rows)('%s %s is answered with %d', async (method, url, status, body) => {
    await serve({ path: path() })
    expect(await get({ socketPath: path() }, url, method)).toMatchObject({ status, body: expect.stringMatching(body) })
  })

  it.each([
    ['says no', async () => false],
    ['does not answer', () => Promise.reject(new Error('late'))],
  ])('/-/healthy is 503 when the loop %s', async (_, what) => {
    healthy = what
    await serve({ path: path() })
    expect((await get({ socketPath: path() }, '/-/healthy')).status).toBe(503)
  })

  it('asks the loop once, however many want to know', async () => {
    let answer: (yes: boolean) => void = () => {}
    healthy = () => new Promise(resolve => (answer = resolve))
    await serve({ path: path() })
    const many = Array.from({ length: 8 }, () => get({ socketPath: path() }, '/-/healthy'))
    while (asked === 0) await new Promise(resolve => setTimeout(resolve, 5))
    await new Promise(resolve => setTimeout(resolve, 100))
    answer(true)
    expect((await Promise.all(many)).map(a => a.status)).toEqual(many.map(() => 200))
    expect(asked).toBe(1)
  })

  it('says 500 when reading fails, and goes on', async () => {
    await serve({ path: path() })
    broken = true
    expect(await get({ socketPath: path() }, '/metrics')).toMatchObject({ status: 500, body: 'a counter is missing\n' })
    broken = false
    expect((await get({ socketPath: path() }, '/metrics')).status).toBe(200)
  })
})

describe('a rude client', () => {
  beforeEach(() => serve({ path: path() }))
  const stillServes = async () => expect((await get({ socketPath: path() }, '/metrics')).status).toBe(200)

  it('that sends no HTTP is refused', async () => {
    expect(await talk('\u0000\u0001nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    await stillServes()
  })

  it('whose header is too long is refused', async () => {
    expect(await talk(`GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
    await stillServes()
  })

  it('that asks a thousand times at once is answered once', async () => {
    const got = await talk('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000))
    expect(got.match(/HTTP\/1\.1 200 /g)).toHaveLength(1)
    expect(got.length).toBeLessThan(2 * TEXT.length)
    await stillServes()
  })

  it('that sends a body without end gets its answer and the door', async () => {
    const head = 'GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await talk(head, write => write(`ffff\r\n${'z'.repeat(65_535)}\r\n`))).toMatch(/^HTTP\/1\.1 200 /)
    await stillServes()
  })

  it('that trickles, or says nothing, loses its connection in ten seconds; sixteen of them keep nobody else longer', async () => {
    const began = performance.now()
    const slow = Array.from({ length: 20 }, (_, i) =>
      talk(i % 2 === 0 ? 'GET /metrics HTTP/1.1\r\n' : '', write => {
        const timer = setInterval(() => write('x: y\r\n'), 400)
        setTimeout(() => clearInterval(timer), 11_000)
      }),
    )
    await Promise.all(slow)
    expect(performance.now() - began).toBeLessThan(11_000)
    await stillServes()
  })

  it('that does not read loses its connection, too', async () => {
    const socket = connect(path(), () => socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'))
    socket.pause()
    socket.on('error', () => {})
    await new Promise(resolve => setTimeout(resolve, 300))
    await stillServes()
    socket.destroy()
  })
})

describe('the place', () => {
  it('is free again after the end, and open to those who may enter the directory', async () => {
    const server = await serve({ path: path() })
    expect(statSync(path()).mode & 0o777).toBe(0o666)
    server.close()
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(existsSync(path())).toBe(false)
    await serve({ path: path() })
  })

  it('that another program has is refused in a sentence', async () => {
    await serve({ path: path() })
    await expect(serve({ path: path() })).rejects.toMatchObject({
      message: `Another program already listens on ${path()}.`,
      exitCode: EXIT.unable,
    })
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    await expect(serve({ host: '127.0.0.1', port })).rejects.toThrow(
      `Another program already listens on 127.0.0.1:${port}.`,
    )
    other.close()
  })

  it('that is a file stays a file; one that cannot be is named', async () => {
    writeFileSync(path(), 'precious')
    await expect(serve({ path: path() })).rejects.toThrow('is no socket, so the socket for metrics is not put in')
    expect(readFileSync(path(), 'utf8')).toBe('precious')
    await expect(serve({ path: join(dir, 'no/m') })).rejects.toThrow('its directory does not exist or may not be')
  })
})
