/**
 * A guest, a node and a server, each a network namespace of its own:
 *
 *     guest eth0 ──── guests  NODE  uplink ──── eth0 server
 *     2001:db8:1::2   ::1           9.9.9.1     9.9.9.2
 *
 * The node runs the product; what it changes there is compared before and after.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** The bundle under test. */
export const BIN = process.env.NAT64_BIN ?? join(root, 'dist/src/bin.js')

export interface Done {
  readonly exit: number | null
  readonly out: string
  readonly err: string
}

export interface TestHost {
  readonly guest: string
  readonly node: string
  readonly server: string
  /** Directory of this test: runtime, state and configuration files. */
  readonly dir: string
  readonly env: NodeJS.ProcessEnv
  readonly children: Set<ChildProcess>
}

let count = 0

/** Builds the three namespaces. The node's addresses are there, forwarding is off. */
export function makeHost(): TestHost {
  const base = `run${process.pid}-${count++}`
  const [guest, node, server] = [`${base}g`, `${base}n`, `${base}s`]
  const dir = mkdtempSync(join(tmpdir(), 'nat64-run-'))
  mkdirSync(join(dir, 'state'))
  for (const name of [guest, node, server]) {
    sh(`ip netns add ${name}`)
    sh(`ip -n ${name} link set lo up`)
    inside(name, 'sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0')
  }
  sh(`ip -n ${guest} link add eth0 type veth peer name guests netns ${node}`)
  sh(`ip -n ${server} link add eth0 type veth peer name uplink netns ${node}`)
  sh(`ip -n ${guest} address add 2001:db8:1::2/64 dev eth0 nodad`)
  sh(`ip -n ${node} address add 2001:db8:1::1/64 dev guests nodad`)
  sh(`ip -n ${server} address add 9.9.9.2/24 dev eth0`)
  sh(`ip -n ${node} address add 9.9.9.1/24 dev uplink`)
  sh(`ip -n ${guest} link set eth0 up && ip -n ${server} link set eth0 up`)
  sh(`ip -n ${node} link set guests up && ip -n ${node} link set uplink up`)
  // Links come up in their own time, and their link-local addresses after them.
  for (const dev of ['guests', 'uplink']) {
    inside(node, `for i in $(seq 100); do ip address show dev ${dev} | grep -q fe80 && break; sleep 0.05; done`)
  }
  sh(`ip -n ${guest} -6 route add default via 2001:db8:1::1`)
  const env = {
    ...process.env,
    NAT64_RUNTIME_DIR: join(dir, 'run'),
    NAT64_CONFIG: '',
    NOTIFY_SOCKET: '',
    NO_COLOR: '1',
  }
  return { guest, node, server, dir, env, children: new Set() }
}

/** Ends what was started, by its process, and removes everything. */
export async function removeHost(host: TestHost): Promise<void> {
  for (const child of host.children) child.kill('SIGKILL')
  await Promise.all([...host.children].map(ended))
  for (const name of [host.guest, host.node, host.server]) sh(`ip netns delete ${name}`)
  rmSync(host.dir, { recursive: true, force: true })
}

const ended = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise<void>(resolve => child.once('exit', () => resolve()))

/** Runs a shell line; throws when it fails. */
export function sh(line: string): string {
  return execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs a shell line in a namespace. */
export const inside = (netns: string, line: string) =>
  execFileSync('ip', ['netns', 'exec', netns, '/bin/sh', '-c', line], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** Runs the product in the node to its end. `wrap` is put in front: another program that starts it. */
export async function nat64(
  host: TestHost,
  args: readonly string[],
  wrap: readonly string[] = [],
  env = {},
): Promise<Done> {
  const running = start(host, args, wrap, env)
  await running.exited
  return running.done()
}

export interface Running {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  done(): Done
  /** Waits until stderr matches. */
  says(pattern: RegExp, ms?: number): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<Done>
}

/** Starts the product in the node. */
export function start(host: TestHost, args: readonly string[], wrap: readonly string[] = [], env = {}): Running {
  const command = ['netns', 'exec', host.node, ...wrap, process.execPath, BIN, ...args]
  return watch(host, spawn('ip', command, { env: { ...host.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Follows a child process that was started elsewhere. */
export function watch(host: TestHost, child: ChildProcess): Running {
  host.children.add(child)
  let out = ''
  let err = ''
  const listeners = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const listener of listeners) listener()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
    for (const listener of listeners) listener()
  })
  const exited = new Promise<void>(resolve =>
    child.once('close', () => {
      host.children.delete(child)
      for (const listener of listeners) listener()
      resolve()
    }),
  )
  const done = () => ({ exit: child.exitCode, out, err })
  const says = (pattern: RegExp, ms = 15_000) =>
    new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        listeners.delete(look)
        settle()
      }
      const look = () => {
        if (pattern.test(err) || pattern.test(out)) end(resolve)
        else if (child.exitCode !== null || child.signalCode !== null)
          end(() => reject(new Error(`it ended before it said ${pattern}: ${err}${out}`)))
      }
      const timer = setTimeout(() => end(() => reject(new Error(`it never said ${pattern}: ${err}${out}`))), ms)
      listeners.add(look)
      look()
    })
  return {
    child,
    exited,
    done,
    says,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await exited
      return done()
    },
  }
}

/** `nat64 run` in the node, up to the line that says that packets flow. */
export async function running(
  host: TestHost,
  args: readonly string[] = [],
  wrap: readonly string[] = [],
  env = {},
): Promise<Running> {
  const run = start(host, ['run', '--state-dir', join(host.dir, 'state'), ...args], wrap, env)
  await run.says(/info Translates /)
  return run
}

const SYSCTL =
  "sysctl -a 2>/dev/null | grep -E '^net\\.ipv[46]\\.(ip_forward|conf\\..*\\.(forwarding|accept_ra|accept_redirects|proxy_arp)) ' | sort"

/** All that a set-up may touch: links, addresses, routes of all tables, rules, nftables, forwarding. */
export function hostState(host: TestHost): Record<string, string> {
  const ask = (line: string) => inside(host.node, line)
  const stable = (text: string) =>
    text
      .replace(/"(valid|preferred)_life_time":\d+/g, '')
      .replace(/"expires":\d+/g, '')
      .replace(/"handle": \d+/g, '')
  return {
    link: ask('ip -d link show'),
    address: stable(ask('ip -j address show')),
    route4: ask('ip -j -4 route show table all'),
    route6: stable(ask('ip -j -6 route show table all')),
    rule: ask('ip -j rule; ip -j -6 rule'),
    nft: stable(ask('nft -j list ruleset')),
    sysctl: ask(SYSCTL),
  }
}

/** Says whether the guest reaches the server by ping, within about five seconds. */
export function pings(host: TestHost, address = '64:ff9b::9.9.9.2'): boolean {
  try {
    inside(host.guest, `ping -c 1 -W 1 ${address} || ping -c 2 -i 0.5 -W 2 ${address}`)
    return true
  } catch {
    return false
  }
}

/** Ends a translator together with its helper, as a machine that loses power does, so that nobody cleans up. */
export async function killBoth(run: Running): Promise<void> {
  for (const helper of childrenOf(run)) process.kill(helper, 'SIGKILL')
  await run.stop('SIGKILL')
}

/** Processes that it has started and that are there still: its helper. */
export function childrenOf({ child: { pid } }: Running): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

/** Waits for something to happen; throws when it does not. `told` says more about it then. */
export async function until(
  what: () => boolean | Promise<boolean>,
  ms = 10_000,
  told: () => string = () => '',
): Promise<void> {
  const end = Date.now() + ms
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`it did not happen in time ${told()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
