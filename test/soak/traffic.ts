/**
 * The ends of the soak's traffic, each a process of its own in a namespace: `traffic server|mixed|probe [ADDRESS]`.
 * `mixed` and `probe` print their totals as a line of JSON each second, until they are ended.
 */
import dgram from 'node:dgram'
import net from 'node:net'

const TCP_PORT = 8080
const UDP_PORT = 7
/** The content of everything: read from a position, round and round. A prime number of bytes, so that offsets shift. */
const PATTERN = pattern(1_000_003)
/** What has not come back by then is lost, ms. */
const PATIENCE_MS = 5000

export interface MixedTotals {
  /** Bytes that came back right over the connection that lives all the time, and how often it had to be opened. */
  streamBytes: number
  streams: number
  /** Short connections: whole, reset on purpose, failed. */
  connections: number
  resets: number
  failed: number
  datagrams: number
  datagramsLost: number
  /** Bytes or datagrams that came back other than they were sent. */
  wrong: number
  /** What failed, latest first, a few. */
  complaints: string[]
}

export interface ProbeTotals {
  sent: number
  lost: number
  /** The longest time between two answers, and between two sendings, in the last second, ms. */
  gapMs: number
  ownGapMs: number
  rttMs: number
}

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    bytes[i] = x >>> 16
  }
  return bytes
}

/** `length` bytes of the pattern from `position` on. */
function content(position: number, length: number): Buffer {
  const from = position % PATTERN.length
  const first = PATTERN.subarray(from, from + length)
  return first.length === length ? first : Buffer.concat([first, PATTERN.subarray(0, length - first.length)])
}

const below = (n: number) => Math.floor(Math.random() * n)
const eachSecond = (totals: () => unknown) => setInterval(() => console.log(JSON.stringify(totals())), 1000)

function serve(): void {
  net
    .createServer({ allowHalfOpen: true }, socket => void socket.on('error', () => {}).pipe(socket))
    .listen(TCP_PORT, '0.0.0.0', () => console.log('listening'))
  const udp = dgram.createSocket('udp4')
  udp.on('message', (data, from) => udp.send(data, from.port, from.address, () => {}))
  udp.bind({ port: UDP_PORT, address: '0.0.0.0' }, () => udp.setRecvBufferSize(1 << 20))
}

function mixed(host: string): void {
  const totals: MixedTotals = {
    streamBytes: 0,
    streams: 0,
    connections: 0,
    resets: 0,
    failed: 0,
    datagrams: 0,
    datagramsLost: 0,
    wrong: 0,
    complaints: [],
  }
  const complain = (what: string) => {
    totals.complaints = [`${new Date().toISOString().slice(11, 19)} ${what}`, ...totals.complaints].slice(0, 5)
  }
  stream(host, totals, complain)
  setInterval(() => connection(host, totals, complain), 60)
  setInterval(() => datagrams(host, totals, complain), 50)
  eachSecond(() => totals)
}

/** One connection for all the time: 6.5 MB a second there and back. */
function stream(host: string, totals: MixedTotals, complain: (what: string) => void): void {
  const socket = net.connect({ host, port: TCP_PORT, noDelay: true })
  let sent = 0
  let received = 0
  totals.streams++
  const timer = setInterval(() => {
    if (socket.writableLength > 1 << 20) return
    socket.write(content(sent, 32_768))
    sent += 32_768
  }, 5)
  socket.setTimeout(60_000, () => socket.destroy(new Error('silent for a minute')))
  socket.on('data', data => {
    if (data.equals(content(received, data.length))) totals.streamBytes += data.length
    else {
      totals.wrong++
      complain(`the stream differs at ${received}`)
    }
    received += data.length
  })
  socket.on('error', error => complain(`the stream: ${error.message}`))
  socket.on('close', () => {
    clearInterval(timer)
    totals.failed++
    setTimeout(() => stream(host, totals, complain), 1000)
  })
}

/** A short connection of its own size; one in ten is reset in the middle. */
function connection(host: string, totals: MixedTotals, complain: (what: string) => void): void {
  const body = content(below(PATTERN.length), 1 + below(60_000))
  const isReset = below(10) === 0
  const socket = net.connect({ host, port: TCP_PORT, allowHalfOpen: true })
  let received = 0
  let isDone = false
  const done = (count: () => void) => {
    if (!isDone) count()
    isDone = true
  }
  socket.setTimeout(2 * PATIENCE_MS, () => socket.destroy(new Error('silent')))
  socket.on('connect', () => (isReset ? socket.write(body) : socket.end(body)))
  socket.on('data', data => {
    if (!data.equals(body.subarray(received, received + data.length))) {
      totals.wrong++
      complain(`a connection differs at ${received} of ${body.length}`)
    }
    received += data.length
    if (isReset) {
      done(() => totals.resets++)
      socket.resetAndDestroy()
    }
  })
  socket.on('end', () => {
    if (received === body.length) done(() => totals.connections++)
    else socket.destroy(new Error(`ended after ${received} of ${body.length}`))
  })
  socket.on('error', error =>
    done(() => {
      totals.failed++
      complain(`a connection: ${error.message}`)
    }),
  )
}

/**
 * Ten datagrams of a port of their own: nine that fit, one in fragments. None between: the answer to the first of those
 * teaches the server the path's MTU, and is lost by that.
 */
function datagrams(host: string, totals: MixedTotals, complain: (what: string) => void): void {
  const socket = dgram.createSocket('udp6')
  const waiting = new Map<number, Buffer>()
  const end = () => {
    totals.datagramsLost += waiting.size
    if (waiting.size > 0)
      complain(`${waiting.size} datagrams lost, of ${[...waiting.values()].map(d => d.length)} bytes`)
    waiting.clear()
    clearTimeout(timer)
    socket.close()
  }
  const timer = setTimeout(end, PATIENCE_MS)
  socket.on('error', error => complain(`a datagram: ${error.message}`))
  socket.on('message', data => {
    const expected = waiting.get(data[0] ?? -1)
    if (expected === undefined || !data.equals(expected)) {
      totals.wrong++
      complain(`a datagram of ${data.length} bytes differs`)
    } else totals.datagrams++
    waiting.delete(data[0] ?? -1)
    if (waiting.size === 0) end()
  })
  for (let i = 0; i < 10; i++) {
    const data = Buffer.from(content(below(PATTERN.length), i === 9 ? 1500 + below(2500) : 1 + below(1400)))
    data[0] = i
    waiting.set(i, data)
  }
  for (const data of waiting.values()) socket.send(data, UDP_PORT, host)
}

/** A datagram each 10 ms, and how long its answers stay away. */
function probe(host: string): void {
  const socket = dgram.createSocket('udp6')
  const open = new Map<number, number>()
  const totals: ProbeTotals = { sent: 0, lost: 0, gapMs: 0, ownGapMs: 0, rttMs: 0 }
  let answered = performance.now()
  let sentAt = answered
  socket.on('error', () => {})
  socket.on('message', data => {
    const now = performance.now()
    const started = open.get(data.readUInt32BE(0))
    if (started === undefined) return
    open.delete(data.readUInt32BE(0))
    totals.rttMs = Math.max(totals.rttMs, now - started)
    totals.gapMs = Math.max(totals.gapMs, now - answered)
    answered = now
  })
  setInterval(() => {
    const now = performance.now()
    totals.ownGapMs = Math.max(totals.ownGapMs, now - sentAt)
    sentAt = now
    const data = Buffer.alloc(64)
    data.writeUInt32BE(totals.sent)
    open.set(totals.sent++, now)
    socket.send(data, UDP_PORT, host)
  }, 10)
  eachSecond(() => {
    const now = performance.now()
    // A gap that still lasts counts, too.
    totals.gapMs = Math.max(totals.gapMs, now - answered)
    for (const [number, started] of open) {
      if (now - started < PATIENCE_MS) break
      open.delete(number)
      totals.lost++
    }
    const said = { ...totals }
    totals.gapMs = totals.ownGapMs = totals.rttMs = 0
    return said
  })
}

const [role, host = ''] = process.argv.slice(2)
process.on('SIGTERM', () => process.exit(0))
if (role === 'server') serve()
else if (role === 'mixed') mixed(host)
else if (role === 'probe') probe(host)
