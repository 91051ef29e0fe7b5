/**
 * What the state tables cost: ns per lookup and per new session at 1e3, 1e5 and 1e6 sessions, each with a BIB entry of
 * its own, and memory. Bundle with esbuild and run with node --expose-gc; prints a table and, last, one JSON line.
 */

import type { Ipv4 } from '../../src/addr/ipv4.js'
import { FIN, SYN, TCP, UDP } from '../../src/wire/protocol.js'
import { DEFAULT_CONFIG, DEFAULT_LIMITS, type XlatConfig } from '../../src/xlat/config.js'
import { ExpirySink, State } from '../../src/xlat/state.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'

const GUESTS = 1000
const MAPPED = 0xc6336400 | 0
const PEER = 0x08080808
const BATCH = 32

let seed = 1
function random32(): number {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return seed >>> 0
}

function makeConfig(): XlatConfig {
  return {
    ...DEFAULT_CONFIG,
    pool4: [
      { prefix: { address: (MAPPED >>> 0) as Ipv4, length: 27 }, protocols: ['tcp', 'udp'], ports: [1024, 65535] },
    ],
    limits: { ...DEFAULT_LIMITS, portsPerGuest: 0, bib: 1_000_000, sessions: 1_000_000 },
  }
}

const rssMb = (): number => process.memoryUsage().rss / 1e6
const nsSince = (t: bigint, n: number): number => Number(process.hrtime.bigint() - t) / n
const best = (runs: number, f: () => number): number => Math.min(...Array.from({ length: runs }, f))

const guestWord = (n: number): number => (0xabc000 + (n % GUESTS)) | 0
const guestPort = (n: number): number => 1024 + Math.floor(n / GUESTS)

function measure(sessions: number) {
  globalThis.gc?.()
  const rssBefore = rssMb()
  const stats = makeStats()
  const state = new State(makeConfig(), stats, random32, [1, 2, 3, 4])
  const idle = rssMb()
  let t = process.hrtime.bigint()
  for (let n = 0; n < sessions; n++) state.fromV6(UDP, 0x20010db8, 0, 0, guestWord(n), guestPort(n), PEER, 53, 0, 1)
  const create = nsSince(t, sessions)
  const full = rssMb()
  if (stats[STAT.sessions] !== sessions) throw new Error(`only ${stats[STAT.sessions]} sessions`)

  const keys = 1 << 20
  const order = Int32Array.from({ length: keys }, () => random32() % sessions)
  const mappedOf = new Int32Array(sessions)
  const portOf = new Int32Array(sessions)
  for (let n = 0; n < sessions; n++) {
    const i = state.findV6(UDP, 0x20010db8, 0, 0, guestWord(n), guestPort(n), PEER, 53, 1)
    mappedOf[n] = state.mapped4(i)
    portOf[n] = state.mapped4Port(i)
  }
  // What a packet costs beside its lookup: the arrays that stand for parsed packets are read in order.
  const w = Int32Array.from(order, n => guestWord(n))
  const p = Int32Array.from(order, n => guestPort(n))
  const m = Int32Array.from(order, n => mappedOf[n]!)
  const q = Int32Array.from(order, n => portOf[n]!)

  const v6 = best(5, () => {
    t = process.hrtime.bigint()
    for (let k = 0; k < keys; k++) state.fromV6(UDP, 0x20010db8, 0, 0, w[k]!, p[k]!, PEER, 53, 0, 2)
    return nsSince(t, keys)
  })
  const v4 = best(5, () => {
    t = process.hrtime.bigint()
    for (let k = 0; k < keys; k++) state.fromV4(UDP, m[k]!, q[k]!, PEER, 53, 0, 2)
    return nsSince(t, keys)
  })
  const v6Batched = best(5, () => {
    t = process.hrtime.bigint()
    for (let k = 0; k < keys; k += BATCH) {
      for (let j = k; j < k + BATCH; j++) state.noteV6(UDP, 0x20010db8, 0, 0, w[j]!, p[j]!, PEER, 53)
      state.touch()
      for (let j = k; j < k + BATCH; j++) state.fromV6(UDP, 0x20010db8, 0, 0, w[j]!, p[j]!, PEER, 53, 0, 2)
    }
    return nsSince(t, keys)
  })
  const v4Batched = best(5, () => {
    t = process.hrtime.bigint()
    for (let k = 0; k < keys; k += BATCH) {
      for (let j = k; j < k + BATCH; j++) state.noteV4(UDP, m[j]!, q[j]!, PEER, 53)
      state.touch()
      for (let j = k; j < k + BATCH; j++) state.fromV4(UDP, m[j]!, q[j]!, PEER, 53, 0, 2)
    }
    return nsSince(t, keys)
  })
  globalThis.gc?.()
  const heapBefore = process.memoryUsage().heapUsed
  for (let k = 0; k < keys; k++) state.fromV6(UDP, 0x20010db8, 0, 0, w[k]!, p[k]!, PEER, 53, 0, 2)
  const heapGrowth = process.memoryUsage().heapUsed - heapBefore

  // New connections, with the tables as full as they are: TCP, opened and closed, so that ports are found and freed.
  const churn = Math.min(200_000, 1_000_000 - sessions)
  const room = churn > 0 ? churn : 0
  t = process.hrtime.bigint()
  for (let n = 0; n < room; n++) state.fromV6(TCP, 0x20010db8, 0, 1, guestWord(n), guestPort(n), PEER, 443, SYN, 3)
  const connect = room ? nsSince(t, room) : Number.NaN
  for (let n = 0; n < room; n++) state.fromV6(TCP, 0x20010db8, 0, 1, guestWord(n), guestPort(n), PEER, 443, FIN, 3)

  const sink = new ExpirySink()
  t = process.hrtime.bigint()
  state.expire(4, 1e9, sink)
  const scan = nsSince(t, stats[STAT.sessions]!)
  const saveAt = process.hrtime.bigint()
  const saved = state.export(5)
  const exportMs = nsSince(saveAt, 1e6)
  const second = new State(makeConfig(), makeStats(), random32, [1, 2, 3, 4])
  const loadAt = process.hrtime.bigint()
  const loaded = second.import(saved, 1)
  const importMs = nsSince(loadAt, 1e6)
  if (loaded.refused > 0) throw new Error(`import refused ${loaded.refused}`)
  const ended = stats[STAT.sessions]!
  t = process.hrtime.bigint()
  state.expire(1e8, 1e9, sink)
  const end = nsSince(t, ended)
  return {
    sessions,
    create,
    connect,
    v6,
    v4,
    v6Batched,
    v4Batched,
    heapGrowth,
    scan,
    end,
    exportMs,
    importMs,
    rssBefore,
    rssIdle: idle,
    rssFull: full,
  }
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1e3, 1e5, 1e6]
measure(1e4)
const rows = sizes.map(measure)
console.table(rows.map(r => Object.fromEntries(Object.entries(r).map(([k, v]) => [k, Math.round(v * 10) / 10]))))
console.log(JSON.stringify({ schema: 'nat64.bench.state/1', rows }))
