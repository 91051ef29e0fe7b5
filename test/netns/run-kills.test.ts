/** Signals and kills at random moments, while packets flow and while it starts. `npm run faults` does many more of them. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { killNow, readyOrEnded, runtimeFiles } from './faults.js'
import {
  hostState,
  inside,
  makeHost,
  nat64,
  pings,
  removeHost,
  running,
  start,
  type TestHost,
  watch,
} from './run-host.js'
import { startTransfer } from './transfer.js'

const ALL = process.env.NAT64_FAULTS === 'all'
const LONG = ALL ? 1_800_000 : 120_000

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

/** A moment up to `ms` from now, which a failure names. */
const moment = (ms: number) => Math.round(Math.random() * ms)
/** What a kill may leave in the runtime directory: files that say nothing. */
const journals = () => runtimeFiles(host).filter(f => !f.endsWith('.lock'))

it('kill -9 under load, then --undo or a start: the host is as it was', { timeout: LONG }, async () => {
  const before = hostState(host)
  for (let i = 0; i < (ALL ? 20 : 2); i++) {
    const run = await running(host)
    const ping = spawn('ip', ['netns', 'exec', host.guest, 'ping', '-qn', '-i', '0.002', '64:ff9b::9.9.9.2'], {
      stdio: 'ignore',
    })
    host.children.add(ping)
    const transfer = await startTransfer(host, 60)
    const ms = moment(1000)
    await sleep(ms)
    killNow(run, i % 4 < 2 ? 'all' : 'main')
    await run.exited
    if (i % 2 === 0) {
      expect(await nat64(host, ['run', '--undo']), `after ${ms} ms`).toMatchObject({ exit: 0 })
    } else {
      const again = await running(host)
      expect(pings(host), `after ${ms} ms`).toBe(true)
      await transfer.stop()
      ping.kill('SIGKILL')
      await again.stop()
      // The masquerade of connections that were established stays for some seconds.
      await vi.waitFor(() => expect(hostState(host).nft).toBe(before.nft), { timeout: 25_000, interval: 250 })
    }
    expect(hostState(host), `after ${ms} ms`).toEqual(before)
    expect(journals(), `after ${ms} ms`).toEqual([])
    await transfer.stop()
    ping.kill('SIGKILL')
  }
})

it('restarts at random moments: a transfer goes on through all of them', { timeout: LONG }, async () => {
  const before = hostState(host)
  const times = ALL ? 20 : 2
  let run = await running(host)
  const transfer = await startTransfer(host, times * 2)
  const moments: number[] = []
  for (let i = 0; i < times; i++) {
    moments.push(moment(1000))
    await sleep(moments.at(-1))
    expect(await run.stop(i % 2 === 0 ? 'SIGTERM' : 'SIGINT'), `after ${moments} ms`).toMatchObject({ exit: 0 })
    run = await running(host)
  }
  await transfer.isWhole()
  await run.stop()
  await vi.waitFor(() => expect(hostState(host)).toEqual(before), { timeout: 25_000, interval: 250 })
})

it('what a stop leaves for a restart is undone later for that stop alone', async () => {
  const before = hostState(host)
  const run = await running(host)
  const transfer = await startTransfer(host, 60)
  await run.stop()
  await transfer.stop()
  const file = runtimeFiles(host).find(f => f.endsWith('.journal.json'))!
  const { pid, started } = JSON.parse(readFileSync(join(host.dir, 'run', file), 'utf8'))
  const undoOf = (name: string) => nat64(host, ['run', '--undo', '--tun', 'nat64'], [], { NAT64_UNDO_OF: name })
  expect(await undoOf(`${pid - 1}.${started}`)).toMatchObject({ exit: 0, out: expect.stringMatching(/a later one's/) })
  expect(hostState(host).nft).toMatch(/masquerade/)
  expect(await undoOf(`${pid}.${started}`)).toMatchObject({ exit: 0, out: expect.stringMatching(/^Undone: 1 change/) })
  expect(hostState(host)).toEqual(before)
})

it('a signal at any moment, also while it starts: everything is undone', { timeout: LONG }, async () => {
  const before = hostState(host)
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  for (let i = 0; i < (ALL ? 100 : 6); i++) {
    const signal = signals[i % 3]!
    const ms = moment(i % 2 === 0 ? 350 : 700)
    const label = `${signal} after ${ms} ms`
    const run = start(host, ['run', '--no-save-state'])
    await sleep(ms)
    run.child.kill(signal)
    if (signal === 'SIGHUP') {
      // Before it listens to signals, and so before it changes anything, this one ends it, too.
      await readyOrEnded(run)
      if (run.child.exitCode === null && run.child.signalCode === null) {
        expect(pings(host), label).toBe(true)
        run.child.kill('SIGTERM')
      }
    }
    await run.exited
    const { exitCode, signalCode } = run.child
    expect([0, signal], label + run.done().err).toContain(exitCode ?? signalCode)
    expect(hostState(host), label).toEqual(before)
    expect(journals(), label).toEqual([])
  }
})

describe('two translators', () => {
  const second = ['--tun', 'second', '--pool6', '2001:db8:64::/96']
  const forwarding = () => inside(host.node, 'sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding')

  it('one stops while the other starts: forwarding stays, and is undone by the last', { timeout: LONG }, async () => {
    const before = hostState(host)
    for (let i = 0; i < (ALL ? 40 : 2); i++) {
      const first = await running(host)
      const other = start(host, ['run', '--no-save-state', ...second])
      const ms = moment(300)
      await sleep(ms)
      await first.stop()
      await other.says(/info Translates /)
      expect(forwarding(), `after ${ms} ms`).toBe('1\n1\n')
      expect(pings(host, '2001:db8:64::9.9.9.2')).toBe(true)
      await other.stop()
      expect(hostState(host), `after ${ms} ms`).toEqual(before)
    }
  })

  it('one is killed, the other starts, the first is undone: forwarding stays', async () => {
    const before = hostState(host)
    const first = await running(host)
    killNow(first, 'all')
    await first.exited
    const other = await running(host, second)
    await nat64(host, ['run', '--undo', '--tun', 'nat64'])
    expect(forwarding()).toBe('1\n1\n')
    await other.stop()
    expect(hostState(host)).toEqual(before)
    expect(journals()).toEqual([])
  })
})

describe('SIGSTOP', () => {
  const RECEIVER = `
    use Socket; $| = 1;
    socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])) or die $!; print "bound\\n";
    while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\\n/ /g; print "$m\\n" }`

  it('for some seconds, as while a machine sleeps: it goes on, and so does a transfer', { timeout: LONG }, async () => {
    const socket = join(host.dir, 'notify')
    const receiver = watch(host, spawn('perl', ['-e', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'pipe'] }))
    await receiver.says(/bound/)
    const run = await running(host, [], [], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' })
    const transfer = await startTransfer(host, 3)
    run.child.kill('SIGSTOP')
    await sleep(ALL ? 10_000 : 1500)
    run.child.kill('SIGCONT')
    const signs = () => receiver.done().out.split('WATCHDOG=1').length
    const then = signs()
    await transfer.isWhole()
    expect(pings(host)).toBe(true)
    await vi.waitFor(() => expect(signs()).toBeGreaterThan(then + 1), 5000)
    expect(run.done().err).not.toMatch(/ (warning|error) /)
    await run.stop()
    receiver.child.kill()
  })
})
