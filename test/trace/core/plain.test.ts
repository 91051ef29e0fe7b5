/** Packets that arrived are counted alike whether they are told of or not: recorded hosts, over and over. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadFacts } from '../../../src/facts/load.js'
import { EVERYTHING } from '../../../src/trace/core/target.js'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { makeTracer } from '../../../src/trace/core/tracer.js'
import { deviceNames } from '../../../src/trace/file/read.js'
import { type Collected, collect } from '../file/collect.js'

const recordings = join(import.meta.dirname, '../../../fixtures/recordings')
const TIMES = 4
const APART = 60e9

function traceAll({ taps, frames }: Collected, folder: string, hasRoom: () => boolean) {
  const told: TracedPath[] = []
  const tracer = makeTracer(loadFacts(folder), { wanted: EVERYTHING, hasRoom, onPath: path => told.push(path) })
  for (const tap of taps) tracer.addTap(tap)
  for (let i = 0; i < TIMES; i++) {
    for (const frame of frames) {
      tracer.see({ ...frame, time: frame.time + i * APART })
      tracer.advance(frame.time + i * APART)
    }
  }
  tracer.finish()
  return { told, summary: tracer.summary() }
}

describe.each(['jool-hairpin-fw', 'jool-ok-nofw', 'remedy-brnf-off', 'remedy-jool-netns', 'remedy-tayga'])(
  '%s',
  name => {
    const folder = join(recordings, name)

    it('has the same summary, and all that is not plain is told', async () => {
      const captured = await collect([folder], { deviceOf: deviceNames(loadFacts(folder)) })
      const all = traceAll(captured, folder, () => true)
      const few = traceAll(captured, folder, () => false)
      expect(all.told.length).toBe(all.summary.paths)
      expect(all.summary.paths).toBeGreaterThan(10 * TIMES)
      expect(few.summary).toEqual(all.summary)
      const special = (paths: readonly TracedPath[]) => paths.filter(p => p.verdict.kind !== 'delivered')
      expect(special(few.told)).toEqual(special(all.told))
      const plain = all.told.length - special(all.told).length
      if (plain > 0) expect(few.told.length - special(few.told).length).toBeLessThan(plain / 2)
    })
  },
)
