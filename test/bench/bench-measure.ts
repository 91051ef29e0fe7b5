/** One measurement each: a peer in, figures out. All are bounded in time. */
import type { Peer } from './bench-peers.js'
import { median } from './bench-report.js'
import { cpuSeconds, type Net, rssMb, runFor, SERVER4, start } from './net.js'

/** Figures by name; what could not be measured is absent. */
export type Figures = Readonly<Record<string, number>>

export interface Measure {
  /** What is measured: the row of the table. */
  readonly id: string
  readonly title: string
  readonly unit: string
  /** The figure that the table shows, one of what `run` returns. */
  readonly figure: string
  readonly isLessBetter?: boolean
  /** Further rows from the same run. */
  readonly also?: readonly Omit<Measure, 'run' | 'also'>[]
  readonly run: (net: Net, peer: Peer, seconds: number) => Promise<Figures>
}

const PORT = '5300'
const ECHO_PORT = '5301'
const SLACK_MS = 8_000
/** Request/response runs that one measurement consists of. */
const EXCHANGES = 9

function tcp(streams: number, down: boolean): Measure {
  const way = `${streams} stream${streams > 1 ? 's' : ''} ${down ? 'down' : 'up'}`
  const id = `tcp${streams}${down ? 'down' : 'up'}`
  const cpu = { id: `${id}-cpu`, title: '  CPU seconds per Gbit', unit: 's', figure: 'cpuPerGbit', isLessBetter: true }
  return {
    id,
    title: `TCP ${way}`,
    unit: 'Gbit/s',
    figure: 'gbps',
    also: [cpu],
    async run(net, peer, seconds) {
      const listener = start(net, 'server', 'iperf3', '-s', '-1', '--forceflush')
      await listener.says('listening', 3_000)
      const before = cpuOf(peer)
      const args = ['-c', peer.address, '-J', '-t', String(seconds), '-P', String(streams), ...(down ? ['-R'] : [])]
      const text = await runFor(net, 'client', seconds * 1000 + SLACK_MS, 'iperf3', ...args)
      const cpu = cpuOf(peer) - before
      const received = JSON.parse(text).end?.sum_received
      await Promise.race([listener.done, new Promise(resolve => setTimeout(resolve, 500))])
      listener.child.kill('SIGKILL')
      return { gbps: received.bits_per_second / 1e9, cpuPerGbit: cpu / ((received.bytes * 8) / 1e9), ...memory(peer) }
    },
  }
}

function udp(load: string, size: number, gso: number): Measure {
  const id = gso > 1 ? `gso${size}` : `udp${size}`
  const cpu = { id: `${id}-cpu`, title: '  CPU per packet', unit: 'us', figure: 'cpuUs', isLessBetter: true }
  return {
    id,
    title: gso > 1 ? `UDP ${size} B sent with GSO` : `UDP ${size} B`,
    unit: 'kpps',
    figure: 'kpps',
    also: [cpu],
    async run(net, peer, seconds) {
      const counter = start(net, 'server', load, 'count', PORT, String(gso))
      await counter.says('ready', 3_000)
      const before = cpuOf(peer)
      const args = [peer.address, PORT, String(seconds), String(size), String(gso)]
      await runFor(net, 'client', seconds * 1000 + SLACK_MS, load, 'flood', ...args)
      const [packets = 0, , elapsed = 0] = (await counter.done).split('\n')[1]?.split(' ').map(Number) ?? []
      const cpuUs = packets > 0 ? ((cpuOf(peer) - before) / packets) * 1e6 : Number.NaN
      return { kpps: elapsed > 0 ? packets / elapsed / 1000 : 0, cpuUs, ...memory(peer) }
    },
  }
}

function ask(load: string, protocol: 'udp' | 'tcp'): Measure {
  const id = `${protocol}rr`
  return {
    id,
    title: `${protocol.toUpperCase()} request/response, median`,
    unit: 'us',
    figure: 'median',
    isLessBetter: true,
    also: [{ id: `${id}-p99`, title: '  p99', unit: 'us', figure: 'p99', isLessBetter: true }],
    async run(net, peer, seconds) {
      const answerer = start(net, 'server', load, 'answer', ECHO_PORT)
      await answerer.says('ready', 3_000)
      const medians: number[] = []
      const tails: number[] = []
      try {
        // Where the scheduler puts the programs decides more than anything else, and changes with each of them.
        for (let i = 0; i < EXCHANGES; i++) {
          const args = [protocol, peer.address, ECHO_PORT, String(seconds / EXCHANGES)]
          const text = await runFor(net, 'client', seconds * 1000 + SLACK_MS, load, 'ask', ...args)
          const [count = 0, lost = 0, typical = 0, p99 = 0] = text.split(' ').map(Number)
          if (count === 0) throw new Error(`no answer (${lost} requests lost)`)
          medians.push(typical)
          tails.push(p99)
        }
      } finally {
        answerer.child.kill('SIGKILL')
        await answerer.done
      }
      return { median: median(medians), p99: median(tails) }
    },
  }
}

const ping: Measure = {
  id: 'ping',
  title: 'ping, median',
  unit: 'us',
  figure: 'median',
  isLessBetter: true,
  also: [{ id: 'ping-p99', title: '  p99', unit: 'us', figure: 'p99', isLessBetter: true }],
  async run(net, peer, seconds) {
    const count = Math.max(50, Math.round(seconds * 100))
    const args = ['-n', '-i', '0.01', '-c', String(count), '-W', '1', peer.address]
    const text = await runFor(net, 'client', seconds * 1000 + SLACK_MS, 'ping', ...args)
    const times = [...text.matchAll(/time=([\d.]+)/g)].map(m => Number(m[1]) * 1000).sort((a, b) => a - b)
    return { median: times[times.length >> 1] ?? Number.NaN, p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN }
  },
}

export type NetworkPart = 'tcp' | 'udp' | 'gso' | 'latency'

/** The measurements of each part. `load`: the compiled load.c, null without a compiler. */
export function measuresOf(load: string | null): Readonly<Record<NetworkPart, readonly Measure[]>> {
  const withLoad = (make: (binary: string) => Measure[]) => (load === null ? [] : make(load))
  return {
    tcp: [tcp(1, false), tcp(1, true), tcp(4, false), tcp(4, true)],
    udp: withLoad(binary => [udp(binary, 64, 1), udp(binary, 1400, 1)]),
    gso: withLoad(binary => [udp(binary, 1200, 40)]),
    latency: [ping, ...withLoad(binary => [ask(binary, 'udp'), ask(binary, 'tcp')])],
  }
}

function cpuOf(peer: Peer): number {
  return peer.pid === null ? Number.NaN : cpuSeconds(peer.pid)
}

function memory(peer: Peer): Figures {
  return peer.pid === null ? {} : { loadedMb: rssMb(peer.pid) }
}

/** Sends a few packets, so that neighbours are known and the path is proved. Throws when nothing comes back. */
export async function proveReachable(net: Net, peer: Peer): Promise<void> {
  if (peer.name === 'limit') return
  await runFor(net, 'client', 10_000, 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', peer.address).catch(() => {
    throw new Error(`${peer.name}: no answer from ${peer.address} (${SERVER4} behind it)`)
  })
}
