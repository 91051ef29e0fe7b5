import { describe, expect, it } from 'vitest'
import type { LaneInfo, TracedPath } from '../../src/trace/core/traced.js'
import { chainText } from '../../src/ui/screens/trace.chain.js'
import { placeLanes, shorten } from '../../src/ui/screens/trace.lanes.js'
import { traceLayout } from '../../src/ui/screens/trace.layout.js'
import { rowSpans } from '../../src/ui/screens/trace.row.js'
import { traceSigns } from '../../src/ui/screens/trace.signs.js'
import * as cases from '../trace/report/cases.js'

const SIGNS = traceSigns(false)
const place = (infos: readonly LaneInfo[], width: number) => placeLanes(infos, width, '…')
const placed = (infos: readonly LaneInfo[], width: number) => {
  const lanes = place(infos, width)
  if (!lanes) throw new Error('no room')
  return lanes
}
const row = (path: TracedPath, infos: readonly LaneInfo[], width: number, signs = SIGNS) =>
  rowSpans(path, placed(infos, width), -1, signs)
    .map(s => s.text)
    .join('')

describe('a row over lanes', () => {
  it.each([
    ['a request', cases.tunRequest, cases.TUN_LANES, 50, '●⋯─▶●3µs▶●1µs▶●4µs▶●9µs─▶●40µs─╫─▶●11µs▶●2µs─▶●'],
    ['a reply', cases.tunReply, cases.TUN_LANES, 50, '●◀⋯─●◀6µs●◀2µs●◀1µs●◀14µs●◀38µs╫──●◀12µs●◀5µs─●'],
    ['a stolen request', cases.stolen, cases.JOOL_LANES, 36, '●──────────31µs──────────╫─▶●'],
    ['the original case', cases.hairpin, cases.JOOL_LANES, 36, '·   ✗╌╌╌╌●◀1µs●◀2µs●◀19µs╫──●'],
    ['dead behind the bridge', cases.ctInvalid, cases.JOOL_LANES, 36, '✗╌╌╌●◀3µs●◀1µs●◀2µs●◀17µs╫──●'],
    ['dead before it', cases.policyDrop, cases.JOOL_LANES, 36, '●⋯─▶●╌╌╌╌✗    ·    ·     ║  ·'],
    ['answered', cases.answered, cases.TUN_LANES, 50, '●───────9µs───────▶●4µs─▶●25µs─╫─▶●╌╌╌╌╌╌╌╌╌╌╌!'],
    ['not answered', cases.unanswered, cases.TUN_LANES, 50, '●───────9µs───────▶●4µs─▶●25µs─╫─▶●───6µs────▶●'],
    ['incomplete', cases.incomplete, cases.JOOL_LANES, 36, '●⋯─▶●╌╌╌╌?    ·    ·     ║  ·'],
    ['of no lane', cases.unknown, cases.JOOL_LANES, 36, '·   ·    ·    ·    ·     ║  ·'],
  ] as const)('%s', (_, path, infos, width, expected) => {
    expect(row(path, infos, width).trimEnd()).toBe(expected)
  })

  it('shows where a packet was that had no business there, and says so by another sign', () => {
    const infos = cases.lanes(
      'tap101i0 6 other, tap100i0 6 guest, vmbr0 6 bridge, nat64 6 translator, nat64 4 translator, eno1 4 uplink',
    )
    expect(row(cases.fragments, infos, 80)).toMatch(/^○ +●─+9µs─+▶●─+5µs─+▶●─+25µs─+╫─+▶●─+6µs─+▶● *$/)
  })

  it('crosses the bar where a translator swallows a packet', () => {
    const { verdict } = cases.hairpin
    const swallowed = cases.path({
      places: 'tap100i0 in 6, vmbr0 in 6 9, nat64 out 6 4',
      verdict: { ...verdict, lastSeen: 'nat64', neverReached: 'nat64', at: 'translator' },
    })
    expect(row(swallowed, cases.TUN_LANES, 50)).toContain('●╌╌╌╌╌╫╌╌✗')
  })

  it('puts the cross beside the last marker where no lane has that name', () => {
    const { verdict } = cases.hairpin
    const gone = { ...cases.hairpin, verdict: { ...verdict, neverReached: 'elsewhere' } }
    expect(row(gone, cases.JOOL_LANES, 60)).toMatch(/✗╌╌●◀/)
  })

  it('joins guests in a lane, whoever has a firewall bridge', () => {
    const lanes = placed(cases.MANY_LANES, 80)
    expect(lanes.columns.map(c => c.name)).toEqual([
      'tap',
      'fwbr',
      'fwln',
      'fwpr',
      'vmbr0',
      'vmbr1',
      'nat64',
      'nat64',
      'vmbr0',
      'vmbr1',
      'eno1',
    ])
    expect(lanes.isShared).toBe(true)
    for (const path of cases.fourGuests) expect(row(path, cases.MANY_LANES, 80)).toMatch(/^●.*▶●─+╫─+21µs─+▶● *$/)
  })

  it('is ASCII when asked to be', () => {
    const all = cases.ALL.map(p => row(p, cases.TUN_LANES, 60, traceSigns(true))).join('')
    expect([...all].filter(c => c > '~')).toEqual([])
    expect(row(cases.hairpin, cases.JOOL_LANES, 36, traceSigns(true)).trimEnd()).toBe('.   X~~~~O<1usO<2usO<19us|--O')
  })

  it.each([50, 51, 57, 64, 80, 110, 200])('is as wide as its lanes, which fit %i columns', width => {
    for (const infos of [cases.TUN_LANES, cases.JOOL_LANES]) {
      const lanes = placed(infos, width)
      expect(lanes.width).toBeLessThanOrEqual(width)
      for (const path of cases.ALL) expect([...row(path, infos, width)]).toHaveLength(lanes.width)
      const last = lanes.columns.at(-1)
      expect((last?.x ?? 0) + (last?.name.length ?? 0)).toBeLessThanOrEqual(lanes.width)
      for (const [i, { x, name }] of lanes.columns.entries()) {
        const next = lanes.columns[i + 1]?.x ?? Infinity
        expect(x + name.length).toBeLessThan(x < lanes.bar && next > lanes.bar ? lanes.bar + 1 : next)
      }
    }
  })
})

describe('lanes', () => {
  it('are given up where they have no room, and where there are none', () => {
    expect(place(cases.TUN_LANES, 48)).toBeNull()
    expect(place([], 200)).toBeNull()
  })

  it('have no bar as long as nothing is translated', () => {
    expect(placed(cases.lanes('tap100i0 6 guest, vmbr0 6 bridge'), 60).bar).toBe(-1)
    expect(placed(cases.lanes('vmbr0 4 bridge, eno1 4 uplink'), 60).bar).toBe(-1)
  })

  it.each([
    ['fwln100i0', 9, 'fwln100i0'],
    ['fwln100i0', 8, 'fwln'],
    ['tap1234i12', 5, 'tap'],
    ['enp3s0f1np1', 8, 'enp3…np1'],
    ['vmbr0', 4, 'vm…0'],
    ['veth101i0', 5, 'veth'],
  ])('call %s in %i columns %s', (device, width, name) => {
    expect(shorten(device, width, '…')).toBe(name)
  })
})

describe('a line of hops', () => {
  it.each([
    [cases.tunRequest, 200, 'tap100i0 → fwbr100i0 → fwln100i0 → fwpr100p0 → vmbr0 → nat64 ║ nat64 → vmbr0 → eno1'],
    [cases.tunRequest, 70, 'tap → fwbr → fwln → fwpr → vmbr0 → nat64 ║ nat64 → vmbr0 → eno1'],
    [cases.tunRequest, 50, 'tap → fwbr → fwln → … → nat64 ║ nat64 → … → eno1'],
    [cases.tunRequest, 36, 'tap → … → nat64 ║ nat64 → … → eno1'],
    [cases.tunRequest, 20, 'tap → … → nat64 ║ n…'],
    [cases.hairpin, 60, 'eno1 ║ vmbr0 → fwpr100p0 → fwln100i0 ✗ fwbr100i0'],
    [cases.answered, 60, 'tap100i0 → vmbr0 → nat64 ║ nat64 ! eno1'],
    [cases.unanswered, 60, 'tap100i0 → vmbr0 → nat64 ║ nat64 → eno1'],
  ] as const)('%#', (path, width, expected) => {
    expect(chainText(path, width, SIGNS)).toBe(expected)
  })
})

describe('the layout', () => {
  const fits = (width: number) => width >= 50
  it.each([
    [39, 10, 'too-small'],
    [40, 9, 'too-small'],
    [40, 10, 'list'],
    [79, 40, 'list'],
    [80, 24, 'lanes'],
    [120, 40, 'lanes'],
  ] as const)('%i x %i: %s', (columns, rows, kind) => {
    expect(traceLayout(columns, rows, fits).kind).toBe(kind)
  })

  it('is a list where the lanes do not fit', () => {
    expect(traceLayout(200, 50, () => false).kind).toBe('list')
  })

  it.each([
    [40, 10],
    [60, 20],
    [80, 17],
    [80, 24],
    [120, 40],
    [300, 100],
  ])('uses %i x %i and no more', (columns, rows) => {
    const l = traceLayout(columns, rows, fits)
    const used =
      2 + l.packets * (l.kind === 'list' ? 2 : 1) + (l.kind === 'lanes' ? 2 : 0) + (l.detail > 0 ? l.detail + 1 : 0)
    expect(used).toBeLessThanOrEqual(rows - 1)
    expect(used).toBeGreaterThanOrEqual(rows - 2)
    expect(l.packets).toBeGreaterThanOrEqual(3)
  })
})
