/** What a busy translator says about itself. */
import type { StatusSnapshot } from '../../src/run/status-types.js'

const direction = (bitsPerSecond: number) => ({
  packetsIn: 1e6,
  bytesIn: 1e9,
  packetsOut: 1e6,
  bytesOut: 1e9,
  segmentsOut: 3e6,
  packetsPerSecond: bitsPerSecond / 8e3,
  bitsPerSecond,
})

export const drop = (reason: number, code: string, count: number) => ({
  reason,
  code,
  explanation: `Why ${code} happens, in a sentence that may be rather long for a narrow terminal.`,
  reference: 'RFC 6146 §3.5',
  count,
  perSecond: count / 10,
})

export const SNAPSHOT: StatusSnapshot = {
  at: '2026-11-23T21:00:00.000Z',
  version: '0.1.0',
  pid: 4711,
  uptimeMs: 7_440_000,
  state: 'running',
  mode: 'stateful',
  tun: { name: 'nat64', mtu: 1500, queues: 1, made: true },
  pool6: '64:ff9b::/96',
  pool4: ['192.168.255.1/32 ports 1024-65535'],
  masquerade: '192.168.255.1/32',
  host4: { own: ['192.0.2.10/32', '192.0.2.255/32'], allowed: [] },
  config: { file: null, format: 'none' },
  io: 'io_uring',
  toV4: direction(15.4e9),
  toV6: direction(1.2e6),
  drops: [
    drop(25, 'no_bib_entry', 1234),
    drop(19, 'pool6_mismatch', 99),
    drop(5, 'ttl_expired', 3),
    drop(29, 'tcp_not_syn', 2),
  ],
  dropped: { count: 1338, perSecond: 133 },
  bib: { count: 910_000, limit: 1_000_000, tcp: 900_000, udp: 9_000, icmp: 1_000 },
  sessions: { count: 12_345, limit: 1_000_000, created: 99_999, expired: 87_654, createdPerSecond: 42 },
  storedSyns: { count: 0, limit: 512 },
  fragments: { count: 3, limit: 1024 },
  hairpinned: 0,
  translated: 1e6,
  answered: 0,
  absorbed: 0,
  icmpErrorsSent: 3,
  guests: {
    count: 2,
    top: [
      { host6: '2001:db8:100:2700:7864:c5ff:fead:4d8c', address4: '', bibEntries: 800, sessions: 900, packets: 1 },
      { host6: '2001:db8:100::101', address4: '', bibEntries: 7, sessions: 7, packets: 1 },
    ],
  },
  loop: {
    batches: 1e6,
    sleeps: 1000,
    wakeups: 1000,
    reads: 1e6,
    writes: 1e6,
    batchSizes: [9, 5, 3, 1, 1, 0],
    latencyUs: [0, 1, 5, 9, 2, 0, 0, 0],
    idleMs: 3,
    down: false,
    p50Us: 40,
    p99Us: 220,
  },
  memory: { rssBytes: 70e6, boundBytes: 300e6, heapUsedBytes: 10e6, externalBytes: 5e6 },
}
