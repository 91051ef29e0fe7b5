/** The built product in a lab, for the tests of this folder: root, TUN and `npm run build` are taken for granted. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type NodeTranslator, startTranslator, translatorReady } from '../../src/lab/demo/translator.js'
import { labDown, labRun, labUp } from '../../src/lab/lab.js'
import { DEFAULT_LAB, type LabOptions, type LabRole } from '../../src/lab/options.js'
import type { Ran } from '../../src/lab/shell.js'

const bin = process.env.NAT64_BIN ?? join(import.meta.dirname, '../../dist/src/bin.js')

/** How the built product is started. */
export const product: readonly string[] = [process.execPath, bin]

/** Root of the machine, not of a user namespace: may become other users and make device files. */
export const isFullRoot =
  process.geteuid?.() === 0 && /^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'utf8'))

let serial = 0

/** A name that no other test run uses. */
export const freshName = (): string => `e2e-${process.pid}-${serial++}`

/** A lab of this test's own. */
export interface TestLab {
  readonly name: string
  /** Runs a command line given as words separated by blanks. */
  sh(role: LabRole, words: string): Promise<Ran>
  run(role: LabRole, argv: readonly string[]): Promise<Ran>
  /** Runs a program for `node -e`; its standard output. */
  node(role: LabRole, program: string, ...args: readonly string[]): Promise<string>
  translator: NodeTranslator | null
  start(...args: readonly string[]): Promise<NodeTranslator>
  down(): Promise<void>
}

/** Builds a lab; its translator is started by `start`. */
export async function makeLab(change: Partial<LabOptions> = {}): Promise<TestLab> {
  const name = freshName()
  await labUp({ ...DEFAULT_LAB, name, ...change }, { program: product })
  const lab: TestLab = {
    name,
    translator: null,
    sh: (role, words) => labRun(name, role, words.split(' '), { timeoutMs: 60_000 }),
    run: (role, argv) => labRun(name, role, argv, { timeoutMs: 60_000 }),
    async node(role, program, ...args) {
      const ran = await labRun(name, role, [process.execPath, '-e', program, ...args], { timeoutMs: 60_000 })
      return ran.exit === 0 ? ran.stdout.trim() : `status ${ran.exit}: ${ran.stdout}${ran.stderr}`
    },
    async start(...args) {
      const translator = startTranslator(name, product, args)
      lab.translator = translator
      if (!(await translatorReady(name, translator, 20_000))) {
        throw new Error(`nat64 run did not start:\n${translator.output().join('\n')}`)
      }
      return translator
    },
    async down() {
      await labDown(name)
    },
  }
  return lab
}

/** Downloads N bytes; prints ok, or what differs. */
export const DOWNLOAD = `
const [url, bytes] = process.argv.slice(1)
const hash = require('node:crypto').createHash('sha256')
let length = 0
const request = require('node:http').get(url + 'bytes/' + bytes, { agent: false, timeout: 10000 }, response => {
  response.on('data', d => { hash.update(d); length += d.length })
  response.on('error', e => console.log(e.message, 'after', length))
  response.on('end', () => {
    const same = length === +bytes && hash.digest('hex') === response.headers['content-sha256']
    console.log(same ? 'ok' : 'differs after ' + length)
  })
})
request.on('timeout', () => request.destroy(new Error('stalled after ' + length)))
request.on('error', e => console.log(e.message))
`

/** Uploads N bytes; prints ok, or what differs. */
export const UPLOAD = `
const [url, bytes] = process.argv.slice(1)
const body = Buffer.alloc(+bytes)
for (let i = 0, x = 7; i < body.length; i += 4) { x = Math.imul(x, 1664525) + 1013904223 | 0; body.writeInt32LE(x, Math.min(i, body.length - 4)) }
const mine = require('node:crypto').createHash('sha256').update(body).digest('hex')
const request = require('node:http').request(url, { method: 'POST', agent: false, timeout: 10000 }, response => {
  let text = ''
  response.on('data', d => { text += d }).on('end', () => console.log(JSON.parse(text).sha256 === mine ? 'ok' : 'differs: ' + text))
})
request.on('timeout', () => request.destroy(new Error('stalled')))
request.on('error', e => console.log(e.message))
request.end(body)
`

/** Sends a datagram of N bytes to port 7, or the third argument, up to three times; prints ok when it comes back as it was sent. */
export const UDP_ECHO = `
const [address, bytes, port = 7] = process.argv.slice(1)
const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
const data = require('node:crypto').randomBytes(+bytes)
let tries = 0
const send = () => { if (tries++ === 3) { console.log('no answer'); process.exit() } socket.send(data, +port, address, e => { if (e) { console.log(e.message); process.exit() } }) }
const timer = setInterval(send, 1000)
socket.on('message', m => { console.log(m.equals(data) ? 'ok' : 'differs'); process.exit() })
socket.on('error', e => { console.log(e.message); process.exit() })
send()
`

/** Sends a datagram from a connected socket; prints the error code that comes back. */
export const UDP_REFUSED = `
const [address, port] = process.argv.slice(1)
const socket = require('node:dgram').createSocket('udp6')
socket.on('error', e => { console.log(e.code); process.exit() })
socket.connect(+port, address, () => {
  socket.send('x')
  setTimeout(() => socket.send('x', () => {}), 200)
  setTimeout(() => { console.log('nothing'); process.exit() }, 2000)
})
`
