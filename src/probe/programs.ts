/**
 * What runs inside a probe's namespace, as programs for `node -e`: the sockets of this process are the host's. Each prints
 * one line of JSON. All are bounded by their arguments.
 */

/** What a program prints about what it sent. */
export interface Sent {
  readonly sent: number
  /** Microseconds, of those that were answered. */
  readonly rttUs: readonly number[]
  /** How many of the answers were refusals. */
  readonly refused: number
  /** Names of errors, and `timeout`. */
  readonly errors: readonly string[]
}

/**
 * Sends `count` of what `one(i, done)` sends, `interval` ms apart, and prints when all are done. A first refusal, by the
 * namespace itself, is not counted: it has the code compiled that is timed.
 */
const TIMED = `
const [to, port, count, interval, wait, payload, step] = process.argv.slice(1)
const { Socket } = require('node:net')
const { createSocket } = require('node:dgram')
const rttUs = [], errors = []
let sent = 0, refused = 0, open = 0
const time = (host, number, counts, done) => {
  const start = performance.now()
  let over = false
  const timer = setTimeout(() => end('timeout'), +wait)
  const release = one(host, number, error => end(error))
  function end(error) {
    if (over) return
    over = true
    clearTimeout(timer)
    release()
    if (counts) {
      if (error === null || error === 'ECONNREFUSED') rttUs.push(Math.round((performance.now() - start) * 1000))
      if (error === 'ECONNREFUSED') refused++
      else if (error !== null) errors.push(error)
    }
    done()
  }
}
const finish = () => console.log(JSON.stringify({ sent, rttUs, refused, errors: [...new Set(errors)] }))
const next = () => {
  sent++
  open++
  time(to, +port, true, () => { if (--open === 0 && sent === +count) finish() })
  if (sent < +count) setTimeout(next, +interval)
}
time(to.includes(':') ? '::1' : '127.0.0.1', 9, false, next)
`

/** Opens connections and closes them. Arguments: address, port, count, interval ms, wait ms. */
export const TCP_PROGRAM = `
function one(host, port, end) {
  const socket = new Socket()
  socket.on('connect', () => end(null)).on('error', e => end(e.code))
  socket.connect({ host, port })
  return () => socket.destroy()
}
${TIMED}`

/** Sends datagrams, each from a port of its own. Arguments as for TCP, then the payload in hexadecimal, and what its first two bytes grow by. */
export const UDP_PROGRAM = `
let serial = 0
function one(host, port, end) {
  const data = Buffer.from(payload, 'hex')
  if (+step > 0) data.writeUInt16BE((data.readUInt16BE(0) + step * serial++) & 0xffff, 0)
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  let closed = false
  socket.on('message', () => end(null)).on('error', e => end(e.code))
  socket.connect(port, host, error => {
    if (error) end(error.code)
    else if (!closed) socket.send(data)
  })
  return () => { closed = true; socket.close() }
}
${TIMED}`

/** Reads from a TCP server as fast as it can. Arguments: address, port, seconds, what to send first in hexadecimal. */
export const READ_PROGRAM = `
const [host, port, seconds, request] = process.argv.slice(1)
let bytes = 0, first = 0, last = 0, error = null
const callback = n => {
  last = performance.now()
  if (bytes === 0) first = last
  bytes += n
  return true
}
const socket = require('node:net').connect({ host, port: +port, onread: { buffer: Buffer.alloc(1 << 18), callback } })
let over = false
const end = () => {
  if (over) return
  over = true
  socket.destroy()
  clearTimeout(timer)
  console.log(JSON.stringify({ bytes, ms: last - first, error }))
}
const timer = setTimeout(() => { if (bytes === 0) error = 'timeout'; end() }, seconds * 1000)
socket.on('connect', () => { if (request) socket.write(Buffer.from(request, 'hex')) })
socket.on('error', e => { error = e.code; end() }).on('end', end).on('close', end)
`
