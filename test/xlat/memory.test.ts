/** What the tables take is within what is said of them. */
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { tableBytes } from '../../src/xlat/memory.js'
import { Outbox } from '../../src/xlat/outbox.js'
import { Translator } from '../../src/xlat/translator.js'
import { ip6, udp } from './packets.js'
import { packetOf } from './rewriting.js'
import { type Changes, configOf, prefix4, random, SECRET } from './translating.js'

const limits = { bib: 120_000, sessions: 150_000 }
const range = (prefix: string) => ({
  prefix: prefix4(prefix),
  protocols: ['tcp', 'udp', 'icmp'] as const,
  ports: [1024, 65535] as const,
})
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Bytes of all buffers that are in use. What is not is swept by another thread, in its own time. */
async function inBuffers(): Promise<number> {
  for (let last = -1; ; ) {
    gc()
    await pause(10)
    const { arrayBuffers } = process.memoryUsage()
    if (arrayBuffers === last) return last
    last = arrayBuffers
  }
}

/** The buffer in which packets are put together, counters, and alignment. */
const BESIDE = 100_000
/** Guests: more than what the indexes are made for at first, so that all have their full size. */
const GUESTS = 17_000

const CASES: readonly (readonly [string, Changes])[] = [
  ['stateful', { limits }],
  ['address-dependent filtering', { limits, filtering: 'address-dependent' }],
  ['ports in blocks', { limits, portBlock: 64, pool4: [range('198.51.100.0/26')] }],
  ['large stores', { limits: { ...limits, storedSyns: 60_000, fragments: 20_000, fragmentBytes: 32 << 20 } }],
  ['pool', { mode: 'pool', dynamicPool: prefix4('10.0.0.0/14') }],
]

describe('memory of the tables', () => {
  it.each(CASES)('%s', async (_name, changes) => {
    const config = configOf({ pool4: [range('198.51.100.0/28')], ...changes })
    const outbox = new Outbox()
    const before = await inBuffers()
    const t = new Translator(config, { random32: random(1), secret: SECRET, outbox })
    const bytes = ip6(udp(4000, 53))
    for (let i = 0; i < GUESTS; i++) {
      bytes[22] = i >>> 8
      bytes[23] = i
      t.translate(packetOf(bytes), 0)
      outbox.clear()
    }
    const taken = (await inBuffers()) - before
    expect(taken).toBeGreaterThan(tableBytes(config) / 2)
    expect(taken).toBeLessThan(tableBytes(config) + BESIDE)
    // It is there still, whatever the optimiser thinks.
    expect(t.outbox).toBe(outbox)
  })
})
