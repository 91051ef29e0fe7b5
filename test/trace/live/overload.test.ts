import { describe, expect, it } from 'vitest'
import { makeLongest, makeOverload, type Overload } from '../../../src/trace/live/overload.js'

const TICK = 100e6
/** Packets that a ring holds. */
const RING = 40_000

/** A thread that follows so many packets a second, behind a ring, for so long; what became of it, second by second. */
function run(overload: Overload, seconds: number, arriving: (second: number) => number, able: number) {
  const result: { shift: number; lost: number; changes: number }[] = []
  let waiting = 0
  let shift = 0
  let now = 0
  for (let second = 0; second < seconds; second++) {
    const sum = { shift, lost: 0, changes: 0 }
    for (let i = 0; i < 10; i++) {
      now += TICK
      const seen = Math.round(arriving(second) / 10 / 2 ** shift)
      const work = Math.min(waiting + seen, able / 10)
      const left = waiting + seen - work
      const lost = Math.max(0, left - RING)
      waiting = left - lost
      const idle = 1 - work / (able / 10)
      const next = overload.note({ seen, lost, read: work, idle, isTight: waiting > RING / 2, isCrowded: false }, now)
      sum.lost += lost
      if (next !== shift) sum.changes++
      shift = next
    }
    result.push({ ...sum, shift })
  }
  return result
}

const total = (of: readonly { lost: number }[]) => of.reduce((sum, s) => sum + s.lost, 0)

describe('under load', () => {
  it.each([
    ['as much as the thread can follow', 90_000, 0],
    ['a little more', 120_000, 1],
    ['eight times as much', 800_000, 3],
    ['a hundred times as much', 10_000_000, 7],
  ])('%s', (_, rate, shift) => {
    const seconds = run(makeOverload(), 60, () => rate, 100_000)
    expect(total(seconds.slice(3, 5))).toBe(0)
    expect(seconds.slice(3).every(s => Math.abs(s.shift - shift) <= 1)).toBe(true)
    // Trying for more again and again would tear holes again and again.
    expect(seconds.slice(5).filter(s => s.lost > 0).length).toBeLessThan(6)
  })

  it('takes all packets again when the load is over', () => {
    const seconds = run(makeOverload(), 40, second => (second < 10 ? 800_000 : 20_000), 100_000)
    expect(seconds[9]!.shift).toBeGreaterThanOrEqual(3)
    expect(seconds.findIndex((s, i) => i >= 10 && s.shift === 0)).toBeLessThan(20)
    expect(total(seconds.slice(10))).toBe(0)
  })

  it('takes a sample before the ring overflows', () => {
    const overload = makeOverload()
    const tight = { seen: 100, lost: 0, read: 100, idle: 0, isTight: true, isCrowded: false }
    const shifts = Array.from({ length: 5 }, (_, i) => overload.note(tight, i * TICK))
    expect(shifts).toEqual([0, 0, 0, 1, 1])
  })

  it('does not mind a ring that is half full for a moment', () => {
    const overload = makeOverload()
    for (let i = 0; i < 30; i++) {
      const strain = { seen: 100, lost: 0, read: 100, idle: 0.9, isTight: i % 3 > 0, isCrowded: false }
      expect(overload.note(strain, i * TICK)).toBe(0)
    }
  })

  it('takes fewer when too many are under way, and waits until that shows', () => {
    const overload = makeOverload()
    const crowded = { seen: 100, lost: 0, read: 100, idle: 0.9, isTight: false, isCrowded: true }
    const shifts = Array.from({ length: 31 }, (_, i) => overload.note(crowded, i * TICK))
    expect([0, 14, 15, 29, 30].map(i => shifts[i])).toEqual([1, 1, 2, 2, 3])
  })

  it('waits for what came before a change', () => {
    const overload = makeOverload()
    const losing = { seen: 1000, lost: 500, read: 125, idle: 0, isTight: true, isCrowded: false }
    const shifts = Array.from({ length: 6 }, (_, i) => overload.note(losing, i * TICK))
    expect(shifts).toEqual([3, 3, 3, 3, 6, 6])
  })
})

it('knows the longest datagram of the last seconds', () => {
  const longest = makeLongest()
  expect(longest.value()).toBe(1480)
  longest.note(72, 0)
  expect(longest.value()).toBe(80)
  longest.note(1400, 3e9)
  for (let s = 4; s < 9; s++) longest.note(72, s * 1e9)
  expect(longest.value()).toBe(1408)
  for (let s = 9; s < 16; s++) longest.note(72, s * 1e9)
  expect(longest.value()).toBe(80)
})
