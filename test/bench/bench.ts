/**
 * `npm run bench`: nat64 beside Debian's tayga, kernel routing without translation and the C limit, in one run, taking
 * turns. Prints a table with ratios and targets, writes JSON. See bench-options.ts for what it can be told.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CoreResult, judgeCore, runCore } from './bench-core.js'
import { type Figures, type Measure, measuresOf, type NetworkPart, proveReachable } from './bench-measure.js'
import { type BenchOptions, type Part, type PeerName, parseOptions, USAGE } from './bench-options.js'
import { compile, exists, type Peer, startPeer } from './bench-peers.js'
import { formatTable, formatTargets, type Judged, judge, type Row, rowsOf } from './bench-report.js'
import { judgeTrace, runTrace, type TraceResult } from './bench-trace.js'
import { closeNet, type Net, openNet, rssMb } from './net.js'

/** The repository: this file runs from dist/test/bench or from test/bench. */
function findRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(dir, 'test/bench/load.c')) && dir !== '/') dir = dirname(dir)
  return dir
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (typeof options === 'string') {
    console.error(options === USAGE ? USAGE : `bench: ${options}\n${USAGE}`)
    return options === USAGE ? 0 : 2
  }
  const missing = ['ip', 'iperf3', 'ping'].filter(p => !exists(p))
  if (process.getuid?.() !== 0) return refuse('it needs root, for its network namespaces: sudo npm run bench')
  if (missing.length > 0) return refuse(`missing: apt-get install ${missing.join(' ').replace('ip ', 'iproute2 ')}`)
  const root = findRoot()
  const skipped: string[] = []
  const isInterrupted = watchSignals()
  const parts = options.parts.filter(isNetworkPart)
  const rows = parts.length > 0 ? await measureNetwork(options, parts, root, skipped, isInterrupted) : []
  const has = (part: Part) => options.parts.includes(part) && !isInterrupted()
  const core = has('core') ? runCore(root, skipped) : { text: '', json: [] }
  const trace = has('trace') ? await runTrace(root, options, skipped, isInterrupted) : { text: '', rows: [] }
  const judged = [...judge(rows), ...judgeCore(core), ...judgeTrace(trace)]
  if (rows.length > 0) console.log(`\n${formatTable(rows)}`)
  for (const { text } of [core, trace]) if (text !== '') console.log(`\n${text}`)
  console.log(`\nTargets\n${formatTargets(judged)}`)
  for (const line of skipped) console.log(`  skipped  ${line}`)
  writeFileSync(
    options.output,
    `${JSON.stringify(resultOf(options, rows, core.json, trace.rows, judged, skipped), null, 1)}\n`,
  )
  console.log(`\n${options.output} has every round${isInterrupted() ? ' up to the interruption' : ''}.`)
  return isInterrupted() ? 130 : 0
}

function refuse(sentence: string): number {
  console.error(`bench: ${sentence}`)
  return 3
}

/** The first signal lets the current measurement end, so that everything is cleaned up. */
function watchSignals(): () => boolean {
  let isInterrupted = false
  const onSignal = () => {
    isInterrupted = true
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => isInterrupted
}

const isNetworkPart = (part: Part): part is NetworkPart => part !== 'core' && part !== 'trace'

async function measureNetwork(
  options: BenchOptions,
  parts: readonly NetworkPart[],
  root: string,
  skipped: string[],
  isInterrupted: () => boolean,
): Promise<Row[]> {
  const net = openNet()
  try {
    const load = compile(net, join(root, 'test/bench/load.c'))
    if (load === null) skipped.push('UDP and request/response: no C compiler (apt-get install gcc libc6-dev)')
    const peers = await startPeers(net, root, options, skipped)
    const measures = parts.flatMap(part => measuresOf(load)[part])
    return await takeTurns(net, peers, measures, options, skipped, isInterrupted)
  } finally {
    await closeNet(net)
  }
}

async function startPeers(net: Net, root: string, options: BenchOptions, skipped: string[]): Promise<Peer[]> {
  const peers: Peer[] = []
  for (const name of options.peers) {
    const peer = await startPeer(net, name, root, options)
    if (typeof peer === 'string') {
      skipped.push(`${name}: ${peer}`)
      continue
    }
    try {
      await proveReachable(net, peer)
      peers.push(peer)
    } catch (error) {
      skipped.push((error as Error).message)
    }
  }
  for (const { name, version } of peers) console.error(`${name}: ${version}`)
  return peers
}

type Gathered = Partial<Record<PeerName, Figures[]>>

async function takeTurns(
  net: Net,
  peers: readonly Peer[],
  measures: readonly Measure[],
  options: BenchOptions,
  skipped: string[],
  isInterrupted: () => boolean,
): Promise<Row[]> {
  const gathered = new Map<Measure, Gathered>(measures.map(m => [m, {}]))
  for (let round = 0; round < options.rounds && !isInterrupted(); round++) {
    for (const measure of measures) {
      // Who begins changes, so that nobody always follows the same one.
      for (let turn = 0; turn < peers.length && !isInterrupted(); turn++) {
        const peer = peers[(turn + round) % peers.length] as Peer
        progress(`round ${round + 1}/${options.rounds}  ${measure.title}  ${peer.name}`)
        const byPeer = gathered.get(measure) as Gathered
        byPeer[peer.name] ??= []
        byPeer[peer.name]?.push(await attempt(measure, net, peer, options.seconds, skipped))
      }
    }
  }
  progress('')
  const memory = memoryRows(peers)
  return [...measures.flatMap(m => rowsOf(m, gathered.get(m) as Gathered)), ...memory]
}

/** The figures of one measurement; none when it failed, which is noted once. */
async function attempt(measure: Measure, net: Net, peer: Peer, seconds: number, skipped: string[]): Promise<Figures> {
  // The limit translates TCP and UDP only.
  if (peer.name === 'limit' && measure.id === 'ping') return {}
  try {
    return await measure.run(net, peer, seconds)
  } catch (error) {
    const line = `${measure.title}, ${peer.name}: ${(error as Error).message.split('\n')[0]}`
    if (!skipped.includes(line)) skipped.push(line)
    return {}
  }
}

function memoryRows(peers: readonly Peer[]): Row[] {
  const row = (id: string, title: string, of: (peer: Peer) => number): Row => ({
    id,
    title,
    unit: 'MB',
    isLessBetter: true,
    values: Object.fromEntries(peers.filter(p => p.pid !== null).map(p => [p.name, [of(p)]])),
  })
  const now = (peer: Peer) => {
    try {
      return rssMb(peer.pid as number)
    } catch {
      return Number.NaN
    }
  }
  return [row('rss-idle', 'RSS idle', p => p.idleMb), row('rss-loaded', 'RSS after the load', now)]
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}

function resultOf(
  options: BenchOptions,
  rows: readonly Row[],
  core: CoreResult['json'],
  trace: TraceResult['rows'],
  judged: readonly Judged[],
  skipped: readonly string[],
) {
  return {
    schema: 'nat64.bench/1',
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? '',
      cores: cpus().length,
      kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
      node: process.version,
      loadAverage: readFileSync('/proc/loadavg', 'utf8').trim(),
    },
    options,
    rows,
    core,
    trace,
    targets: judged,
    skipped,
  }
}

process.exitCode = await main()
