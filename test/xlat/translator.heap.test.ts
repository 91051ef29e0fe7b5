/** The hot path allocates nothing: with collection out of the way, packets leave the heap as it was. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { HEADROOM, Packet } from '../../src/xlat/packet.js'
import { Translator } from '../../src/xlat/translator.js'
import { TRANSLATED } from '../../src/xlat/verdict.js'
import { ip4, ip6, tcp, udp } from './packets.js'
import { type Changes, configOf, eam, prefix4, prefix6, random, SECRET } from './translating.js'

const GUEST = '2001:db8::1'
const PEER6 = '2001:db8:64::808:808'
const POOL6 = prefix6('2001:db8:64::/96')
const PACKETS = 100_000
/** Bytes per packet that measuring itself may cost. The smallest object takes 16. */
const NOISE = 4
const PATIENCE_MS = 15_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

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

describe('no heap growth per packet', () => {
  it.each(modes)('%s, both ways', { timeout: 4 * PATIENCE_MS }, async (_, changes) => {
    const t = new Translator(configOf(changes), { random32: random(1), secret: SECRET })
    const request = ip6(udp(5000, 53, new Array(64).fill(1)), { src: GUEST, dst: PEER6 })
    const p = new Packet()
    p.set(Uint8Array.from([...new Array(HEADROOM).fill(0), ...request]), HEADROOM, HEADROOM + request.length)
    expect(t.translate(p, 0)).toBe(TRANSLATED)
    const own = Array.from(p.buf.slice(p.start + 12, p.start + 16)).join('.')
    const port = (p.buf[p.start + 20]! << 8) | p.buf[p.start + 21]!
    expect(await growth(t, request)).toBeLessThan(NOISE)
    expect(await growth(t, ip4(udp(53, port, new Array(64).fill(1)), { src: '8.8.8.8', dst: own }))).toBeLessThan(NOISE)
    expect(await growth(t, ip6(tcp(5000, 80, [1], { flags: 2 }), { src: GUEST, dst: PEER6 }))).toBeLessThan(NOISE)
  })
})
