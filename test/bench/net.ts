/**
 * The benchmark's own network, and the programs in it. MTU 1500 everywhere; nothing outside the namespaces is touched.
 *
 *     client                       node                        server
 *     2001:db8:1::2 ── veth ── 2001:db8:1::1
 *                              192.31.196.1, 2001:db8:2::1 ── veth ── 192.31.196.2, 2001:db8:2::2
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const SERVER4 = '192.31.196.2'
export const SERVER6 = '2001:db8:2::2'
export const CLIENT6 = '2001:db8:1::2'

export type Place = 'client' | 'node' | 'server'

export interface Net {
  /** Directory for files of this run. */
  readonly dir: string
  /** Namespace names. */
  readonly ns: Readonly<Record<Place, string>>
  readonly running: Set<ChildProcess>
}

/** A program that was started. */
export interface Started {
  readonly child: ChildProcess
  /** Everything it wrote to standard output, once it has ended. */
  readonly done: Promise<string>
  /** Resolves when its output contains the text. */
  says(text: string, withinMs: number): Promise<void>
  readonly errors: () => string
}

/** Runs a program to its end and returns its output. Throws with what it said when it fails. */
export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
}

/** As {@link run}, inside a namespace. */
export function runIn(net: Net, place: Place, ...argv: readonly string[]): string {
  return run('ip', 'netns', 'exec', net.ns[place], ...argv)
}

/** Makes the namespaces. */
export function openNet(): Net {
  const id = `n64b${process.pid}`
  const net: Net = {
    dir: mkdtempSync(join(tmpdir(), 'nat64-bench-')),
    ns: { client: `${id}c`, node: `${id}n`, server: `${id}s` },
    running: new Set(),
  }
  const { client, node, server } = net.ns
  const ip = (line: string) => run('ip', ...line.split(' '))
  for (const ns of [client, node, server]) {
    ip(`netns add ${ns}`)
    ip(`-n ${ns} link set lo up`)
  }
  ip(`link add c0 netns ${client} type veth peer name n0 netns ${node}`)
  ip(`link add s0 netns ${server} type veth peer name n1 netns ${node}`)
  for (const [ns, device, ...addresses] of [
    [client, 'c0', `${CLIENT6}/64`],
    [node, 'n0', '2001:db8:1::1/64'],
    [node, 'n1', '192.31.196.1/24', '2001:db8:2::1/64'],
    [server, 's0', `${SERVER4}/24`, `${SERVER6}/64`],
  ] as const) {
    for (const a of addresses) ip(`-n ${ns} addr add ${a} dev ${device}${a.includes(':') ? ' nodad' : ''}`)
    ip(`-n ${ns} link set ${device} up`)
  }
  ip(`-n ${client} route add default via 2001:db8:1::1`)
  ip(`-n ${server} route add default via 192.31.196.1`)
  ip(`-n ${server} -6 route add default via 2001:db8:2::1`)
  runIn(net, 'node', 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
  return net
}

/** Ends what was started and removes everything. Never throws. */
export async function closeNet(net: Net): Promise<void> {
  for (const child of net.running) child.kill('SIGTERM')
  for (let i = 0; i < 40 && net.running.size > 0; i++) await pause(50)
  for (const child of net.running) child.kill('SIGKILL')
  for (const ns of Object.values(net.ns)) {
    try {
      run('ip', 'netns', 'del', ns)
    } catch {
      // It was never made.
    }
  }
  rmSync(net.dir, { recursive: true, force: true })
}

export const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** Starts a program inside a namespace. */
export function start(net: Net, place: Place, ...argv: readonly string[]): Started {
  const child = spawn('ip', ['netns', 'exec', net.ns[place], ...argv], { stdio: ['pipe', 'pipe', 'pipe'] })
  net.running.add(child)
  let out = ''
  let errors = ''
  child.stdout.on('data', d => {
    out += d
  })
  child.stderr.on('data', d => {
    errors = (errors + d).slice(-4000)
  })
  let ended = false
  const done = new Promise<string>(resolve =>
    child.once('close', () => {
      ended = true
      net.running.delete(child)
      resolve(out)
    }),
  )
  const says = async (text: string, withinMs: number) => {
    for (let waited = 0; !out.includes(text); waited += 10) {
      if (ended) throw new Error(`${argv[0]} ended: ${errors.trim() || out.trim()}`)
      if (waited > withinMs) throw new Error(`${argv[0]} did not say "${text}" within ${withinMs} ms`)
      await pause(10)
    }
  }
  return { child, done, says, errors: () => errors }
}

/** Runs a program inside a namespace to its end, `limitMs` at most. */
export async function runFor(net: Net, place: Place, limitMs: number, ...argv: readonly string[]): Promise<string> {
  const started = start(net, place, ...argv)
  const timer = setTimeout(() => started.child.kill('SIGKILL'), limitMs)
  try {
    const out = await started.done
    if (started.child.exitCode !== 0) {
      throw new Error(`${argv[0]} failed: ${(started.errors() || out).trim().slice(0, 500)}`)
    }
    return out
  } finally {
    clearTimeout(timer)
  }
}

/** CPU time of a process so far, all threads, seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident memory of a process, MB; NaN when it has ended. */
export function rssMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes ?? Number.NaN) / 1024
}
