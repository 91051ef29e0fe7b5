/** What went up between two moments names who dropped. */
import { describe, expect, it } from 'vitest'
import type { Facts, IptablesRule } from '../../../src/facts/facts.js'
import { parseIptablesSave } from '../../../src/facts/parse-text.js'
import { diffCounters } from '../../../src/trace/evidence/counters.js'
import { patch, recorded } from '../../path/recording.js'

const host = recorded('jool-hairpin-fw')
const at = (facts: Facts, time: string): Facts => ({ ...facts, collected: { ...facts.collected, at: time } })
const base = at(host, '2026-01-01T00:00:00.000Z')
const stats = (change: Readonly<Record<string, number>>, facts = base): Facts => ({
  ...facts,
  jool: patch(facts.jool, j => ({
    ...j,
    instances: j.instances.map(i => {
      const added = Object.entries(change).map(([k, n]) => [k, (i.stats[k] ?? 0) + n])
      return { ...i, stats: { ...i.stats, ...Object.fromEntries(added) } }
    }),
  })),
})
const rules = (change: (r: IptablesRule) => IptablesRule): Facts => ({
  ...base,
  iptables: patch(base.iptables, i => ({ ...i, rules: i.rules.map(change) })),
})
const counting = (n: number, text: string) =>
  rules(r => (r.text.includes(text) && r.family === 6 ? { ...r, packets: r.packets + n } : r))
const nft = (packets: number): Facts => ({
  ...base,
  nft: patch(base.nft, all => [
    ...all,
    {
      rule: { family: 'inet', table: 'own', chain: 'in', handle: 9, expr: [{ counter: { packets } }, { drop: null }] },
    },
    {
      rule: {
        family: 'inet',
        table: 'own',
        chain: 'in',
        handle: 10,
        expr: [{ counter: { packets } }, { accept: null }],
      },
    },
  ]),
})

const rows: readonly (readonly [string, Facts, Facts, readonly string[]])[] = [
  ['nothing', base, base, []],
  ['traffic alone', base, stats({ JSTAT_RECEIVED6: 9, JSTAT_SUCCESS: 9, JSTAT_SESSIONS: 1, JSTAT_BIB_ENTRIES: 1 }), []],
  [
    "Jool's hairpin loop",
    base,
    stats({ JSTAT_HAIRPIN_LOOP: 2, JSTAT_RECEIVED6: 4 }),
    ['Jool "default" JSTAT_HAIRPIN_LOOP +2 jool -i default stats display --all --csv'],
  ],
  [
    'more first',
    base,
    stats({ JSTAT_HAIRPIN_LOOP: 2, JSTAT_POOL6_MISMATCH: 5 }),
    [
      'Jool "default" JSTAT_POOL6_MISMATCH +5 jool -i default stats display --all --csv',
      'Jool "default" JSTAT_HAIRPIN_LOOP +2 jool -i default stats display --all --csv',
    ],
  ],
  [
    'a rule that drops',
    base,
    counting(3, '--dport 81'),
    [
      'rule "-A tap100i0-OUT -p tcp -m tcp --dport 81 -j DROP" of ip6tables -t filter null +3 ip6tables-save -c -t filter',
    ],
  ],
  ['a rule that accepts', base, counting(3, 'ESTABLISHED'), []],
  [
    'a rule of nftables',
    nft(3),
    nft(5),
    ['rule "drop" of nftables chain inet own in null +2 nft -a list chain inet own in'],
  ],
  [
    'a new rule of nftables',
    base,
    nft(5),
    ['rule "drop" of nftables chain inet own in null +5 nft -a list chain inet own in'],
  ],
  [
    'rules that could not be read before',
    { ...base, nft: { ok: false, source: '', reason: 'timeout', detail: '' } },
    nft(5),
    [],
  ],
  [
    'counters of Jool that could not be read before',
    stats({}, { ...base, jool: patch(base.jool, j => ({ ...j, instances: [] })) }),
    base,
    [],
  ],
  [
    'counters that could not be read after',
    base,
    { ...base, jool: { ok: false, source: '', reason: 'timeout', detail: '' } },
    [],
  ],
]

describe('diffCounters', () => {
  it.each(rows)('%s', (_, before, after, expected) => {
    const said = diffCounters(before, after).map(r => `${r.killer} ${r.jstat} +${r.rise} ${r.evidence.source}`)
    expect(said).toEqual(expected)
  })

  it('a counter that began anew rose from 0', () => {
    const anew = stats({ JSTAT_HAIRPIN_LOOP: -10 })
    expect(diffCounters(base, anew).map(r => r.rise)).toEqual([2])
  })

  it('a policy counts', () => {
    const dropping = (packets: number): Facts => ({
      ...base,
      iptables: patch(base.iptables, () => parseIptablesSave(`*filter\n:FORWARD DROP [${packets}:1]\nCOMMIT`, 4)),
    })
    expect(diffCounters(dropping(1), dropping(4))).toMatchObject([
      { killer: 'policy DROP of FORWARD in iptables -t filter', rise: 3, family: 4 },
    ])
  })

  it('is evidence that says since when', () => {
    const after = at(stats({ JSTAT_HAIRPIN_LOOP: 3 }), '2026-01-01T00:00:02.500Z')
    expect(diffCounters(base, after)[0]?.evidence).toEqual({
      source: 'jool -i default stats display --all --csv',
      text: 'JSTAT_HAIRPIN_LOOP,15 (+3 in 2.5 s)',
      mark: '+3',
    })
    expect(diffCounters(base, counting(1, '--dport 81'))[0]?.evidence).toEqual({
      source: 'ip6tables-save -c -t filter',
      text: '[3] -A tap100i0-OUT -p tcp -m tcp --dport 81 -j DROP (+1)',
      mark: '+1',
    })
  })

  it("Jool's names say whose packets they count", () => {
    const all = stats({
      JSTAT64_TTL: 1,
      JSTAT46_TTL: 1,
      JSTAT_SYN4_EXPECTED: 1,
      JSTAT_UNKNOWN_ICMP6_TYPE: 1,
      JSTAT_HAIRPIN_LOOP: 1,
    })
    expect(Object.fromEntries(diffCounters(base, all).map(r => [r.jstat, r.family]))).toEqual({
      JSTAT64_TTL: 6,
      JSTAT46_TTL: 4,
      JSTAT_SYN4_EXPECTED: 4,
      JSTAT_UNKNOWN_ICMP6_TYPE: 6,
      JSTAT_HAIRPIN_LOOP: null,
    })
  })
})
