import { afterEach, describe, expect, it, vi } from 'vitest'
import type { TracedPath, TraceSnapshot } from '../../src/trace/core/traced.js'
import type { DetailLine } from '../../src/ui/detail.js'
import { toAscii } from '../../src/ui/mount.js'
import { TRACE_KEYS, TraceScreen, type TraceSource } from '../../src/ui/screens/TraceScreen.js'
import { pageLines, paneLines } from '../../src/ui/screens/trace.detail.js'
import { traceSigns } from '../../src/ui/screens/trace.signs.js'
import * as cases from '../trace/report/cases.js'
import { type Shown, show } from './harness.js'

process.env.TZ = 'UTC'

interface Fed extends TraceSource {
  readonly copied: string[]
  send(...paths: TracedPath[]): void
}

function source(paths: readonly TracedPath[] = cases.ALL, snapshot: Partial<TraceSnapshot> = {}): Fed {
  const copied: string[] = []
  let listener: (paths: readonly TracedPath[]) => void = () => {}
  return {
    copied,
    send: (...more) => listener(more),
    onPaths(added) {
      listener = added
      added(paths)
      return () => undefined
    },
    onSnapshot(added) {
      added({ ...cases.SNAPSHOT, ...snapshot })
      return () => undefined
    },
    save: () => '/tmp/trace.pcapng',
    copy: text => void copied.push(text),
  }
}

let shown: Shown | undefined
afterEach(() => shown?.unmount())
const open = async (columns = 120, rows = 40, from: TraceSource = source(), ascii = false) => {
  shown = await show(<TraceScreen source={from} ascii={ascii} />, columns, rows)
  return shown
}
const only = (...paths: TracedPath[]) => source(paths, { lanes: cases.JOOL_LANES })

describe('the screen of a trace', () => {
  it.each([
    [40, 10],
    [60, 20],
    [79, 24],
    [80, 17],
    [80, 24],
    [99, 30],
    [119, 18],
    [120, 40],
    [300, 100],
  ])('fits %i x %i and shows what matters', async (columns, rows) => {
    for (const lanes of [cases.JOOL_LANES, cases.TUN_LANES, cases.MANY_LANES]) {
      shown?.unmount()
      const { frame, lines } = await open(columns, rows, source([...cases.ALL, cases.hairpin], { lanes }))
      expect(lines().length).toBeLessThanOrEqual(rows - 1)
      expect(Math.max(...lines().map(l => [...l].length))).toBeLessThanOrEqual(columns)
      expect(lines()[0]).toContain('198.51.100.7')
      expect(lines()[0]).toMatch(/live .*✗ 60/)
      expect(frame()).toContain('▸')
      expect(lines().at(-1)).toMatch(/↑↓ packet {2}←→ hop {2}\? help {2}q quit/)
    }
  })

  it.each([40, 80, 120])('says that it shows a sample: %i columns', async columns => {
    const { summary } = cases.SNAPSHOT
    const capture = { ...summary.capture, oneIn: 1024, mostOneIn: 1024 }
    const { lines } = await open(columns, 24, source(cases.ALL, { summary: { ...summary, capture } }))
    expect(lines()[0]).toMatch(/live {2}1 in 1,024 {2}/)
    expect([...(lines()[0] ?? '')].length).toBeLessThanOrEqual(columns)
  })

  it('has the original case at a glance', async () => {
    const { lines } = await open(80, 24, only(cases.stolen, cases.hairpin))
    expect(lines().slice(0, 5)).toEqual([
      expect.stringMatching(
        /^ nat64 trace 198\.51\.100\.7 · Jool "defau… +● live {2}1,264 packets {2}✗ 60 {2}lost 212$/,
      ),
      ' time    tap fwbr fwln fwpr vmbr0 ║  eno1',
      `────────── IPv6 ──────────────────╫─ IPv4 ${'─'.repeat(38)}`,
      ' 07.220  ●──────────31µs──────────╫─▶●    ! echo request seq 1  firewall skipped',
      '▸07.243  ·   ✗╌╌╌╌●◀1µs●◀2µs●◀19µs╫──●    ✗ echo reply seq 1  hairpin loop',
    ])
    expect(lines().slice(14, 22)).toEqual([
      '── #4 echo reply seq 1, guest 100 fd00:1::2 ← 198.51.100.7, 4 more lines ───────',
      ' ✗ last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by',
      ' Jool, hairpinning loop',
      '   killed by Jool "default" (netfilter)',
      ' More: nat64 doctor --explain N64-201',
      ' 4/4 fwln100i0 in: 64:ff9b::c633:6407 → fd00:1::2 id 4442, hop limit 53, 104',
      ' bytes, 1µs after fwpr100p0',
      ' $ jool stats display --all',
    ])
  })

  it('says whose a packet is where guests share lanes', async () => {
    const { frame } = await open(120, 40, source(cases.fourGuests, { lanes: cases.MANY_LANES }))
    for (const guest of [100, 101, 102, 103]) expect(frame()).toContain(`✓ ${guest} TCP [S]`)
  })

  it('lists hops where lanes have no room', async () => {
    const { frame } = await open(60, 20, only(cases.tunRequest, cases.hairpin))
    expect(frame()).toContain('tap → fwbr → fwln → fwpr → … → nat64 ║ nat64 → … → eno1')
    expect(frame()).toContain('eno1 ║ vmbr0 → fwpr100p0 → fwln100i0 ✗ fwbr100i0')
  })

  it('says when the terminal is too small, and recovers', async () => {
    const screen = await open(39, 10)
    expect(screen.frame()).toContain('terminal too small (need 40x10)')
    await screen.resize(80, 24)
    expect(screen.frame()).toContain('nat64 trace')
  })

  it.each([
    [{ state: 'live' }, 'waiting for packets of 198.51.100.7'],
    [{ state: 'done' }, 'no packet was seen'],
  ] as const)('says what is going on when nothing came: %j', async (snapshot, text) => {
    const { frame } = await open(80, 24, source([], snapshot))
    expect(frame()).toContain(text)
    expect(frame()).toContain("i Jool's debug log is switched on")
  })

  it('draws nothing but ASCII when asked to', async () => {
    for (const [columns, rows] of [
      [120, 40],
      [40, 10],
    ] as const) {
      shown?.unmount()
      const screen = await open(columns, rows, source(), true)
      for (const keys of ['', '\r', '\u001b', 's', 's', '?', '?', 't', ' ', '/x[']) {
        if (keys !== '') await screen.press(keys)
        expect([...toAscii(screen.frame())].filter(c => c > '~')).toEqual([])
      }
    }
  })
})

describe('keys', () => {
  it('choose a packet, and a hop where the arrow points', async () => {
    const screen = await open(120, 40, source([cases.tunRequest, cases.tunReply]))
    expect(screen.frame()).toContain('4/9 nat64 in: 64:ff9b::c633:6407')
    await screen.press('k')
    expect(screen.frame()).toContain(
      '7/9 nat64 in: 192.168.255.2 → 198.51.100.7 id 4442, TTL 63, 84 bytes, 40µs after nat64',
    )
    expect(screen.frame()).toContain(
      'translated here by nat64 run on nat64 (pid 4711): was fd00:1::2 → 64:ff9b::c633:6407 id 4442',
    )
    await screen.press('\u001b[C')
    expect(screen.frame()).toContain('8/9 vmbr0 out: 192.0.2.10')
    expect(screen.frame()).toContain('changed here: source was 192.168.255.2, TTL was 63')
    await screen.press('hhhhhhhhhhh')
    expect(screen.frame()).toContain('1/9 tap100i0 in')
  })

  it('open the details of a packet with all its hops, and close them', async () => {
    const screen = await open(80, 40, only(cases.hairpin))
    await screen.press('\r')
    for (const text of [
      'Why: Jool meets its own translation',
      'Translator: Jool "default" (netfilter).',
      'A table of the translator says that both halves are one packet.',
      'Hops from 21:04:07.243300000, 22µs in all',
      'Hairpinning loop. Dropping...',
    ])
      expect(screen.frame()).toContain(text)
    expect(screen.frame()).toMatch(/▸ +22µs +fwln100i0 +in/)
    await screen.press('\u001b')
    expect(screen.frame()).not.toContain('Why:')
  })

  it('show only what is broken, and filter while one types', async () => {
    const screen = await open()
    await screen.press('b')
    expect(screen.lines()[0]).toContain('only broken')
    expect(screen.frame()).not.toContain('TCP [S] 50003 > 443')
    await screen.press('/hairpin')
    expect(screen.lines()[0]).toContain('/ hairpin_')
    expect(screen.lines().at(-1)).toContain('/ hairpin_  enter keep')
    expect(screen.frame()).toContain('hairpin loop')
    expect(screen.frame()).not.toContain('firewall drop')
    await screen.press('[')
    expect(screen.lines()[0]).toContain('not a pattern')
    await screen.press('\u007f')
    await screen.press('q')
    expect(screen.frame()).toContain('nothing matches; esc shows all packets')
    await screen.press('\u001b')
    await screen.press('\u001b')
    expect(screen.frame()).toContain('TCP [S] 50003 > 443')
    expect(screen.lines()[0]).not.toContain('only broken')
  })

  it('freeze, count what waits, and go on', async () => {
    const from = source([cases.tunRequest])
    const screen = await open(120, 40, from)
    await screen.press(' ')
    from.send({ ...cases.hairpin, id: 77 }, { ...cases.hairpin, id: 78 })
    await vi.waitFor(() => expect(screen.lines()[0]).toContain('frozen +2'), 5000)
    expect(screen.frame()).not.toContain('hairpin loop')
    await screen.press(' ')
    expect(screen.frame()).toContain('hairpin loop')
  })

  it('show times since the packet before', async () => {
    const screen = await open(120, 40, source([cases.tunRequest, cases.tunReply]))
    await screen.press('t')
    expect(screen.frame()).toContain('       +23ms')
  })

  it('show the summary, and scroll it', async () => {
    const screen = await open(80, 24)
    await screen.press('s')
    expect(screen.frame()).toContain('1,264 packets traced for 198.51.100.7')
    await screen.press('G')
    expect(screen.frame()).toContain("never met the guest's firewall")
    await screen.press('s')
    expect(screen.frame()).toContain('IPv6')
  })

  it('copy what is said, write the capture, say where', async () => {
    const from = only(cases.hairpin)
    const screen = await open(120, 40, from)
    await screen.press('y')
    expect(from.copied[0]).toContain('✗ died        echo reply seq 1  guest 100 fd00:1::2 ← 198.51.100.7')
    expect(from.copied[0]).toContain('nat64 doctor --explain N64-201')
    expect(screen.lines().at(-1)).toContain('copied')
    await screen.press('w')
    expect(screen.lines().at(-1)).toContain('/tmp/trace.pcapng')
  })

  it.each([
    [null, 'what is shown is from a file'],
    [
      () => {
        throw new Error('/tmp/x: no space left')
      },
      '/tmp/x: no space left',
    ],
  ])('say why nothing is written', async (save, text) => {
    const screen = await open(120, 40, { ...source(), save })
    await screen.press('w')
    expect(screen.lines().at(-1)).toContain(text)
  })

  it('are all in the help', async () => {
    const screen = await open(80, 30)
    await screen.press('?')
    for (const binding of TRACE_KEYS) expect(screen.frame()).toContain(binding.label)
  })

  it('are answered while thousands of packets a second come', async () => {
    const from = source([])
    const screen = await open(120, 40, from)
    let id = 1000
    const timer = setInterval(() => {
      from.send(...Array.from({ length: 50 }, () => ({ ...cases.tunRequest, id: id++, time: id * 1000 })))
    }, 10)
    try {
      await vi.waitFor(() => expect(screen.frame()).toContain('echo request'), 5000)
      await screen.press('?')
      await vi.waitFor(() => expect(screen.frame()).toContain('Keys'), 2000)
    } finally {
      clearInterval(timer)
    }
  })
})

describe('details', () => {
  const context = (width: number) => ({ epochMs: cases.EPOCH_MS, width, signs: traceSigns(false) })
  const tooLong = (lines: readonly DetailLine[], width: number) =>
    // A word that is longer than a line has one of its own.
    lines.map(l => l.text).filter(l => l.length > width && / \S+ /.test(l))

  it.each([30, 58, 160])('are never wider than %i columns', width => {
    expect(
      tooLong(
        cases.ALL.flatMap(p => paneLines(p, 0, context(width))),
        width,
      ),
    ).toEqual([])
  })

  it.each([38, 58, 160])('fill a page that is never wider than %i columns', width => {
    expect(
      tooLong(
        cases.ALL.flatMap(p => pageLines(p, p.hops.length - 1, context(width))),
        width,
      ),
    ).toEqual([])
  })
})
