import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CompareReport } from '../../src/compare/compared.js'
import { align } from '../../src/compare/report/align.js'
import { signsFor } from '../../src/compare/report/words.js'
import { toAscii } from '../../src/ui/mount.js'
import { COMPARE_KEYS, CompareScreen, type CompareSource } from '../../src/ui/screens/CompareScreen.js'
import { compareLayout } from '../../src/ui/screens/compare.layout.js'
import { laneLines } from '../../src/ui/screens/compare.rows.js'
import {
  type CompareAction,
  enginesOf,
  guestOf,
  INITIAL,
  type Room,
  reduce,
} from '../../src/ui/screens/compare.state.js'
import { compared, engineOf, guestOf as onlyGuest } from '../compare/hosts.js'
import { MEASURED } from '../compare/measured-host.js'
import { changed } from '../doctor/hosts.js'
import { recorded } from '../path/recording.js'
import { type Shown, show } from './harness.js'

const FACTS = recorded('jool-hairpin-fw')
const BROKEN = compared(FACTS)
/** One guest behind a firewall bridge, one without. */
const TWO = compared(
  changed(FACTS, 'links', all => [
    ...all,
    ...all.filter(l => l.name === 'tap100i0').map(l => ({ ...l, name: 'tap101i0', master: 'vmbr0' })),
  ]),
)

function source(report: CompareReport): CompareSource & { readonly copied: string[] } {
  const copied: string[] = []
  return { copied, look: async () => report, copy: text => void copied.push(text) }
}

let shown: Shown | undefined
afterEach(() => shown?.unmount())
const open = async (columns = 120, rows = 40, from = source(BROKEN), ascii = false) => {
  const screen = await show(<CompareScreen source={from} ascii={ascii} />, columns, rows)
  shown = screen
  await vi.waitFor(() => expect(screen.frame()).toMatch(/Verdict|too small/), 5000)
  return screen
}

/** Presses, and waits until the screen shows it: a busy machine draws late. */
async function pressed(screen: Shown, keys: string, shows: RegExp): Promise<void> {
  await screen.press(keys)
  await vi.waitFor(() => expect(screen.frame()).toMatch(shows), 5000)
}

describe("the screen's size", () => {
  it.each([
    [40, 10],
    [40, 17],
    [60, 20],
    [67, 40],
    [68, 18],
    [80, 24],
    [120, 18],
    [120, 40],
    [300, 100],
  ])('%i x %i: fits, and says what suits and how to get there', async (columns, rows) => {
    const screen = await open(columns, rows)
    const lines = screen.lines()
    expect(lines.length).toBeLessThanOrEqual(rows - 1)
    expect(Math.max(...lines.map(l => [...l].length))).toBeLessThanOrEqual(columns)
    expect(lines[0]).toContain('nat64 compare')
    expect(screen.frame()).toContain('nat64 run suits this guest')
    expect(screen.frame()).toContain('$ nat64 doctor --fix N64-201')
    if (rows >= 18) expect(screen.frame()).toMatch(/▶.*PREROUTING fwbr100i0/)
    await screen.press(' ')
    expect(screen.lines().length).toBeLessThanOrEqual(rows - 1)
  })

  it('too small is said, and recovered from', async () => {
    const screen = await open(39, 10)
    expect(screen.frame()).toContain('terminal too small (need 40x10)')
    await screen.resize(80, 24)
    expect(screen.frame()).toContain('Verdict')
  })

  it('leaves no line unused, and none too many', () => {
    for (let rows = 18; rows <= 60; rows++) {
      for (const columns of [40, 67, 68, 80, 120, 200]) {
        const layout = compareLayout(columns, rows, { lanes: 16, meaning: 8, verdict: 13, place: 23 })
        const names = layout.kind === 'unified' ? 2 : 1
        const panes = layout.both ? 2 + layout.both.meaning + layout.both.verdict : 1 + layout.lower
        expect(2 + 1 + names + layout.lanes + panes).toBe(rows - 1)
        expect(Math.min(layout.lanes, layout.both?.verdict ?? layout.lower)).toBeGreaterThanOrEqual(5)
      }
    }
  })
})

describe('the lanes', () => {
  it('stand side by side with the difference between them', async () => {
    const screen = await open()
    const lines = screen.lines()
    const at = lines.findIndex(l => l.startsWith('▶'))
    expect(lines[at]).toMatch(/^▶◇ PREROUTING fwbr100i0 +≠ to Jool │ passes +◇ PREROUTING fwbr100i0/)
    expect(screen.frame()).toMatch(/│ +▸ guest's rules see it +◇ FORWARD fwbr100i0/)
    expect(screen.frame()).toMatch(/Request ✓ │ ✓ \(space: Reply ✗ │ ✓\)/)
  })
  it('of the reply end where Jool drops it', async () => {
    const screen = await open()
    await pressed(screen, ' ', /◇ PREROUTING fwbr100i0 +≠ dropped │ passes/)
    expect(screen.frame()).toMatch(/✗ hairpin_loop +◂ dropped +│/)
  })
  it('fold what is alike, and unfold it', async () => {
    const screen = await open()
    expect(screen.frame()).toMatch(/⋮ 9 more to nat64 out/)
    await screen.press('f')
    expect(screen.frame()).not.toContain('⋮')
    expect(screen.frame()).toContain('● fwln100i0 out')
  })
  it('never fold the first difference or what happens on the way', () => {
    const guest = onlyGuest(FACTS)
    const [left, right] = [engineOf(guest, 'jool-iptables'), engineOf(guest, 'nat64')]
    for (const way of ['request', 'reply'] as const) {
      const rows = align(left.lanes[way], right.lanes[way])
      const first = rows.findIndex(r => !r.same)
      const lines = laneLines(rows, first, false, signsFor(false))
      expect(lines.filter(l => l.isFirst).map(l => l.row)).toEqual([first])
      const events = rows.filter(r => [r.left, r.right].some(p => p && p.event !== 'pass')).length
      const told = lines.filter(l => [l.left.point, l.right.point].some(p => p && p.event !== 'pass')).length
      expect(told).toBe(events)
      expect(laneLines(rows, first, true, signsFor(false))).toHaveLength(rows.length)
    }
  })
  it('are one under the other where it is narrow', async () => {
    const screen = await open(60, 20)
    expect(screen.frame()).toMatch(/▶◂ ◇ PREROUTING fwbr100i0: to Jool\s*\n ▸ ◇ PREROUTING fwbr100i0\s*\n/)
  })
})

describe('the keys', () => {
  it('change the engine of the chosen side, past the one on the other', async () => {
    const screen = await open()
    await pressed(
      screen,
      '\u001b[C',
      /◂ Jool "default" \(netfilter\), present.*▸ Jool \(iptables, ! -i fwbr\+\), proposed/,
    )
    await screen.press('\t')
    await pressed(screen, '\u001b[C', /◂ nat64 run, proposed.*▸ Jool \(iptables/)
  })
  it('show the other panes', async () => {
    const screen = await open(80, 24)
    expect(screen.frame()).toContain('── Verdict')
    await pressed(screen, '\r', /Firewall +request skips tap100i0-OUT, +≠ in force/)
    await pressed(screen, '\r', /✓ nat64 run: delivered, firewall in force/)
    await pressed(screen, '\r', /── Verdict/)
  })
  it('show what was measured, where something was', async () => {
    const screen = await open(80, 24, source({ ...BROKEN, measured: MEASURED }))
    await screen.press('\r')
    await pressed(screen, '\r', /── Measured/)
    expect(screen.frame()).toMatch(/Ping +0 of 40 answered \(timeout\) +40 of 40 answered/)
    expect(Math.max(...screen.lines().map(l => [...l].length))).toBeLessThanOrEqual(80)
  })
  it('scroll both', async () => {
    const screen = await open(80, 24)
    await pressed(screen, 'jjj', /✓ leaves the host/)
    await screen.press('\u001b[6~')
    await screen.press('\u001b[6~')
    await pressed(screen, '\u001b[6~', /Beware/)
  })
  it('go to the next kind of guest', async () => {
    const screen = await open(120, 40, source(TWO))
    expect(screen.lines()[0]).toMatch(/guest 100 .*guests 1\/2/)
    await pressed(screen, 'n', /guest 101 .*guests 2\/2/)
    expect(screen.frame()).toContain('Stay with Jool')
    await pressed(screen, 'n', /guest 100/)
  })
  it('say so where there is one kind', async () => {
    const screen = await open()
    await pressed(screen, 'n', /there is one kind of guest/)
  })
  it('copy the command', async () => {
    const from = source(BROKEN)
    const screen = await open(120, 40, from)
    await pressed(screen, 'y', /copied/)
    expect(from.copied).toEqual(['nat64 doctor --fix N64-201'])
    expect(screen.lines().at(-1)).toContain('copied: nat64 doctor --fix N64-201')
  })
  it('are all in the help', async () => {
    const screen = await open()
    await pressed(screen, '?', /close the help/)
    for (const { label } of COMPARE_KEYS) expect(screen.frame()).toContain(label)
    await pressed(screen, '\u001b', /Verdict/)
  })
})

describe('elsewhere', () => {
  it('is ASCII on a terminal without more', async () => {
    const screen = await open(80, 24, source(BROKEN), true)
    for (const keys of ['', ' ', 'f', '\r', '\r', '?']) {
      if (keys !== '') await screen.press(keys)
      expect(toAscii(screen.frame())).toMatch(/^[\x20-\x7e\n]*$/)
    }
  })
  it('a look that fails later is told, and what was there stays', async () => {
    let looks = 0
    const from = {
      ...source(BROKEN),
      look: async () => (looks++ === 0 ? BROKEN : Promise.reject(new Error('no more'))),
    }
    const screen = await open(80, 24, from)
    await pressed(screen, 'r', /no more/)
    expect(screen.frame()).toContain('Verdict')
  })
})

describe('the state', () => {
  const ROOM: Room = { lanes: 5, pane: 4, panes: ['verdict', 'meaning', 'others'], first: { way: 'reply', line: 9 } }
  const stateAfter = (...actions: CompareAction[]) =>
    actions.reduce(
      (state, action) => reduce(state, { type: 'action', action, room: ROOM }),
      reduce(INITIAL, { type: 'report', report: TWO }),
    )
  it.each([
    [['up'], { from: 0 }],
    [Array(9).fill('down'), { from: 5 }],
    [['first'], { way: 'reply', from: 5 }],
    [['down', 'way'], { way: 'reply', from: 0 }],
    [['pane-down', 'pane-down'], { paneFrom: 4 }],
    [['pane-down', 'pane'], { pane: 'meaning', paneFrom: 0 }],
    [['next-engine', 'next-guest'], { guest: 1, chosen: { left: null, right: null } }],
    [['previous-guest'], { guest: 1 }],
    [['help', 'back'], { help: false }],
  ] as const)('%j', (actions, expected) => {
    expect(stateAfter(...(actions as CompareAction[]))).toMatchObject(expected)
  })
  it('keeps the choice of engines over another look, and the guest in range', () => {
    const chosen = stateAfter('next-engine', 'next-guest')
    const again = reduce(chosen, { type: 'report', report: BROKEN })
    expect([again.guest, guestOf(again)?.device]).toEqual([0, 'tap100i0'])
    const guest = guestOf(again)
    expect(guest && enginesOf(again, guest).left.id).toBe('jool-netfilter')
  })
  it('goes round all engines and comes back', () => {
    const ids = new Set<string>()
    let state = stateAfter()
    for (let i = 0; i < 4; i++) {
      state = reduce(state, { type: 'action', action: 'next-engine', room: ROOM })
      const guest = guestOf(state)
      if (guest) ids.add(enginesOf(state, guest).right.id)
    }
    expect(ids).toEqual(new Set(['nat64', 'jool-iptables', 'jool-netns', 'tayga']))
  })
})
