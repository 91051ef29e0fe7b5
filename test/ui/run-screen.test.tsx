import { afterEach, describe, expect, it } from 'vitest'
import type { StatusSnapshot } from '../../src/run/status-types.js'
import { footerText } from '../../src/ui/keymap.js'
import { toAscii } from '../../src/ui/mount.js'
import { wrapLog } from '../../src/ui/screens/RunPanes.js'
import { RUN_KEYS, RunScreen, type RunSource } from '../../src/ui/screens/RunScreen.js'
import { INITIAL, type RunEvent, reduce } from '../../src/ui/screens/run.state.js'
import { type Shown, show } from './harness.js'
import { SNAPSHOT } from './snapshot.js'

function source(snapshot: StatusSnapshot | null, lines: readonly string[] = []): RunSource {
  return {
    onSnapshot(listener) {
      if (snapshot) listener(snapshot)
      return () => undefined
    },
    onLog(listener) {
      for (const line of lines) listener(line)
      return () => undefined
    },
  }
}

let shown: Shown | undefined
afterEach(() => shown?.unmount())

const screen = (ascii = false) => (
  <RunScreen source={source(SNAPSHOT, ['started', 'reloaded'])} ascii={ascii} onQuit={() => undefined} />
)

describe('the live screen', () => {
  it.each([
    [60, 20],
    [80, 24],
    [40, 10],
    [119, 50],
    [120, 40],
    [120, 12],
    [300, 100],
  ])('fits %i x %i and shows what matters', async (columns, rows) => {
    shown = await show(screen(), columns, rows)
    const lines = shown.lines()
    expect(lines.length).toBeLessThanOrEqual(rows - 1)
    expect(Math.max(...lines.map(l => [...l].length))).toBeLessThanOrEqual(columns)
    expect(lines[0]).toContain('nat64 run')
    expect(shown.frame()).toContain('no_bib_entry')
    expect(shown.frame()).toContain('Guests')
    expect(lines.at(-1)).toMatch(/select/)
    if (rows >= 18) expect(shown.frame()).toContain('15.4 Gbit/s')
  })

  it('says when the terminal is too small, and recovers', async () => {
    shown = await show(screen(), 39, 10)
    expect(shown.frame()).toContain('terminal too small (need 40x10)')
    await shown.resize(80, 24)
    expect(shown.frame()).toContain('no_bib_entry')
  })

  it('explains the selected reason and steps back', async () => {
    shown = await show(screen(), 80, 24)
    await shown.press('j')
    await shown.press('\r')
    expect(shown.frame()).toContain('Why pool6_mismatch happens')
    await shown.press('\u001b')
    expect(shown.frame()).toContain('no_bib_entry')
  })

  it('shows every key in its help', async () => {
    shown = await show(screen(), 80, 24)
    await shown.press('?')
    for (const binding of RUN_KEYS) expect(shown.frame()).toContain(binding.label)
  })

  it('draws nothing but ASCII when asked to', async () => {
    shown = await show(screen(true), 120, 40)
    expect([...toAscii(shown.frame())].filter(c => c > '~')).toEqual([])
  })

  it('leaves with q', async () => {
    let quits = 0
    shown = await show(<RunScreen source={source(SNAPSHOT)} ascii={false} onQuit={() => quits++} />, 80, 24)
    await shown.press('q')
    expect(quits).toBe(1)
  })
})

describe('reduce', () => {
  const stateAfter = (...events: RunEvent[]) => events.reduce(reduce, INITIAL)
  const snapshot: RunEvent = { type: 'snapshot', snapshot: SNAPSHOT }
  const act = (action: Extract<RunEvent, { type: 'action' }>['action']): RunEvent => ({ type: 'action', action })

  it('keeps the selection inside the list', () => {
    expect(stateAfter(snapshot, act('up')).selected).toBe(0)
    expect(stateAfter(snapshot, act('bottom')).selected).toBe(3)
    expect(stateAfter(snapshot, act('bottom'), act('down')).selected).toBe(3)
  })

  it('does not move while frozen', () => {
    const state = stateAfter(snapshot, act('freeze'), { type: 'snapshot', snapshot: { ...SNAPSHOT, uptimeMs: 1 } })
    expect(state.snapshot?.uptimeMs).toBe(SNAPSHOT.uptimeMs)
    expect(state.toV4).toHaveLength(1)
  })

  it('goes round the panes both ways', () => {
    expect(stateAfter(act('next'), act('next'), act('next')).focus).toBe('drops')
    expect(stateAfter(act('previous')).focus).toBe('log')
  })

  it('explains nothing where nothing was dropped', () => {
    const calm: RunEvent = { type: 'snapshot', snapshot: { ...SNAPSHOT, drops: [] } }
    expect(stateAfter(calm, act('open')).overlay).toBe('none')
  })
})

describe('wrapLog', () => {
  it.each([
    ['2026-11-23T22:04:42.591Z info short', 40, ['22:04:42 info short']],
    ['info one two three', 10, ['info one', '  two', '  three']],
    ['x'.repeat(12), 6, ['xxxxxx', '  xxxx', '  xx']],
  ])('%j in %i columns', (line, width, rows) => {
    expect(wrapLog(line, width)).toEqual(rows)
  })
})

describe('footerText', () => {
  it.each([
    [200, /stop translating$/],
    [30, /…$/],
  ])('fits %i columns', (width, end) => {
    const text = footerText(RUN_KEYS, width)
    expect(text.length).toBeLessThanOrEqual(width)
    expect(text).toMatch(end)
  })
})
