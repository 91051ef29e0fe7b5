/**
 * `nat64 trace` that cannot follow all that comes: it is stopped again and again while thousands of packets a second pass.
 * Each verdict is compared with what the receiver got, datagram by datagram.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LAB } from '../../src/lab/options.js'
import { readAll } from '../wire/read-all.js'
import { makeLab, type TestLab } from './lab-product.js'
import { traceIn } from './tracing.js'

const PORT = 5300
const SECONDS = 8
/** So long the trace stands still, and runs, ms. */
const [STOPPED, RUNNING] = [2000, 300]

/** Sends numbered datagrams from a few ports, as fast as it goes, for so long; prints how many. */
const SEND = `
const [target, seconds] = process.argv.slice(1)
const sockets = [0, 1, 2].map(() => require('node:dgram').createSocket('udp6'))
const end = Date.now() + seconds * 1000
let n = 0
const burst = () => {
  if (Date.now() > end) { console.log(n); process.exit() }
  let left = 20
  for (let i = 0; i < 20; i++) {
    const data = Buffer.alloc(60)
    data.writeUInt32BE(++n)
    sockets[Math.floor(n / 20) % 3].send(data, ${PORT}, target, () => { if (--left === 0) setTimeout(burst, 1) })
  }
}
burst()
`

/** Receives until nothing has come for a while; answers now and then; prints all numbers. */
const RECEIVE = `
const socket = require('node:dgram').createSocket('udp4')
const numbers = []
let last = Date.now() + 10000
socket.on('message', (m, from) => {
  numbers.push(m.readUInt32BE(0))
  last = Date.now()
  if (numbers.length % 50 === 1) socket.send(m, from.port, from.address)
})
socket.bind(${PORT}, process.argv[1], () => { try { socket.setRecvBufferSize(8 << 20) } catch {} })
setInterval(() => { if (Date.now() - last > 1500) { console.log(numbers.join()); process.exit() } }, 100)
`

let lab: TestLab
const dir = mkdtempSync(join(tmpdir(), 'nat64-trace-load-'))
beforeAll(async () => {
  lab = await makeLab({ guests: 1 })
  await lab.start()
})
afterAll(async () => {
  lab.translator?.signal('SIGTERM')
  await lab.down()
  rmSync(dir, { recursive: true, force: true })
})

async function standStill(pid: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    process.kill(pid, 'SIGSTOP')
    await sleep(STOPPED)
    process.kill(pid, 'SIGCONT')
    await sleep(RUNNING)
  }
}

it('follows a sample of the packets, and calls none dead that arrived', async () => {
  const file = join(dir, 'load.pcapng')
  let received = new Set<number>()
  const { summary, notes } = await traceIn(lab, ['--write', file], async pid => {
    const receiving = lab.node('inet', RECEIVE, LAB.host4)
    await sleep(500)
    let isOver = false
    const stopping = standStill(pid, () => isOver)
    await lab.node('vm100', SEND, LAB.host4in6, String(SECONDS))
    isOver = true
    await stopping
    received = new Set((await receiving).split(',').map(Number))
  })
  expect(received.size).toBeGreaterThan(2000)
  expect(summary.capture.lost).toBeGreaterThan(0)
  expect(summary.capture.mostOneIn).toBeGreaterThan(1)
  expect(notes.join()).toMatch(/about 1 in \d+ is traced, each of them at every place/)
  expect(summary.byVerdict.delivered).toBeGreaterThan(summary.paths / 2)

  const delivered = new Set<number>()
  const wrong: string[] = []
  for (const { comments, data } of readAll(readFileSync(file)).seen) {
    const verdict = comments.find(c => /^(delivered|died)\b/.test(c))
    // Port and length of one datagram; bursts are longer.
    if (verdict === undefined || !data.includes('14b40044')) continue
    const number = Number.parseInt(data.slice(-120, -112), 16)
    if (verdict.startsWith('delivered')) delivered.add(number)
    else if (received.has(number)) wrong.push(`${number}: ${verdict}`)
  }
  expect(wrong).toEqual([])
  expect(delivered.size).toBeGreaterThan(500)
  // What left the node and did not arrive was too much for the receiver.
  expect([...delivered].filter(n => received.has(n)).length).toBeGreaterThan(delivered.size / 2)
})
