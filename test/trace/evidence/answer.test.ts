/** Who killed a packet: what is known put together, on the recorded host of the loop and on hosts with rules. */
import { describe, expect, it } from 'vitest'
import type { Facts, NftFact } from '../../../src/facts/facts.js'
import { rebuildJoolLog } from '../../../src/facts/jool-log.js'
import { parseIptablesSave, parseKernelLog } from '../../../src/facts/parse-text.js'
import { answer, type Known, type Question, type Snapshot } from '../../../src/trace/evidence/answer.js'
import { readCounters } from '../../../src/trace/evidence/counters.js'
import { dropEventReader } from '../../../src/trace/evidence/drop-event.js'
import { patch, recorded, recordedText } from '../../path/recording.js'

/** Zero of both of the recording's clocks. */
const BOOT = Date.parse('2026-01-01T00:00:00Z')
const EPOCH = BOOT + 30_000
const host = recorded('jool-hairpin-fw')
const reader = dropEventReader()
const events = [...reader.read(recordedText('jool-hairpin-fw', 'trace.txt')), ...reader.flush()]
const records = rebuildJoolLog(parseKernelLog(recordedText('jool-hairpin-fw', 'dmesg.txt'))).records

const nothing: Known = {
  facts: host,
  snapshots: [],
  records: [],
  logZeroMs: null,
  logTolerance: 0.3,
  events: [],
  eventZeroMs: BOOT,
}

function snapshot(facts: Facts, seconds: number): Snapshot {
  const at = BOOT + seconds * 1000
  return {
    begun: at - 50,
    counters: readCounters({ ...facts, collected: { ...facts.collected, at: new Date(at).toISOString() } }),
  }
}
const counted = (before: Facts, after: Facts): Snapshot[] => [snapshot(before, 31), snapshot(after, 34)]
const jool = (change: Readonly<Record<string, number>>): Facts => ({
  ...host,
  jool: patch(host.jool, j => ({
    ...j,
    instances: j.instances.map(i => ({
      ...i,
      stats: { ...i.stats, ...Object.fromEntries(Object.entries(change).map(([k, n]) => [k, (i.stats[k] ?? 0) + n])) },
    })),
  })),
})
const saved = (text: string, family: 4 | 6 = 6): Facts => ({
  ...host,
  iptables: patch(host.iptables, () => parseIptablesSave(text, family)),
})
const chains = (packets: number, ...more: object[]): Facts => ({
  ...host,
  nft: patch(
    host.nft,
    (all): NftFact => [
      ...all,
      {
        chain: { family: 'ip6', table: 'own', name: 'fwd', type: 'filter', hook: 'forward', prio: 0, policy: 'accept' },
      },
      {
        rule: {
          family: 'ip6',
          table: 'own',
          chain: 'fwd',
          handle: 4,
          expr: [...more, { counter: { packets, bytes: 0 } }, { drop: null }],
        },
      },
    ],
  ),
})

/** The first echo reply, last seen on fwln100i0. */
const reply: Question = {
  reason: 'hairpin_loop',
  at: 'prerouting',
  device: 'fwbr100i0',
  bridged: true,
  physIn: 'fwln100i0',
  family: 6,
  protocol: 'icmp',
  source: '64:ff9b::cb00:710a',
  sourcePort: 451,
  destination: '2001:db8:100::100',
  destinationPort: 451,
  ctState: 'established',
  time: 2.7206e9,
  epochMs: EPOCH,
  count: 1,
}
/** The same where the host routes it. */
const forward: Question = {
  ...reply,
  reason: 'ok',
  at: 'forward',
  device: 'nat64',
  outDevice: 'vmbr0',
  bridged: false,
  physIn: '',
}
const RAW = (n: number, rule = '-s 64:ff9b::/96') =>
  saved(`*raw\n:PREROUTING ACCEPT [0:0]\n[${n}:1] -A PREROUTING ${rule} -j DROP\nCOMMIT`)
const FILTER = (n: number, rule: string) =>
  saved(`*filter\n:FORWARD ACCEPT [0:0]\n[${n}:1] -A FORWARD ${rule} -j DROP\nCOMMIT`)

const LOG = { records, logZeroMs: BOOT }
const EVENT = '[32.720895] reason: NETFILTER_DROP in nf_hook_slow < br_nf_pre_routing_ipv6 < br_handle_frame'
const LOOP =
  '[32.720695] 64:ff9b::cb00:710a -> 2001:db8:100::100 ICMPv6 type:129 code:0 id:451: Hairpinning loop. Dropping...'

type Row = readonly [what: string, q: Question, known: Partial<Known>, killer: string | null, texts: readonly string[]]
const rows: readonly Row[] = [
  ['nothing is known', reply, {}, null, []],
  [
    'the loop, with all that there is',
    reply,
    { ...LOG, events, snapshots: counted(host, jool({ JSTAT_HAIRPIN_LOOP: 1, JSTAT_POOL6_MISMATCH: 4 })) },
    'Jool "default"',
    [LOOP, 'JSTAT_HAIRPIN_LOOP,13 (+1 in 3.0 s)', EVENT],
  ],
  ['the loop, by the log alone', reply, LOG, 'Jool "default"', [LOOP]],
  [
    'the loop, by the counter alone',
    reply,
    { snapshots: counted(host, jool({ JSTAT_HAIRPIN_LOOP: 2 })) },
    'Jool "default"',
    ['JSTAT_HAIRPIN_LOOP,14 (+2 in 3.0 s)'],
  ],
  ["the loop, by the kernel's event alone: somebody in that hook", reply, { events }, null, [EVENT]],
  [
    'the counter rose before the packet',
    reply,
    { snapshots: [snapshot(host, 30), snapshot(jool({ JSTAT_HAIRPIN_LOOP: 2 }), 32)] },
    null,
    [],
  ],
  ['the log of another time', reply, { ...LOG, logZeroMs: BOOT - 60_000 }, null, []],
  [
    'a rule that the loop hides: the model was wrong',
    { ...reply, reason: 'ok' },
    { facts: RAW(5), snapshots: counted(RAW(4), RAW(5)) },
    'rule "-A PREROUTING -s 64:ff9b::/96 -j DROP" of ip6tables -t raw',
    ['[5] -A PREROUTING -s 64:ff9b::/96 -j DROP (+1 in 3.0 s)'],
  ],
  [
    'a rule that fits, before counters could be read again',
    { ...reply, reason: 'ok' },
    { facts: RAW(4) },
    'rule "-A PREROUTING -s 64:ff9b::/96 -j DROP" of ip6tables -t raw',
    ['[4] -A PREROUTING -s 64:ff9b::/96 -j DROP'],
  ],
  [
    'a rule that fits, and did not count',
    { ...reply, reason: 'ok' },
    { facts: RAW(4), snapshots: counted(RAW(4), RAW(4)) },
    null,
    [],
  ],
  [
    'a rule with a match that is not understood counted',
    forward,
    {
      facts: FILTER(9, '-i nat64 -m hashlimit --hashlimit-above 5/sec'),
      snapshots: counted(
        FILTER(2, '-i nat64 -m hashlimit --hashlimit-above 5/sec'),
        FILTER(9, '-i nat64 -m hashlimit --hashlimit-above 5/sec'),
      ),
    },
    'rule "-A FORWARD -i nat64 -m hashlimit --hashlimit-above 5/sec -j DROP" of ip6tables -t filter',
    ['[9] -A FORWARD -i nat64 -m hashlimit --hashlimit-above 5/sec -j DROP (+7 in 3.0 s)'],
  ],
  [
    'one that cannot be meant counted',
    forward,
    {
      facts: FILTER(9, '-i eno7 -m hashlimit --hashlimit-above 5/sec'),
      snapshots: counted(
        FILTER(2, '-i eno7 -m hashlimit --hashlimit-above 5/sec'),
        FILTER(9, '-i eno7 -m hashlimit --hashlimit-above 5/sec'),
      ),
    },
    null,
    [],
  ],
  [
    'a rule of nftables',
    forward,
    { facts: chains(3), snapshots: counted(chains(1), chains(3)) },
    'rule "drop" of nftables chain ip6 own fwd',
    ['counter packets 3 bytes 0 drop # handle 4 (+2 in 3.0 s)'],
  ],
  [
    'a packet that Jool left to the kernel: Jool was not its end',
    { ...forward, reason: 'ok', family: 4, source: '203.0.113.10', destination: '198.51.100.2' },
    {
      ...LOG,
      records: records.map(r => ({
        ...r,
        family: 4,
        source: '203.0.113.10',
        destination: '198.51.100.2',
        verdict: 'passed' as const,
      })),
    },
    null,
    [],
  ],
  [
    'no route: the kernel says so',
    { ...forward, reason: 'no_route6', at: 'route' },
    { events: [{ time: 32.721, family: 6, reason: 'IP_INNOROUTES', stack: ['ip6_pkt_drop', 'ip6_pkt_discard'] }] },
    'the kernel (IP_INNOROUTES)',
    ['[32.721000] reason: IP_INNOROUTES in ip6_pkt_drop < ip6_pkt_discard'],
  ],
  [
    'died at the translator: what rose there',
    { ...reply, reason: 'ok', at: 'translator', family: 4, source: '203.0.113.10', destination: '198.51.100.2' },
    { snapshots: counted(host, jool({ JSTAT_POOL4_MISMATCH: 3, JSTAT_POOL6_MISMATCH: 9 })) },
    'Jool "default"',
    ['JSTAT_POOL4_MISMATCH,6 (+3 in 3.0 s)'],
  ],
  [
    'died at the translator, and Jool says that it sent it on',
    { ...reply, reason: 'ok', at: 'translator', source: reply.destination, destination: reply.source, time: 2.7131e9 },
    LOG,
    null,
    [
      '[32.713288] 2001:db8:100::100 -> 64:ff9b::cb00:710a ICMPv6 type:128 code:0 id:451: translated to 198.51.100.2#61575 -> 203.0.113.10#61575, sent to eno1',
    ],
  ],
]

describe('answer', () => {
  it.each(rows)('%s', (_, question, known, killer, texts) => {
    const said = answer(question, { ...nothing, ...known })
    expect(said.evidence.map(e => e.text)).toEqual(texts)
    expect(said.killer).toBe(killer)
  })
})
