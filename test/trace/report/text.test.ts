import { describe, expect, it } from 'vitest'
import { glyphsFor } from '../../../src/term/glyphs.js'
import { plainStyle, type Style } from '../../../src/term/style.js'
import { traceStyle } from '../../../src/trace/report/style.js'
import { summaryLines } from '../../../src/trace/report/summary.js'
import { pathLines, traceText } from '../../../src/trace/report/text.js'
import * as cases from './cases.js'

process.env.TZ = 'UTC'
const UNICODE = glyphsFor({ LANG: 'C.UTF-8' })
const style = (width = Infinity): Style => plainStyle(width, UNICODE)
const lines = (path: (typeof cases.ALL)[number], width = Infinity) => pathLines(path, cases.EPOCH_MS, style(width))

describe('a block', () => {
  it('of a delivered echo is a headline and sixteen hops out and back', () => {
    expect([cases.tunRequest, cases.tunReply].flatMap(p => lines(p))).toEqual([
      '21:04:07.220145  #1    ✓ delivered   echo request seq 1  guest 100 fd00:1::2 → 198.51.100.7  took 82µs',
      '    tap100i0 (fd00:1::2 → 64:ff9b::c633:6407 id 4442) →12µs fwbr100i0 →3µs fwln100i0 →1µs fwpr100p0 →4µs vmbr0 →9µs nat64' +
        ' ║40µs nat64 (192.168.255.2 → 198.51.100.7 id 4442) →11µs vmbr0 (from 192.0.2.10) →2µs eno1',
      '21:04:07.243300  #2    ✓ delivered   echo reply seq 1  guest 100 fd00:1::2 ← 198.51.100.7  rtt 23ms  took 82µs',
      '    eno1 (198.51.100.7 → 192.0.2.10 id 4442) →5µs vmbr0 (to 192.168.255.2) →12µs nat64' +
        ' ║38µs nat64 (64:ff9b::c633:6407 → fd00:1::2 id 4442) →14µs vmbr0 →1µs fwpr100p0 →2µs fwln100i0 →6µs fwbr100i0 →4µs tap100i0',
    ])
  })

  it('of the original case says where, by whom, why, and how that is known', () => {
    expect(lines(cases.hairpin)).toEqual([
      '21:04:07.243300  #4    ✗ died        echo reply seq 1  guest 100 fd00:1::2 ← 198.51.100.7',
      '    eno1 (198.51.100.7 → 192.0.2.10 id 61001) ║19µs vmbr0 (64:ff9b::c633:6407 → fd00:1::2 id 4442)' +
        ' →2µs fwpr100p0 →1µs fwln100i0 ✗ fwbr100i0',
      '    last seen on fwln100i0; never reached fwbr100i0: dropped in PREROUTING by Jool, hairpinning loop',
      '    killed by Jool "default" (netfilter)',
      '    Why: Jool meets its own translation on a firewall bridge and drops it as a hairpinning loop.',
      '      $ jool stats display --all',
      '        JSTAT_HAIRPIN_LOOP: 31 (30 before)',
      '                            ^^',
      '      $ dmesg',
      '        Jool: [ 4242.421] Hairpinning loop. Dropping...',
      '    More: nat64 doctor --explain N64-201',
    ])
  })

  it.each([
    [
      'a stolen request',
      cases.stolen,
      [/✓ delivered .* ! not seen by the guest's firewall$/, /^ {4}tap100i0 \(.*\) ║31µs eno1/],
    ],
    ['a reply behind the bridge', cases.ctInvalid, [/fwbr100i0 ✗ tap100i0$/, /killed by rule 3 of PVEFW-FORWARD/]],
    [
      'a request of a forbidden port',
      cases.policyDrop,
      [/→14µs fwbr100i0 ✗ fwln100i0$/, /killed by rule 2 of tap100i0-OUT/],
    ],
    ['ports', cases.policyDrop, [/\(\[fd00:1::2\]:40000 → \[64:ff9b::c633:6407\]:81\)/]],
    [
      'an ICMP error',
      cases.answered,
      [/! answered/, / ! eno1$/, /ICMP error: packet too big, MTU 1420, from fd00:1::1/],
    ],
    ['who answered', cases.answered, [/answered by the kernel, in routing/]],
    ['no reply', cases.unanswered, [/! unanswered .* sent again$/, /nothing came back/, /Why: .*private source/]],
    ['a capture that lost', cases.incomplete, [/○ incomplete .* a guess/, /○ fwln100i0$/, /lost 212 packets/]],
    ['fragments', cases.fragments, [/3 pieces$/, /→5µs nat64/, /also seen on tap101i0/]],
    ['SIIT', cases.siit, [/vmbr0 ║22µs vmbr1 \(192\.0\.2\.55:5353 → 198\.51\.100\.7:53\)$/]],
    ['a way that is not known', cases.unknown, [/\? unknown/, /no way for it/]],
  ])('of %s', (_, path, patterns) => {
    const shown = lines(path)
    for (const pattern of patterns) expect(shown).toContainEqual(expect.stringMatching(pattern))
  })

  it('is one line of hops however wide the pipe', () => {
    for (const path of cases.ALL.filter(p => p.verdict.kind === 'delivered' && p !== cases.fragments)) {
      expect(lines(path)).toHaveLength(2)
    }
  })

  it.each([45, 60, 80, 120, 200])('is never wider than %i columns, in either alphabet', width => {
    for (const plain of [plainStyle(width, UNICODE), plainStyle(width)]) {
      const all = [
        ...cases.ALL.flatMap(p => pathLines(p, cases.EPOCH_MS, plain)),
        ...traceText(cases.EPOCH_MS, plain).note('a note that is a little longer than forty columns are wide'),
        ...summaryLines(cases.SNAPSHOT, plain),
      ]
      const long = all.filter(l => l.length > width)
      expect(long).toEqual([])
    }
  })

  it('is ASCII when asked to be', () => {
    const all = cases.ALL.flatMap(p => pathLines(p, cases.EPOCH_MS, plainStyle(100))).join('')
    expect([...all].filter(c => c > '~')).toEqual([])
    expect(all).toContain('||40us nat64')
  })
})

describe('the same death again', () => {
  const again = (id: number, seconds: number) => ({ ...cases.hairpin, id, time: seconds * 1e9 })
  const printer = () => traceText(cases.EPOCH_MS, style())

  it('takes a line that points to the first one', () => {
    const text = printer()
    expect(text.path(cases.hairpin)).toHaveLength(11)
    expect(text.path(again(5, 1))).toEqual([
      '21:04:08.000000  #5    ✗ died        echo reply seq 1  guest 100 fd00:1::2 ← 198.51.100.7  hairpin loop, as #4',
    ])
  })

  it('is counted where it becomes a flood, and nothing is left out of the count', () => {
    const text = printer()
    const shown = Array.from({ length: 3000 }, (_, i) => text.path(again(i, 1 + i / 1000)))
    const printed = shown.flat()
    expect(printed.length).toBeLessThan(30)
    const end = text.end(cases.SNAPSHOT)
    const counted = [...printed, ...end].flatMap(l => /and (\S+) (?:more\)|packets? more)/.exec(l)?.[1] ?? [])
    const told = printed.filter(l => l.includes('✗ died')).length
    expect(told + counted.reduce((sum, n) => sum + Number(n), 0)).toBe(3000)
    expect(end[0]).toMatch(/^ {4}and 995 packets more as #0$/)
  })

  it('is another one at another place, for another reason, or the other way', () => {
    const text = printer()
    const { verdict } = cases.hairpin
    const others = [
      cases.hairpin,
      { ...cases.hairpin, verdict: { ...verdict, neverReached: 'fwbr101i0' } },
      { ...cases.hairpin, verdict: { ...verdict, reason: 'ct_invalid' as const } },
      { ...cases.hairpin, way: 'request' as const },
    ]
    for (const path of others) expect(text.path(path).length).toBeGreaterThan(5)
  })

  it('does not concern what was delivered', () => {
    const text = printer()
    for (let i = 0; i < 20; i++) expect(text.path(cases.tunRequest)).toHaveLength(2)
  })

  it('is remembered for a bounded number of causes', () => {
    const text = printer()
    const other = (i: number) => ({
      ...cases.hairpin,
      verdict: { ...cases.hairpin.verdict, neverReached: `fwbr${i}i0` },
    })
    for (let i = 0; i < 501; i++) text.path(other(i))
    expect(text.path(other(500))).toHaveLength(1)
    expect(text.path(other(0)).length).toBeGreaterThan(5)
  })
})

describe('the summary', () => {
  const shown = summaryLines(cases.SNAPSHOT, style())

  it.each([
    '1,264 packets traced for 198.51.100.7',
    '  ✓ 1,200 delivered',
    '  ✗    60 died (4.7 %)',
    '  ! 2 unanswered  left by eno1 with the private source 192.168.255.2; nothing came back within 3 s',
    '      More: nat64 doctor --explain N64-201',
    'Hop                    passed  lost  median    p99',
    'fwln100i0 → fwbr100i0     570    60   6.1µs  1.3ms',
    'Request to reply: median 23ms, p99 41ms, measured 570 times',
    'Capture: 9,321 sightings, 5 belong to no packet that is traced',
    '! The kernel dropped 212 of 9,533 sightings: the capture could not keep up.',
    "! 12 requests never met the guest's firewall, which should have seen them. More: nat64 doctor --explain N64-204",
  ])('has %j', line => {
    expect(shown).toContain(line)
  })

  it('of nothing says so, and no more', () => {
    const none = { delivered: 0, died: 0, answered: 0, unanswered: 0, incomplete: 0, unknown: 0 }
    const summary = {
      ...{ paths: 0, byVerdict: none, causes: [], hops: [], skippedFirewall: 0 },
      ...{
        rtt: { count: 0, median: 0, p99: 0 },
        capture: { seen: 0, lost: 0, unmatched: 0, evicted: 0, oneIn: 1, mostOneIn: 1 },
      },
    }
    expect(summaryLines({ ...cases.SNAPSHOT, summary }, style())).toEqual([
      '0 packets traced for 198.51.100.7',
      'Nobody sends any, or what is asked for leaves them out. A live trace with --probe sends packets of its own.',
      '',
      'Capture: 0 sightings',
    ])
  })
})

describe('traceStyle', () => {
  it.each([
    [undefined, Infinity],
    [80, 80],
    [300, 300],
    [5, 20],
  ])('%s columns', (columns, width) => {
    expect(traceStyle({ LANG: 'C.UTF-8' }, false, columns).width).toBe(width)
  })
})
