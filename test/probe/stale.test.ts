/** Which probes are taken for abandoned. What their steps make here are files. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbePlace } from '../../src/probe/place.js'
import { probeJournalPath, removeStaleProbes } from '../../src/probe/stale.js'
import { newJournal, noteChange } from '../../src/run/journal.js'
import type { JournalRecord } from '../../src/run/journal-record.js'

const DEAD_PID = 2 ** 22 + 1
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nat64-stale-'))
  process.env.NAT64_RUNTIME_DIR = dir
})
afterEach(() => {
  delete process.env.NAT64_RUNTIME_DIR
  rmSync(dir, { recursive: true, force: true })
})

/** A probe that made one file. */
function leave(
  owner: Partial<JournalRecord>,
  undo = 'rm',
  name = 'nat64-probe-000001',
): { made: string; path: string } {
  const made = join(dir, `${name}.made`)
  writeFileSync(made, '')
  const path = probeJournalPath({ namespace: name } as ProbePlace)
  const journal = newJournal(path, '')
  journal.record = { ...journal.record, ...owner }
  noteChange(journal, {
    kind: 'commands',
    what: 'make it',
    apply: [],
    undo: [`${undo} ${made}`],
    holds: `test -e ${made}`,
  })
  return { made, path }
}

describe('probes that are left behind', () => {
  it.each([
    ['of a process that is dead', { pid: DEAD_PID }],
    ['of a process whose id another one has by now', { started: '1' }],
  ])('%s are removed', async (_, owner) => {
    const { made, path } = leave(owner)
    expect(await removeStaleProbes()).toBe(1)
    expect([made, path].filter(existsSync)).toEqual([])
    expect(await removeStaleProbes()).toBe(0)
  })

  it('of a process that is alive are left alone', async () => {
    const { made, path } = leave({})
    expect(await removeStaleProbes()).toBe(0)
    expect([made, path].filter(existsSync)).toEqual([made, path])
  })

  it('of before the last boot are gone by themselves', async () => {
    const { made, path } = leave({ pid: DEAD_PID, bootId: 'x' })
    expect(await removeStaleProbes()).toBe(0)
    expect(existsSync(made)).toBe(true)
    expect(existsSync(path)).toBe(false)
  })

  it('are none of files of another kind or another network namespace', async () => {
    leave({ pid: DEAD_PID }, 'rm', 'nat64-probe-000001@1')
    writeFileSync(join(dir, 'nat64.journal.json'), '{')
    const before = readdirSync(dir)
    expect(await removeStaleProbes()).toBe(0)
    expect(readdirSync(dir)).toEqual(before)
  })

  it('that cannot be removed are named, with how, and tried again', async () => {
    const { made, path } = leave({ pid: DEAD_PID }, 'false')
    for (let i = 0; i < 2; i++) {
      await expect(removeStaleProbes()).rejects.toMatchObject({
        exitCode: 5,
        nextSteps: [expect.stringMatching(/Still there: make it/), `  false ${made}`],
      })
    }
    expect(existsSync(path)).toBe(true)
  })

  it('are none where nothing was ever run', async () => {
    rmSync(dir, { recursive: true })
    expect(await removeStaleProbes()).toBe(0)
  })
})
