/** Full, read-only and vanished directories under everything that writes: translation goes on, and a stop undoes all the same. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LINK } from '../../src/wire/link.js'
import { PING6, pcap } from '../translate/packets.js'
import { afterDoing, amongMountsOf, readOnly } from './faults.js'
import {
  hostState,
  inside,
  makeHost,
  nat64,
  pings,
  type Running,
  removeHost,
  running,
  sh,
  start,
  type TestHost,
} from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const state = () => join(host.dir, 'state')
const tmpfs = (path: string, size: string) => `mkdir -p ${path} && mount -t tmpfs -o size=${size} none ${path}`
const fill = (path: string) => `dd if=/dev/zero of=${path}/filler bs=1k 2>/dev/null || :`
/** A file as a process with mounts of its own sees it. */
const seenBy = (run: Running, path: string) => `/proc/${run.child.pid}/root${path}`

describe('the state directory', () => {
  it('read-only: a warning at the start and one at the stop', async () => {
    const before = hostState(host)
    const run = await running(host, [], afterDoing(readOnly(state())))
    expect(run.done().err).toMatch(/warning \S+\/state cannot be written \(EROFS\); what should outlive a restart/)
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({
      exit: 0,
      err: expect.stringMatching(/warning the state could not be saved in \S+ \(EROFS\); connections will have to/),
    })
    expect(hostState(host)).toEqual(before)
  })

  it('vanished: it is made again', async () => {
    const run = await running(host)
    expect(pings(host)).toBe(true)
    rmSync(state(), { recursive: true })
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(readdirSync(state())).toHaveLength(1)
  })
})

describe('the runtime directory, after the start', () => {
  const runtime = () => join(host.dir, 'run')
  it.each([
    ['read-only', () => readOnly(runtime())],
    ['full', () => fill(runtime())],
  ])('%s: a stop undoes everything', async (_, line) => {
    const before = hostState(host)
    const run = await running(host, [], afterDoing(tmpfs(runtime(), '32k')))
    amongMountsOf(run, line())
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0, err: expect.stringContaining('the host is as it was') })
    expect(hostState(host)).toEqual(before)
  })

  it('emptied, and the journal with it: a stop says what is left to do by hand, and that does it', async () => {
    const before = hostState(host)
    const run = await running(host)
    sh(`rm ${runtime()}/*`)
    expect(pings(host)).toBe(true)
    const { exit, err } = await run.stop()
    expect({ exit, err }).toMatchObject({ exit: 5, err: expect.stringMatching(/Still there: .*the journal is gone\)/) })
    for (const line of err.match(/^ {4}(nft|sysctl) .*$/gm) ?? []) inside(host.node, line)
    expect(hostState(host)).toEqual(before)
  })

  it('read-only: a device that vanishes cannot be made anew, and the host is as it was', async () => {
    const before = hostState(host)
    const run = await running(host, [], afterDoing(tmpfs(runtime(), '32k')))
    amongMountsOf(run, readOnly(runtime()))
    inside(host.node, 'ip link delete nat64')
    await run.exited
    expect(run.done()).toMatchObject({ exit: 3, err: expect.stringMatching(/making it anew failed: .*EROFS/) })
    expect(hostState(host)).toEqual(before)
  })
})

describe('the log', () => {
  it.each([
    ['on a full disk', '2> /dev/full'],
    ['that nobody reads any more', '2> >(head -n 1 > /dev/null)'],
  ])('%s: packets flow, and a stop undoes everything', async (_, to) => {
    const before = hostState(host)
    const run = start(host, ['run', '--state-dir', state()], ['bash', '-c', `exec "$@" ${to}`, 'bash'])
    for (let i = 0; i < 5 && !pings(host); i++);
    expect(pings(host)).toBe(true)
    run.child.kill('SIGHUP')
    run.child.kill('SIGUSR1')
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('of those who had ports, on a disk that becomes read-only: one warning, packets flow', async () => {
    const dir = join(host.dir, 'log')
    const run = await running(host, ['--log-bib', join(dir, 'bib.jsonl')], afterDoing(tmpfs(dir, '1m')))
    // An open file can be written for ever: it is the new one after a rotation that cannot be made.
    amongMountsOf(run, `rm ${dir}/bib.jsonl && ${readOnly(dir)}`)
    expect(pings(host)).toBe(true)
    await run.says(/warning The BIB log \S+ cannot be written \(E\w+\)\. Translation goes on/)
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
  })
})

describe('a capture', () => {
  it('on a disk that gets full is complete up to there; the trace goes on, and translation', async () => {
    const run = await running(host)
    const dir = join(host.dir, 'capture')
    const file = join(dir, 'case.pcapng')
    const trace = start(host, ['trace', '--json', '--write', file], afterDoing(tmpfs(dir, '300k')))
    await trace.says(/"start"/)
    const flood = spawn('ip', [
      'netns',
      'exec',
      host.guest,
      'ping',
      '-qn',
      '-i',
      '0.005',
      '-s',
      '1300',
      '64:ff9b::9.9.9.2',
    ])
    host.children.add(flood)
    await trace.says(/cannot write \S+case\.pcapng: .*no space/i, 30_000)
    const paths = () => trace.done().out.split('"type":"path"').length
    const then = paths()
    await vi.waitFor(() => expect(paths()).toBeGreaterThan(then + 50), 10_000)
    const copy = join(host.dir, 'copy.pcapng')
    inside(host.node, `cp ${seenBy(trace, file)} ${copy}`)
    flood.kill()
    await trace.stop('SIGINT')
    const again = await nat64(host, ['trace', '--read', copy, '--json'])
    // Both say the same of the packets that found room.
    expect([again.exit, again.err]).toEqual([trace.done().exit, ''])
    expect(again.out.split('"type":"path"').length).toBeGreaterThan(20)
    expect(inside(host.node, `tshark -r ${copy} 2>&1 | tail -n 3`)).not.toMatch(/cut short|damaged/)
    expect(pings(host)).toBe(true)
    await run.stop()
  })

  it('that is translated onto a full disk: one sentence, and no file', async () => {
    const dir = join(host.dir, 'out')
    mkdirSync(dir)
    const from = join(host.dir, 'from.pcap')
    const shots = Array.from({ length: 2000 }, (_, i) => ({ at: i / 1000, frame: PING6 }))
    writeFileSync(from, pcap(LINK.RAW, ...shots))
    const to = join(dir, 'to.pcap')
    const args = ['translate', from, to, '--pool4', '203.0.113.7']
    const done = await nat64(host, args, [
      'sh',
      '-c',
      `${tmpfs(dir, '64k')} && "$@"; status=$?; ls ${dir}; exit $status`,
      'sh',
    ])
    expect(done).toMatchObject({
      exit: 3,
      out: '',
      err: expect.stringMatching(/^nat64: cannot write \S+: .*no space/i),
    })
  })
})
