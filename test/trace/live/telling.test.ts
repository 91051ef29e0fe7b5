import { expect, it } from 'vitest'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { makeTelling } from '../../../src/trace/live/telling.js'

const pathOf = (id: number, kind: 'delivered' | 'died') => ({ id, verdict: { kind } }) as TracedPath

function telling() {
  const batches: (readonly TracedPath[])[] = []
  const clock = { ms: 0, isBusy: false }
  return {
    batches,
    clock,
    it: makeTelling(
      paths => batches.push(paths),
      () => clock.ms,
      () => clock.isBusy,
    ),
  }
}

it('hands over all that comes slowly, in batches', () => {
  const { batches, clock, it: t } = telling()
  for (let id = 0; id < 1200; id++) {
    clock.ms++
    expect(t.tell(pathOf(id, id % 2 ? 'died' : 'delivered'))).toBe(true)
  }
  t.flush()
  t.flush()
  expect(batches.map(b => b.length)).toEqual([500, 500, 200])
  expect(batches.flat().map(p => p.id)).toEqual(Array.from({ length: 1200 }, (_, id) => id))
  expect(t.told).toBe(1200)
})

it('leaves out packets that arrived when there are too many of them, not those that died', () => {
  const { batches, clock, it: t } = telling()
  let taken = 0
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 10_000; i++) {
      clock.ms += 0.1
      t.tell(pathOf(i, 'delivered'))
      if (i % 100 === 0) expect(t.tell(pathOf(i, 'died'))).toBe(true)
      if (i % 1000 > 0) continue
      t.taken(t.told - taken)
      taken = t.told
    }
  }
  t.flush()
  const told = batches.flat()
  expect(told.filter(p => p.verdict.kind === 'died').length).toBe(300)
  const plain = told.length - 300
  expect(plain).toBeGreaterThan(8_000)
  expect(plain).toBeLessThan(17_000)
})

it('waits for a reader who takes nothing', () => {
  const { clock, it: t } = telling()
  for (let i = 0; i < 100_000; i++) {
    clock.ms++
    t.tell(pathOf(i, 'delivered'))
  }
  expect(t.told).toBe(4000)
  expect(t.hasRoom()).toBe(false)
  for (let i = 0; i < 100_000; i++) {
    clock.ms++
    t.tell(pathOf(i, 'died'))
  }
  expect(t.told).toBe(20_000)
  expect(t.tell(pathOf(0, 'died'))).toBe(false)
  t.taken(20_000)
  expect(t.hasRoom()).toBe(true)
  expect(t.tell(pathOf(0, 'died'))).toBe(true)
})

it('leaves out more of them when there is more than can be followed', () => {
  const { clock, it: t } = telling()
  clock.isBusy = true
  for (let i = 0; i < 50_000; i++) {
    clock.ms += 0.1
    if (t.tell(pathOf(i, 'delivered'))) t.taken(1)
  }
  expect(t.told).toBeGreaterThan(8000)
  expect(t.told).toBeLessThan(9100)
})

it('leaves out packets that died when there are more of them than anybody reads', () => {
  const { clock, it: t } = telling()
  for (let i = 0; i < 100_000; i++) {
    clock.ms += 0.1
    if (t.tell(pathOf(i, 'died'))) t.taken(1)
  }
  expect(t.told).toBeGreaterThan(40_000)
  expect(t.told).toBeLessThan(45_000)
})
