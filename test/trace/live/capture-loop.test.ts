import { describe, expect, test } from 'vitest'
import { closeEventfd, openEventfd, signalEventfd } from '../../../src/host/eventfd.js'
import type { LinkEvent } from '../../../src/host/link-watch.js'
import type { CaptureCounts, Frame } from '../../../src/trace/core/frame.js'
import { type CaptureSource, LATENESS_MS, makeCaptureLoop } from '../../../src/trace/live/capture-loop.js'

const MS = 1e6
const LATE = LATENESS_MS * MS
const [ETHERNET, NONE] = [1, 65534]

/** A namespace whose packets, events and names the test sets. */
class FakeSource implements CaptureSource {
  readonly waiting: { time: number; ifindex: number; hatype: number }[] = []
  readonly names = new Map<number, string>()
  readonly promiscuous = new Set<number>()
  events: LinkEvent[] = []
  counted: CaptureCounts = { seen: 0, lost: 0 }
  isFull = () => false

  constructor(readonly netns: string | null = null) {}

  add(time: number, ifindex: number, hatype = ETHERNET) {
    this.waiting.push({ time, ifindex, hatype })
  }

  link(event: 'new' | 'gone', ifindex: number, name: string, kind: string | null = null) {
    this.events.push({ event, ifindex, name, master: null, kind, up: true })
  }

  readonly ring = {
    frame: {
      time: 0,
      tap: -1,
      direction: 'in',
      bytes: new Uint8Array(0),
      start: 0,
      ip: -1,
      end: 0,
      length: 0,
      vlan: 0,
    } as Frame,
    ifindex: 0,
    hatype: 0,
    advance: (): boolean => {
      const next = this.waiting.shift()
      if (next === undefined) return false
      this.ring.frame.time = next.time
      Object.assign(this.ring, { ifindex: next.ifindex, hatype: next.hatype })
      return true
    },
    isHalfFull: () => this.isFull(),
  }

  readonly capture = {
    ring: this.ring,
    name: (ifindex: number) => this.names.get(ifindex) ?? null,
    promiscuous: (ifindex: number) => {
      if (!this.names.has(ifindex)) return false
      this.promiscuous.add(ifindex)
      return true
    },
    counts: () => {
      const counts = this.counted
      this.counted = { seen: 0, lost: 0 }
      return counts
    },
  }

  readonly links = {
    read: () => {
      const events = this.events
      this.events = []
      return events
    },
  }
}

/** A loop over them; `told` is what it told, a line each. */
function makeLoop(
  sources: readonly FakeSource[],
  change: { isWanted?: (name: string, kind: string | null) => boolean } = {},
) {
  const told: string[] = []
  const wakeFd = openEventfd()
  const clock = { now: 0 }
  const waits: number[] = []
  const watched = new Map<number, boolean>()
  let isWoken = false
  const loop = makeCaptureLoop({
    sources,
    wakeFd,
    now: () => clock.now,
    poller: {
      wait: timeout => waits.push(timeout),
      isReady: place => (place === 0 ? isWoken : sources[(place - 2) / 2]!.events.length > 0),
      watch: (place, isWatched) => watched.set(place, isWatched),
    },
    handlers: {
      onTap: t =>
        told.push(`tap ${t.id} ${t.netns === null ? '' : `${t.netns}/`}${t.device}#${t.ifindex} ${t.linkType}`),
      see: f => told.push(`frame ${f.tap} ${f.time / MS}`),
      onLinks: (_, events) =>
        told.push(`links ${events.map(e => (e.event === 'resync' ? e.event : `${e.event} ${e.name}`))}`),
      onIdle: (_, settled) => told.push(`idle ${(settled + LATE) / MS}`),
      onCounts: ({ seen, lost }, now) => told.push(`counts ${seen} ${lost} at ${now / MS}`),
      onWake: () => told.push('wake'),
    },
    ...change,
  })
  return {
    waits,
    watched,
    clock,
    wakeFd,
    wake() {
      signalEventfd(wakeFd)
      isWoken = true
    },
    /** Turns once at `ms`; returns what it told. */
    at(ms: number, timeout = 1000) {
      clock.now = ms * MS
      told.length = 0
      loop.turn(timeout)
      isWoken = false
      return [...told]
    },
    close: () => closeEventfd(wakeFd),
  }
}

describe('with one namespace', () => {
  test('frames come in the order of the ring, with a tap for each interface', () => {
    const source = new FakeSource()
    source.names.set(3, 'tap100i0').set(9, 'nat64')
    source.add(5 * MS, 3)
    source.add(4 * MS, 9, NONE)
    source.add(6 * MS, 3)
    const loop = makeLoop([source])
    expect(loop.at(50)).toEqual([
      'tap 0 tap100i0#3 1',
      'frame 0 5',
      'tap 1 nat64#9 101',
      'frame 1 4',
      'frame 0 6',
      'idle 50',
    ])
    source.add(60 * MS, 9, NONE)
    expect(loop.at(61)).toEqual(['frame 1 60', 'idle 61'])
    expect(loop.waits).toEqual([1000, 1000])
    loop.close()
  })

  test('a flood does not keep it from anything else', () => {
    const source = new FakeSource()
    for (let i = 0; i < 10_000; i++) source.add(i, 3)
    const loop = makeLoop([source])
    const turns = [1, 2, 3, 4].map(ms => {
      if (ms === 2) loop.wake()
      return loop.at(ms).filter(line => !line.startsWith('frame') && !line.startsWith('tap'))
    })
    expect(turns).toEqual([[], ['wake'], ['idle 3'], ['idle 4']])
    expect(loop.waits).toEqual([1000, 0, 0, 1000])
    loop.close()
  })

  test('the wake descriptor is drained', () => {
    const loop = makeLoop([new FakeSource()])
    loop.wake()
    expect(loop.at(1)).toEqual(['wake', 'idle 1'])
    expect(loop.at(2)).toEqual(['idle 2'])
    loop.close()
  })

  test('what the kernel counted is told ten times a second, also when the clock is set back', () => {
    const source = new FakeSource()
    const loop = makeLoop([source])
    source.counted = { seen: 10, lost: 1 }
    const counts = [50, 100, 150, 199, 200, -500].flatMap(ms => loop.at(ms).filter(line => line.startsWith('counts')))
    expect(counts).toEqual(['counts 10 1 at 100', 'counts 0 0 at 200', 'counts 0 0 at -500'])
    loop.close()
  })
})

describe('interfaces', () => {
  test('firewall bridges are made promiscuous, now and later, once', () => {
    const source = new FakeSource()
    source.names.set(1, 'vmbr0').set(2, 'fwbr100i0').set(3, 'fwbr101i0')
    source.link('new', 1, 'vmbr0', 'bridge')
    source.link('new', 2, 'fwbr100i0', 'bridge')
    const loop = makeLoop([source])
    expect(loop.at(1)).toEqual(['links new vmbr0,new fwbr100i0', 'idle 1'])
    expect([...source.promiscuous]).toEqual([2])
    source.promiscuous.clear()
    source.link('new', 2, 'fwbr100i0', 'bridge')
    source.link('new', 3, 'fwbr101i0', 'bridge')
    loop.at(2)
    expect([...source.promiscuous]).toEqual([3])
    source.link('gone', 3, 'fwbr101i0')
    source.link('new', 3, 'fwbr101i0', 'bridge')
    source.promiscuous.clear()
    loop.at(3)
    expect([...source.promiscuous]).toEqual([3])
    source.events.push({ event: 'resync' })
    source.link('new', 2, 'fwbr100i0', 'bridge')
    loop.at(4)
    expect([...source.promiscuous]).toEqual([3, 2])
    loop.close()
  })

  test('which ones is told', () => {
    const source = new FakeSource()
    source.names.set(1, 'vmbr0').set(2, 'eth0')
    source.link('new', 1, 'vmbr0', 'bridge')
    source.link('new', 2, 'eth0')
    const loop = makeLoop([source], { isWanted: (_, kind) => kind === 'bridge' })
    loop.at(1)
    expect([...source.promiscuous]).toEqual([1])
    loop.close()
  })

  test('one that was gone before it was seen has the name of its event, or its number', () => {
    const source = new FakeSource()
    source.link('new', 5, 'late')
    source.link('gone', 5, 'late')
    source.add(1, 5, NONE)
    source.add(2, 6, NONE)
    const loop = makeLoop([source])
    expect(loop.at(1).filter(line => line.startsWith('tap'))).toEqual(['tap 0 late#5 101', 'tap 1 if6#6 101'])
    loop.close()
  })

  test('an index that is used again gets a new tap, frames of before keep the old one', () => {
    const source = new FakeSource()
    source.names.set(5, 'a')
    const loop = makeLoop([source])
    const taps = (ms: number) => {
      source.add(ms * MS, 5)
      return loop.at(ms).filter(line => line.startsWith('tap') || line.startsWith('frame'))
    }
    source.link('new', 5, 'a')
    expect(taps(1)).toEqual(['tap 0 a#5 1', 'frame 0 1'])
    source.link('gone', 5, 'a')
    source.names.clear()
    expect(taps(2)).toEqual(['frame 0 2'])
    source.link('new', 5, 'b')
    source.names.set(5, 'b')
    expect(taps(3)).toEqual(['tap 1 b#5 1', 'frame 1 3'])
    source.link('new', 5, 'b')
    expect(taps(4)).toEqual(['frame 1 4'])
    source.link('gone', 5, 'b')
    loop.at(5)
    source.link('new', 5, 'b')
    expect(taps(5000)).toEqual(['tap 2 b#5 1', 'frame 2 5000'])
    loop.close()
  })
})

describe('with several namespaces', () => {
  const pair = () => {
    const [here, jool] = [new FakeSource(), new FakeSource('jool')]
    here.names.set(2, 'eno1')
    jool.names.set(2, 'world')
    return { here, jool, loop: makeLoop([here, jool]) }
  }
  const frames = (lines: readonly string[]) => lines.filter(line => line.startsWith('frame'))

  test('frames come in the order of time, when no earlier one can come', () => {
    const { here, jool, loop } = pair()
    here.add(10 * MS, 2)
    here.add(30 * MS, 2)
    expect(frames(loop.at(31))).toEqual([])
    jool.add(20 * MS, 2)
    jool.add(40 * MS, 2)
    const lines = loop.at(30 + LATENESS_MS).filter(line => !line.startsWith('counts'))
    expect(lines).toEqual([
      'tap 0 eno1#2 1',
      'frame 0 10',
      'tap 1 jool/world#2 1',
      'frame 1 20',
      'frame 0 30',
      `idle ${30 + LATENESS_MS}`,
    ])
    expect(frames(loop.at(40 + LATENESS_MS))).toEqual(['frame 1 40'])
    loop.close()
  })

  test('while a frame waits, its socket ends no wait, but its time does', () => {
    const { here, jool, loop } = pair()
    here.add(10 * MS, 2)
    loop.at(11)
    loop.at(15)
    expect(loop.waits).toEqual([1000, LATENESS_MS - 5])
    expect([loop.watched.get(1), loop.watched.get(3)]).toEqual([false, true])
    loop.at(16, 2)
    expect(loop.waits[2]).toBe(2)
    loop.at(10 + LATENESS_MS, -1)
    expect(loop.waits[3]).toBe(0)
    loop.at(200, -1)
    expect(loop.waits[4]).toBe(-1)
    expect(loop.watched.get(1)).toBe(true)
    expect(jool.waiting).toEqual([])
    loop.close()
  })

  test('frames do not wait in a ring that is half full, until it is not', () => {
    const { here, jool, loop } = pair()
    here.add(10 * MS, 2)
    for (let i = 0; i < 5; i++) jool.add((8 + i) * MS, 2)
    jool.isFull = () => jool.waiting.length > 2
    expect(frames(loop.at(13))).toEqual(['frame 0 8', 'frame 0 9'])
    expect(frames(loop.at(12 + LATENESS_MS))).toEqual(['frame 1 10', 'frame 0 10', 'frame 0 11', 'frame 0 12'])
    loop.close()
  })

  test('a clock that is set back holds nothing up', () => {
    const { here, loop } = pair()
    here.add(3_600_000 * MS, 2)
    expect(frames(loop.at(5))).toEqual(['frame 0 3600000'])
    loop.close()
  })

  test('what the kernel counted is added up', () => {
    const { here, jool, loop } = pair()
    here.counted = { seen: 10, lost: 1 }
    jool.counted = { seen: 5, lost: 2 }
    expect(loop.at(100)).toContain('counts 15 3 at 100')
    loop.close()
  })
})
