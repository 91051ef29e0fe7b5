/** `nat64 trace` of the built product in a lab, while something happens there. */
import { spawn } from 'node:child_process'
import { enterLab } from '../../src/lab/enter.js'
import type { LabRole } from '../../src/lab/options.js'
import type { TracedPath, TraceSummary } from '../../src/trace/core/traced.js'
import { product, type TestLab } from './lab-product.js'

export interface Traced {
  readonly paths: readonly TracedPath[]
  readonly summary: TraceSummary
  readonly notes: readonly string[]
  readonly status: number | null
  readonly stderr: string
}

const SETTLE_MS = 1300

/** Traces on the node while `act` runs with the trace's process id, and a little longer: a packet that died is told when it has not been seen for a second. */
export async function traceIn(
  lab: TestLab,
  args: readonly string[],
  act: (pid: number) => Promise<unknown>,
): Promise<Traced> {
  const [file, ...rest] = enterLab(lab.name, 'node', [...product, 'trace', ...args, '--json']) as [string, ...string[]]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  let stderr = ''
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  child.stderr.setEncoding('utf8').on('data', (t: string) => {
    stderr += t
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (t: string) => {
      text += t
      if (text.includes('"type":"start"')) resolve()
    })
    child.once('close', () => reject(new Error(`nat64 trace ended early: ${text}${stderr}`)))
  })
  try {
    await act(child.pid as number)
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
  } finally {
    child.kill('SIGINT')
  }
  const status = await ended
  const lines = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { type: string })
  return {
    paths: lines.filter(l => l.type === 'path') as unknown as TracedPath[],
    summary: lines.find(l => l.type === 'summary') as unknown as TraceSummary,
    notes: (lines.filter(l => l.type === 'note') as unknown as { text: string }[]).map(n => n.text),
    status,
    stderr,
  }
}

/** Devices of the hops on the way, in order. */
export const wayOf = (path: TracedPath | undefined): string =>
  (path?.hops ?? [])
    .filter(h => h.onWay)
    .map(h => h.device)
    .join(' ')

/** A TCP connection attempt of a second; prints what came of it. */
export const CONNECT = `
const s = require('node:net').connect({ host: process.argv[1], port: +process.argv[2], timeout: 700 })
const end = t => { console.log(t); process.exit() }
s.on('connect', () => end('connected')).on('timeout', () => end('timeout')).on('error', e => end(e.code))
`

/** A datagram to port 7, which echoes; waits half a second for it. */
export const DATAGRAM = `
const s = require('node:dgram').createSocket('udp6')
s.send(Buffer.from('hello ' + Date.now()), +process.argv[2], process.argv[1])
const end = t => { console.log(t); process.exit() }
s.on('message', () => end('answered')).on('error', e => end(e.code))
setTimeout(() => end('silence'), 500)
`

/** One packet of each protocol to the lab's IPv4-only host, all at once. */
export async function sendAll(lab: TestLab, from: LabRole, to: string, port = 80): Promise<void> {
  await Promise.all([
    lab.sh(from, `ping -n -c 1 -W 1 ${to}`),
    lab.node(from, CONNECT, to, String(port)),
    lab.node(from, DATAGRAM, to, '7'),
  ])
}
