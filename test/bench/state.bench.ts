/**
 * What the state tables cost by themselves: ns of CPU time per lookup and per new session at 1e3, 1e5 and 1e6 sessions,
 * each with a BIB entry of its own, in random order, one by one and in batches; export, import, expiry; memory. Bundle
 * with esbuild and run with node; every size runs in a process of its own. Prints a table and, last, one JSON line.
 */
import { execFileSync } from 'node:child_process'
import { ipv4 } from '../../src/addr/ipv4.js'
import { SYN, TCP, UDP } from '../../src/wire/protocol.js'
import { DEFAULT_CONFIG, DEFAULT_LIMITS, type XlatConfig } from '../../src/xlat/config.js'
import { ExpirySink, State } from '../../src/xlat/state.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'

const SIZES = [1e3, 1e5, 1e6]
const GUESTS = 1000
const PEER = 0x08080808
const BATCH = 32
const KEYS = 1 << 17
const RUNS = 12

let seed = 1
function random32(): number {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return seed >>> 0
}

const config: XlatConfig = {
  ...DEFAULT_CONFIG,
  pool4: [{ prefix: { address: ipv4(0xc6336400), length: 27 }, protocols: ['tcp', 'udp'], ports: [1024, 65535] }],
  limits: { ...DEFAULT_LIMITS, portsPerGuest: 0, sessionsPerGuest: 0, bib: 1_000_000, sessions: 1_000_000 },
}

const make = (stats = makeStats()) => new State(config, stats, random32, [1, 2, 3, 4])
const rssMb = () => process.memoryUsage().rss / 2 ** 20
const host = (n: number) => (0xabc000 + (n % GUESTS)) | 0
const port = (n: number) => 1024 + Math.floor(n / GUESTS)

/** CPU time of `f`, ns for each of `n`: others may be running on this machine. */
function cost(n: number, f: () => void): number {
  const before = process.cpuUsage()
  f()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / n
}

/** The best of some runs over different keys. */
function best(f: (from: number, to: number) => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS; run++) {
    const from = (run % 4) * KEYS
    least = Math.min(
      least,
      cost(KEYS, () => f(from, from + KEYS)),
    )
  }
  return least
}

function measure(sessions: number) {
  // Compiled code first, so that the figures are not those of the interpreter.
  const warm = make()
  for (let n = 0; n < 60_000; n++) {
    const i = warm.fromV6(n & 1 ? TCP : UDP, 0x20010db8, 0, 0, host(n), port(n), PEER, 53, SYN, 1)
    warm.fromV4(n & 1 ? TCP : UDP, warm.mapped4(i), warm.mapped4Port(i), PEER, 53, SYN, 1)
  }
  warm.expire(1e9, 1e6, new ExpirySink())

  const rssBefore = rssMb()
  const stats = makeStats()
  const state = make(stats)
  const rssIdle = rssMb()
  const create = cost(sessions, () => {
    for (let n = 0; n < sessions; n++) state.fromV6(UDP, 0x20010db8, 0, 0, host(n), port(n), PEER, 53, 0, 1)
  })
  const rssFull = rssMb()
  if (stats[STAT.sessions] !== sessions) throw new Error(`only ${stats[STAT.sessions]} sessions`)

  const order = Int32Array.from({ length: 4 * KEYS }, () => random32() % sessions)
  const h = order.map(host)
  const x = order.map(port)
  const mapped = new Int32Array(order.length)
  const t = new Int32Array(order.length)
  for (let k = 0; k < order.length; k++) {
    const i = state.findV6(UDP, 0x20010db8, 0, 0, h[k]!, x[k]!, PEER, 53, 1)
    mapped[k] = state.mapped4(i)
    t[k] = state.mapped4Port(i)
  }
  const v6 = best((from, to) => {
    for (let k = from; k < to; k++) state.fromV6(UDP, 0x20010db8, 0, 0, h[k]!, x[k]!, PEER, 53, 0, 2)
  })
  const v4 = best((from, to) => {
    for (let k = from; k < to; k++) state.fromV4(UDP, mapped[k]!, t[k]!, PEER, 53, 0, 2)
  })
  const v6Batched = best((from, to) => {
    for (let k = from; k < to; k += BATCH) {
      for (let j = k; j < k + BATCH; j++) state.noteV6(UDP, 0x20010db8, 0, 0, h[j]!, x[j]!, PEER, 53)
      state.touch()
      for (let j = k; j < k + BATCH; j++) state.fromV6(UDP, 0x20010db8, 0, 0, h[j]!, x[j]!, PEER, 53, 0, 2)
    }
  })
  const v4Batched = best((from, to) => {
    for (let k = from; k < to; k += BATCH) {
      for (let j = k; j < k + BATCH; j++) state.noteV4(UDP, mapped[j]!, t[j]!, PEER, 53)
      state.touch()
      for (let j = k; j < k + BATCH; j++) state.fromV4(UDP, mapped[j]!, t[j]!, PEER, 53, 0, 2)
    }
  })
  const heapBefore = process.memoryUsage().heapUsed
  for (let k = 0; k < 4 * KEYS; k++) state.fromV6(UDP, 0x20010db8, 0, 0, h[k]!, x[k]!, PEER, 53, 0, 2)
  const heapPerMillion = ((process.memoryUsage().heapUsed - heapBefore) / (4 * KEYS)) * 1e6

  const sink = new ExpirySink()
  const sweep = cost(sessions, () => void state.expire(3, 1e9, sink))
  let saved: Uint8Array = new Uint8Array(0)
  const save = cost(sessions, () => {
    saved = state.export(4)
  })
  const next = make()
  const load = cost(sessions, () => {
    if (next.import(saved, 1).refused > 0) throw new Error('import refused what was exported')
  })
  const end = cost(sessions, () => void state.expire(1e8, 1e9, sink))
  return {
    sessions,
    create,
    v6,
    v4,
    v6Batched,
    v4Batched,
    heapPerMillion,
    sweep,
    end,
    save,
    load,
    rssBefore,
    rssIdle,
    rssFull,
  }
}

if (process.argv[2]) console.log(JSON.stringify(measure(Number(process.argv[2]))))
else {
  const rows = SIZES.map(n =>
    JSON.parse(execFileSync(process.execPath, [process.argv[1]!, String(n)], { encoding: 'utf8' })),
  )
  console.log(
    'ns of CPU time per new session, lookup, record swept, session ended, saved, loaded; heap bytes; RSS in MiB',
  )
  const rounded = rows.map(r => Object.entries<number>(r).map(([k, v]) => [k, Math.round(v)]))
  console.table(rounded.map(r => Object.fromEntries(r)))
  console.log(JSON.stringify({ schema: 'nat64.bench.state/1', rows }))
}
