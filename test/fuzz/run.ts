/** The fuzzer for as long as one likes: `run [--packets 1e8] [--seed 7]`. Prints what it met; exit status 1 on a failure. */
import { parseArgs } from 'node:util'
import { Fuzzer } from './fuzz.js'

const { values } = parseArgs({ options: { packets: { type: 'string', default: '1e7' }, seed: { type: 'string' } } })
const packets = Number(values.packets)
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
if (!(packets >= 1) || !Number.isSafeInteger(packets) || !Number.isSafeInteger(seed)) {
  console.error('--packets and --seed want whole numbers, such as --packets 1e8 --seed 7')
  process.exit(2)
}

const STEP = 1_000_000
const fuzzer = new Fuzzer(seed)
console.log(`seed ${seed}`)
const started = performance.now()
try {
  for (let done = 0; done < packets; ) {
    const n = Math.min(STEP, packets - done)
    fuzzer.run(n)
    done += n
    const seconds = (performance.now() - started) / 1000
    console.log(`${done} packets, ${Math.round(done / seconds)} a second`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
for (const [what, count] of [...fuzzer.seen].sort((x, y) => y[1] - x[1]))
  console.log(`${String(count).padStart(12)}  ${what}`)
