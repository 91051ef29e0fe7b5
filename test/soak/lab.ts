/**
 * Real traffic through `nat64 run` in namespaces (test/netns/run-host.ts), for hours if one likes: a connection that
 * lives all the time, short ones, datagrams whole and in fragments, pings, and a probe of 100 Hz. A line a minute, a verdict at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StatusSnapshot } from '../../src/run/status-types.js'
import { hostState, makeHost, nat64, removeHost, running, type TestHost } from '../netns/run-host.js'
import { slope } from './slope.js'
import type { MixedTotals, ProbeTotals } from './traffic.js'

const TARGET = '64:ff9b::9.9.9.2'
/** Sizes of pings, a minute each: small, as large as fits, in fragments. */
const PING_SIZES = [56, 1432, 3000]
/** Sessions of UDP live for five minutes after their last packet. */
const IDLE_MS = 330_000
/** The first minutes are not part of the slope: code is compiled, tables are touched for the first time. */
const WARM_UP = 10
/**
 * What the heap may grow by in an hour after them, MB. Resident memory is no measure: tables are there from the start, and
 * their pages become resident as they are met, for hours; it has to stay below what the program says at its start.
 */
const MAX_SLOPE = 2

interface Minute {
  readonly rssMb: number
  /** The most that the program says it takes. */
  readonly boundMb: number
  /** Heap of the main thread. */
  readonly heapMb: number
  readonly cpu: number
  readonly sessions: number
  readonly pingsLost: number
  readonly gapMs: number
  readonly ownGapMs: number
  readonly rttMs: number
}

/** Soaks for `minutes`; prints what it sees. Returns the exit status: 0 when nothing was lost, wrong, or grew. */
export async function soakLab(minutes: number): Promise<number> {
  if (process.getuid?.() !== 0) {
    console.error('soak: --lab needs root, for its network namespaces')
    return 3
  }
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort())
  const host = makeHost()
  try {
    const before = hostState(host)
    const run = await running(host)
    const pid = run.child.pid as number
    const traffic = await startTraffic(host)
    console.log(HEAD)
    const seen: Minute[] = []
    while (seen.length < minutes && !stopped.signal.aborted) {
      if (run.child.exitCode !== null) break
      seen.push(await oneMinute(host, pid, traffic, seen.length, stopped.signal))
    }
    const { mixed, probe } = traffic.totals()
    traffic.end()
    const faults = run.child.exitCode === null ? await idleFaults(host, stopped.signal) : ['nat64 run has ended']
    const { exit, err } = await run.stop()
    if (exit !== 0) faults.push(`nat64 run ended with status ${exit}: ${err.slice(-1000)}`)
    const after = hostState(host)
    const left = Object.keys(before).filter(what => before[what] !== after[what])
    if (left.length > 0) faults.push(`the host is not as it was: ${left.join(', ')}`)
    return judge(seen, mixed, probe, faults)
  } catch (error) {
    console.error(`soak: ${(error as Error).message}`)
    return 1
  } finally {
    await removeHost(host)
  }
}

interface Traffic {
  totals(): { mixed: MixedTotals; probe: ProbeTotals }
  /** The longest gaps since the last call, ms. */
  gaps(): { gapMs: number; ownGapMs: number; rttMs: number }
  end(): void
}

/** This program's other file, where it was built to. */
function trafficProgram(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(dir, 'test/soak/traffic.js')) && dir !== '/') dir = dirname(dir)
  return join(dir, 'test/soak/traffic.js')
}

async function startTraffic(host: TestHost): Promise<Traffic> {
  const program = trafficProgram()
  const start = (netns: string, ...args: string[]): ChildProcess => {
    const argv = ['netns', 'exec', netns, process.execPath, program, ...args]
    const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    host.children.add(child)
    child.once('close', () => host.children.delete(child))
    return child
  }
  const onLine = (child: ChildProcess, take: (line: string) => void) => {
    let rest = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) take(line)
    })
  }
  const server = start(host.server, 'server')
  await new Promise<void>(resolve => onLine(server, () => resolve()))
  let mixed = {} as MixedTotals
  let probe = {} as ProbeTotals
  let gaps = { gapMs: 0, ownGapMs: 0, rttMs: 0 }
  const clients = [start(host.guest, 'mixed', TARGET), start(host.guest, 'probe', TARGET)] as const
  onLine(clients[0], line => {
    mixed = JSON.parse(line)
  })
  onLine(clients[1], line => {
    probe = JSON.parse(line)
    for (const what of ['gapMs', 'ownGapMs', 'rttMs'] as const) gaps[what] = Math.max(gaps[what], probe[what])
  })
  await sleep(2500)
  // The first second holds the time that connections take to begin.
  gaps = { gapMs: 0, ownGapMs: 0, rttMs: 0 }
  return {
    totals: () => ({ mixed, probe }),
    gaps() {
      const said = gaps
      gaps = { gapMs: 0, ownGapMs: 0, rttMs: 0 }
      return said
    },
    end: () => {
      for (const child of [...clients, server]) child.kill('SIGTERM')
    },
  }
}

const HEAD =
  ' min   RSS MB  heap MB  CPU %  sessions   packets  pings lost  probe: lost  gap ms  own gap ms  RTT ms  TCP ok/reset/failed  stream MB  UDP ok/lost  drops'

async function oneMinute(
  host: TestHost,
  pid: number,
  traffic: Traffic,
  index: number,
  signal: AbortSignal,
): Promise<Minute> {
  const cpuBefore = cpuSeconds(pid)
  const started = performance.now()
  const [pingsLost] = await Promise.all([
    lostPings(host, PING_SIZES[index % PING_SIZES.length] as number),
    sleep(60_000, undefined, { signal }).catch(() => {}),
  ])
  const cpu = ((cpuSeconds(pid) - cpuBefore) / (performance.now() - started)) * 100_000
  const status = await statusOf(host)
  const { mixed, probe } = traffic.totals()
  const gaps = traffic.gaps()
  const { heapUsedBytes, boundBytes } = status.memory
  const heapMb = heapUsedBytes / MB
  const minute = {
    rssMb: rssMb(pid),
    boundMb: boundBytes / MB,
    heapMb,
    cpu,
    sessions: status.sessions.count,
    pingsLost,
    ...gaps,
  }
  const columns: [string | number, number][] = [
    [index + 1, 4],
    [minute.rssMb.toFixed(1), 9],
    [heapMb.toFixed(1), 9],
    [cpu.toFixed(1), 7],
    [minute.sessions, 10],
    [status.toV4.packetsIn + status.toV6.packetsIn, 10],
    [pingsLost, 12],
    [probe.lost, 13],
    [gaps.gapMs.toFixed(1), 8],
    [gaps.ownGapMs.toFixed(1), 12],
    [gaps.rttMs.toFixed(1), 8],
    [`${mixed.connections}/${mixed.resets}/${mixed.failed}`, 21],
    [Math.round(mixed.streamBytes / 1e6), 11],
    [`${mixed.datagrams}/${mixed.datagramsLost}`, 13],
  ]
  const drops = status.drops.map(d => `${d.code} ${d.count}`).join(', ') || 'none'
  console.log(`${columns.map(([text, width]) => String(text).padStart(width)).join('')}  ${drops}`)
  return minute
}

/** Pings of one size, one a second, for most of a minute; how many had no answer. */
function lostPings(host: TestHost, size: number): Promise<number> {
  const child = spawn('ip', ['netns', 'exec', host.guest, 'ping', '-q', '-c', '55', '-s', String(size), TARGET])
  host.children.add(child)
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  return new Promise(resolve =>
    child.once('close', () => {
      host.children.delete(child)
      resolve(55 - Number(/(\d+) received/.exec(out)?.[1] ?? 0))
    }),
  )
}

async function statusOf(host: TestHost): Promise<StatusSnapshot> {
  const { exit, out } = await nat64(host, ['status', '--json'])
  if (exit !== 0) throw new Error(`nat64 status: ${out}`)
  return JSON.parse(out)
}

/** Waits until sessions have expired; what is wrong after that. */
async function idleFaults(host: TestHost, signal: AbortSignal): Promise<string[]> {
  const started = performance.now()
  for (;;) {
    const { sessions, bib } = await statusOf(host)
    const seconds = Math.round((performance.now() - started) / 1000)
    if (sessions.count === 0 && bib.count === 0) {
      console.log(`No sessions left after ${seconds} idle seconds.`)
      return []
    }
    if (seconds * 1000 > IDLE_MS || signal.aborted) {
      return [`${sessions.count} sessions and ${bib.count} BIB entries after ${seconds} idle seconds`]
    }
    await sleep(2000, undefined, { signal }).catch(() => {})
  }
}

function judge(seen: readonly Minute[], mixed: MixedTotals, probe: ProbeTotals, faults: string[]): number {
  const counted = seen.slice(WARM_UP)
  const perHour = (of: (m: Minute) => number) => slope(counted.map(of)) * 60
  const [rss, heap] = [perHour(m => m.rssMb), perHour(m => m.heapMb)]
  const above = seen.filter(m => m.rssMb > m.boundMb).length
  const pings = seen.reduce((sum, m) => sum + m.pingsLost, 0)
  const worst = seen.reduce((a, b) => (b.gapMs > a.gapMs ? b : a), { gapMs: 0, ownGapMs: 0 })
  if (counted.length >= WARM_UP) {
    console.log(`After ${WARM_UP} minutes, in an hour: RSS ${signed(rss)} MB, heap ${signed(heap)} MB.`)
    if (heap > MAX_SLOPE) faults.push(`the heap grows by ${heap.toFixed(1)} MB an hour`)
  }
  if (above > 0)
    faults.push(`${above} minutes above the ${Math.round(seen[0]?.boundMb ?? 0)} MB that it says it takes at most`)
  console.log(
    `Longest gap of the probe ${worst.gapMs.toFixed(1)} ms; the prober itself was late by ${worst.ownGapMs.toFixed(1)} ms in that minute.`,
  )
  const zero: [number, string][] = [
    [pings, 'pings lost'],
    [probe.lost, 'probes lost'],
    [mixed.wrong, 'contents differ'],
    [mixed.failed, 'connections failed'],
    [mixed.datagramsLost, 'datagrams lost'],
  ]
  faults.push(...zero.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`))
  for (const complaint of mixed.complaints) console.log(`  ${complaint}`)
  console.log(faults.length > 0 ? `Failed: ${faults.join('; ')}.` : `Passed: ${seen.length} minutes, nothing lost.`)
  return faults.length > 0 ? 1 : 0
}

const MB = 1024 * 1024
const signed = (n: number): string => `${n >= 0 ? '+' : ''}${n.toFixed(2)}`

/** CPU time of a process so far, all threads, seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024
}
