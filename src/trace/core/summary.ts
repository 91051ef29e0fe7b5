/** Counts over all paths of a trace: verdicts and their causes, loss and latency between neighbouring hops. Bounded. */
import { type Histogram, makeHistogram, quantile, record } from './histogram.js'
import type { RawHop } from './open-path.js'
import type { HopSummary, TracedPath, TraceSummary, VerdictKind } from './traced.js'

const MOST_CAUSES = 200
const MOST_PAIRS = 500

interface Pair {
  readonly from: string
  readonly to: string
  readonly way: 'request' | 'reply'
  passed: number
  lost: number
  readonly delays: Histogram
}

type Cause = { -readonly [K in keyof TraceSummary['causes'][number]]: TraceSummary['causes'][number][K] }

/** Between which places a packet passed, and what else is counted of all that pass like it. */
export interface Steps {
  /** Indices of its hops in the order of the way. */
  readonly order: readonly number[]
  readonly pairs: readonly (Pair | undefined)[]
  readonly skippedFirewall: boolean
}

export interface Tally {
  add(path: TracedPath): void
  /** What is counted of packets that arrived as this one did; `order`: indices of their hops in the order of the way. */
  stepsOf(path: TracedPath, order: readonly number[]): Steps
  /** Counts a packet that arrived; `rtt` as in a traced path. */
  pass(steps: Steps, hops: readonly RawHop[], rtt: number | null): void
  summary(capture: TraceSummary['capture']): TraceSummary
}

export function makeTally(): Tally {
  const byVerdict: Record<VerdictKind, number> = {
    delivered: 0,
    died: 0,
    answered: 0,
    unanswered: 0,
    incomplete: 0,
    unknown: 0,
  }
  const causes = new Map<string, Cause>()
  const pairs = new Map<string, Pair>()
  const roundTrips = makeHistogram()
  let paths = 0
  let skippedFirewall = 0

  function pairOf(from: string, to: string, way: 'request' | 'reply'): Pair | undefined {
    const key = `${way} ${from} ${to}`
    let pair = pairs.get(key)
    if (!pair && pairs.size < MOST_PAIRS) {
      pair = { from, to, way, passed: 0, lost: 0, delays: makeHistogram() }
      pairs.set(key, pair)
    }
    return pair
  }

  return {
    add(path) {
      paths++
      byVerdict[path.verdict.kind]++
      if (path.skippedFirewall && path.way === 'request') skippedFirewall++
      if (path.rtt !== null) record(roundTrips, path.rtt)
      const { kind, reason, text, check, evidence, lastSeen, neverReached } = path.verdict
      if (kind !== 'delivered') {
        const known = causes.get(text)
        if (known) known.count++
        else if (causes.size < MOST_CAUSES) causes.set(text, { kind, reason, text, check, count: 1, evidence })
      }
      const hops = path.hops.filter(h => h.onWay)
      for (let i = 1; i < hops.length; i++) {
        const [a, b] = [hops[i - 1]!, hops[i]!]
        const pair = pairOf(a.device, b.device, path.way)
        if (!pair) continue
        pair.passed++
        record(pair.delays, b.delta)
      }
      if (kind === 'died' && lastSeen !== null && neverReached !== null) {
        const pair = pairOf(lastSeen, neverReached, path.way)
        if (pair) pair.lost++
      }
    },
    stepsOf: ({ way, hops, skippedFirewall }, order) => ({
      order,
      pairs: hops.slice(1).map((hop, i) => pairOf(hops[i]!.device, hop.device, way)),
      skippedFirewall: skippedFirewall && way === 'request',
    }),
    pass({ order, pairs, skippedFirewall: skipped }, hops, rtt) {
      paths++
      byVerdict.delivered++
      if (skipped) skippedFirewall++
      if (rtt !== null) record(roundTrips, rtt)
      let before = hops[order[0]!]!.time
      for (let i = 1; i < order.length; i++) {
        const { time } = hops[order[i]!]!
        const pair = pairs[i - 1]
        if (pair) {
          pair.passed++
          record(pair.delays, time - before)
        }
        if (time > before) before = time
      }
    },
    summary: capture => ({
      paths,
      byVerdict: { ...byVerdict },
      causes: [...causes.values()].sort((a, b) => b.count - a.count).map(c => ({ ...c })),
      hops: [...pairs.values()].map(summarise),
      rtt: { count: roundTrips.count, median: quantile(roundTrips, 0.5), p99: quantile(roundTrips, 0.99) },
      skippedFirewall,
      capture,
    }),
  }
}

function summarise({ from, to, way, passed, lost, delays }: Pair): HopSummary {
  return { from, to, way, passed, lost, median: quantile(delays, 0.5), p99: quantile(delays, 0.99) }
}
