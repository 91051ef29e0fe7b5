/** Counts over all paths of a trace: verdicts and their causes, loss and latency between neighbouring hops. Bounded. */
import { type Histogram, makeHistogram, quantile, record } from './histogram.js'
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

export interface Tally {
  add(path: TracedPath): void
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
  const rtt = makeHistogram()
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
      if (path.skippedFirewall) skippedFirewall++
      if (path.rtt !== null) record(rtt, path.rtt)
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
    summary: capture => ({
      paths,
      byVerdict: { ...byVerdict },
      causes: [...causes.values()].sort((a, b) => b.count - a.count).map(c => ({ ...c })),
      hops: [...pairs.values()].map(summarise),
      rtt: { count: rtt.count, median: quantile(rtt, 0.5), p99: quantile(rtt, 0.99) },
      skippedFirewall,
      capture,
    }),
  }
}

function summarise({ from, to, way, passed, lost, delays }: Pair): HopSummary {
  return { from, to, way, passed, lost, median: quantile(delays, 0.5), p99: quantile(delays, 0.99) }
}
