/** Counts over many packets: verdicts, causes, loss and latency by hop, in bounded memory. */
import { describe, expect, it } from 'vitest'
import { makeHistogram, quantile, record } from '../../../src/trace/core/histogram.js'
import { makeTally } from '../../../src/trace/core/summary.js'
import type { Hop, TracedPath, Verdict } from '../../../src/trace/core/traced.js'

describe('durations', () => {
  const of = (...ns: number[]) => {
    const h = makeHistogram()
    for (const n of ns) record(h, n)
    return h
  }
  it.each<[string, number[], number, number]>([
    ['none', [], 0.5, 0],
    ['one', [1000], 0.5, 1000],
    ['the half', [...new Array<number>(51).fill(1000), ...new Array<number>(49).fill(9e6)], 0.5, 1000],
    ['nearly all', [...new Array<number>(98).fill(1000), 9e6, 9e6], 0.99, 9e6],
    ['all', [1, 10, 100, 1e9], 1, 1e9],
    ['nothing at all took 0', [0, 0, 0], 0.99, 0],
    ['a clock that went backwards', [-5], 0.5, 0],
    ['hours end in the last bucket', [1e15], 0.5, 1.08 ** 358.5],
  ])('%s', (_name, ns, share, expected) => {
    const found = quantile(of(...ns), share)
    expect(Math.abs(found - expected)).toBeLessThanOrEqual(expected * 0.08)
  })
})

const CAPTURE = { seen: 1, lost: 0, unmatched: 0, evicted: 0, oneIn: 1, mostOneIn: 1 }
const hop = (device: string, delta: number, onWay = true) => ({ device, delta, onWay }) as Hop
const path = (verdict: Partial<Verdict>, more: Partial<TracedPath> = {}) =>
  ({
    way: 'request',
    rtt: null,
    skippedFirewall: false,
    hops: [hop('tap100i0', 0), hop('tap101i0', 5, false), hop('vmbr0', 1000), hop('nat64', 3000)],
    ...more,
    verdict: {
      kind: 'delivered',
      reason: 'ok',
      text: 'left',
      lastSeen: 'nat64',
      neverReached: null,
      evidence: [],
      ...verdict,
    },
  }) as TracedPath

describe('a summary', () => {
  const died = {
    kind: 'died',
    reason: 'lost',
    text: 'lost',
    lastSeen: 'vmbr0',
    neverReached: 'nat64',
    check: null,
  } as const

  it('counts verdicts, causes, and the rest', () => {
    const tally = makeTally()
    tally.add(path({}, { skippedFirewall: true }))
    tally.add(path({}, { rtt: 5e6, skippedFirewall: true, way: 'reply' }))
    tally.add(path({ kind: 'unanswered', text: 'silence' }))
    for (let i = 0; i < 3; i++) tally.add(path(died, { hops: [hop('tap100i0', 0), hop('vmbr0', 2000)] }))
    const summary = tally.summary(CAPTURE)
    expect(summary).toMatchObject({ paths: 6, skippedFirewall: 1, capture: CAPTURE })
    expect(summary.byVerdict).toEqual({ delivered: 2, died: 3, answered: 0, unanswered: 1, incomplete: 0, unknown: 0 })
    expect(summary.causes.map(c => [c.text, c.count])).toEqual([
      ['lost', 3],
      ['silence', 1],
    ])
    expect(summary.rtt.count).toBe(1)
    const hops = summary.hops.map(h => `${h.way} ${h.from} ${h.to} ${h.passed} ${h.lost}`)
    expect(hops).toEqual([
      'request tap100i0 vmbr0 5 0',
      'request vmbr0 nat64 2 3',
      'reply tap100i0 vmbr0 1 0',
      'reply vmbr0 nat64 1 0',
    ])
    expect(Math.abs((summary.hops[0]?.median ?? 0) - 2000)).toBeLessThan(160)
  })

  it('is bounded', () => {
    const tally = makeTally()
    for (let i = 0; i < 3000; i++)
      tally.add(path({ ...died, text: `lost ${i}`, lastSeen: `a${i}`, neverReached: `b${i}` }))
    const summary = tally.summary(CAPTURE)
    expect([summary.paths, summary.byVerdict.died]).toEqual([3000, 3000])
    expect(summary.causes.length).toBeLessThanOrEqual(200)
    expect(summary.hops.length).toBeLessThanOrEqual(500)
  })

  it('does not change behind the back of who asked', () => {
    const tally = makeTally()
    tally.add(path(died))
    const before = tally.summary(CAPTURE)
    tally.add(path(died))
    expect([before.paths, before.causes[0]?.count]).toEqual([1, 1])
  })
})
