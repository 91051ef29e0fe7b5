/** Builds what a running translator says about itself, with rates over the last second. */
import { formatPrefix4, formatPrefix6 } from '../addr/prefix.js'
import type { RunConfig } from '../config/run-config.js'
import type { Limits } from '../xlat/config.js'
import { REASONS } from '../xlat/reason.js'
import { STAT, STAT_COUNT } from '../xlat/stats.js'
import { BATCH_BUCKETS, idleMs, LATENCY_BUCKETS, LOOP, latencyQuantile } from './loop-stats.js'
import { memoryBound } from './memory.js'
import type { GuestRow } from './protocol.js'
import type { DirectionStatus, DropStatus, LoopStatus, StatusSnapshot } from './status-types.js'

/** Two samples of the counters, for rates. */
export interface RateSampler {
  previous: Float64Array
  current: Float64Array
  previousMs: number
  currentMs: number
}

export function makeSampler(nowMs: number): RateSampler {
  return {
    previous: new Float64Array(STAT_COUNT),
    current: new Float64Array(STAT_COUNT),
    previousMs: nowMs,
    currentMs: nowMs,
  }
}

/** Takes a sample; call it about once a second. */
export function sample(sampler: RateSampler, stats: Float64Array, nowMs: number): void {
  const oldest = sampler.previous
  sampler.previous = sampler.current
  sampler.previousMs = sampler.currentMs
  oldest.set(stats)
  sampler.current = oldest
  sampler.currentMs = nowMs
}

/** Growth of a counter per second between the two samples. */
export function rate(sampler: RateSampler, counter: number): number {
  const seconds = (sampler.currentMs - sampler.previousMs) / 1000
  if (seconds <= 0) return 0
  return Math.max(0, (sampler.current[counter]! - sampler.previous[counter]!) / seconds)
}

/** What does not come from counters. */
export interface Identity {
  readonly version: string
  readonly uptimeMs: number
  readonly state: StatusSnapshot['state']
  readonly config: RunConfig
  readonly file: string | null
  readonly format: string
  readonly tunMade: boolean
  readonly masquerade: readonly string[]
  readonly io: StatusSnapshot['io']
  readonly guests: readonly GuestRow[]
}

export function buildStatus(
  identity: Identity,
  stats: Float64Array,
  loop: Float64Array,
  sampler: RateSampler,
): StatusSnapshot {
  const { config } = identity
  const { xlat, tun } = config
  const limits: Limits = xlat.limits
  const memory = process.memoryUsage()
  const drops = dropRows(stats, sampler)
  return {
    at: new Date().toISOString(),
    version: identity.version,
    pid: process.pid,
    uptimeMs: Math.round(identity.uptimeMs),
    state: identity.state,
    mode: xlat.mode,
    tun: { name: tun.name, mtu: tun.mtu, queues: tun.queues, made: identity.tunMade },
    pool6: xlat.pool6 ? formatPrefix6(xlat.pool6) : null,
    pool4: poolTexts(config),
    masquerade: identity.masquerade.length > 0 ? identity.masquerade.join(', ') : null,
    host4: { own: xlat.hostAddresses4.map(formatPrefix4), allowed: xlat.allowHost4.map(formatPrefix4) },
    config: { file: identity.file, format: identity.format },
    io: identity.io,
    toV4: direction(stats, sampler, 0),
    toV6: direction(stats, sampler, 1),
    drops,
    dropped: {
      count: drops.reduce((sum, d) => sum + d.count, 0),
      perSecond: drops.reduce((sum, d) => sum + d.perSecond, 0),
    },
    bib: {
      count: stats[STAT.bibEntries]!,
      limit: limits.bib,
      tcp: stats[STAT.bibTcp]!,
      udp: stats[STAT.bibUdp]!,
      icmp: stats[STAT.bibIcmp]!,
    },
    sessions: {
      count: stats[STAT.sessions]!,
      limit: limits.sessions,
      created: stats[STAT.sessionsCreated]!,
      expired: stats[STAT.sessionsExpired]!,
      createdPerSecond: rate(sampler, STAT.sessionsCreated),
    },
    storedSyns: { count: stats[STAT.storedSyns]!, limit: limits.storedSyns },
    fragments: { count: stats[STAT.storedFragments]!, limit: limits.fragments },
    hairpinned: stats[STAT.hairpinned]!,
    translated: stats[STAT.translated]!,
    answered: stats[STAT.answered]!,
    absorbed: stats[STAT.absorbed]!,
    icmpErrorsSent: stats[STAT.replies]!,
    guests: { count: stats[STAT.guests]!, top: identity.guests },
    loop: loopStatus(loop),
    memory: {
      rssBytes: memory.rss,
      boundBytes: memoryBound(config),
      heapUsedBytes: memory.heapUsed,
      externalBytes: memory.external,
    },
  }
}

function direction(stats: Float64Array, sampler: RateSampler, which: 0 | 1): DirectionStatus {
  return {
    packetsIn: stats[STAT.packetsIn + which]!,
    bytesIn: stats[STAT.bytesIn + which]!,
    packetsOut: stats[STAT.packetsOut + which]!,
    bytesOut: stats[STAT.bytesOut + which]!,
    segmentsOut: stats[STAT.segmentsOut + which]!,
    packetsPerSecond: rate(sampler, STAT.packetsOut + which),
    bitsPerSecond: rate(sampler, STAT.bytesOut + which) * 8,
  }
}

/** Reasons that occurred, most frequent lately first. */
export function dropRows(stats: Float64Array, sampler: RateSampler): DropStatus[] {
  const rows: DropStatus[] = []
  for (let reason = 1; reason < REASONS.length; reason++) {
    const count = stats[STAT.drops + reason]!
    if (count > 0) rows.push({ reason, ...REASONS[reason]!, count, perSecond: rate(sampler, STAT.drops + reason) })
  }
  return rows.sort((a, b) => b.perSecond - a.perSecond || b.count - a.count)
}

function poolTexts({ xlat }: RunConfig): string[] {
  if (xlat.mode === 'pool') return xlat.dynamicPool ? [formatPrefix4(xlat.dynamicPool)] : []
  return xlat.pool4.map(({ prefix, ports, protocols }) => {
    const which = protocols.length === 3 ? '' : ` ${protocols.join(',')}`
    return `${formatPrefix4(prefix)} ports ${ports[0]}-${ports[1]}${which}`
  })
}

function loopStatus(loop: Float64Array): LoopStatus {
  const idle = idleMs(loop)
  return {
    batches: loop[LOOP.batches]!,
    sleeps: loop[LOOP.sleeps]!,
    wakeups: loop[LOOP.wakeups]!,
    reads: loop[LOOP.reads]!,
    writes: loop[LOOP.writes]!,
    batchSizes: Array.from(loop.subarray(LOOP.batchSize, LOOP.batchSize + BATCH_BUCKETS)),
    latencyUs: Array.from(loop.subarray(LOOP.latency, LOOP.latency + LATENCY_BUCKETS)),
    idleMs: idle === null ? null : Math.round(idle),
    down: loop[LOOP.down] === 1,
    p50Us: latencyQuantile(loop, 0.5),
    p99Us: latencyQuantile(loop, 0.99),
  }
}
