/** `npm run soak`: the core for as many packets as one likes, or real traffic in namespaces for so many minutes. */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SOAK_MODES, type SoakResult, type SoakStep, soakCore } from './core.js'

const USAGE = `npm run soak -- [--packets 1e9] [--days 30] [--seed 1]   the core, with a virtual time
npm run soak -- --lab [--minutes 60]                     nat64 run and real traffic, in namespaces; needs root`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string', default: '1e9' },
      days: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
      lab: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '60' },
      help: { type: 'boolean', default: false },
    },
  })
  const [packets, days, seed, minutes] = [values.packets, values.days, values.seed, values.minutes].map(Number)
  const wrong = [packets, days, seed, minutes].some(n => !Number.isSafeInteger(n) || n! < 1)
  if (values.help || wrong) {
    console.error(wrong ? `soak: whole numbers are wanted\n${USAGE}` : USAGE)
    return wrong ? 2 : 0
  }
  if (values.lab) return (await import('./lab.js')).soakLab(minutes!)
  return soakAll(packets!, days!, seed!)
}

interface Job {
  readonly mode: string
  readonly packets: number
  readonly days: number
  readonly seed: number
}
type Said = { readonly step: SoakStep } | { readonly result: SoakResult } | { readonly failure: string }

/** What may be left on the heap in all, bytes: the compiler and the collector keep books, too. */
const MAX_HEAP_GROWTH = 256 * 1024

/** All modes, each in a thread with its share of the packets and the whole time. */
async function soakAll(packets: number, days: number, seed: number): Promise<number> {
  const modes = Object.keys(SOAK_MODES)
  const each = Math.ceil(packets / modes.length)
  console.log(`seed ${seed}, ${each} packets and ${days} days for each of ${modes.length} modes`)
  const started = performance.now()
  const faults = (await Promise.all(modes.map(mode => follow({ mode, packets: each, days, seed })))).flat()
  const rate = Math.round((each * modes.length) / ((performance.now() - started) / 1000))
  console.log(`${each * modes.length} packets, ${rate} a second.`)
  console.log(faults.length > 0 ? `Failed: ${faults.join('; ')}.` : 'Passed.')
  return faults.length > 0 ? 1 : 0
}

/** Runs a mode in a thread and prints how it goes; what is wrong in the end. */
function follow(job: Job): Promise<string[]> {
  const { mode } = job
  return new Promise(resolve => {
    const faults: string[] = []
    const worker = new Worker(new URL(import.meta.url), { workerData: job })
    worker.on('message', (said: Said) => {
      if ('failure' in said) faults.push(said.failure)
      else if ('step' in said) console.log(stepLine(mode, said.step))
      else {
        console.log(`${mode}: ${JSON.stringify(said.result)}`)
        if (said.result.left !== 0) faults.push(`${mode}: ${said.result.left} entries outlived the nights`)
        if (said.result.heapGrowth > MAX_HEAP_GROWTH)
          faults.push(`${mode}: the heap has grown by ${Math.round(said.result.heapGrowth / 1024)} KiB`)
      }
    })
    worker.on('error', error => faults.push(`${mode}: ${error.stack ?? error.message}`))
    worker.on('exit', () => resolve(faults))
  })
}

const stepLine = (mode: string, { packets, day, sessions, heapBytes }: SoakStep): string =>
  `${mode.padEnd(16)} day ${day.toFixed(1).padStart(4)}  ${String(packets).padStart(10)} packets  ${String(sessions).padStart(6)} sessions  heap ${(heapBytes / 1024).toFixed(0)} KiB`

function work({ mode, packets, days, seed }: Job): void {
  const tell = (said: Said) => parentPort?.postMessage(said)
  try {
    tell({ result: soakCore(mode, packets, days, seed, step => tell({ step })) })
  } catch (error) {
    tell({ failure: error instanceof Error ? error.message : String(error) })
  }
}

if (isMainThread) process.exitCode = await main()
else work(workerData as Job)
