/** The text of /metrics: what stands in it, by the rules of the format and of naming. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchBucket, LOOP, latencyBucket } from '../../src/run/loop-stats.js'
import { expose, type Metric } from '../../src/run/metrics/exposition.js'
import { METRICS, type MetricsSource } from '../../src/run/metrics/table.js'
import type { Mode } from '../../src/xlat/config.js'
import { REASON, REASONS } from '../../src/xlat/reason.js'
import { STAT } from '../../src/xlat/stats.js'
import { promtool, source, withoutPromtool } from './metrics-source.js'

/** Values by name and labels as they stand in the text. */
function read(text: string): Map<string, number> {
  const samples = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(samples.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}
const of = (s: MetricsSource) => read(expose(METRICS, s))

describe('a value', () => {
  const s = source()
  const set = (counter: number, value: number) => {
    s.stats[counter] = value
  }
  set(STAT.packetsIn, 11)
  set(STAT.packetsIn + 1, 12)
  set(STAT.bytesOut + 1, 2 ** 52)
  set(STAT.segmentsOut, 44)
  set(STAT.drops + REASON.bib_full, 7)
  set(STAT.drops + REASON.link_local, 8)
  set(STAT.bibTcp, 3)
  set(STAT.bibIcmp, 5)
  set(STAT.sessions, 9)
  set(STAT.sessionsExpired, 6)
  set(STAT.hairpinned, 2)
  set(STAT.replies, 13)
  set(STAT.guests, 4)
  s.loop[LOOP.down] = 1
  const values = of({ ...s, lastPacketAt: 1_700_000_009.5, recreations: 3 })

  it.each([
    ['nat64_packets_in_total{direction="to_v4"}', 11],
    ['nat64_packets_in_total{direction="to_v6"}', 12],
    ['nat64_bytes_out_total{direction="to_v6"}', 2 ** 52],
    ['nat64_segments_out_total{direction="to_v4"}', 44],
    ['nat64_packets_dropped_total{reason="bib_full"}', 7],
    ['nat64_packets_dropped_total{reason="link_local"}', 8],
    ['nat64_packets_dropped_total{reason="truncated"}', 0],
    ['nat64_bib_entries{protocol="tcp"}', 3],
    ['nat64_bib_entries{protocol="icmp"}', 5],
    ['nat64_bib_entries_limit', 1_000_000],
    ['nat64_pool4_ports{protocol="tcp"}', 4 * 1024 + 10],
    ['nat64_pool4_ports{protocol="udp"}', 4 * 1024],
    ['nat64_pool4_ports{protocol="icmp"}', 0],
    ['nat64_sessions', 9],
    ['nat64_sessions_expired_total', 6],
    ['nat64_packets_hairpinned_total', 2],
    ['nat64_icmp_errors_sent_total', 13],
    ['nat64_guests', 4],
    ['nat64_tun_up', 0],
    ['nat64_tun_recreations_total', 3],
    ['nat64_last_packet_timestamp_seconds', 1_700_000_009.5],
    ['nat64_build_info{version="1.2.3",node="20.19.0"}', 1],
    ['nat64_instance_info{device="nat64",mode="stateful",pool6="64:ff9b::/96",io="io_uring"}', 1],
    ['nat64_config_last_reload_successful', 1],
    ['process_start_time_seconds', 1_700_000_000.25],
    ['process_resident_memory_bytes', 7e7],
  ])('%s is %d', (name, value) => expect(values.get(name)).toBe(value))

  it('is there for every reason of a drop, before the first one', () => {
    const reasons = [...of(source()).keys()].filter(name => name.startsWith('nat64_packets_dropped_total'))
    expect(reasons).toEqual(REASONS.slice(1).map(r => `nat64_packets_dropped_total{reason="${r.code}"}`))
  })

  it('is left out where it has no meaning', () => {
    expect([...values.keys()]).not.toContain('nat64_last_packet_timestamp_seconds 0')
    expect(of(source()).has('nat64_last_packet_timestamp_seconds')).toBe(false)
    const names = (mode: Mode) =>
      [...of(source(mode, { bibLog: null })).keys()].map(name => name.split('{')[0]).join('\n')
    expect(names('siit')).not.toMatch(/bib|session|guests|syns|fragment/)
    expect(names('stateful')).not.toContain('nat64_bib_log')
    expect([...of(source()).keys()]).toContain('nat64_bib_log_lost_total')
    expect(names('pool')).toContain('nat64_guests')
    expect(names('pool')).not.toMatch(/bib|session/)
  })
})

describe('a histogram', () => {
  it('counts what is not above each bound, as the loop has counted it', () => {
    const us = fc.array(fc.double({ min: 0, max: 2 ** 31 - 1, noNaN: true }), { maxLength: 60 })
    fc.assert(
      fc.property(us, fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 60 }), (times, batches) => {
        const s = source()
        for (const t of times) {
          s.loop[LOOP.latency + latencyBucket(t)]! += 1
          s.loop[LOOP.latencySum]! += t
        }
        for (const n of batches) {
          s.loop[LOOP.batchSize + batchBucket(n)]! += 1
          s.loop[LOOP.reads]! += n
        }
        const values = of(s)
        for (const [name, value] of values) {
          const [, metric, le] = /^(nat64_loop_\w+)_bucket\{le="(.*)"\}$/.exec(name) ?? []
          if (metric === undefined) continue
          const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
          const seen =
            metric === 'nat64_loop_latency_seconds'
              ? times.filter(t => Math.floor(t) / 1e6 < bound).length
              : batches.filter(n => n <= bound).length
          expect([name, value]).toEqual([name, seen])
        }
        const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0)
        expect(values.get('nat64_loop_latency_seconds_sum')).toBeCloseTo(sum(times) / 1e6, 6)
        expect(values.get('nat64_loop_latency_seconds_count')).toBe(times.length)
        expect(values.get('nat64_loop_batch_packets_sum')).toBe(sum(batches))
        expect(values.get('nat64_loop_batch_packets_count')).toBe(batches.length)
      }),
    )
  })

  it('has bounds that rise and end at +Inf', () => {
    const bounds = [...expose(METRICS, source()).matchAll(/^nat64_loop_latency_seconds_bucket\{le="(.*)"\}/gm)]
    const numbers = bounds.map(([, le]) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    expect(numbers.at(0)).toBe(1e-6)
    expect(numbers.at(-1)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the text', () => {
  it('escapes what the format gives a meaning', () => {
    const odd: Metric<null> = {
      name: 'odd',
      type: 'gauge',
      help: 'a \\ and\na line',
      read: () => [[{ l: 'a "b" \\ c\nd' }, Number.POSITIVE_INFINITY]],
    }
    expect(expose([odd], null)).toBe(
      '# HELP odd a \\\\ and\\na line\n# TYPE odd gauge\nodd{l="a \\"b\\" \\\\ c\\nd"} +Inf\n',
    )
  })

  it('names each metric once', () => {
    const names = METRICS.map(m => m.name)
    expect(new Set(names).size).toBe(names.length)
  })

  const modes: readonly Mode[] = ['stateful', 'siit', 'pool']
  it.skipIf(withoutPromtool !== '').each(modes)(`of mode %s pleases promtool${withoutPromtool}`, mode => {
    const text = expose(METRICS, source(mode, { lastPacketAt: 1_700_000_000 }))
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' })
  })

  it.skipIf(withoutPromtool !== '')(`promtool objects to what is wrong${withoutPromtool}`, () => {
    expect(promtool(['check', 'metrics'], '# TYPE a_ms counter\na_ms 1\n').status).not.toBe(0)
  })
})
