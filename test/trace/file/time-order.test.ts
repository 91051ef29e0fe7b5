/** The bounds of what waits for its place in time. */
import { expect, test } from 'vitest'
import { createTimeOrder, type Sighting } from '../../../src/trace/file/time-order.js'

function sighting(time: number, fields: Partial<Sighting> = {}): Sighting {
  const bytes = Uint8Array.of(0x45, time & 255, (time >>> 8) & 255, (time >>> 16) & 255)
  const place = { tap: 0, start: 0, ip: 0, end: 4, length: 4, vlan: 0, direction: 'in' as const }
  return { time, bytes, ...place, captures: [0], isCooked: false, isGone: false, ...fields }
}

function order() {
  const out: Sighting[] = []
  return { out, order: createTimeOrder(s => out.push(s)) }
}

test('what is not younger than the mark is handed over, equals as they came', () => {
  const { out, order: o } = order()
  for (const time of [5, 3, 9, 3, 7]) o.add(sighting(time, { length: out.length }))
  o.release(2)
  expect(out).toEqual([])
  o.release(7)
  expect(out.map(s => s.time)).toEqual([3, 3, 5, 7])
  o.release(Number.POSITIVE_INFINITY)
  expect(out.at(-1)?.time).toBe(9)
})

test('a flood at one moment: the oldest leave, and nothing is lost', () => {
  const { out, order: o } = order()
  for (let i = 0; i < 120_000; i++) o.add(sighting(1, { tap: i % 7 }))
  expect(out.length).toBe(70_000)
  o.release(1)
  expect(out.length).toBe(120_000)
  expect(out.every((s, i) => s.tap === i % 7)).toBe(true)
})

test('large packets count by their size', () => {
  const { out, order: o } = order()
  const bytes = new Uint8Array(1024 * 1024)
  for (let i = 0; i < 40; i++) o.add(sighting(i, { bytes, end: bytes.length }))
  expect(out.length).toBe(8)
})

test('packets against the order of time', () => {
  const { out, order: o } = order()
  for (let time = 30_000; time > 0; time--) o.add(sighting(time))
  o.release(Number.POSITIVE_INFINITY)
  expect(out.every((s, i) => s.time === i + 1)).toBe(true)
})

test('two captures of a flood of equal packets: each packet once, with the time of the one that knows directions', () => {
  const { out, order: o } = order()
  const equal = { bytes: Uint8Array.of(0x45, 1, 2, 3) }
  for (let i = 0; i < 20_000; i++) {
    o.add(sighting(i * 1000, { ...equal, captures: [0], isCooked: true }))
    o.add(sighting(i * 1000 + 300, { ...equal, captures: [1], direction: 'unknown' }))
    o.release((i - 1000) * 1000)
  }
  o.release(Number.POSITIVE_INFINITY)
  expect([out.length, o.twins]).toEqual([20_000, 20_000])
  expect(out.every((s, i) => s.time === i * 1000 && s.direction === 'in' && !s.isCooked)).toBe(true)
})
