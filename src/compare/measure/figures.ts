/** From what probes and traces say to figures. Pure. */
import type { ProbeCounts, ReadResult } from '../../probe/send.js'
import type { TracedPath } from '../../trace/core/traced.js'
import type { Delivery, SeenWay, Throughput, Timing } from '../measured.js'

/** Median and 99th percentile, by nearest rank; null of nothing. */
export function timingOf(values: readonly number[]): Timing | null {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  const [median, p99] = [at(0.5), at(0.99)]
  return median === undefined || p99 === undefined ? null : { median, p99 }
}

/** What is more than `base`; never negative: jitter is no gain. */
export function addedTo(base: number, timing: Timing | null): Timing | null {
  return timing && { median: Math.max(0, timing.median - base), p99: Math.max(0, timing.p99 - base) }
}

/** Several rounds as one. */
export function sumOf(rounds: readonly ProbeCounts[]): Delivery & { readonly rttUs: readonly number[] } {
  const sum = (key: 'sent' | 'answered') => rounds.reduce((n, r) => n + r[key], 0)
  const complaint = rounds.find(r => r.complaint !== null)?.complaint ?? null
  return { sent: sum('sent'), answered: sum('answered'), complaint, rttUs: rounds.flatMap(r => r.rttUs) }
}

export function throughputOf({ bytes, ms, complaint }: ReadResult, cores: Throughput['cores']): Throughput {
  return { bitsPerSecond: ms > 0 ? Math.round((bytes * 8000) / ms) : 0, bytes, ms: Math.round(ms), complaint, cores }
}

/** The way that most packets of one kind went; null: none was seen. */
export function seenWay(paths: readonly TracedPath[], way: 'request' | 'reply'): SeenWay | null {
  const ways = new Map<string, { readonly seen: SeenWay; count: number }>()
  for (const path of paths.filter(p => p.way === way)) {
    const devices = path.hops.filter(h => h.onWay).map(h => h.device)
    const { kind, text } = path.verdict
    const seen = { devices, verdict: kind === 'delivered' ? kind : text }
    const key = `${devices.join(' ')} ${seen.verdict}`
    const known = ways.get(key)
    if (known) known.count++
    else ways.set(key, { seen, count: 1 })
  }
  const most = [...ways.values()].sort((a, b) => b.count - a.count || b.seen.devices.length - a.seen.devices.length)
  return most[0]?.seen ?? null
}
