/** `npm run soak`: the core for as many packets as one likes, or real traffic in namespaces for so many minutes. */
import { parseArgs } from 'node:util'

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
  return 0
}

process.exitCode = await main()
