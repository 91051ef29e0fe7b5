/**
 * What a packet costs in the core, parsing to finished header: ns per translated packet both ways and per new session,
 * at 1e3, 1e5 and 1e6 sessions in random order, and how the heap grows. Packets are UDP with 64 bytes of payload; the
 * copy that makes each one is measured by itself and taken off. Run with --expose-gc; the last line is JSON.
 */

import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { STAT } from '../../src/xlat/stats.js'
import { Translator } from '../../src/xlat/translator.js'
import { TRANSLATED } from '../../src/xlat/verdict.js'
import { ip4, ip6, udp } from '../xlat/packets.js'
import { configOf, prefix4, prefix6, random, SECRET } from '../xlat/translating.js'

const BATCH = 32
const SLOT = 256
const PACKETS = 1 << 19
const GUESTS = 1000
const MOST = 1_000_000

const request = ip6(udp(1, 53, new Array(64).fill(7)), { src: '2001:db8::', dst: '2001:db8:64::808:808' })
const reply = ip4(udp(53, 1, new Array(64).fill(7)), { src: '8.8.8.8', dst: '198.51.100.0', df: true })

const buf = new Uint8Array(BATCH * SLOT)
const p = new Packet()
const random32 = random(5)

/** Writes request `n` into slot `k`; its checksum is wrong, which costs the same. */
function putRequest(k: number, n: number): void {
  const o = k * SLOT + HEADROOM
  buf.set(request, o)
  const guest = n % GUESTS
  const port = 1024 + Math.floor(n / GUESTS)
  buf[o + 22] = guest >>> 8
  buf[o + 23] = guest
  buf[o + 40] = port >>> 8
  buf[o + 41] = port
}

/** Writes a reply to `address` and `port`, with a right header checksum. */
function putReply(k: number, address: number, port: number): void {
  const o = k * SLOT + HEADROOM
  buf.set(reply, o)
  buf[o + 19] = address
  const sum = ((buf[o + 10]! << 8) | buf[o + 11]!) - (address & 255)
  const checksum = sum < 0 ? sum + 0xffff : sum
  buf[o + 10] = checksum >>> 8
  buf[o + 11] = checksum
  buf[o + 22] = port >>> 8
  buf[o + 23] = port
}

/** CPU time of this process, ns: the machine may have other work. */
const now = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}
const best = (runs: number, f: () => number): number => Math.min(...Array.from({ length: runs }, f))

function measure(sessions: number) {
  const limits = { bib: MOST, sessions: MOST, portsPerGuest: 0, sessionsPerGuest: 0 }
  const range = { prefix: prefix4('198.51.100.0/27'), protocols: ['udp' as const], ports: [1024, 65535] as const }
  const config = configOf({ pool6: prefix6('2001:db8:64::/96'), pool4: [range], limits })
  const t = new Translator(config, { random32, secret: SECRET })

  const translate = (k: number, length: number): void => {
    p.set(buf, k * SLOT + HEADROOM, k * SLOT + HEADROOM + length)
    if (t.translate(p, 2) !== TRANSLATED) throw new Error(`packet refused: ${t.reason}`)
  }
  /** ns per packet of `length` bytes that `put` writes; with `isBatched`, noted before. */
  const cost = (length: number, put: (k: number, i: number) => void, isBatched: boolean): number => {
    const run = (isCopyOnly: boolean): number => {
      const from = now()
      for (let i = 0; i < PACKETS; i += BATCH) {
        for (let k = 0; k < BATCH; k++) put(k, i + k)
        if (isCopyOnly) continue
        if (isBatched) {
          for (let k = 0; k < BATCH; k++) t.note(buf, k * SLOT + HEADROOM, k * SLOT + HEADROOM + length)
          t.touch()
        }
        for (let k = 0; k < BATCH; k++) translate(k, length)
      }
      return (now() - from) / PACKETS
    }
    return best(4, () => run(false)) - best(4, () => run(true))
  }

  const address = new Uint8Array(sessions)
  const port = new Uint16Array(sessions)
  const from = now()
  for (let n = 0; n < sessions; n++) {
    putRequest(0, n)
    translate(0, request.length)
    address[n] = p.buf[p.start + 15]!
    port[n] = (p.buf[p.start + 20]! << 8) | p.buf[p.start + 21]!
  }
  const create = (now() - from) / sessions
  if (t.stats[STAT.sessions] !== sessions) throw new Error(`only ${t.stats[STAT.sessions]} sessions`)

  const order = Int32Array.from({ length: PACKETS }, () => random32() % sessions)
  const toV4 = (k: number, i: number): void => putRequest(k, order[i]!)
  const toV6 = (k: number, i: number): void => putReply(k, address[order[i]!]!, port[order[i]!]!)
  const row = {
    sessions,
    create,
    toV4: cost(request.length, toV4, false),
    toV6: cost(reply.length, toV6, false),
    toV4Batched: cost(request.length, toV4, true),
    toV6Batched: cost(reply.length, toV6, true),
    heapPerMillion: 0,
    rss: process.memoryUsage().rss / 1e6,
  }
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < PACKETS; i += BATCH) {
    for (let k = 0; k < BATCH; k++) toV4(k, i + k)
    for (let k = 0; k < BATCH; k++) translate(k, request.length)
  }
  row.heapPerMillion = ((process.memoryUsage().heapUsed - before) / PACKETS) * 1e6
  return row
}

// The first run warms up the compiler.
measure(1e3)
const rows = [1e3, 1e5, 1e6].map(measure)
const columns = ['sessions', 'create', 'toV4', 'toV6', 'toV4Batched', 'toV6Batched', 'heapPerMillion', 'rss'] as const
console.log(
  'ns per new session, per packet each way (one by one, in batches of 32); heap bytes per 1e6 packets; RSS, MB',
)
console.log(columns.map(c => c.padStart(14)).join(''))
for (const row of rows) console.log(columns.map(c => String(Math.round(row[c])).padStart(14)).join(''))
console.log(JSON.stringify({ schema: 'nat64.bench.core/1', rows }))
