import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { type DoctorReport, makeReport } from '../../src/doctor/report/report.js'
import { diagnose } from '../../src/doctor/runner.js'
import { importRecording } from '../../src/facts/import-recording.js'
import { toAscii } from '../../src/ui/mount.js'
import { DOCTOR_KEYS, DoctorScreen, type DoctorSource } from '../../src/ui/screens/DoctorScreen.js'
import { detailLines } from '../../src/ui/screens/doctor.detail.js'
import { filterRows, rowsOf } from '../../src/ui/screens/doctor.rows.js'
import {
  type DoctorAction,
  type DoctorEvent,
  INITIAL,
  reduce,
  selectedRow,
  shownRows,
} from '../../src/ui/screens/doctor.state.js'
import { type Shown, show } from './harness.js'

const FOLDER = join(import.meta.dirname, '../../fixtures/recordings')

function reportOf(name: string): DoctorReport {
  const files = readdirSync(join(FOLDER, name)).filter(f => /\.(json|txt|csv|conf|log)$/.test(f) || f === 'README')
  const facts = importRecording(Object.fromEntries(files.map(f => [f, readFileSync(join(FOLDER, name, f), 'utf8')])))
  return makeReport(diagnose(facts, CHECKS), facts, { version: '1', from: null, ms: 812 })
}

const BROKEN = reportOf('jool-hairpin-fw')
const REMEDIED = reportOf('remedy-tayga')

interface Told {
  readonly copied: string[]
  readonly saved: DoctorReport[]
  readonly fixed: string[]
}

function source(...reports: DoctorReport[]): DoctorSource & Told {
  const told: Told = { copied: [], saved: [], fixed: [] }
  let looks = 0
  return {
    ...told,
    everySeconds: 0,
    look: async () => ({ report: reports[Math.min(looks++, reports.length - 1)] as DoctorReport }),
    save: report => {
      told.saved.push(report)
      return '/tmp/report.txt'
    },
    copy: text => void told.copied.push(text),
    fix: code => void told.fixed.push(code),
  }
}

let shown: Shown | undefined
afterEach(() => shown?.unmount())

const open = async (columns = 120, rows = 40, from = source(BROKEN), ascii = false) => {
  const screen = await show(<DoctorScreen source={from} ascii={ascii} />, columns, rows)
  shown = screen
  await vi.waitFor(() => expect(screen.frame()).toMatch(/Findings|too small/), 5000)
  return screen
}

describe("the doctor's screen", () => {
  it.each([
    [40, 10],
    [60, 20],
    [79, 24],
    [80, 17],
    [80, 24],
    [119, 30],
    [120, 40],
    [120, 18],
    [300, 100],
  ])('fits %i x %i and shows the cause', async (columns, rows) => {
    const { frame, lines } = await open(columns, rows)
    expect(lines().length).toBeLessThanOrEqual(rows - 1)
    expect(Math.max(...lines().map(l => [...l].length))).toBeLessThanOrEqual(columns)
    expect(lines()[0]).toContain('nat64 doctor')
    expect(frame()).toContain('N64-201')
    expect(lines().at(-1)).toMatch(/select/)
    if (columns >= 80 && rows >= 18) expect(frame()).toContain('Evidence')
  })

  it('says when the terminal is too small, and recovers', async () => {
    const screen = await open(39, 10)
    expect(screen.frame()).toContain('terminal too small (need 40x10)')
    await screen.resize(80, 24)
    expect(screen.frame()).toContain('N64-201')
  })

  it('opens a finding over the list where it is narrow, scrolls it to its end, and steps back', async () => {
    const screen = await open(60, 20)
    expect(screen.frame()).not.toContain('Evidence')
    await screen.press('\r')
    expect(screen.frame()).toContain('Evidence')
    await screen.press('G')
    expect(screen.frame()).toContain('RFC 6146')
    await screen.press('\u001b')
    expect(screen.frame()).toContain('Findings')
  })

  it('shows what is selected', async () => {
    const screen = await open()
    expect(screen.frame()).toContain('JSTAT_HAIRPIN_LOOP')
    await screen.press('G')
    expect(screen.frame()).not.toContain('JSTAT_HAIRPIN_LOOP')
    await screen.press('g')
    expect(screen.frame()).toContain('Predicted for TCP 443')
  })

  it('filters while one types, marks what is no pattern, and lets all back with esc', async () => {
    const screen = await open()
    await screen.press('/')
    await screen.press('debug log')
    expect(screen.frame()).toContain('N64-514')
    expect(screen.frame()).not.toContain('N64-201 Jool drops')
    await screen.press('[')
    expect(screen.frame()).toContain('not a pattern')
    await screen.press('\u001b')
    expect(screen.frame()).toContain('N64-201 Jool drops')
  })

  it('takes q as a letter in a filter', async () => {
    const screen = await open()
    await screen.press('/')
    await screen.press('q')
    expect(screen.frame()).toContain('/ q_')
  })

  it('takes keys that come in one piece, as over a slow line', async () => {
    const screen = await open()
    await screen.press('jj/debug')
    expect(screen.frame()).toContain('/ debug_')
    expect(screen.frame()).not.toContain('N64-201 Jool drops')
  })

  it('looks again, and says what is gone', async () => {
    const screen = await open(120, 40, source(BROKEN, REMEDIED))
    await screen.press('r')
    expect(screen.frame()).toMatch(/gone N64-201/)
    expect(screen.lines().at(-1)).toMatch(/\d+ new, \d+ gone/)
  })

  it('says that nothing changed', async () => {
    const screen = await open()
    await screen.press('r')
    expect(screen.lines().at(-1)).toContain('nothing changed')
  })

  it('lists healthy checks', async () => {
    const screen = await open(120, 100)
    expect(screen.frame()).not.toContain('N64-121')
    await screen.press('v')
    expect(screen.frame()).toContain('N64-121')
  })

  it('copies the chosen remedy, saves the report', async () => {
    const from = source(BROKEN)
    const screen = await open(120, 40, from)
    await screen.press('y')
    expect(from.copied).toEqual(['nat64 doctor --fix N64-201'])
    await screen.press('2')
    await screen.press('y')
    expect(from.copied[1]).toContain('jool instance add default --iptables')
    expect(screen.lines().at(-1)).toContain('copied')
    await screen.press('9')
    expect(screen.lines().at(-1)).toContain('no remedy 9')
    await screen.press('s')
    expect(from.saved).toEqual([BROKEN])
    expect(screen.lines().at(-1)).toContain('/tmp/report.txt')
  })

  it('leaves to apply a remedy', async () => {
    const from = source(BROKEN)
    const screen = await open(120, 40, from)
    await screen.press('f')
    await vi.waitFor(() => expect(from.fixed).toEqual(['N64-201']), 5000)
  })

  it('names the command where it cannot apply a remedy', async () => {
    const screen = await open(120, 40, { ...source(BROKEN), fix: null })
    await screen.press('f')
    expect(screen.lines().at(-1)).toContain('nat64 doctor --fix N64-201')
  })

  it('shows every key in its help', async () => {
    const screen = await open(80, 30)
    await screen.press('?')
    for (const binding of DOCTOR_KEYS) expect(screen.frame()).toContain(binding.label)
  })

  it('draws nothing but ASCII when asked to', async () => {
    const screen = await open(120, 40, source(BROKEN), true)
    expect([...toAscii(screen.frame())].filter(c => c > '~')).toEqual([])
    await screen.press('G')
    expect([...toAscii(screen.frame())].filter(c => c > '~')).toEqual([])
  })
})

describe('reduce', () => {
  const stateAfter = (...events: DoctorEvent[]) => events.reduce(reduce, INITIAL)
  const act = (action: DoctorAction): DoctorEvent => ({ type: 'action', action, page: 10, lines: 5 })
  const broken = { type: 'report', report: BROKEN } as const

  it('begins at the first finding', () => {
    expect(selectedRow(stateAfter(broken))?.code).toBe('N64-201')
  })

  it('keeps the selection on its finding over a look and a filter', () => {
    const start = stateAfter(broken, act('down'), act('down'))
    const { key } = selectedRow(start) as { key: string }
    expect(selectedRow(reduce(start, broken))?.key).toBe(key)
    const open = [act('filter'), { type: 'typed', text: selectedRow(start)?.code ?? '' } as const]
    expect(selectedRow(open.reduce(reduce, start))?.key).toBe(key)
  })

  it('stays inside the list and inside the details', () => {
    expect(stateAfter(broken, act('top'), act('up')).selected).toBe(0)
    const end = stateAfter(broken, act('bottom'), act('down'))
    expect(end.selected).toBe(shownRows(end).length - 1)
    expect(stateAfter(broken, act('open'), act('bottom'), act('down')).detailFrom).toBe(5)
  })

  it('keeps marks while watching, and marks only what has settled', () => {
    const gone = BROKEN.findings[0]
    if (!gone) throw new Error('no finding')
    const calm = { appeared: [], gone: [] }
    const flapped = stateAfter(broken, { type: 'report', report: REMEDIED, change: calm })
    expect(flapped.changed.gone).toEqual([])
    const settled = reduce(flapped, { type: 'report', report: REMEDIED, change: { appeared: [], gone: [gone] } })
    expect(settled.note).toBe('0 new, 1 gone')
    const later = reduce(settled, { type: 'report', report: REMEDIED, change: calm })
    expect(later.changed.gone.map(f => f.code)).toEqual(['N64-201'])
    expect(reduce(later, { ...broken, change: calm }).changed.gone).toEqual([])
  })

  it('goes back a level at a time', () => {
    const deep = stateAfter(
      broken,
      act('filter'),
      { type: 'typed', text: 'jool' },
      act('open'),
      act('open'),
      act('help'),
    )
    expect(deep).toMatchObject({ filter: 'jool', focus: 'detail', help: true, typing: false })
    const one = reduce(deep, act('back'))
    expect(one).toMatchObject({ help: false, focus: 'detail' })
    const two = reduce(one, act('back'))
    expect(two).toMatchObject({ focus: 'list', filter: 'jool' })
    expect(reduce(two, act('back'))).toMatchObject({ filter: '' })
  })

  it('has nothing selected where nothing matches, and bears every key', () => {
    const none = stateAfter(broken, act('filter'), { type: 'typed', text: 'zzzz' })
    expect(selectedRow(none)).toBeUndefined()
    expect(reduce(reduce(none, act('down')), { type: 'remedy', index: 0 }).note).toContain('no remedy')
  })
})

describe('rows and details', () => {
  const rows = rowsOf(BROKEN, { fresh: new Set(), gone: [] }, true)

  it('has a key of its own for every row', () => {
    expect(new Set(rows.map(r => r.key)).size).toBe(rows.length)
  })

  it.each([
    ['original-case', 'translators: could not be looked at'],
    ['remedy-tayga', 'tayga on nat64'],
  ])('begins with the translators of %s', (name, text) => {
    expect(rowsOf(reportOf(name), { fresh: new Set(), gone: [] }, false)[0]?.text).toContain(text)
  })

  it('brings the cause of what matches along', () => {
    const folded = rows.find(r => r.depth === 1)
    expect(folded).toBeDefined()
    const codes = filterRows(rows, folded?.code ?? '').map(r => r.code)
    expect(codes).toEqual(['N64-201', folded?.code])
  })

  it.each([30, 58, 160])('are never wider than %i columns', width => {
    const long = rows.flatMap(r => detailLines(r, BROKEN, 0, width)).filter(l => l.text.length > width)
    expect(long.filter(l => / \S+ /.test(l.text))).toEqual([])
  })
})
