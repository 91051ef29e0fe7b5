/** The step of `nat64 doctor --fix` that starts a translator in the background, and what takes it back at whatever moment. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { takeOverSteps } from '../../src/doctor/fix/take-over.js'
import { applyChanges, undoChanges } from '../../src/run/apply.js'
import { newJournal } from '../../src/run/journal.js'
import type { Change } from '../../src/run/plan/change.js'
import { runtimeFiles } from './faults.js'
import { BIN, hostState, inside, makeHost, pings, removeHost, sh, type TestHost } from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
  mkdirSync(join(host.dir, 'run'))
})
afterEach(() => {
  for (const pid of running().split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
  return removeHost(host)
})

/** The last step: the one before is about Jool. */
function startStep(flags: Record<string, string> = {}): Change {
  const netns = inside(host.node, 'stat -Lc %i /proc/self/ns/net').trim()
  const env = ['env', `NAT64_RUNTIME_DIR=${host.dir}/run`, 'NAT64_CONFIG=']
  const steps = takeOverSteps(
    {
      netns: null,
      name: 'default',
      siit: false,
      framework: 'netfilter',
      global: {},
      stats: {},
      pool4: [],
      staticBib: [],
      bibEntries: 0,
      sessions: 0,
      eamt: [],
    },
    { flags: { tun: 'nat64', 'state-dir': `${host.dir}/state`, ...flags }, notes: [] },
    {
      program: ['ip', 'netns', 'exec', host.node, ...env, process.execPath, BIN],
      systemd: false,
      tunDevice: true,
      addresses4: [],
      tun: 'nat64',
      lock: `${host.dir}/run/nat64@${netns}.lock`,
      log: `${host.dir}/nat64.log`,
    },
  )
  return steps.at(-1)!
}

const journal = () => newJournal(join(host.dir, 'fix.json'), 'doctor')
const running = () => sh(`ip netns pids ${host.node}`)

it.each([0, 1000])('taken back %i ms after it was started: nothing runs, the host is as it was', async ms => {
  const before = hostState(host)
  const noted = journal()
  await applyChanges([startStep()], noted)
  await sleep(ms)
  expect((await undoChanges(noted)).failed).toEqual([])
  await sleep(1000)
  expect(running()).toBe('')
  expect(hostState(host)).toEqual(before)
  expect(runtimeFiles(host)).toEqual([])
})

it('taken back after the translator was killed', async () => {
  const before = hostState(host)
  const noted = journal()
  await applyChanges([startStep()], noted)
  await vi.waitFor(() => expect(pings(host)).toBe(true), 10_000)
  for (const pid of running().trim().split('\n')) process.kill(Number(pid), 'SIGKILL')
  expect((await undoChanges(noted)).failed).toEqual([])
  expect(hostState(host)).toEqual(before)
})

it('one that refuses to start is not waited for', async () => {
  const began = performance.now()
  const noted = journal()
  await applyChanges([startStep({ pool4: '9.9.9.1' })], noted)
  expect(performance.now() - began).toBeLessThan(5000)
  expect((await undoChanges(noted)).failed).toEqual([])
})
