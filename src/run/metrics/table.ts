/**
 * What is measured: one table for the server, the manual and the tests. Everything is read from counters that exist
 * (xlat/stats.ts, loop-stats.ts); the packet loop is not asked. Pure.
 */
import { formatPrefix6, size4 } from '../../addr/prefix.js'
import type { RunConfig } from '../../config/run-config.js'
import { PROTOCOLS } from '../../xlat/port-alloc.js'
import { REASONS } from '../../xlat/reason.js'
import { STAT } from '../../xlat/stats.js'
import { BATCH_BUCKETS, LATENCY_BUCKETS, LOOP } from '../loop-stats.js'
import type { IoKind } from '../protocol.js'
import type { Buckets, Metric, Samples } from './exposition.js'

export interface MetricsSource {
  readonly stats: Float64Array
  readonly loop: Float64Array
  readonly config: RunConfig
  readonly io: IoKind
  readonly version: string
  readonly node: string
  /** Wall time, seconds since the epoch. */
  readonly startedAt: number
  /** null: no packet yet. */
  readonly lastPacketAt: number | null
  readonly reload: { readonly ok: boolean; readonly succeededAt: number }
  /** How often the device was made anew after somebody had deleted it. */
  readonly recreations: number
  /** How often something of the set-up was made again. */
  readonly mended: number
  /** null: there is no BIB log. */
  readonly bibLog: { readonly lines: number; readonly lost: number } | null
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number }
  readonly cpuSeconds: number
}

type Row = Metric<MetricsSource>
type Read = (s: MetricsSource) => number | Samples | null

const counter = (name: string, help: string, read: Read): Row => ({ name, type: 'counter', help, read })
const gauge = (name: string, help: string, read: Read): Row => ({ name, type: 'gauge', help, read })
const histogram = (name: string, help: string, read: (s: MetricsSource) => Buckets): Row => ({
  name,
  type: 'histogram',
  help,
  read,
})

const stat =
  (index: number): Read =>
  s =>
    s.stats[index]!
const loop =
  (index: number): Read =>
  s =>
    s.loop[index]!
const directions =
  (index: number): Read =>
  ({ stats }) => [
    [{ direction: 'to_v4' }, stats[index]!],
    [{ direction: 'to_v6' }, stats[index + 1]!],
  ]
/** What only a translator with sessions has. */
const stateful =
  (read: Read): Read =>
  s =>
    s.config.xlat.mode === 'stateful' ? read(s) : null

/** In the order they are served. */
export const METRICS: readonly Row[] = [
  counter(
    'nat64_packets_in_total',
    'Packets read, by the direction they are to be translated to.',
    directions(STAT.packetsIn),
  ),
  counter('nat64_bytes_in_total', 'Bytes of the packets read, with their IP headers.', directions(STAT.bytesIn)),
  counter(
    'nat64_packets_out_total',
    'Translated packets that left. A super-packet, which stands for many segments, counts once.',
    directions(STAT.packetsOut),
  ),
  counter(
    'nat64_bytes_out_total',
    'Bytes of the translated packets, with their IP headers.',
    directions(STAT.bytesOut),
  ),
  counter(
    'nat64_segments_out_total',
    'Segments that the translated packets stand for: what would be packets on a wire.',
    directions(STAT.segmentsOut),
  ),
  counter(
    'nat64_packets_translated_total',
    'Packets and fragments whose translation left, alone or put together.',
    stat(STAT.translated),
  ),
  counter(
    'nat64_packets_dropped_total',
    'Packets refused, by reason (see DROP REASONS). icmp_rate counts ICMP errors held back, beside the reason that called for them.',
    ({ stats }) => REASONS.slice(1).map((r, i) => [{ reason: r.code }, stats[STAT.drops + i + 1]!] as const),
  ),
  counter('nat64_packets_hairpinned_total', 'Packets translated between two guests.', stat(STAT.hairpinned)),
  counter(
    'nat64_packets_stored_total',
    'Packets that had to wait: fragments, and SYNs from outside.',
    stat(STAT.stored),
  ),
  counter('nat64_icmp_errors_sent_total', 'ICMP errors that the translator itself sent.', stat(STAT.replies)),
  counter('nat64_echo_requests_answered_total', "Pings to the translator's own addresses.", stat(STAT.answered)),
  counter('nat64_syns_absorbed_total', 'SYNs from outside that met one from inside.', stateful(stat(STAT.absorbed))),
  counter(
    'nat64_tcp_probes_sent_total',
    'Probes of idle TCP connections (RFC 6146 section 3.5.2.2).',
    stateful(stat(STAT.probes)),
  ),

  gauge(
    'nat64_bib_entries',
    "Bindings of a guest's address and port to one of pool4, by protocol.",
    stateful(({ stats }) => PROTOCOLS.map((protocol, i) => [{ protocol }, stats[STAT.bibTcp + i]!] as const)),
  ),
  gauge(
    'nat64_bib_entries_limit',
    'As many bindings as there may be.',
    stateful(s => s.config.xlat.limits.bib),
  ),
  gauge('nat64_pool4_ports', 'Ports (and ICMP identifiers) that pool4 has, by protocol.', stateful(poolPorts)),
  gauge('nat64_sessions', 'Sessions there are.', stateful(stat(STAT.sessions))),
  gauge(
    'nat64_sessions_limit',
    'As many sessions as there may be.',
    stateful(s => s.config.xlat.limits.sessions),
  ),
  counter('nat64_sessions_created_total', 'Sessions made.', stateful(stat(STAT.sessionsCreated))),
  counter('nat64_sessions_expired_total', 'Sessions whose time was over.', stateful(stat(STAT.sessionsExpired))),
  gauge('nat64_stored_syns', 'SYNs from outside that wait.', stateful(stat(STAT.storedSyns))),
  gauge(
    'nat64_stored_syns_limit',
    'As many SYNs as may wait.',
    stateful(s => s.config.xlat.limits.storedSyns),
  ),
  gauge('nat64_stored_fragments', 'Fragments that wait.', stateful(stat(STAT.storedFragments))),
  gauge(
    'nat64_stored_fragments_limit',
    'As many fragments as may wait.',
    stateful(s => s.config.xlat.limits.fragments),
  ),
  gauge('nat64_guests', 'Guests that hold a binding, or in mode pool an address.', s =>
    s.config.xlat.mode === 'siit' ? null : s.stats[STAT.guests]!,
  ),

  histogram(
    'nat64_loop_latency_seconds',
    'Time of a round of the packet loop, from waking to the last write.',
    ({ loop: l }) => ({
      bounds: Array.from({ length: LATENCY_BUCKETS - 1 }, (_, i) => 2 ** i / 1e6),
      counts: l.subarray(LOOP.latency, LOOP.latency + LATENCY_BUCKETS),
      sum: l[LOOP.latencySum]! / 1e6,
    }),
  ),
  histogram('nat64_loop_batch_packets', 'Packets read in a round of the packet loop.', ({ loop: l }) => ({
    bounds: Array.from({ length: BATCH_BUCKETS - 1 }, (_, i) => 2 ** (i + 1) - 1),
    counts: l.subarray(LOOP.batchSize, LOOP.batchSize + BATCH_BUCKETS),
    sum: l[LOOP.reads]!,
  })),
  counter('nat64_loop_sleeps_total', 'How often the packet loop went to sleep.', loop(LOOP.sleeps)),
  counter('nat64_loop_wakeups_total', 'Sleeps that a packet or a message ended.', loop(LOOP.wakeups)),
  gauge('nat64_tun_up', '0 while the TUN device is down.', s => 1 - s.loop[LOOP.down]!),
  counter('nat64_tun_read_errors_total', 'Reads that the TUN device refused.', loop(LOOP.readErrors)),
  counter('nat64_tun_write_errors_total', 'Packets that the TUN device refused.', loop(LOOP.writeErrors)),
  counter('nat64_tun_recreations_total', 'How often a deleted TUN device was made anew.', s => s.recreations),
  counter(
    'nat64_setup_repairs_total',
    'How often routes, masquerade or forwarding were made again after somebody had undone them.',
    s => s.mended,
  ),
  gauge('nat64_last_packet_timestamp_seconds', 'When the last packet was read.', s => s.lastPacketAt),

  counter('nat64_bib_log_lines_total', 'Lines of the BIB log.', s => s.bibLog?.lines ?? null),
  counter(
    'nat64_bib_log_lost_total',
    'Events missing in the BIB log, because it could not be written for long.',
    s => s.bibLog?.lost ?? null,
  ),

  gauge('nat64_build_info', 'Always 1; the labels say which version runs, on which Node.', s => [
    [{ version: s.version, node: s.node }, 1],
  ]),
  gauge('nat64_instance_info', 'Always 1; the labels say what it does.', ({ config: { xlat, tun }, io }) => [
    [{ device: tun.name, mode: xlat.mode, pool6: xlat.pool6 ? formatPrefix6(xlat.pool6) : '', io }, 1],
  ]),
  gauge('nat64_config_last_reload_successful', '0 when the last reload was refused.', s => Number(s.reload.ok)),
  gauge(
    'nat64_config_last_reload_success_timestamp_seconds',
    'When the configuration in force was read.',
    s => s.reload.succeededAt,
  ),
  gauge('process_start_time_seconds', 'When the process was started.', s => s.startedAt),
  counter('process_cpu_seconds_total', 'Processor time used, in user and kernel mode.', s => s.cpuSeconds),
  gauge('process_resident_memory_bytes', 'Memory in use.', s => s.memory.rss),
  gauge('nodejs_heap_size_used_bytes', 'Memory that the JavaScript of the main thread uses.', s => s.memory.heapUsed),
  gauge('nodejs_external_memory_bytes', 'Memory outside the heap that its objects hold.', s => s.memory.external),
]

function poolPorts({ config: { xlat } }: MetricsSource): Samples {
  return PROTOCOLS.map(protocol => {
    const ranges = xlat.pool4.filter(r => r.protocols.includes(protocol))
    const ports = ranges.reduce((sum, r) => sum + size4(r.prefix) * (r.ports[1] - r.ports[0] + 1), 0)
    return [{ protocol }, ports]
  })
}
