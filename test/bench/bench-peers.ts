/** Who is measured: each translator on a TUN device of its own with a prefix of its own, all present at once. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchOptions, PeerName } from './bench-options.js'
import { CLIENT6, type Net, pause, rssMb, run, runIn, SERVER4, SERVER6, start } from './net.js'

export interface Peer {
  readonly name: PeerName
  /** How the client reaches the server through it. */
  readonly address: string
  /** The translating process; null: the kernel itself. */
  readonly pid: number | null
  /** Resident memory before any load, MB. */
  readonly idleMb: number
  readonly version: string
}

/** Starts a peer, or says why it cannot take part. */
export async function startPeer(net: Net, name: PeerName, root: string, options: BenchOptions): Promise<Peer | string> {
  try {
    return await STARTERS[name](net, root, options)
  } catch (error) {
    return (error as Error).message.split('\n')[0] as string
  }
}

const STARTERS: Readonly<Record<PeerName, (net: Net, root: string, options: BenchOptions) => Promise<Peer | string>>> =
  {
    nat64: startOurs,
    tayga: startTayga,
    limit: startLimit,
    kernel: async () => ({
      name: 'kernel',
      address: SERVER6,
      pid: null,
      idleMb: 0,
      version: run('uname', '-r').trim(),
    }),
  }

async function startOurs(net: Net, root: string, options: BenchOptions): Promise<Peer | string> {
  const bin = join(root, 'dist/src/bin.js')
  if (!existsSync(bin)) return 'dist is not built: npm run build'
  const flags = ['--pool6', '2001:db8:64::/96', '--pool4', '198.51.100.1', '--tun', 'ours', '--no-host-setup']
  const paths = ['--no-save-state', '--state-dir', join(net.dir, 'ours'), '--socket', join(net.dir, 'ours.sock')]
  const program = start(net, 'node', process.execPath, bin, 'run', ...flags, ...paths, ...options.runFlags)
  const pid = await bringUp(net, program, 'ours', '2001:db8:64::/96', '198.51.100.1/32')
  const version = run(process.execPath, bin, '--version').trim()
  return { name: 'nat64', address: `2001:db8:64::${SERVER4}`, pid, idleMb: rssMb(pid), version }
}

async function startTayga(net: Net, root: string): Promise<Peer | string> {
  if (!exists('tayga')) return 'tayga is not installed: apt-get install tayga'
  const dir = join(net.dir, 'tayga')
  mkdirSync(dir)
  const lines = [
    'tun-device tayga',
    `data-dir ${dir}`,
    'ipv4-addr 203.0.113.1',
    'ipv6-addr 2001:db8:6::1',
    'prefix 2001:db8:65::/96',
    `map 203.0.113.2 ${CLIENT6}`,
  ]
  writeFileSync(join(dir, 'tayga.conf'), `${lines.join('\n')}\n`)
  const program = start(net, 'node', 'tayga', '--nodetach', '-c', join(dir, 'tayga.conf'))
  const pid = await bringUp(net, program, 'tayga', '2001:db8:65::/96', '203.0.113.0/24')
  const address = `2001:db8:65::${SERVER4}`
  return { name: 'tayga', address, pid, idleMb: rssMb(pid), version: taygaVersion(root) }
}

/** Of the installed package, or of the one that the bootstrap script has unpacked. tayga itself does not tell. */
function taygaVersion(root: string): string {
  try {
    return /Version: (.*)/.exec(run('dpkg-query', '-s', 'tayga'))?.[1] ?? 'unknown'
  } catch {
    const pool = join(root, 'node_modules/.debian/pool')
    const file = existsSync(pool) ? readdirSync(pool).find(f => f.startsWith('tayga_')) : undefined
    return file?.split('_')[1] ?? 'unknown'
  }
}

async function startLimit(net: Net, root: string): Promise<Peer | string> {
  const binary = compile(net, join(root, 'test/bench/limit.c'))
  if (binary === null) return 'no C compiler: apt-get install gcc libc6-dev'
  const program = start(net, 'node', binary, 'limit')
  // Its addresses are fixed in the source.
  const pid = await bringUp(net, program, 'limit', '64:ff9b::/96', '192.0.2.0/24')
  return { name: 'limit', address: `64:ff9b::${SERVER4}`, pid, idleMb: rssMb(pid), version: 'limit.c' }
}

/** Waits for the program's device, brings it up and routes to it. Returns the program's process id. */
async function bringUp(
  net: Net,
  program: ReturnType<typeof start>,
  device: string,
  route6: string,
  route4: string,
): Promise<number> {
  const { child } = program
  for (let i = 0; ; i++) {
    if (child.exitCode !== null) throw new Error(`${device}: ${program.errors().trim() || 'ended at once'}`)
    if (run('ip', '-n', net.ns.node, '-br', 'link').includes(device)) break
    if (i > 200) throw new Error(`${device}: its TUN device did not appear within 10 s`)
    await pause(50)
  }
  runIn(net, 'node', 'ip', 'link', 'set', device, 'up', 'mtu', '1500')
  runIn(net, 'node', 'ip', '-6', 'route', 'replace', route6, 'dev', device)
  runIn(net, 'node', 'ip', 'route', 'replace', route4, 'dev', device)
  await pause(1000)
  if (child.exitCode !== null) throw new Error(`${device}: ${program.errors().trim() || 'ended at once'}`)
  return child.pid as number
}

/** Compiles a C program; null when there is no compiler. */
export function compile(net: Pick<Net, 'dir'>, source: string): string | null {
  const compiler = ['cc', 'gcc', 'clang'].find(exists)
  if (compiler === undefined) return null
  const binary = join(net.dir, (source.split('/').at(-1) as string).replace(/\.c$/, ''))
  run(compiler, '-O2', '-o', binary, source)
  return binary
}

/** Says whether a program is on the path. */
export function exists(program: string): boolean {
  return (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':').some(dir => existsSync(join(dir, program)))
}
