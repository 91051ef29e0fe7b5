/** What the translator may do once it is set up, which is nothing; and its helper, which cleans up whatever ends it. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  childrenOf,
  hostState,
  inside,
  makeHost,
  nat64,
  pings,
  type Running,
  removeHost,
  running,
  type TestHost,
  until,
} from './run-host.js'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const node = (line: string) => inside(host.node, line)
const files = () => readdirSync(join(host.dir, 'run'))
/** Fields of /proc/PID/status, of each thread. */
function threads({ child: { pid } }: Running): Record<string, string>[] {
  return readdirSync(`/proc/${pid}/task`).map(task => {
    const lines = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8').split('\n')
    return Object.fromEntries(lines.map(line => line.split(':').map(part => part.trim().replaceAll('\t', ' '))))
  })
}

const NONE = '0000000000000000'

describe('rights', () => {
  it('are given up on every thread, and cannot be got back by a program', async () => {
    const run = await running(host)
    expect(run.done().err).toMatch(/info the rights of root are given up user=(nat64|nobody)/)
    const all = threads(run)
    expect(all.length).toBeGreaterThan(3)
    for (const { Uid = '', Gid = '', ...thread } of all) {
      expect(new Set(Uid.split(' ')).size).toBe(1)
      expect([Uid, Gid]).not.toContain('0 0 0 0')
      expect(thread).toMatchObject({ CapPrm: NONE, CapEff: NONE, CapAmb: NONE, NoNewPrivs: '1', Seccomp: '2' })
    }
    expect(pings(host)).toBe(true)
    await run.stop()
  })

  it("on the device are not everybody's: nobody else takes packets by a queue of his own", async () => {
    const run = await running(host, ['--queues', '2'])
    expect(node('ip -d link show nat64')).toMatch(/ user root /)
    await run.stop()
  })

  it('are kept by who asks for it', async () => {
    const run = await running(host, ['--user', 'root'])
    for (const thread of threads(run)) expect(thread).toMatchObject({ Uid: '0 0 0 0', Seccomp: '0' })
    await run.stop()
  })

  it('go to a user that exists, or nothing is changed', async () => {
    const before = hostState(host)
    expect(await nat64(host, ['run', '--user', 'nat64-nobody'])).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/The user nat64-nobody, .* does not exist on this host\.\n.*useradd/),
    })
    expect(hostState(host)).toEqual(before)
    const run = await running(host, ['--user', 'daemon'])
    const daemon = node('id -u daemon').trim()
    for (const { Uid } of threads(run)) expect(Uid).toBe(Array(4).fill(daemon).join(' '))
    await run.stop()
  })

  it('of who is not root, but may administrate the network, are given up where packets are read', async () => {
    const inside = ['state', 'run'].map(name => join(host.dir, name))
    for (const folder of inside) mkdirSync(folder, { recursive: true })
    for (const folder of inside) chownSync(folder, 65534, 65534)
    chmodSync(host.dir, 0o755)
    const tun = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200'
    const nobody =
      'setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps +net_admin --ambient-caps +net_admin'
    const before = hostState(host)
    const run = await running(host, [], ['unshare', '-m', 'sh', '-c', `${tun} && exec ${nobody} "$@"`, 'sh'])
    const all = threads(run)
    expect(all.filter(t => t.CapPrm === NONE)).toEqual([all[0], all.at(-1)])
    for (const thread of all) expect(thread).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' })
    node('ip link delete nat64')
    await until(() => pings(host))
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('on files: what the helper reads is for root, the control socket for root and a group', async () => {
    const run = await running(host)
    const mode = (ending: string) => {
      const file = files().find(f => f.endsWith(ending)) as string
      return (statSync(join(host.dir, 'run', file)).mode & 0o777).toString(8)
    }
    expect([mode('.journal.json'), mode('.loaded')]).toEqual(['600', '600'])
    const hasGroup = /^nat64:/m.test(readFileSync('/etc/group', 'utf8'))
    expect(mode('.sock')).toBe(hasGroup ? '660' : '600')
    await run.stop()
    expect(files()).toEqual([])
  })
})

describe('the helper', () => {
  it('is a shell that waits, and gives the host back at once when the translator is killed', async () => {
    const before = hostState(host)
    const run = await running(host)
    expect(pings(host)).toBe(true)
    const [helper, ...others] = childrenOf(run)
    expect(others).toEqual([])
    expect(readFileSync(`/proc/${helper}/comm`, 'utf8')).toMatch(/^(sh|dash|bash)\n$/)
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(
      readFileSync(`/proc/${helper}/status`, 'utf8'),
    ) as unknown as string[]
    expect(Number(kilobytes)).toBeLessThan(5_000)
    await run.stop('SIGKILL')
    await until(() => files().length === 0)
    expect(hostState(host)).toEqual(before)
    await until(() => !existsSync(`/proc/${helper}`))
  })

  it('cleans up although nobody reads any more what it has to say', async () => {
    const before = hostState(host)
    const run = await running(host)
    run.child.stderr?.destroy()
    run.child.kill('SIGKILL')
    await until(() => files().length === 0)
    expect(hostState(host)).toEqual(before)
  })

  it('is waited for by the next start', async () => {
    const before = hostState(host)
    const first = await running(host)
    await first.stop('SIGKILL')
    const second = await running(host)
    expect(pings(host)).toBe(true)
    expect(await second.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
    expect(files()).toEqual([])
  })

  it('is missed: without it the translator ends, and says how to undo what is left', async () => {
    const before = hostState(host)
    const run = await running(host)
    for (const helper of childrenOf(run)) process.kill(helper, 'SIGKILL')
    await run.exited
    expect(run.done()).toMatchObject({
      exit: 5,
      err: expect.stringMatching(/Somebody has ended the helper of this translator.*\n[\s\S]*nat64 run --undo/),
    })
    expect(await nat64(host, ['run', '--undo'])).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
    expect(files()).toEqual([])
  })

  it('takes the signals of a terminal for nothing', async () => {
    const before = hostState(host)
    const run = await running(host)
    const [helper] = childrenOf(run) as [number]
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const) process.kill(helper, signal)
    expect(pings(host)).toBe(true)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('does not make what a configuration asks for that the translator refuses', async () => {
    const file = join(host.dir, 'nat64.toml')
    writeFileSync(file, 'pool4 = ["203.0.113.7"]\n')
    const run = await running(host, ['--config', file])
    const before = hostState(host)
    writeFileSync(file, 'pool4 = ["203.0.113.8"]\nstate-dir = "/tmp"\nio.kind = "read-write"\n')
    run.child.kill('SIGHUP')
    await run.says(/io can only be changed by a restart/)
    expect(hostState(host)).toEqual(before)
    await run.stop()
  })
})
