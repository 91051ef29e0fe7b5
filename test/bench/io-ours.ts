/** The packet loop alone, for io-compare.ts: node io-ours.js TUN IO SPIN-US. Prints `ready`, and its counters when ended. */
import { openEventfd } from '../../src/host/eventfd.js'
import { openRing } from '../../src/host/io-uring.js'
import { openTun } from '../../src/host/tun.js'
import { openArena } from '../../src/run/arena.js'
import { RING_ENTRIES, SLOTS } from '../../src/run/batch.js'
import { PacketLoop } from '../../src/run/loop.js'
import { LOOP, makeLoopStats } from '../../src/run/loop-stats.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'
import { Swap } from './io-swap.js'

const [name = 'ours', io = 'io_uring', spinUs = '0'] = process.argv.slice(2)
const tun = openTun({ name })
const arena = openArena(SLOTS)
const ring = io === 'io_uring' ? openRing(RING_ENTRIES) : null
if (typeof ring === 'number') throw new Error(`no ring: ${ring}`)
const loop = makeLoopStats()
const stats = makeStats()
// As if there were state: the loop then looks at the deadline once a second.
stats[STAT.bibEntries] = 1
const wakeFd = openEventfd()
process.stdout.write('ready\n')
const deadline = performance.now() + 1000 * Number(process.env.IO_SECONDS ?? 3600)
setTimeout(() => {}, 0)
const heap = process.memoryUsage().heapUsed
const end = new PacketLoop({
  translator: new Swap(arena.outbox),
  fds: tun.fds,
  vnetHeader: tun.vnetHeader,
  uso: tun.offloads.uso && process.env.USO !== '0',
  ring,
  arena,
  wakeFd,
  spinUs: Number(spinUs),
  stats,
  loop,
  control: () => performance.now() > deadline,
}).run()
const counters = Object.entries(LOOP).map(([k, i]) => `${k}=${loop[i]}`)
process.stderr.write(
  `${JSON.stringify(end)} ${counters.join(' ')} sizes=${loop.slice(16, 23).join(',')} latency=${loop.slice(24).join(',')} ` +
    `heap+=${process.memoryUsage().heapUsed - heap}\n`,
)
