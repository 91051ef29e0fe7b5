/** What was measured on a host of the hairpinning loop, for tests. */
import type { Measured, MeasuredEngine } from '../../src/compare/measured.js'

export const engine = (change: Partial<MeasuredEngine>): MeasuredEngine => ({
  id: 'trial',
  label: 'nat64 run, on trial',
  pool6: '64:ff9b:1:abcd:12:3456::/96',
  predicted: { delivered: true, reason: 'ok' },
  ping: { sent: 40, answered: 40, complaint: null },
  tcp: { sent: 5, answered: 5, complaint: null },
  rtt: { median: 110, p99: 900 },
  added: { median: 60, p99: 850 },
  throughput: {
    bitsPerSecond: 9.4e9,
    bytes: 3.5e9,
    ms: 3000,
    complaint: null,
    cores: { translator: 0.71, host: 1.9 },
  },
  request: { devices: ['tap999990001i0', 'fwbr999990001i0', 'vmbr0', 'nat64t1', 'eno1'], verdict: 'delivered' },
  reply: { devices: ['eno1', 'nat64t1', 'vmbr0', 'fwbr999990001i0', 'tap999990001i0'], verdict: 'delivered' },
  asPredicted: true,
  ...change,
})
const DEAD = engine({
  id: 'jool-netfilter',
  label: 'Jool "default" (netfilter)',
  predicted: { delivered: false, reason: 'hairpin_loop' },
  ping: { sent: 40, answered: 0, complaint: 'timeout' },
  tcp: { sent: 5, answered: 0, complaint: 'timeout' },
  rtt: null,
  added: null,
  throughput: null,
  reply: { devices: ['eno1', 'vmbr0'], verdict: 'last seen on fwln999990001i0; never reached fwbr999990001i0' },
})
/** Jool in the way of its own replies, and one on trial. */
export const MEASURED: Measured = {
  beside: 'tap100i0',
  target4: '203.0.113.10',
  port: 80,
  trial: { device: 'nat64t1', pool6: '64:ff9b:1:abcd:12:3456::/96', pool4: '100.127.254.1/32:10000-59999' },
  baseline: { median: 50, p99: 80, sent: 20, answered: 20, complaint: null },
  places: [
    { firewallBridge: true, device: 'tap999990001i0', address6: '2001:db8:100::9', engines: [DEAD, engine({})] },
    { firewallBridge: false, device: 'tap999990002i0', address6: '2001:db8:100::a', engines: [engine({})] },
  ],
  ms: 20_000,
}
