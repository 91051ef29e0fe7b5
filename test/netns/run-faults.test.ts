/**
 * Faults at every step of set-up and undoing: the host is as it was, after a kill -9 by the next start or `--undo`. Here a
 * choice of them; `npm run faults` takes all.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  afterDoing,
  amongMountsOf,
  type Faults,
  killAtJournal,
  makeFaults,
  readOnly,
  runThrough,
  runtimeFiles,
} from './faults.js'
import { hostState, inside, makeHost, nat64, removeHost, running, start, type TestHost } from './run-host.js'

const ALL = process.env.NAT64_FAULTS === 'all'
const LONG = ALL ? 1_800_000 : 120_000

let host: TestHost
let faults: Faults
beforeEach(() => {
  host = makeHost()
  faults = makeFaults(host)
})
afterEach(() => removeHost(host))

/** What the kernel keeps of a device that was up once is its own: the queueing discipline, how it makes addresses. */
function stateNow(): Record<string, string> {
  const { link, address, ...rest } = hostState(host)
  const stable = inside(host.node, 'ip -br link; ip -br address; cat /sys/class/net/*/mtu')
  return { ...rest, stable }
}

interface Mode {
  readonly name: string
  readonly args: readonly string[]
  readonly persistent?: boolean
}
const STATEFUL: Mode = { name: 'stateful, masqueraded', args: [] }
const MODES: readonly Mode[] = [
  STATEFUL,
  { name: 'siit', args: ['--mode', 'siit', '--eam', '203.0.113.7,2001:db8:1::2', '--pool6', '64:ff9b::/96'] },
  { name: 'pool', args: ['--mode', 'pool', '--dynamic-pool', '10.77.0.0/24', '--own-address4', '10.77.0.1'] },
  { name: 'a persistent device', args: [], persistent: true },
]

const KILLS = (['before', 'during', 'after'] as const).flatMap(how => [[how, 'all'] as const, [how, 'main'] as const])

async function prepare({ args, persistent }: Mode) {
  const all = [...args, '--state-dir', `${host.dir}/state`]
  if (persistent) await nat64(host, ['run', '--mktun'])
  faults.arm(0)
  expect(await runThrough(faults, all)).toMatchObject({ exit: 0 })
  const steps = faults.steps()
  const before = stateNow()
  /** The next that comes gives the host back: --undo and a start take turns. */
  let turn = 0
  const comesBack = async (label: string) => {
    if (turn++ % 2 === 0) {
      expect(await nat64(host, ['run', '--undo']), label).toMatchObject({ exit: 0 })
    } else {
      const again = await running(host, args)
      expect(await again.stop(), label).toMatchObject({ exit: 0 })
    }
    expect(stateNow(), label).toEqual(before)
    expect(
      runtimeFiles(host).filter(f => !f.endsWith('.lock')),
      label,
    ).toEqual([])
  }
  return { args: all, steps, before, comesBack }
}

/** Steps by number: every n-th, the last among them; all of them with `npm run faults`. */
const chosen = (steps: readonly string[], every: number) =>
  steps.map((_, i) => i + 1).filter(n => ALL || (steps.length - n) % every === 0)

describe.each(ALL ? MODES : [STATEFUL])('$name', mode => {
  it('kill -9 at each command', { timeout: LONG }, async () => {
    const { args, steps, comesBack } = await prepare(mode)
    expect(steps.length).toBeGreaterThan(5)
    for (const step of chosen(steps, 1)) {
      for (const [how, who] of ALL ? KILLS : [KILLS[step % KILLS.length]!]) {
        const label = `${who} killed ${how} step ${step}: ${steps[step - 1]}`
        faults.arm(step, how, who)
        await runThrough(faults, args)
        await vi.waitFor(() => expect(faults.struck(), label).toBe(true))
        await comesBack(label)
      }
    }
  })

  it('kill -9 at each time that the journal is written', { timeout: LONG }, async () => {
    const { args, comesBack } = await prepare(mode)
    const times = await killAtJournal(host, args, Number.POSITIVE_INFINITY)
    expect(times).toBeGreaterThan(8)
    for (let k = 1; k <= times; k += ALL ? 1 : 6) {
      for (const delay of ALL ? [0, 0.5, 2] : [0]) {
        const whom = (k + delay * 2) % 2 === 0 ? 'all' : 'main'
        await killAtJournal(host, args, k, delay, whom)
        await comesBack(`${whom} killed ${delay} ms after the journal was written for the ${k}. time`)
      }
    }
  })
})

describe.each(ALL ? MODES : [STATEFUL])('$name', mode => {
  it('a command that fails is the end of set-up, and of undoing none', { timeout: LONG }, async () => {
    const { args, steps, before, comesBack } = await prepare(mode)
    // Where the kernel is too old for it, the device chatters a little.
    for (const step of chosen(steps, 2).filter(n => !steps[n - 1]!.includes('addrgenmode'))) {
      const label = `step ${step} failed: ${steps[step - 1]}`
      faults.arm(step, 'fail')
      const done = await runThrough(faults, args)
      expect(done.exit, label).toBe(5)
      if (isUndo(steps, step)) {
        expect(done.err, label).toMatch(/Still there: .* \(\w+: refused for a test\)\. To undo it:/)
        await comesBack(label)
      } else {
        expect(done.err, label).toMatch(/Could not .*: \w+: refused for a test\. Everything before it was taken back/)
        expect(stateNow(), label).toEqual(before)
        expect(runtimeFiles(host), label).toEqual([])
      }
    }
  })

  it('a journal that cannot be written any more is the end of set-up, and of undoing none', {
    timeout: LONG,
  }, async () => {
    const { args, steps, before, comesBack } = await prepare(mode)
    for (const step of chosen(steps, 3)) {
      const label = `read-only from step ${step} on: ${steps[step - 1]}`
      faults.arm(step, 'journal')
      const done = await runThrough(faults, args)
      expect(done.exit, label + done.err).toBe(isUndo(steps, step) ? 0 : 3)
      if (!isUndo(steps, step)) expect(done.err, label).toMatch(/cannot be \w+.*EROFS/)
      expect(stateNow(), label).toEqual(before)
      await comesBack(label)
    }
  })

  it.each(['net/ipv6/conf/all/forwarding', 'net/ipv4/ip_forward'])('%s that cannot be written', async key => {
    const { args, before, comesBack } = await prepare(mode)
    const line = readOnly(`/proc/sys/${key}`)
    const failed = await nat64(host, ['run', ...args], afterDoing(line))
    expect(failed).toMatchObject({ exit: 5, err: expect.stringMatching(/Could not turn on IPv\d forwarding: .*EROFS/) })
    expect(stateNow()).toEqual(before)
    expect(runtimeFiles(host)).toEqual([])
    const run = await running(host, mode.args)
    amongMountsOf(run, line)
    expect(await run.stop()).toMatchObject({ exit: 5, err: expect.stringMatching(/Still there: .*EROFS/) })
    await comesBack(key)
  })
})

/** The set-up makes nothing after it has deleted something. */
const isUndo = (steps: readonly string[], step: number) =>
  step - 1 >= steps.findIndex(s => /^(ip|nft)( -\d)?( \w+)? delete /.test(s))

describe('while it runs', () => {
  const file = () => `${host.dir}/nat64.toml`
  /** What makes it change the host again, and what it says when that is done. */
  const events: readonly [name: string, happens: () => void, done: RegExp][] = [
    [
      'a new configuration',
      () => {
        writeFileSync(file(), 'pool4 = ["10.99.0.9", "10.98.0.0/30"]\n')
        process.kill(faults.pid(), 'SIGHUP')
      },
      /info the new configuration is in force/,
    ],
    ['a device that is made anew', () => inside(host.node, 'ip link delete nat64'), /it is made anew/],
    ['routes that are made again', () => inside(host.node, 'ip route flush dev nat64'), /which is made again/],
  ]

  it.each(events)('%s: kill -9 or a failure at each command', { timeout: LONG }, async (_, happens, done) => {
    const begin = async () => {
      writeFileSync(file(), 'pool4 = ["10.99.0.1"]\n')
      const run = start(host, ['run', '--state-dir', `${host.dir}/state`, '--config', file()], faults.wrap)
      await run.says(/info Translates /)
      return run
    }
    const { comesBack } = await prepare({ name: '', args: ['--pool4', '10.99.0.1'] })
    faults.arm(0)
    const first = await begin()
    const from = faults.steps().length
    happens()
    await first.says(done)
    await vi.waitFor(() => expect(faults.steps().length).toBeGreaterThan(from), 10_000)
    await sleep(1000)
    const steps = faults.steps().slice(from)
    await first.stop()
    await comesBack('no fault')
    expect(steps.length).toBeGreaterThan(0)
    for (const [i, step] of steps.entries()) {
      if (!ALL && i % 2 !== 0) continue
      const faultsHere = [...KILLS, ['fail', 'all'] as const].filter((_, n) => ALL || n % 7 === (i * 2 + 3) % 7)
      for (const [how, who] of faultsHere) {
        const label = `${how}, ${who}: ${step}`
        faults.arm(from + i + 1, how, who)
        const run = await begin()
        happens()
        await vi.waitFor(() => expect(faults.struck(), label).toBe(true), { timeout: 15_000, interval: 20 })
        if (how === 'fail') await sleep(1000)
        await run.stop()
        await comesBack(label)
      }
    }
  })
})
