/** A host that changes under `nat64 run`: links that flap, addresses that change, rules, routes and clocks that others touch. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  hostState,
  inside,
  makeHost,
  nat64,
  pings,
  removeHost,
  running,
  sh,
  type TestHost,
  until,
  watch,
} from './run-host.js'
import { startTransfer } from './transfer.js'

const ALL = process.env.NAT64_FAULTS === 'all'

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

const node = (line: string) => inside(host.node, line)
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
/** One ping, one chance. */
const isCut = () =>
  inside(host.guest, 'ping -c 1 -W 0.3 64:ff9b::9.9.9.2 > /dev/null && echo no || echo yes') === 'yes\n'
const warnings = (text: string) => text.split('\n').filter(line => / (warning|error) /.test(line))
const status = async () => JSON.parse((await nat64(host, ['status', '--json'])).out)
describe('an uplink', () => {
  // Links that come up again have their routes in another order.
  const state = () => {
    const { route6 = '', ...rest } = hostState(host)
    return { ...rest, route6: (JSON.parse(route6) as object[]).map(r => JSON.stringify(r)).sort() }
  }
  const flap = async (times: number) => {
    for (let i = 0; i < times; i++) {
      node('ip link set uplink down')
      await pause(20)
      node('ip link set uplink up')
      await pause(60)
    }
  }

  it('that flaps fifty times costs a transfer nothing but time, and no line in the log', async () => {
    inside(host.server, 'ip route add 203.0.113.7 via 9.9.9.1')
    const before = state()
    const run = await running(host, ['--pool4', '203.0.113.7'])
    const transfer = await startTransfer(host, 6)
    await flap(50)
    await transfer.isWhole()
    expect(warnings(run.done().err)).toEqual([])
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(state()).toEqual(before)
  })

  it.runIf(ALL)(
    'and its device, a thousand and two hundred times: it lives, and has no more than before',
    {
      timeout: 900_000,
    },
    async () => {
      const before = state()
      const run = await running(host)
      const { pid } = run.child
      const has = () => ({
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
        mebibytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024,
      })
      expect(pings(host)).toBe(true)
      const then = has()
      const shell = async (line: string) => {
        const args = ['netns', 'exec', host.node, 'sh', '-ec', line]
        await watch(host, spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })).exited
      }
      const times = (count: number, dev: string) =>
        shell(
          `for i in $(seq ${count}); do ip link set ${dev} down; sleep 0.02; ip link set ${dev} up; sleep 0.05; done`,
        )
      await times(1000, 'uplink')
      await until(() => pings(host))
      expect(warnings(run.done().err)).toEqual([])
      // Whoever insists is given way, in some lines.
      await times(200, 'nat64')
      await pause(6000)
      expect(warnings(run.done().err).length).toBeLessThan(8)
      expect(run.child.exitCode).toBe(null)
      node('ip link delete nat64')
      await until(() => pings(host))
      const now = has()
      expect(now.descriptors).toBeLessThanOrEqual(then.descriptors)
      expect(now.mebibytes).toBeLessThan(then.mebibytes + 32)
      expect(await run.stop()).toMatchObject({ exit: 0 })
      expect(state()).toEqual(before)
    },
  )

  it('that flaps under a masqueraded pool is back within a second', async () => {
    const run = await running(host)
    expect(pings(host)).toBe(true)
    for (let i = 0; i < 5; i++) {
      await flap(10)
      const back = performance.now()
      inside(host.guest, 'for i in 1 2 3 4 5; do ping -c 1 -W 0.2 64:ff9b::9.9.9.2 && exit 0; done; exit 1')
      expect(performance.now() - back).toBeLessThan(2_000)
    }
    expect(warnings(run.done().err)).toEqual([])
    await run.stop()
  })

  it('whose address changes: the masquerade follows by itself, and what goes on goes on', async () => {
    const run = await running(host)
    const ping = watch(
      host,
      spawn('ip', ['netns', 'exec', host.guest, 'ping', '-i', '0.2', '-c', '100', '64:ff9b::9.9.9.2'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    await ping.says(/seq=3 /)
    node('ip address del 9.9.9.1/24 dev uplink')
    await pause(500)
    node('ip address add 9.9.9.77/24 dev uplink')
    const answered = () => [...ping.done().out.matchAll(/bytes from .*seq=(\d+) /g)].length
    const then = answered()
    await until(() => answered() > then + 3)
    expect((await status()).sessions.count).toBe(1)
    expect(warnings(run.done().err)).toEqual([])
    await ping.stop()
    await run.stop()
  })

  it('that comes later is masqueraded when it comes', async () => {
    node('ip link set uplink name wan0')
    const run = await running(host, ['--out-interface', 'ppp7'])
    expect(run.done().err).toMatch(/there is no interface ppp7 now; nothing is masqueraded until there is/)
    expect(isCut()).toBe(true)
    node('ip link set wan0 down && ip link set wan0 name ppp7 && ip link set ppp7 up')
    await until(() => pings(host))
    await run.stop()
  })
})

describe('addresses', () => {
  it('of the private block that was chosen, when the host gets one: another block is chosen', async () => {
    const before = hostState(host)
    const run = await running(host)
    expect(pings(host)).toBe(true)
    node('ip address add 192.168.255.1/24 dev guests')
    await run.says(
      /warning 192\.168\.255\.2 is taken on this host now, so guests leave as 172\.31\.255\.2 dropped_sessions=1/,
    )
    expect(node('ip -4 route show dev nat64')).toMatch(/^172\.31\.255\.0\/30 /)
    expect(node('nft list ruleset')).toMatch(/ip saddr 172\.31\.255\.0\/30 /)
    expect(pings(host)).toBe(true)
    node('ip address del 192.168.255.1/24 dev guests')
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('of a pool4 that was configured: one sentence when the host gets it, one when it is gone', async () => {
    const run = await running(host, ['--pool4', '203.0.113.7'])
    node('ip address add 203.0.113.7/32 dev uplink')
    await run.says(
      /warning this host has changed, and the set-up does not fit it any more: 203\.0\.113\.7 in pool4 is this host's own/,
    )
    node('ip address add 198.51.100.1/32 dev uplink')
    await pause(2500)
    expect(run.done().err.match(/does not fit it any more/g)).toHaveLength(1)
    node('ip address del 203.0.113.7/32 dev uplink')
    await run.says(/info the set-up fits this host again/)
    await run.stop()
  })
})

describe('what somebody undoes is made again, with one warning', () => {
  const cases: readonly [what: string, line: string, says: RegExp][] = [
    ['all rules', 'nft flush ruleset', /masquerade in the nftables table ip nat64_nat64/],
    ['the rule in our table', 'nft flush table ip nat64_nat64', /masquerade in the nftables table ip nat64_nat64/],
    ['the route of pool6', 'ip -6 route del 64:ff9b::/96 dev nat64', /route 64:ff9b::\/96 to nat64/],
    ['the route of pool4', 'ip route del 192.168.255.0/30 dev nat64', /route 192\.168\.255\.0\/30 to nat64/],
    ['all routes to the device', 'ip route flush dev nat64; ip -6 route flush dev nat64', /route 192.*; route 64:ff9b/],
    ['IPv6 forwarding', 'sysctl -qw net.ipv6.conf.all.forwarding=0', /turn on IPv6 forwarding/],
    ['IPv4 forwarding', 'sysctl -qw net.ipv4.ip_forward=0', /turn on IPv4 forwarding/],
    ['the link, down and up', 'ip link set nat64 down; ip link set nat64 up', /route 192.*; route 64:ff9b/],
  ]
  it.each(cases)('%s: %s', async (_, line, says) => {
    const before = hostState(host)
    const run = await running(host)
    expect(pings(host)).toBe(true)
    node(line)
    expect(isCut()).toBe(true)
    await run.says(says)
    await until(() => pings(host))
    await pause(2500)
    expect(warnings(run.done().err)).toHaveLength(1)
    expect(run.done().err).toMatch(/warning somebody else has undone a part of the set-up, which is made again: /)
    expect((await status()).sessions.count).toBeGreaterThan(0)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('a link that is down on purpose stays down', async () => {
    const run = await running(host)
    node('ip link set nat64 down')
    await pause(3000)
    expect(node('ip link show nat64')).not.toMatch(/[<,]UP[,>]/)
    expect(warnings(run.done().err)).toEqual([])
    node('ip link set nat64 up')
    await until(() => pings(host))
    await run.stop()
  })

  it('but not time and again: who insists is left alone, with a sentence', async () => {
    const before = hostState(host)
    const run = await running(host)
    const insists = setInterval(() => {
      try {
        node('ip -6 route del 64:ff9b::/96 dev nat64 2>/dev/null')
      } catch {
        // Not there at the moment.
      }
    }, 200)
    await run.says(
      /warning somebody keeps undoing a part of the set-up, which is left as it is for 10 minutes: route 64/,
      40_000,
    )
    clearInterval(insists)
    await pause(3000)
    expect(warnings(run.done().err)).toHaveLength(5 + 2)
    expect(await run.stop()).toMatchObject({ exit: 0 })
    expect(hostState(host)).toEqual(before)
  })

  it('nothing is looked at while others change what is theirs', async () => {
    const bin = join(host.dir, 'bin')
    const asked = join(host.dir, 'asked')
    mkdirSync(bin)
    writeFileSync(asked, '')
    for (const name of ['ip', 'nft']) {
      const real = sh(`command -v ${name}`).trim()
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${asked}\nexec ${real} "$@"\n`)
      chmodSync(join(bin, name), 0o755)
    }
    const run = await running(host, [], ['env', `PATH=${bin}:${process.env.PATH}`])
    await pause(2500)
    const before = readFileSync(asked, 'utf8')
    expect(before).toMatch(/nft .*masquerade/)
    for (let i = 0; i < 30; i++) {
      node(`nft add table ip other${i}; nft add chain ip other${i} c; nft delete table ip other${i}`)
      node(`ip route add 198.18.${i}.0/24 dev uplink; ip route del 198.18.${i}.0/24; ip neigh flush dev uplink`)
    }
    await pause(2500)
    expect(readFileSync(asked, 'utf8')).toBe(before)
    await run.stop()
  })
})

describe('the device', () => {
  it('that is deleted in the midst of a transfer: one warning, and the transfer goes on', async () => {
    const run = await running(host)
    const transfer = await startTransfer(host, 6)
    node('ip link delete nat64')
    await run.says(/warning The TUN device nat64 was removed by somebody else \(\w+\); it is made anew/)
    await transfer.isWhole()
    expect(warnings(run.done().err)).toHaveLength(1)
    await run.stop()
  })
})

describe('the clock', () => {
  it('that jumps an hour ahead and back ends no session and moves no timer', async () => {
    // Only Date tells the wall time to JavaScript: here it follows a file, in every thread.
    const jump = join(host.dir, 'jump')
    const shim = join(host.dir, 'clock.cjs')
    writeFileSync(jump, '0')
    writeFileSync(
      shim,
      `const { readFileSync } = require('node:fs'); const now = Date.now
       Date.now = () => now() + Number(readFileSync(${JSON.stringify(jump)}, 'utf8'))
       globalThis.Date = class extends Date { constructor(...a) { a.length === 0 ? super(Date.now()) : super(...a) } static now() { return now() + Number(readFileSync(${JSON.stringify(jump)}, 'utf8')) } }`,
    )
    // Whoever it runs as reads the file.
    chmodSync(host.dir, 0o755)
    const bib = join(host.dir, 'bib.jsonl')
    const run = await running(host, ['--log-bib', bib], [], { NODE_OPTIONS: `--require ${shim}` })
    expect(pings(host)).toBe(true)
    const before = await status()
    const [session] = JSON.parse((await nat64(host, ['status', '--sessions', '--json'])).out).sessions.rows
    for (const hours of [1, -1, 24 * 365]) {
      writeFileSync(jump, String(hours * 3_600_000))
      await pause(1500)
      expect(pings(host)).toBe(true)
      const after = await status()
      expect(Math.abs(Date.parse(after.at) - Date.now() - hours * 3_600_000)).toBeLessThan(60_000)
      expect(after.sessions.count).toBeGreaterThanOrEqual(before.sessions.count)
      expect(after.sessions.expired).toBe(0)
      expect(after.loop.idleMs).toBeLessThan(30_000)
      expect(after.uptimeMs).toBeLessThan(before.uptimeMs + 60_000)
    }
    const rows = JSON.parse((await nat64(host, ['status', '--sessions', '--json'])).out).sessions.rows
    const same = rows.find((r: { host6Port: number }) => r.host6Port === session.host6Port)
    expect(session.expiresInMs - same.expiresInMs).toBeGreaterThan(3_000)
    expect(session.expiresInMs - same.expiresInMs).toBeLessThan(60_000)
    expect(warnings(run.done().err).filter(line => !line.includes('masquerading'))).toEqual([])
    await run.stop()
  })
})
