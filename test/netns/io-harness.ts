/**
 * A packet worker on a TUN device of the current namespace, for the tests of this folder.
 *
 *     node io-harness.js TUN MTU IO UPLINK-MTU
 *
 * Prints a line of JSON when it is ready, and after each line that it reads: its counters. Ends with its input.
 */
import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { parseIpv4 } from '../../src/addr/ipv4.js'
import { openTun } from '../../src/host/tun.js'
import { startPacketWorker } from '../../src/run/packet-worker.js'
import { DEFAULT_CONFIG } from '../../src/xlat/config.js'

const [name, mtu, io] = process.argv.slice(2) as [string, string, 'io_uring' | 'read-write']
const tun = openTun({ name })
const ip = (line: string) => execFileSync('ip', line.split(' '))
ip(`link set ${name} mtu ${mtu} up`)
ip(`-6 route replace 64:ff9b::/96 dev ${name}`)
ip(`route replace 5.0.0.1/32 dev ${name}`)
let ended: unknown = null
const worker = await startPacketWorker({
  config: {
    ...DEFAULT_CONFIG,
    mtu: Number(mtu),
    pool4: [
      {
        prefix: { address: parseIpv4('5.0.0.1') as never, length: 32 },
        protocols: ['tcp', 'udp', 'icmp'],
        ports: [1024, 65535],
      },
    ],
  },
  fds: tun.fds,
  vnetHeader: tun.vnetHeader,
  uso: tun.offloads.uso,
  io,
  spinUs: 0,
  state: null,
  onLost: errno => {
    ended = { type: 'device-lost', errno }
  },
})
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
say({ ready: worker.io, pid: process.pid })
void worker.ended.then(({ message }) => {
  ended = { type: 'failed', errno: message }
})
for await (const line of createInterface({ input: process.stdin })) {
  const [word, argument] = line.split(' ')
  const state = word === 'export' ? (await worker.exportState()).length : undefined
  const sessions = word === 'sessions' ? (await worker.query('sessions', Number(argument))).rows : undefined
  const heap = word === 'cpu' ? process.cpuUsage() : undefined
  say({ stats: [...worker.stats], loop: [...worker.loop], ended, state, sessions, heap })
  if (word === 'stop') break
}
if ((ended as { type: string } | null)?.type !== 'failed') say({ stopped: (await worker.stop(true))?.length ?? null })
tun.close()
