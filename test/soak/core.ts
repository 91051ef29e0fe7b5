/**
 * The translator's core for very many packets and a month of virtual time: traffic with churn by day, silence by night.
 * Checked all along: counters balance exactly, nothing lives on in the tables after a night, the heap does not grow.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { REASONS } from '../../src/xlat/reason.js'
import { STAT } from '../../src/xlat/stats.js'
import { Translator } from '../../src/xlat/translator.js'
import { HAIRPINNED, TRANSLATED, VERDICTS } from '../../src/xlat/verdict.js'
import { type Changes, configOf, imbalance, prefix4, prefix6, random, SECRET } from '../xlat/translating.js'
import { Flows } from './flows.js'
import { slope } from './slope.js'

const DAY_MS = 86_400_000
/** Longer than any session lives. */
const NIGHT_MS = 3 * 3_600_000
const GUEST: readonly [number, number] = [0x20010db8, 0x00010000]
const POOL6: readonly [number, number, number] = [0x20010db8, 0x00640000, 0]
const COMMON: Changes = { pool6: prefix6('2001:db8:64::/96'), denylist4: [prefix4('9.0.255.0/24')] }
const LARGE = { bib: 65_536, sessions: 65_536 }

/** Every mode; one that has to refuse newcomers all day. */
export const SOAK_MODES: Readonly<Record<string, Changes>> = {
  stateful: { ...COMMON, limits: LARGE },
  'stateful, full': {
    ...COMMON,
    filtering: 'address-dependent',
    portBlock: 64,
    limits: { bib: 3000, sessions: 4000, portsPerGuest: 128, storedSyns: 8, fragments: 16, icmpErrorsPerSecond: 5 },
  },
  siit: {
    ...COMMON,
    mode: 'siit',
    eam: [{ prefix6: prefix6('2001:db8:1::/112'), prefix4: prefix4('11.0.0.0/16') }],
  },
  pool: { ...COMMON, mode: 'pool', dynamicPool: prefix4('10.64.0.0/16'), limits: LARGE },
}

export interface SoakStep {
  readonly packets: number
  /** Virtual days so far. */
  readonly day: number
  readonly sessions: number
  readonly heapBytes: number
}

export interface SoakResult {
  readonly packets: number
  readonly days: number
  /** Sessions, BIB entries, stored SYNs and fragments that were left after nights, all together. */
  readonly left: number
  readonly nights: number
  readonly peakSessions: number
  /** Bytes by which the heap has grown after the first quarter, and what that is for a million packets (least squares). */
  readonly heapGrowth: number
  readonly heapSlope: number
  readonly verdicts: Readonly<Record<string, number>>
  readonly drops: Readonly<Record<string, number>>
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const STEPS = 32

/** Runs one mode. Throws when counters do not balance. `onStep` is told 32 times how far it is. */
export function soakCore(
  mode: string,
  packets: number,
  days: number,
  seed: number,
  onStep: (step: SoakStep) => void = () => {},
): SoakResult {
  const next = random(seed * 7919)
  const t = new Translator(configOf(SOAK_MODES[mode] as Changes), { random32: random(seed), secret: SECRET })
  const flows = new Flows(next, GUEST, POOL6)
  const { packet } = flows
  const verdicts = new Float64Array(VERDICTS.length)
  const perDay = Math.ceil(packets / days)
  const stepMs = (DAY_MS - NIGHT_MS) / perDay
  let [now, given, inPlace, fromOutbox, left, nights, peak] = [0, 0, 0, 0, 0, 0, 0]
  const heap: number[] = []
  const every = Math.ceil(packets / STEPS)

  const drain = () => {
    fromOutbox += t.outbox.count
    t.outbox.clear()
  }
  const check = () => {
    const { stats } = t
    const s = (name: keyof typeof STAT) => stats[STAT[name]]!
    const out = s('packetsOut') + stats[STAT.packetsOut + 1]!
    const wrong: [string, number][] = [
      ['packets in', given - s('packetsIn') - stats[STAT.packetsIn + 1]!],
      ['packets in, by what became of them', imbalance(stats)],
      ['packets out', inPlace + fromOutbox - out - s('replies') - s('answered') - s('probes')],
    ]
    for (const [what, by] of wrong) if (by !== 0) throw new Error(`${mode}: ${what} are off by ${by} after ${given}`)
  }
  const sleep = () => {
    const until = now + NIGHT_MS
    for (; now < until; now += 60_000) {
      t.expire(now, 10_000)
      drain()
    }
    check()
    const gauges = ['sessions', 'bibEntries', 'storedSyns', 'storedFragments'] as const
    for (const name of gauges) left += t.stats[STAT[name]]!
    nights++
  }

  while (given < packets) {
    flows.build()
    const verdict = t.translate(packet, Math.floor(now))
    verdicts[verdict]!++
    given++
    if (verdict === TRANSLATED || verdict === HAIRPINNED) {
      inPlace++
      flows.learn()
    }
    if (t.outbox.count > 0) drain()
    now += stepMs
    if ((given & 1023) === 0) {
      t.expire(Math.floor(now), 2000)
      drain()
    }
    if (given % perDay === 0) sleep()
    if (given % every === 0) {
      check()
      collectGarbage()
      const heapBytes = process.memoryUsage().heapUsed
      heap.push(heapBytes)
      const sessions = t.stats[STAT.sessions]!
      peak = Math.max(peak, sessions)
      onStep({ packets: given, day: now / DAY_MS, sessions, heapBytes })
    }
  }
  sleep()
  // In the first quarter code is compiled still.
  const settled = heap.slice(STEPS / 4)
  const dropped = REASONS.map(({ code }, r): [string, number] => [code, t.stats[STAT.drops + r]!])
  return {
    packets: given,
    days: now / DAY_MS,
    left,
    nights,
    peakSessions: peak,
    heapGrowth: slope(settled) * (settled.length - 1),
    heapSlope: (slope(settled) / every) * 1e6,
    verdicts: Object.fromEntries(VERDICTS.map((name, i) => [name, verdicts[i]!]).filter(([, n]) => Number(n) > 0)),
    drops: Object.fromEntries(dropped.filter(([, count]) => count > 0)),
  }
}
