/**
 * `npm run fuzz -- [--packets 1e9] [--seed 7] [--jobs 2]`: the fuzzer for as long as one likes. Each job is a thread with a
 * seed of its own, from the one given upwards. Prints what was met; exit status 1 on a failure, with what repeats it.
 */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Fuzzer } from './fuzz.js'

const STEP = 250_000

interface Job {
  readonly seed: number
  readonly packets: number
}
interface Progress {
  readonly done: number
  /** What was met, when the job is over. */
  readonly seen?: readonly (readonly [string, number])[]
  readonly failure?: string
}

function work({ seed, packets }: Job): void {
  const fuzzer = new Fuzzer(seed)
  const tell = (progress: Progress) => parentPort?.postMessage(progress)
  let done = 0
  try {
    while (done < packets) {
      const n = Math.min(STEP, packets - done)
      fuzzer.run(n)
      done += n
      if (done < packets) tell({ done })
    }
    tell({ done, seen: fuzzer.met() })
  } catch (error) {
    tell({ done, seen: fuzzer.met(), failure: error instanceof Error ? error.message : String(error) })
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string', default: '1e7' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      jobs: { type: 'string', default: '2' },
    },
  })
  const [packets, seed, jobs] = [values.packets, values.seed, values.jobs].map(Number) as [number, number, number]
  const isWrong = [packets, seed, jobs].some(n => !Number.isSafeInteger(n)) || jobs < 1 || packets < jobs
  if (isWrong) {
    console.error('--packets, --seed and --jobs want whole numbers, such as --packets 1e8 --seed 7 --jobs 2')
    process.exitCode = 2
    return
  }
  const each = Math.ceil(packets / jobs)
  console.log(`seeds ${seed} to ${seed + jobs - 1}, ${each} packets each`)
  const started = performance.now()
  const done = new Array<number>(jobs).fill(0)
  const met = new Map<string, number>()
  let running = jobs
  let said = 0
  for (let i = 0; i < jobs; i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { seed: seed + i, packets: each } satisfies Job })
    worker.on('message', (progress: Progress) => {
      done[i] = progress.done
      for (const [what, count] of progress.seen ?? []) met.set(what, (met.get(what) ?? 0) + count)
      if (progress.failure !== undefined) {
        console.error(progress.failure)
        process.exitCode = 1
      }
    })
    worker.on('error', error => {
      console.error(`seed ${seed + i}: ${error.stack ?? error.message}`)
      process.exitCode = 1
    })
    worker.on('exit', () => {
      if (--running > 0) return
      clearInterval(timer)
      report()
      for (const [what, count] of [...met].sort((x, y) => y[1] - x[1]))
        console.log(`${String(count).padStart(12)}  ${what}`)
    })
  }
  const report = () => {
    const total = done.reduce((a, b) => a + b, 0)
    const rate = Math.round(total / ((performance.now() - started) / 1000))
    if (total > said) console.log(`${total} packets, ${rate} a second`)
    said = total
  }
  const timer = setInterval(report, 10_000)
}

if (isMainThread) main()
else work(workerData as Job)
