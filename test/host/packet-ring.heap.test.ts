/** Reading a ring allocates nothing per frame; measured on a bundle, in a process of its own, as it runs in production. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { expect, it } from 'vitest'

/** Bytes per frame that measuring itself may cost. The smallest object takes 16. */
const NOISE = 4

it('a frame leaves nothing on the heap', { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'nat64-ring-heap-'))
  try {
    const outfile = join(dir, 'ring-heap.mjs')
    const entryPoints = [join(import.meta.dirname, 'ring-heap.ts')]
    buildSync({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19' })
    const printed = execFileSync(process.execPath, ['--expose-gc', outfile], { encoding: 'utf8' })
    const { bytesPerFrame, sum } = JSON.parse(printed) as { bytesPerFrame: number; sum: number }
    expect(sum).toBeGreaterThan(1e6)
    expect(bytesPerFrame).toBeLessThan(NOISE)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
