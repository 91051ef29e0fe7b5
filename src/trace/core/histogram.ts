/** Durations in buckets of 8 %: median and 99th percentile in bounded memory. */

export interface Histogram {
  readonly buckets: Uint32Array
  count: number
}

const STEP = Math.log(1.08)
/** Up to 1.08^360 ns, some 18 minutes. */
const BUCKETS = 360

export function makeHistogram(): Histogram {
  return { buckets: new Uint32Array(BUCKETS), count: 0 }
}

/** Counts a duration in nanoseconds; negative ones count as 0. */
export function record(h: Histogram, ns: number): void {
  const i = ns < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(ns) / STEP))
  h.buckets[i] = (h.buckets[i] as number) + 1
  h.count++
}

/** The duration that `share` (0 to 1) of all stay below, ns, to within 8 %; 0 when there are none. */
export function quantile(h: Histogram, share: number): number {
  if (h.count === 0) return 0
  let left = Math.ceil(h.count * share)
  for (let i = 0; i < BUCKETS; i++) {
    left -= h.buckets[i] as number
    if (left <= 0) return i === 0 ? 0 : Math.round(Math.exp((i - 0.5) * STEP))
  }
  return 0
}
