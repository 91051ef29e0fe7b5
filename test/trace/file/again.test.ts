/** A recording, written to a file of our own and read again, gives the same paths and verdicts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadFacts } from '../../../src/facts/load.js'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { deviceNames, readCaptures } from '../../../src/trace/file/read.js'
import { openTraceWriter } from '../../../src/trace/file/write.js'
import { readRun } from '../../../src/trace/read-run.js'

const RECORDINGS = join(import.meta.dirname, '../../../fixtures/recordings')
let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-again-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function trace(read: string, facts: string): Promise<TracedPath[]> {
  const nothing = {
    version: 'test',
    protocols: [],
    ports: [],
    guests: [],
    interfaces: [],
    netns: [],
    passive: false,
    probe: false,
    limit: null,
  }
  const run = await readRun({ ...nothing, read: [read], facts })
  const paths: TracedPath[] = []
  run.onPaths(some => paths.push(...some))
  run.start()
  await run.done
  // Numbers of places are of the file.
  return paths.map(p => ({ ...p, hops: p.hops.map(h => ({ ...h, tap: 0 })) }))
}

/** Writes the captures of a folder into one file, as a trace does. */
async function rewrite(folder: string, path: string): Promise<void> {
  const facts = loadFacts(folder)
  const onProblem = (error: Error) => {
    throw error
  }
  const writer = openTraceWriter({ path, application: 'nat64 1', target: 'all', facts, onProblem })
  await readCaptures(
    [folder],
    { deviceOf: deviceNames(facts) },
    {
      start: writer.start,
      tap: writer.tap,
      frame: frame => writer.judge(writer.see(frame), ['a comment']),
      loss: writer.loss,
      end: () => {},
      note: text => expect.fail(text),
    },
  )
  writer.close(null)
}

test.each(['jool-hairpin-fw', 'jool-ok-nofw', 'remedy-brnf-off', 'remedy-jool-netns', 'remedy-tayga'])(
  '%s',
  async name => {
    const folder = join(RECORDINGS, name)
    const path = join(dir, `${name}.pcapng`)
    await rewrite(folder, path)
    const first = await trace(folder, folder)
    expect(first.length).toBeGreaterThan(10)
    expect(await trace(path, folder)).toEqual(first)
  },
)
