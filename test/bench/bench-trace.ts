/**
 * `nat64 trace` under load: a Proxmox node in miniature (see `nat64 lab`), numbered datagrams from its guest through
 * `nat64 run` to the internet, eight places on seven interfaces. What was sent, received, seen on interfaces, traced and
 * said of it; processor time and memory; how long a key takes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTranslator, translatorReady } from '../../src/lab/demo/translator.js'
import { labDown, labUp } from '../../src/lab/lab.js'
import { DEFAULT_LAB, LAB } from '../../src/lab/options.js'
import { formatTable } from '../../src/term/table.js'
import type { TraceSummary } from '../../src/trace/core/traced.js'
import { childOf, type LabProgram, passedIn, peakMb, startInLab, threadTimes } from './bench-lab.js'
import type { BenchOptions } from './bench-options.js'
import { compile, exists } from './bench-peers.js'
import { figure, type Judged, median } from './bench-report.js'
import { pause } from './net.js'

/** Where packets are seen; at the translator's twice. */
const DEVICES = ['tap100i0', 'fwbr100i0', 'fwln100i0', 'fwpr100p0', 'vmbr0', 'nat64', 'eno1']
const PLACES = DEVICES.length + 1

interface Load {
  readonly title: string
  /** Datagrams a second. */
  readonly rate: number
  readonly reader: 'json' | 'plain' | 'screen'
}

const SIZE = 64
const FLOWS = 6
const PORT = '5300'
/** The receiver sends one datagram in so many back, so that requests are answered. */
const ANSWERED = 64
const LOADS: readonly Load[] = [
  { title: '100 k sightings/s', rate: 100_000 / PLACES, reader: 'json' },
  { title: '100 k packets/s', rate: 100_000, reader: 'json' },
  { title: 'as text', rate: 100_000, reader: 'plain' },
  { title: 'on the screen', rate: 100_000, reader: 'screen' },
]
const READY = { json: '"type":"start"', plain: 'Tracing', screen: 'live' } as const
const SETTLE_MS = 1500

/** What one load came to; absent: not measured with this reader. */
export interface TraceFigures {
  readonly sent: number
  readonly received: number
  /** Packets that the interfaces counted, all together. */
  readonly passed: number
  readonly summary?: TraceSummary
  /** Shares of a core while packets came. */
  readonly mainCpu: number
  readonly tracingCpu: number
  readonly peakMb: number
  /** From a key to the redraw, ms. */
  readonly keysMs: readonly number[]
  /** From SIGINT, or the key, to the end, ms. */
  readonly endMs: number
}

type Row = Load & { readonly figures: TraceFigures }

export interface TraceResult {
  readonly text: string
  readonly rows: readonly Row[]
}

/** Runs all loads, one after the other. What cannot be measured is noted in `skipped`. */
export async function runTrace(
  root: string,
  { seconds }: BenchOptions,
  skipped: string[],
  isInterrupted: () => boolean,
): Promise<TraceResult> {
  const dir = mkdtempSync(join(tmpdir(), 'nat64-bench-trace-'))
  const lab = `bench-${process.pid}`
  const rows: Row[] = []
  try {
    const load = compile({ dir }, join(root, 'test/bench/load.c'))
    if (load === null) throw new Error('no C compiler: apt-get install gcc libc6-dev')
    const product = [process.execPath, join(root, 'dist/src/bin.js')]
    await labUp({ ...DEFAULT_LAB, name: lab, guests: 1 }, { program: product, owned: true })
    try {
      for (const which of LOADS) {
        if (isInterrupted()) break
        process.stderr.write(`trace  ${which.title}\n`)
        if (which.reader === 'screen' && !exists('script')) skipped.push('trace, on the screen: no script(1)')
        else rows.push({ ...which, figures: await measure(lab, load, product, which, seconds) })
      }
    } finally {
      await labDown(lab)
    }
  } catch (error) {
    skipped.push(`trace: ${(error as Error).message.split('\n')[0]}`)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  return { rows, text: rows.length === 0 ? '' : tableOf(rows, seconds) }
}

async function measure(
  lab: string,
  load: string,
  product: readonly string[],
  { rate, reader }: Load,
  seconds: number,
): Promise<TraceFigures> {
  const translator = startTranslator(lab, product, [])
  if (!(await translatorReady(lab, translator, 20_000))) throw new Error('nat64 run does not start in the lab')
  const sink = startInLab(lab, 'inet', [load, 'sink', LAB.host4, PORT, String(ANSWERED)])
  const trace = startTrace(lab, product, reader)
  try {
    await trace.says(READY[reader], 20_000)
    const pid = reader === 'screen' ? await childOf(trace.pid) : trace.pid
    await pause(SETTLE_MS)
    const [passed, cpu] = [passedIn(lab, DEVICES), threadTimes(pid)]
    const flood = ['pace', LAB.host4in6, PORT, seconds, SIZE, rate, FLOWS].map(String)
    const sending = startInLab(lab, 'vm100', [load, ...flood])
    const keysMs = reader === 'screen' ? await pressKeys(trace, seconds) : []
    const sent = Number(await sending.done)
    const after = threadTimes(pid)
    await pause(SETTLE_MS)
    const passedAfter = passedIn(lab, DEVICES)
    const peak = peakMb(pid)
    const asked = performance.now()
    if (reader === 'screen') trace.write('q')
    else trace.signal('SIGINT')
    const output = await trace.done
    const endMs = performance.now() - asked
    const summary = reader === 'json' ? summaryOf(output) : undefined
    return {
      sent,
      received: Number((await sink.done).split('\n')[1]?.split(' ')[0]),
      passed: passedAfter - passed,
      ...(summary && { summary }),
      mainCpu: (after.main - cpu.main) / seconds,
      tracingCpu: (after.busiest - cpu.busiest) / seconds,
      peakMb: peak,
      keysMs,
      endMs,
    }
  } finally {
    for (const program of [trace, sink]) program.signal('SIGKILL')
    translator.signal('SIGTERM')
    await translator.ended(5000)
  }
}

/** On a screen of its own, 120 columns wide, where one is asked for. */
function startTrace(lab: string, product: readonly string[], reader: Load['reader']): LabProgram {
  const argv = [...product, 'trace', ...(reader === 'screen' ? [] : [`--${reader}`])]
  if (reader !== 'screen') return startInLab(lab, 'node', argv)
  return startInLab(lab, 'node', ['script', '-qfec', `stty rows 40 cols 120; exec ${argv.join(' ')}`, '/dev/null'])
}

/** Freezes the screen and lets it go on, twice a second. Returns how long each took to show, ms. */
async function pressKeys(trace: LabProgram, seconds: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < Math.floor(seconds); i++) {
    for (const shown of ['frozen', 'live']) {
      await pause(400)
      const pressed = performance.now()
      trace.write(' ')
      await trace.says(shown, 10_000)
      times.push(performance.now() - pressed)
    }
  }
  return times
}

function summaryOf(output: string): TraceSummary {
  const line = output.split('\n').findLast(l => l.includes('"type":"summary"'))
  if (line === undefined) throw new Error('nat64 trace gave no summary')
  return JSON.parse(line)
}

const count = (n: number | undefined) => (n === undefined || !Number.isFinite(n) ? '-' : String(n))
const percent = (share: number | undefined) => (share === undefined ? '-' : `${Math.round(share * 100)} %`)

function tableOf(rows: readonly Row[], seconds: number): string {
  const line = (title: string, of: (f: TraceFigures) => string) => [title, ...rows.map(r => of(r.figures))]
  const verdict = (kind: keyof TraceSummary['byVerdict']) => line(`  ${kind}`, f => count(f.summary?.byVerdict[kind]))
  const lines = formatTable(
    [`trace, ${seconds} s each`, ...rows.map(r => r.title)],
    [
      line('datagrams sent/s', f => figure(f.sent / seconds)),
      line('datagrams that did not arrive', f => count(f.sent - f.received)),
      line('sightings/s on all interfaces', f => figure(f.passed / seconds)),
      line('sightings read', f => count(f.summary?.capture.seen)),
      line('sightings lost by the kernel', f => count(f.summary?.capture.lost)),
      line('traced, down to 1 in', f => count(f.summary?.capture.mostOneIn)),
      line('packets traced', f => count(f.summary?.paths)),
      ...(['delivered', 'died', 'incomplete', 'unanswered', 'unknown'] as const).map(verdict),
      line('CPU of the tracing thread', f => percent(f.tracingCpu)),
      line('CPU of the main thread', f => percent(f.mainCpu)),
      line('peak memory, MB', f => figure(f.peakMb)),
      line('key to redraw, median ms', f => figure(median(f.keysMs))),
      line('key to redraw, longest ms', f => figure(Math.max(...f.keysMs))),
      line('end of the trace, ms', f => figure(f.endMs)),
    ],
    ['left', ...rows.map(() => 'right' as const)],
  )
  return lines.join('\n')
}

/** What the load is to prove: nothing is called dead that arrived, and all that was seen is accounted for. */
export function judgeTrace({ rows }: TraceResult): Judged[] {
  const judged = (title: string, measured: number, bound: number, isLessBetter: boolean, unit = ''): Judged => ({
    ...{ row: 'trace', versus: null, title, measured, bound, isLessBetter, unit },
    isReached: isLessBetter ? measured <= bound : measured >= bound,
  })
  return rows.flatMap(({ title, figures: f }) => {
    const { summary } = f
    const name = `trace, ${title}`
    const list = [judged(`${name}: peak memory`, f.peakMb, 400, true, 'MB')]
    if (f.keysMs.length > 0) list.push(judged(`${name}: key to redraw`, median(f.keysMs), 200, true, 'ms'))
    if (summary === undefined) return list
    const { byVerdict: v, capture } = summary
    const wrong = Math.max(0, v.died - (f.sent - f.received))
    list.push(judged(`${name}: called dead beyond those that did not arrive`, wrong, 0, true))
    list.push(judged(`${name}: share that is not incomplete`, 1 - v.incomplete / summary.paths, 0.5, false))
    const isSampled = capture.mostOneIn > 1
    const known = capture.seen + capture.lost
    if (!isSampled) list.push(judged(`${name}: sightings accounted for`, known / f.passed, 0.999, false))
    return list
  })
}
