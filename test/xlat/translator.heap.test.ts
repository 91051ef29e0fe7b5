/**
 * The hot path allocates nothing: with collection out of the way, packets leave the heap as it was. Measured on the bundle in
 * a process of its own, as it runs in production: a test runner's way of importing keeps functions from being inlined.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { expect, it } from 'vitest'

/** Bytes per packet that measuring itself may cost. The smallest object takes 16. */
const NOISE = 4

it('no mode leaves anything on the heap, packet by packet, both ways', { timeout: 180_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'nat64-heap-'))
  try {
    const outfile = join(dir, 'heap-growth.mjs')
    const entryPoints = [join(import.meta.dirname, 'heap-growth.ts')]
    buildSync({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19' })
    const printed = execFileSync(process.execPath, ['--expose-gc', outfile], { encoding: 'utf8' })
    const grown = JSON.parse(printed) as Record<string, number[]>
    expect(Object.keys(grown)).toEqual(['stateful', 'siit', 'pool'])
    for (const [mode, all] of Object.entries(grown)) for (const bytes of all) expect(bytes, mode).toBeLessThan(NOISE)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
