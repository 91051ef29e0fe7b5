/**
 * `npm run abuse`: `nat64 run` with its limits, attacked in the ways that are to exhaust it, while transfers of other
 * guests go through it. Prints how these fared, how the attack was counted, and what memory it took.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { closeNet, type Net } from '../bench/net.js'
import { ATTACKS, type Attack } from './attacks.js'
import { broken, type Measured } from './judge.js'
import { openLab } from './lab.js'
import { measure } from './measure.js'
import { tableLines } from './report.js'

const USAGE = `npm run abuse -- [options]      (as root; in network namespaces of its own; about 5 minutes)
  --only TEXT     attacks with this in their names
  --tries N       an attack under which something was lost is repeated so often (3), as other programs share
                  the processors; each must be lost on all of them for a promise to be broken
  --output FILE   everything as JSON (abuse-result.json)
Exit status 1: a promise does not hold. "queue full": packets that the kernel dropped before the translator;
"waited": how long the translator was ready to run and had no processor.`
const dist = join(dirname(fileURLToPath(import.meta.url)), '../..')

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      tries: { type: 'string', default: '3' },
      output: { type: 'string', default: 'abuse-result.json' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.error(USAGE)
    return 2
  }
  if (process.getuid?.() !== 0) return refuse('it needs root, for its network namespaces: sudo npm run abuse')
  if (!existsSync(join(dist, 'src/bin.js'))) return refuse('dist is not built: npm run build')
  const attacks = ATTACKS.filter(a => a.name.includes(values.only))
  const net = openLab()
  const all: Measured[] = []
  try {
    for (const attack of [null, ...attacks]) all.push(await bestOf(Number(values.tries), net, attack, all[0]))
  } finally {
    await closeNet(net)
  }
  const calm = all[0] as Measured
  console.log(`\n${tableLines(all, calm).join('\n')}\n`)
  const failures = all.flatMap(m => broken(m, calm).map(line => `  ${m.attack?.name ?? 'no attack'}: ${line}`))
  console.log(failures.length === 0 ? 'All promises hold.' : `Broken promises:\n${failures.join('\n')}`)
  writeFileSync(values.output, `${JSON.stringify(all, null, 1)}\n`)
  return failures.length === 0 ? 0 : 1
}

function refuse(sentence: string): number {
  console.error(`abuse: ${sentence}`)
  return 3
}

/** The first measurement under which all promises hold; else the last. */
async function bestOf(tries: number, net: Net, attack: Attack | null, calm?: Measured): Promise<Measured> {
  for (let n = 1; ; n++) {
    process.stderr.write(`${attack?.name ?? 'no attack'}\n`)
    const measured = { ...(await measure(net, dist, attack)), tries: n }
    const failures = broken(measured, calm ?? measured)
    for (const line of failures) process.stderr.write(`    ${line}\n`)
    if (failures.length === 0 || n >= tries) return measured
  }
}

process.exitCode = await main()
