import { describe, expect, it, vi } from 'vitest'
import type { TracedPath } from '../../src/trace/core/traced.js'
import { gather } from '../../src/ui/gather.js'
import {
  HISTORY,
  INITIAL,
  reduce,
  selectedHop,
  selectedIndex,
  selectedPath,
  type TraceAction,
  type TraceEvent,
  type TraceState,
} from '../../src/ui/screens/trace.state.js'
import * as cases from '../trace/report/cases.js'

const stateAfter = (state: TraceState, ...events: TraceEvent[]) => events.reduce(reduce, state)
const act = (action: TraceAction, isLanes = true): TraceEvent => ({
  type: 'action',
  action,
  page: 10,
  lines: 5,
  isLanes,
})
const came = (...paths: TracedPath[]): TraceEvent => ({ type: 'paths', paths })
const typed = (text: string): TraceEvent => ({ type: 'typed', text })
const ids = (state: TraceState) => state.shown.map(p => p.id)
const many = (from: number, to: number, path: TracedPath) =>
  Array.from({ length: to - from }, (_, i) => ({ ...path, id: from + i, time: (from + i) * 1000 }))
const all = stateAfter(INITIAL, came(...cases.ALL))

describe('packets', () => {
  it('stand in the order of time, whenever their verdict came', () => {
    const state = stateAfter(INITIAL, came(cases.policyDrop, cases.hairpin), came(cases.stolen), came(cases.ctInvalid))
    expect(ids(state)).toEqual([3, 4, 6, 7])
  })

  it('that come again take the place of what was said before', () => {
    const state = stateAfter(all, came({ ...cases.tunRequest, verdict: cases.hairpin.verdict }))
    expect(ids(state)).toEqual(ids(all))
    expect(state.shown.find(p => p.id === 1)?.verdict.kind).toBe('died')
  })

  it('are forgotten when there are too many, those that did not get through last', () => {
    const early = many(0, 300, cases.hairpin)
    const state = stateAfter(
      INITIAL,
      came(...early),
      ...[0, 1, 2].map(i => came(...many(1000 + i * 1000, 2000 + i * 1000, cases.tunRequest))),
    )
    expect(state.paths).toHaveLength(HISTORY)
    expect(state.paths.filter(p => p.id < 300)).toHaveLength(300)
    expect(state.paths.at(-1)?.id).toBe(3999)
  })

  it('that did not get through do not crowd out all others', () => {
    const state = stateAfter(INITIAL, came(...many(0, 500, cases.tunRequest)), came(...many(500, 9000, cases.hairpin)))
    expect(state.paths.filter(p => p.verdict.kind === 'died')).toHaveLength(HISTORY / 2)
    expect(state.paths.filter(p => p.verdict.kind === 'delivered')).toHaveLength(500)
  })

  it('come by the thousand a second, and leave time for keys', () => {
    const begun = performance.now()
    let state = stateAfter(INITIAL, act('filter'), typed('echo'))
    // Four seconds of 5,000 packets a second, ten batches a second.
    for (let i = 0; i < 40; i++)
      state = stateAfter(state, came(...many(i * 500, i * 500 + 500, cases.tunRequest)), act('up'))
    expect(state.shown).toHaveLength(HISTORY)
    expect(performance.now() - begun).toBeLessThan(5000)
  })
})

describe('the chosen packet', () => {
  it('is the newest one until another is chosen, then stays', () => {
    const late = { ...cases.tunReply, id: 99, time: 2e9 }
    expect(selectedPath(stateAfter(all, came(late)))?.id).toBe(99)
    const chosen = stateAfter(all, act('up'))
    expect(selectedPath(stateAfter(chosen, came(late)))?.id).toBe(selectedPath(chosen)?.id)
    expect(selectedPath(stateAfter(chosen, came(late), act('bottom')))?.id).toBe(99)
  })

  it.each([
    [['top'], 0],
    [['top', 'up'], 0],
    [['top', 'down', 'down'], 2],
    [['top', 'page-down'], 10],
    [['bottom', 'page-up'], cases.ALL.length - 11],
    [['bottom', 'down'], cases.ALL.length - 1],
    [['top', 'page-down', 'page-down'], cases.ALL.length - 1],
  ] as const)('%j is number %i', (actions, index) => {
    expect(selectedIndex(stateAfter(all, ...actions.map(a => act(a))))).toBe(index)
  })

  it('gives way to the nearest in time when a filter hides it, or it is forgotten', () => {
    const chosen = stateAfter(all, act('top'), act('filter'), typed('hairpin'))
    expect(selectedPath(chosen)?.id).toBe(cases.hairpin.id)
    const pushed = stateAfter(all, act('top'), came(...many(5000, 9000, cases.tunRequest)))
    expect(selectedIndex(pushed)).toBeGreaterThanOrEqual(0)
  })

  it('is none where nothing matches, and every key bears it', () => {
    const none = stateAfter(all, act('filter'), typed('zzzz'), act('details'))
    expect(selectedPath(none)).toBeUndefined()
    const keys: TraceAction[] = ['up', 'down', 'left', 'right', 'top', 'bottom', 'page-up', 'details', 'freeze', 'back']
    expect(selectedPath(stateAfter(none, ...keys.map(k => act(k))))).toBeUndefined()
    expect(stateAfter(none, act('back')).shown).toHaveLength(cases.ALL.length)
  })
})

describe('the chosen hop', () => {
  const only = (path: TracedPath) => stateAfter(INITIAL, came(path))
  const hopOf = (state: TraceState) => selectedHop(state, selectedPath(state) as TracedPath)

  it.each([
    ['of a death is the last one', cases.hairpin, 3],
    ['of what arrived is where it was translated', cases.tunRequest, 6],
    ['of what was not translated is the last one', cases.incomplete, 1],
    ['leaves out what is off the way', cases.fragments, 4],
  ])('%s', (_, path, hop) => {
    expect(hopOf(only(path))).toBe(hop)
  })

  it('goes to where the arrow points: a reply runs to the left over lanes, to the right in a line', () => {
    expect(hopOf(stateAfter(only(cases.tunRequest), act('right')))).toBe(7)
    expect(hopOf(stateAfter(only(cases.tunReply), act('right')))).toBe(2)
    expect(hopOf(stateAfter(only(cases.tunReply), act('right', false)))).toBe(4)
  })

  it('stays inside the packet, and begins anew with the next one', () => {
    const end = stateAfter(only(cases.tunRequest), ...Array.from({ length: 20 }, () => act('right')))
    expect(hopOf(end)).toBe(8)
    expect(hopOf(stateAfter(end, came(cases.hairpin), act('bottom')))).toBe(3)
  })
})

describe('filters', () => {
  it.each([
    ['hairpin', [4]],
    ['guest 103', [23]],
    ['tap101i0', [11, 21]],
    ['61001', [3, 4]],
    [':81\\b', [7]],
    [
      'guest 10[0-9]',
      cases.ALL.filter(p => p !== cases.unknown)
        .map(p => p.id)
        .sort((a, b) => a - b),
    ],
    ['n64-401', [6]],
    ['unanswered', [9]],
    ['#13', [13]],
    ['[', cases.ALL.map(p => p.id).sort((a, b) => a - b)],
  ])('/%s', (text, expected) => {
    const state = stateAfter(all, act('filter'), typed(text))
    expect(ids(state).sort((a, b) => a - b)).toEqual(expected)
  })

  it('hold for what comes later, together with b', () => {
    const state = stateAfter(all, act('broken'), act('filter'), typed('reply'))
    expect(ids(state)).toEqual([4, 6])
    expect(ids(stateAfter(state, came({ ...cases.hairpin, id: 50 }, { ...cases.tunReply, id: 51 })))).toEqual([
      4, 50, 6,
    ])
  })

  it('go one by one with esc', () => {
    const state = stateAfter(all, act('broken'), act('filter'), typed('reply'), act('details'), act('details'))
    expect(state).toMatchObject({ view: 'details', typing: false, filter: 'reply', onlyBroken: true })
    const one = stateAfter(state, act('back'))
    expect(one).toMatchObject({ view: 'packets', filter: 'reply', onlyBroken: true })
    const two = stateAfter(one, act('back'))
    expect(two).toMatchObject({ filter: '', onlyBroken: true })
    expect(stateAfter(two, act('back'))).toMatchObject({ onlyBroken: false })
  })
})

describe('frozen', () => {
  it('nothing moves, and nothing is lost', () => {
    const frozen = stateAfter(all, act('freeze'), came(...many(5000, 5010, cases.tunRequest)))
    expect(frozen.shown).toBe(all.shown)
    expect(frozen.waiting).toHaveLength(10)
    const thawed = stateAfter(frozen, act('freeze'))
    expect(thawed.shown).toHaveLength(cases.ALL.length + 10)
    expect(thawed.waiting).toEqual([])
  })

  it('keeps no more than it would show', () => {
    const frozen = stateAfter(all, act('freeze'), came(...many(5000, 9000, cases.tunRequest)))
    expect(frozen.waiting).toHaveLength(HISTORY)
  })

  it('stays with the packet that it was frozen at', () => {
    const state = stateAfter(all, act('freeze'), came({ ...cases.tunReply, id: 99, time: 2e9 }), act('freeze'))
    expect(selectedPath(state)?.id).toBe(23)
  })
})

describe('what covers the packets', () => {
  it('scrolls, and is left by the key that opened it', () => {
    const summary = stateAfter(all, act('summary'), act('down'), act('down'))
    expect(summary).toMatchObject({ view: 'summary', from: 2 })
    expect(selectedIndex(summary)).toBe(selectedIndex(all))
    expect(stateAfter(summary, act('bottom')).from).toBe(5)
    expect(stateAfter(summary, act('summary'))).toMatchObject({ view: 'packets', from: 0 })
    expect(stateAfter(summary, act('help')).view).toBe('help')
  })

  it('goes with the packet where it is one of its details', () => {
    const details = stateAfter(all, act('details'), act('page-down'), act('up'))
    expect(details).toMatchObject({ view: 'details', from: 0 })
    expect(selectedIndex(details)).toBe(cases.ALL.length - 2)
  })
})

describe('gather', () => {
  it('hands over at once, then not more often than it may, and loses nothing', () => {
    vi.useFakeTimers()
    const batches: number[][] = []
    const gathering = gather<number>(100, batch => batches.push([...batch]))
    gathering.add([1])
    gathering.add([2])
    gathering.add([3, 4])
    expect(batches).toEqual([[1]])
    vi.advanceTimersByTime(100)
    expect(batches).toEqual([[1], [2, 3, 4]])
    vi.advanceTimersByTime(1000)
    gathering.add([5])
    gathering.add([6])
    gathering.end()
    vi.advanceTimersByTime(1000)
    expect(batches).toEqual([[1], [2, 3, 4], [5]])
    vi.useRealTimers()
  })
})
