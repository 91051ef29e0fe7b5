/** The lab of `npm run abuse`: the product in the node of test/bench/net.ts, attackers behind the client and the server. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { askStatus } from '../../src/run/ask-status.js'
import type { StatusSnapshot } from '../../src/run/status-types.js'
import { CLIENT6, type Net, openNet, pause, run, runIn, SERVER4, type Started, start } from '../bench/net.js'
import { type Attack, OPEN_BINDINGS } from './attacks.js'
import type { Flooded } from './flood.js'
import type { Fared } from './peers.js'
import {
  DEVICE,
  FAR_PREFIX,
  FRAGMENTER,
  GUESTS_PREFIX,
  NEWCOMER,
  OUTSIDE_PREFIX,
  POOL4,
  POOL6,
  SETTLED,
} from './places.js'

const TUN = 'nat64'
const PORT = 7007

/** Makes the namespaces, with what attackers need: whoever answers them must find them. */
export function openLab(): Net {
  const net = openNet()
  const ip = (place: 'client' | 'node' | 'server', line: string) => runIn(net, place, 'ip', ...line.split(' '))
  for (const guest of [NEWCOMER, FRAGMENTER]) ip('client', `addr add ${guest}/64 dev c0 nodad`)
  ip('node', `route add ${GUESTS_PREFIX} via ${CLIENT6}`)
  ip('node', `route add default via ${SERVER4}`)
  runIn(net, 'client', 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1')
  runIn(net, 'server', 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0')
  // Nobody lives far away, nor where attackers are when they are not, and nobody says so.
  ip('server', `route add blackhole ${FAR_PREFIX}`)
  ip('server', `route add blackhole ${OUTSIDE_PREFIX} metric 9999`)
  ip('client', `-6 route add blackhole ${GUESTS_PREFIX} metric 9999`)
  // Neighbours are known only when the links' own addresses are settled.
  for (const guest of [SETTLED, NEWCOMER, FRAGMENTER]) {
    runIn(net, 'client', 'ping', '-c', '1', '-w', '10', '-I', guest, '2001:db8:1::1')
  }
  return net
}

/** The translator under attack. */
export interface Subject {
  readonly pid: number
  readonly program: Started
  status(): Promise<StatusSnapshot>
  /** How long its busiest thread has been ready to run and had no processor, ms. */
  waitedMs(): number
  /** Packets that the kernel handed over, and that found its queue full. */
  queue(): { readonly handed: number; readonly dropped: number }
}

/** Starts `nat64 run` as the attack wants it, set-up included. */
export async function startSubject(net: Net, bin: string, attack: Partial<Attack>): Promise<Subject> {
  const config = join(net.dir, 'nat64.toml')
  const limits = Object.entries(attack.limits ?? {}).map(([key, value]) => `${key} = ${value}\n`)
  writeFileSync(config, `[limits]\n${limits.join('')}`)
  const socket = join(net.dir, 'nat64.sock')
  const env = ['env', `NAT64_RUNTIME_DIR=${net.dir}`, 'NAT64_CONFIG=', process.execPath]
  const own = ['--pool6', POOL6, '--config', config, '--socket', socket, '--no-save-state', '--state-dir', net.dir]
  const flags = ['--pool4', attack.pool4 ?? POOL4, '--filtering', attack.filtering ?? 'endpoint-independent']
  const open = attack.isOpen ? OPEN_BINDINGS.flatMap(b => ['--bib', b]) : []
  const program = start(net, 'node', ...env, bin, 'run', ...own, ...flags, ...open)
  await hears(program, 'Translates')
  const figure = (name: string) => Number(runIn(net, 'node', 'cat', `/sys/class/net/${TUN}/statistics/${name}`))
  return {
    pid: program.child.pid as number,
    program,
    status: async () => (await askStatus({ socket, bib: false, sessions: false, guests: false, limit: 0 })).status,
    waitedMs: () => waitedMs(program.child.pid as number),
    queue: () => ({ handed: figure('tx_packets'), dropped: figure('tx_dropped') }),
  }
}

function waitedMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map(thread => {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ').map(Number)
    return { ran, waited }
  })
  return threads.reduce((a, b) => (b.ran > a.ran ? b : a)).waited / 1e6
}

/** Waits until it says so among its errors. */
async function hears(program: Started, text: string): Promise<void> {
  for (let waited = 0; !program.errors().includes(text); waited += 20) {
    if (program.child.exitCode !== null || waited > 15_000) throw new Error(`nat64 run: ${program.errors().trim()}`)
    await pause(20)
  }
}

/** Starts the traffic that must not suffer. What it returns ends it and says how it fared. */
export async function startTransfer(net: Net, script: string, mbit: number): Promise<() => Promise<Fared>> {
  const answerer = start(net, 'server', process.execPath, script, 'answer', String(PORT))
  await answerer.says('ready', 5_000)
  const address = `${POOL6.replace('/96', '')}${SERVER4}`
  const argv = ['transfer', address, String(PORT), String(mbit)]
  const asker = start(net, 'client', process.execPath, script, ...argv)
  await asker.says('ready', 10_000)
  return async () => {
    asker.child.stdin?.write('\n')
    const text = await asker.done
    answerer.child.kill('SIGKILL')
    await answerer.done
    return JSON.parse(text.split('\n')[1] as string) as Fared
  }
}

/** Sends an attack to its end. */
export async function attackWith(net: Net, script: string, attack: Attack): Promise<Flooded> {
  const place = attack.from === 'guests' ? 'client' : 'server'
  const count = Math.round(attack.rate * attack.seconds)
  const flood = start(net, place, process.execPath, script, attack.name, String(attack.rate), String(count))
  await flood.says('ready', 5_000)
  run('ip', '-n', net.ns[place], 'link', 'set', DEVICE, 'up')
  const prefix = attack.from === 'guests' ? GUESTS_PREFIX : OUTSIDE_PREFIX
  run('ip', '-n', net.ns[place], ...(attack.from === 'guests' ? ['-6'] : []), 'route', 'add', prefix, 'dev', DEVICE)
  flood.child.stdin?.write('\n')
  await flood.says('{', attack.seconds * 3_000 + 5_000)
  await pause(100)
  flood.child.stdin?.end()
  return JSON.parse((await flood.done).split('\n')[1] as string) as Flooded
}
