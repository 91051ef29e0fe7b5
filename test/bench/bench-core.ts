/** The part without network: the scripts that measure the core, their tables, and the targets they bear on. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Judged } from './bench-report.js'

export interface CoreResult {
  /** What the scripts printed for people. */
  readonly text: string
  /** Their results, by `schema`. */
  readonly json: readonly CoreJson[]
}

interface CoreJson {
  readonly schema: string
  readonly rows: readonly Readonly<Record<string, number>>[]
}

const SCRIPTS = ['core.bench.js', 'state.bench.js']
const LIMIT_MS = 240_000

/** Runs the scripts that are built. Each prints a table and, as its last line, JSON. */
export function runCore(root: string, skipped: string[]): CoreResult {
  const texts: string[] = []
  const json: CoreJson[] = []
  for (const script of SCRIPTS) {
    const path = join(root, 'dist/test/bench', script)
    if (!existsSync(path)) {
      skipped.push(`core: dist/test/bench/${script} is not built`)
      continue
    }
    const child = spawnSync(process.execPath, ['--expose-gc', path], { encoding: 'utf8', timeout: LIMIT_MS })
    const lines = child.stdout.trimEnd().split('\n')
    try {
      json.push(JSON.parse(lines.pop() ?? ''))
      texts.push(`${script.replace('.js', '')}\n${lines.join('\n')}`)
    } catch {
      const why = child.error?.message ?? child.stderr.trim().split('\n').at(-1)
      skipped.push(`core: ${script}: ${why || 'no result'}`)
    }
  }
  return { text: texts.join('\n\n'), json }
}

/** The targets about state tables, from rows that name `sessions`. */
export function judgeCore({ json }: CoreResult): Judged[] {
  const rows = json.find(j => j.schema === 'nat64.bench.core/1')?.rows ?? []
  const [small, large] = [1e3, 1e6].map(n => rows.find(r => r.sessions === n))
  if (small === undefined || large === undefined) return []
  const tables = json.find(j => j.schema === 'nat64.bench.state/1')?.rows.find(r => r.sessions === 1e6)
  const judged = (title: string, measured: number, bound: number, isLessBetter: boolean, unit = ''): Judged => ({
    row: 'core',
    title,
    versus: null,
    bound,
    measured,
    isLessBetter,
    isReached: isLessBetter ? measured <= bound : measured >= bound,
    unit,
  })
  const growth = (key: string) => (large[key] as number) / (small[key] as number)
  return [
    judged('packet toV4 at 1e6 sessions / at 1e3', growth('toV4'), 1.5, true),
    judged('packet toV6 at 1e6 sessions / at 1e3', growth('toV6'), 1.5, true),
    judged('  in batches of 32, toV4', growth('toV4Batched'), 1.5, true),
    judged('  in batches of 32, toV6', growth('toV6Batched'), 1.5, true),
    judged('new sessions per second, up to 1e6', 1e9 / (large.create as number), 200_000, false),
    // The smallest object takes 16 bytes: less than one a packet is the compiler's, not the packets'.
    judged('heap growth per packet', (large.heapPerMillion as number) / 1e6, 1, true, 'B'),
    // Of the tables alone where they were measured: the other script keeps those of its earlier sizes.
    judged('RSS with 1e6 sessions', tables?.rssFull ?? (large.rss as number), 200, true, 'MiB'),
  ]
}
