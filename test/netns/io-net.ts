/**
 * Namespaces for the tests of packet I/O:
 *
 *     client c0 ---- n0 node n1 ---- s0 server
 *     2001:db8:1::2                  5.0.1.2
 *
 * and a packet worker on a TUN device in the node; guests of 2001:db8:1::/64 leave as 5.0.0.1.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../..')
export const SERVER = '64:ff9b::5.0.1.2'
let serial = 0

export const sh = (line: string): string =>
  execFileSync('sh', ['-ec', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })

/** Bundles harness and worker where koffi is found. Returns the harness, and a function that removes it. */
export async function buildHarness(): Promise<{ file: string; remove(): void }> {
  const outdir = mkdtempSync(join(root, 'node_modules/.io-test-'))
  await build({
    absWorkingDir: root,
    entryPoints: ['test/netns/io-harness.ts', 'src/run/worker.ts'],
    outdir,
    outbase: root,
    outExtension: { '.js': '.js' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    external: ['koffi'],
    logLevel: 'silent',
  })
  return { file: join(outdir, 'test/netns/io-harness.js'), remove: () => rmSync(outdir, { recursive: true }) }
}

export interface Harness {
  readonly ready: string
  readonly pid: number
  ask(line: string): Promise<Answer>
  stop(): Promise<void>
}

export interface Answer {
  readonly stats: readonly number[]
  readonly loop: readonly number[]
  readonly ended: { type: string; errno: string } | null
  readonly state?: number
  readonly sessions?: readonly { protocol: string; state: string; peer4: string }[]
}

export interface Net {
  readonly client: string
  readonly node: string
  readonly server: string
  /** Runs a command line in a namespace of the three. */
  run(where: 'client' | 'node' | 'server', line: string): string
  start(where: 'client' | 'node' | 'server', argv: readonly string[]): Started
  remove(): void
}

export interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly out: Promise<string>
  /** Waits for a line that matches. */
  line(pattern: RegExp): Promise<string>
}

export interface NetOptions {
  readonly mtu?: number
  /** false: no checksum or segmentation offload on the interfaces of client and server, or on those of the node. */
  readonly endOffloads?: boolean
  readonly nodeOffloads?: boolean
}

export function makeNet({ mtu = 1500, endOffloads = true, nodeOffloads = true }: NetOptions = {}): Net {
  const id = `io${process.pid}x${serial++}`
  const [client, node, server] = [`${id}c`, `${id}n`, `${id}s`]
  const names = { client, node, server }
  for (const ns of [client, node, server]) sh(`ip netns add ${ns}; ip -n ${ns} link set lo up`)
  sh(`ip link add c0 netns ${client} type veth peer name n0 netns ${node}
ip link add s0 netns ${server} type veth peer name n1 netns ${node}`)
  for (const [ns, link] of [
    [client, 'c0'],
    [node, 'n0'],
    [node, 'n1'],
    [server, 's0'],
  ] as const) {
    const on = ns === node ? nodeOffloads : endOffloads
    if (!on) sh(`ip netns exec ${ns} ethtool -K ${link} tx off sg off tso off gso off gro off >/dev/null 2>&1 || true`)
    sh(`ip -n ${ns} link set ${link} mtu ${mtu} up`)
  }
  sh(`ip -n ${client} addr add 2001:db8:1::2/64 dev c0 nodad; ip -n ${node} addr add 2001:db8:1::1/64 dev n0 nodad
ip -n ${node} addr add 5.0.1.1/24 dev n1; ip -n ${server} addr add 5.0.1.2/24 dev s0
ip -n ${client} route add default via 2001:db8:1::1; ip -n ${server} route add default via 5.0.1.1
ip netns exec ${node} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`)
  const started: Started[] = []
  return {
    ...names,
    run: (where, line) => sh(`ip netns exec ${names[where]} ${line}`),
    start(where, argv) {
      const s = startProgram(['ip', 'netns', 'exec', names[where], ...argv])
      started.push(s)
      return s
    },
    remove() {
      for (const s of started) s.child.kill('SIGKILL')
      for (const ns of [client, node, server]) sh(`ip netns del ${ns}`)
    },
  }
}

function startProgram(argv: readonly string[]): Started {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  let errors = ''
  const waiting: { pattern: RegExp; resolve(line: string): void; reject(e: Error): void }[] = []
  const look = () => {
    for (const [i, w] of [...waiting.entries()].reverse()) {
      const found = text.split('\n').find(l => w.pattern.test(l))
      if (found === undefined) continue
      waiting.splice(i, 1)
      w.resolve(found)
    }
  }
  child.stdout.on('data', d => {
    text += d
    look()
  })
  child.stderr.on('data', d => {
    errors += d
  })
  const out = new Promise<string>(resolve =>
    child.on('close', () => {
      for (const w of waiting) w.reject(new Error(`${argv.join(' ')} ended: ${text}${errors}`))
      resolve(text + errors)
    }),
  )
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      waiting.push({ pattern, resolve, reject })
      look()
    })
  return { child, out, line }
}

export async function startHarness(net: Net, file: string, tun: string, mtu: number, io: string): Promise<Harness> {
  const program = net.start('node', [process.execPath, file, tun, String(mtu), io])
  let text = ''
  const waiting: ((value: unknown) => void)[] = []
  program.child.stdout.on('data', d => {
    text += d
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      waiting.shift()?.(JSON.parse(line))
    }
  })
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      waiting.push(resolve as (value: unknown) => void)
      void program.out.then(all => reject(new Error(`the harness ended: ${all}`)))
    })
  const { ready, pid } = await next<{ ready: string; pid: number }>()
  return {
    ready,
    pid,
    ask(line) {
      const answer = next<Answer>()
      program.child.stdin.write(`${line}\n`)
      return answer
    },
    async stop() {
      program.child.stdin.end()
      await program.out
    },
  }
}
