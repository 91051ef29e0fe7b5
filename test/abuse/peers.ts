/**
 * The traffic that must not suffer: `node peers.js answer PORT` sends back whatever comes, over TCP and UDP;
 * `node peers.js transfer ADDRESS PORT MBIT` keeps TCP connections, datagrams, datagrams in fragments and newcomers going until a
 * line comes in, then says how they fared as JSON.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { FRAGMENTER, NEWCOMER, SETTLED } from './places.js'

/** Datagrams that were sent, and came back. */
export interface Probes {
  sent: number
  lost: number
  /** The longest time without an answer, ms. */
  gap: number
}

export interface Fared {
  /** TCP payload. */
  readonly bytesSent: number
  readonly bytesReturned: number
  /** What came back is what was sent, to the last byte. */
  readonly intact: boolean
  readonly seconds: number
  /** The longest time without a byte from any connection, ms. */
  readonly gap: number
  readonly datagrams: Probes
  readonly fragmented: Probes
  readonly newcomers: Probes
}

const CONNECTIONS = 2
/** Lengths of datagrams, bytes, and the time between two, ms. */
const SMALL = { bytes: 200, every: 2 }
const LARGE = { bytes: 3000, every: 20 }
const NEW = { bytes: 60, every: 20 }
/** What is not back after so long is lost, ms. */
const PATIENCE = 2000
/** A prime length, so that no shift of the content goes unseen. */
const CONTENT = Buffer.from(Array.from({ length: 65_521 }, (_, i) => (i * i + (i >> 3) * 31) & 255))

function answer(port: number): void {
  const tcp = createServer({ noDelay: true }, c => {
    c.on('error', () => c.destroy())
    c.pipe(c)
  })
  const udp = createSocket('udp4')
  udp.on('message', (m, from) => udp.send(m, from.port, from.address))
  udp.bind(port, () => {
    udp.setRecvBufferSize(4 << 20)
    tcp.listen(port, () => console.log('ready'))
  })
}

/** Says whether `data` is what stands at `offset` of the endless content. */
function isContent(data: Buffer, offset: number): boolean {
  for (let done = 0; done < data.length; ) {
    const at = (offset + done) % CONTENT.length
    const length = Math.min(data.length - done, CONTENT.length - at)
    if (data.compare(CONTENT, at, at + length, done, done + length) !== 0) return false
    done += length
  }
  return true
}

/** A clock of the longest silence. */
function silence() {
  let last = performance.now()
  let longest = 0
  return {
    heard() {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
    },
    longest: () => Math.round(longest),
  }
}

async function openTransfer(host: string, port: number, bytesPerSecond: number, heard: () => void) {
  const socket = connect({ host, port, localAddress: SETTLED, noDelay: true })
  const state = { sent: 0, returned: 0, intact: true }
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => {
    state.intact = false
  })
  socket.on('data', data => {
    heard()
    state.intact &&= isContent(data, state.returned)
    state.returned += data.length
  })
  const began = performance.now()
  let skipped = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * bytesPerSecond - skipped - state.sent
    // What the path does not take is not sent later.
    if (socket.writableLength > 1 << 20) skipped += due
    else
      for (let left = Math.floor(due); left > 0; ) {
        const at = state.sent % CONTENT.length
        const piece = CONTENT.subarray(at, Math.min(at + left, CONTENT.length))
        socket.write(piece)
        state.sent += piece.length
        left -= piece.length
      }
  }, 5)
  return { socket, state, end: () => clearInterval(timer) }
}

/** Calls `send` with the numbers that are due, until ended. */
function paced(every: number, send: (n: number) => void): () => void {
  const began = performance.now()
  let n = 0
  const timer = setInterval(() => {
    const due = Math.min((performance.now() - began) / every, n + 50)
    while (n < due) send(n++)
  }, every)
  return () => clearInterval(timer)
}

function numbered(n: number, length: number): Buffer {
  const data = Buffer.alloc(length)
  data.writeUInt32BE(n)
  return data
}

async function bound(address: string): Promise<Datagrams> {
  const socket = createSocket('udp6')
  await new Promise<void>(resolve => socket.bind(0, address, resolve))
  return socket
}

async function keepAsking(host: string, port: number, address: string, { bytes, every }: typeof SMALL) {
  const socket = await bound(address)
  socket.setRecvBufferSize(4 << 20)
  const back = new Set<number>()
  const quiet = silence()
  let sent = 0
  socket.on('message', m => {
    if (m.length !== bytes) return
    quiet.heard()
    back.add(m.readUInt32BE(0))
  })
  const end = paced(every, n => {
    socket.send(numbered(n, bytes), port, host)
    sent++
  })
  return {
    end,
    result: (): Probes => ({ sent, lost: sent - back.size, gap: quiet.longest() }),
  }
}

/** A new port for every datagram. */
function keepComing(host: string, port: number) {
  let sent = 0
  let served = 0
  const quiet = silence()
  const end = paced(NEW.every, n => {
    sent++
    void bound(NEWCOMER).then(socket => {
      socket.once('message', () => {
        served++
        quiet.heard()
        socket.close()
      })
      socket.send(numbered(n, NEW.bytes), port, host)
      setTimeout(() => {
        try {
          socket.close()
        } catch {
          // It has its answer.
        }
      }, PATIENCE)
    })
  })
  return { end, result: (): Probes => ({ sent, lost: sent - served, gap: quiet.longest() }) }
}

async function transfer(host: string, port: number, mbit: number): Promise<void> {
  const quiet = silence()
  const each = (mbit * 1e6) / 8 / CONNECTIONS
  const transfers = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openTransfer(host, port, each, quiet.heard)),
  )
  const datagrams = await keepAsking(host, port, SETTLED, SMALL)
  const fragmented = await keepAsking(host, port, FRAGMENTER, LARGE)
  const newcomers = keepComing(host, port)
  const began = performance.now()
  console.log('ready')
  await new Promise(resolve => process.stdin.once('data', resolve))
  for (const { end } of [...transfers, datagrams, fragmented, newcomers]) end()
  const seconds = (performance.now() - began) / 1000
  const isBack = () => transfers.every(({ state }) => state.returned === state.sent)
  for (let waited = 0; waited < PATIENCE * 2 && (waited < PATIENCE / 4 || !isBack()); waited += 50) await pause(50)
  const states = transfers.map(t => t.state)
  const fared: Fared = {
    bytesSent: states.reduce((sum, s) => sum + s.sent, 0),
    bytesReturned: states.reduce((sum, s) => sum + s.returned, 0),
    intact: isBack() && states.every(s => s.intact),
    seconds,
    gap: quiet.longest(),
    datagrams: datagrams.result(),
    fragmented: fragmented.result(),
    newcomers: newcomers.result(),
  }
  console.log(JSON.stringify(fared))
  process.exit(0)
}

const [what, ...rest] = process.argv.slice(2)
if (what === 'answer') answer(Number(rest[0]))
else await transfer(rest[0] as string, Number(rest[1]), Number(rest[2]))
