/** A program, run by translator.heap.test.ts: prints heap bytes per packet by mode and packet, as JSON. Needs --expose-gc. */
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { Translator } from '../../src/xlat/translator.js'
import { TRANSLATED } from '../../src/xlat/verdict.js'
import { ip4, ip6, tcp, udp } from './packets.js'
import { type Changes, configOf, eam, prefix4, prefix6, random, SECRET } from './translating.js'

const GUEST = '2001:db8::1'
const PEER6 = '2001:db8:64::808:808'
const POOL6 = prefix6('2001:db8:64::/96')
/** Few enough that no scavenge comes between: it would hide what was left. */
const PACKETS = 10_000
/** Bytes per packet that measuring itself may cost. The smallest object takes 16. */
const NOISE = 4
const PATIENCE_MS = 15_000

const collect = (globalThis as { gc?: () => void }).gc as () => void

/** Translates `bytes` again and again; returns heap bytes per packet. */
async function growth(t: Translator, bytes: Uint8Array): Promise<number> {
  const p = new Packet()
  const buf = new Uint8Array(2048)
  const run = (count: number, from: number): void => {
    for (let i = 0; i < count; i++) {
      buf.set(bytes, HEADROOM)
      p.set(buf, HEADROOM, HEADROOM + bytes.length)
      if (t.translate(p, from + (i >>> 6)) !== TRANSLATED) throw new Error(`refused: ${t.reason}`)
    }
  }
  run(100_000, 0)
  // The compiler works beside us, and on a busy machine late: it gets time, and one round without it has to show that
  // nothing is left.
  let least = Number.POSITIVE_INFINITY
  const until = performance.now() + PATIENCE_MS
  for (let round = 1; least >= NOISE && (round <= 10 || performance.now() < until); round++) {
    await new Promise(resolve => setTimeout(resolve, 5))
    collect()
    const before = process.memoryUsage().heapUsed
    run(PACKETS, 4000 * round)
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / PACKETS)
  }
  return least
}

const modes: readonly (readonly [string, Changes])[] = [
  ['stateful', { pool6: POOL6 }],
  ['siit', { mode: 'siit', pool6: POOL6, eam: [eam(GUEST, '203.0.113.1')] }],
  ['pool', { mode: 'pool', pool6: POOL6, dynamicPool: prefix4('192.168.255.0/24') }],
]

/** By mode: a request of UDP, its reply, a TCP segment of an open connection. */
const grown: Record<string, number[]> = {}
for (const [mode, changes] of modes) {
  const t = new Translator(configOf(changes), { random32: random(1), secret: SECRET })
  const request = ip6(udp(5000, 53, new Array(64).fill(1)), { src: GUEST, dst: PEER6 })
  const p = new Packet()
  p.set(Uint8Array.from([...new Array(HEADROOM).fill(0), ...request]), HEADROOM, HEADROOM + request.length)
  if (t.translate(p, 0) !== TRANSLATED) throw new Error(`refused: ${t.reason}`)
  const own = Array.from(p.buf.slice(p.start + 12, p.start + 16)).join('.')
  const port = (p.buf[p.start + 20]! << 8) | p.buf[p.start + 21]!
  const reply = ip4(udp(53, port, new Array(64).fill(1)), { src: '8.8.8.8', dst: own })
  const syn = ip6(tcp(5000, 80, [], { flags: 2 }), { src: GUEST, dst: PEER6 })
  p.set(Uint8Array.from([...new Array(HEADROOM).fill(0), ...syn]), HEADROOM, HEADROOM + syn.length)
  if (t.translate(p, 0) !== TRANSLATED) throw new Error(`refused: ${t.reason}`)
  const segment = ip6(tcp(5000, 80, [1], { flags: 0x10 }), { src: GUEST, dst: PEER6 })
  grown[mode] = []
  for (const bytes of [request, reply, segment]) grown[mode].push(await growth(t, bytes))
}
console.log(JSON.stringify(grown))
