/**
 * Compares packet loops in namespaces of its own: client - translator - server over veth, MTU 1500, peers in turn, so
 * that the noise of the machine meets all alike. Private to the tuning of src/run/loop.ts; `npm run bench` is the
 * benchmark of the product.
 *
 *     node io-compare.js [--rounds 3] [--seconds 3] [--only tcp,udp64,udp1400,gso,ask] [--peers limit,tayga,ring,rw] [--pin]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const argument = (name: string, otherwise: string) => {
  const i = process.argv.indexOf(`--${name}`)
  return i < 0 ? otherwise : (process.argv[i + 1] ?? otherwise)
}
const rounds = Number(argument('rounds', '3'))
const seconds = argument('seconds', '3')
const kinds = argument('only', 'tcp1u,tcp1d,tcp4u,tcp4d,udp64,udp1400,gso,ask').split(',')
const peers = argument('peers', 'limit,tayga,ring,rw').split(',')

/** The translator on one processor, the ends on the other: steadier, and as the scheduler does it at best. */
const pinned = process.argv.includes('--pin')

const here = dirname(fileURLToPath(import.meta.url))
const sources = argument('sources', here)
const work = mkdtempSync(join(tmpdir(), 'io-compare-'))
const id = `io${process.pid}`
const [client, node, server] = [`${id}c`, `${id}n`, `${id}s`]
const TUN = 'iocmp'

const sh = (line: string) => execFileSync('sh', ['-ec', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const inside = (ns: string, line: string) => sh(`ip netns exec ${ns} sh -ec '${line}'`)

function build(): void {
  for (const name of ['limit', 'io-traffic']) sh(`cc -O2 -o ${work}/${name} ${sources}/${name}.c`)
}

function setUp(): void {
  for (const ns of [client, node, server]) sh(`ip netns add ${ns}; ip -n ${ns} link set lo up`)
  sh(`ip link add c0 netns ${client} type veth peer name n0 netns ${node}`)
  sh(`ip link add s0 netns ${server} type veth peer name n1 netns ${node}`)
  sh(`ip -n ${client} addr add 2001:db8:1::2/64 dev c0 nodad; ip -n ${client} link set c0 up`)
  sh(`ip -n ${node} addr add 2001:db8:1::1/64 dev n0 nodad; ip -n ${node} link set n0 up`)
  sh(`ip -n ${node} addr add 192.31.196.1/24 dev n1; ip -n ${node} link set n1 up`)
  sh(`ip -n ${server} addr add 192.31.196.2/24 dev s0; ip -n ${server} link set s0 up`)
  sh(`ip -n ${client} route add default via 2001:db8:1::1; ip -n ${server} route add default via 192.31.196.1`)
  inside(node, 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
}

function tearDown(): void {
  for (const ns of [client, node, server]) {
    try {
      sh(`ip netns del ${ns}`)
    } catch {
      // It was never made.
    }
  }
  rmSync(work, { recursive: true, force: true })
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function start(ns: string, ...argv: string[]): ChildProcess & { out: () => string; done: Promise<string> } {
  const cpu = pinned ? ['taskset', '-c', ns === node ? '1' : '0'] : []
  const child = spawn('ip', ['netns', 'exec', ns, ...cpu, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  let err = ''
  child.stdout.on('data', d => {
    out += d
  })
  child.stderr.on('data', d => {
    err += d
  })
  const done = new Promise<string>(resolve =>
    child.on('close', () => {
      running.delete(child)
      if (process.argv.includes('--verbose') && err.trim()) console.error(`${argv[0]}: ${err.trim()}`)
      resolve(out)
    }),
  )
  return Object.assign(child, { out: () => out, done })
}

const commands: Record<string, () => string[]> = {
  limit: () => [join(work, 'limit'), TUN],
  tayga: () => {
    mkdirSync(join(work, 'data'), { recursive: true })
    const lines = [
      'ipv4-addr 192.0.2.1',
      'ipv6-addr 2001:db8:64::1',
      'prefix 64:ff9b::/96',
      'map 192.0.2.2 2001:db8:1::2',
    ]
    writeFileSync(join(work, 'tayga.conf'), [`tun-device ${TUN}`, `data-dir ${work}/data`, ...lines, ''].join('\n'))
    return ['tayga', '-n', '-c', join(work, 'tayga.conf')]
  },
  ring: () => [process.execPath, join(here, 'io-ours.js'), TUN, 'io_uring', '0'],
  rw: () => [process.execPath, join(here, 'io-ours.js'), TUN, 'read-write', '0'],
  nouso: () => ['env', 'USO=0', process.execPath, join(here, 'io-ours.js'), TUN, 'io_uring', '0'],
  rwnouso: () => ['env', 'USO=0', process.execPath, join(here, 'io-ours.js'), TUN, 'read-write', '0'],
  spin20: () => [process.execPath, join(here, 'io-ours.js'), TUN, 'io_uring', '20'],
  spin50: () => [process.execPath, join(here, 'io-ours.js'), TUN, 'io_uring', '50'],
  ...Object.fromEntries(
    (process.env.EXTRA ?? '')
      .split(';')
      .filter(Boolean)
      .map(e => [e.split('=')[0]!, () => [...e.slice(e.indexOf('=') + 1).split(' ')]]),
  ),
}

async function withPeer<T>(name: string, body: (pid: number) => Promise<T>): Promise<T> {
  const peer = start(node, ...commands[name]!())
  for (let i = 0; i < 100; i++) {
    await wait(30)
    try {
      inside(node, `ip link set ${TUN} up`)
      break
    } catch {
      // Not there yet.
    }
  }
  inside(node, `ip -6 route replace 64:ff9b::/96 dev ${TUN}; ip route replace 192.0.2.0/24 dev ${TUN}`)
  await wait(200)
  try {
    return await body(peer.pid!)
  } finally {
    peer.kill('SIGTERM')
    const gone = await Promise.race([peer.done.then(() => true), wait(1500).then(() => false)])
    if (!gone) peer.kill('SIGKILL')
    await peer.done
  }
}

/** Time on a processor, all threads, seconds. */
const cpuSeconds = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (total, task) => total + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e9,
    0,
  )

async function tcp(streams: number, down: boolean): Promise<number> {
  const listener = start(server, 'iperf3', '-s', '-1')
  await wait(150)
  const line = [
    '-c',
    '64:ff9b::192.31.196.2',
    '-J',
    '-t',
    seconds,
    '-O',
    '0.5',
    '-P',
    String(streams),
    ...(down ? ['-R'] : []),
  ]
  const report = JSON.parse(await start(client, 'timeout', '20', 'iperf3', ...line).done)
  listener.kill()
  return (report.end?.sum_received?.bits_per_second ?? 0) / 1e9
}

async function udp(size: number, gso: number): Promise<number> {
  const t = join(work, 'io-traffic')
  const sink = start(server, t, 'sink', '5001', String(Number(seconds) + 0.6))
  await wait(100)
  await start(client, t, 'send', '64:ff9b::192.31.196.2', '5001', seconds, String(size), String(gso)).done
  return Number((await sink.done).split(' ')[0]) / Number(seconds) / 1000
}

async function ask(): Promise<number> {
  const t = join(work, 'io-traffic')
  const echo = start(server, t, 'echo', '5002', String(Number(seconds) + 0.5))
  await wait(100)
  const answer = await start(client, t, 'ask', '64:ff9b::192.31.196.2', '5002', seconds).done
  await echo.done
  return Number(answer.split(' ')[0])
}

const TESTS: Record<string, () => Promise<number>> = {
  tcp1u: () => tcp(1, false),
  tcp1d: () => tcp(1, true),
  tcp4u: () => tcp(4, false),
  tcp4d: () => tcp(4, true),
  udp64: () => udp(64, 1),
  udp1400: () => udp(1400, 1),
  gso: () => udp(1200, 40),
  ask,
}

const results = new Map<string, number[]>()
const cpu = new Map<string, number[]>()
try {
  build()
  setUp()
  for (let round = 0; round < rounds; round++)
    for (const kind of kinds)
      for (const peer of round % 2 ? [...peers].reverse() : peers) {
        const value = await withPeer(peer, async pid => {
          const before = cpuSeconds(pid)
          const v = await TESTS[kind]!()
          const key = `${kind} ${peer}`
          const unit = kind.startsWith('tcp') ? v * Number(seconds) * 1000 : v * Number(seconds) * 1000
          cpu.set(key, [...(cpu.get(key) ?? []), ((cpuSeconds(pid) - before) * 1e6) / unit])
          return v
        })
        const key = `${kind} ${peer}`
        results.set(key, [...(results.get(key) ?? []), value])
      }
} finally {
  tearDown()
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
console.log(['', ...peers].map(s => s.padEnd(40)).join(''))
for (const kind of kinds) {
  const base = median(results.get(`${kind} ${peers[0]}`) ?? [])
  const cells = peers.map(peer => {
    const all = results.get(`${kind} ${peer}`) ?? []
    const m = median(all)
    return `${m.toFixed(1)} x${(m / base).toFixed(2)} [${Math.min(...all).toFixed(1)}-${Math.max(...all).toFixed(1)}] ${median(cpu.get(`${kind} ${peer}`) ?? []).toFixed(2)}us`
  })
  console.log([kind, ...cells].map(s => s.padEnd(40)).join(''))
}
