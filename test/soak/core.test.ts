/** The soak in short: `npm run soak` has it for 1e9 packets. */
import { describe, expect, it } from 'vitest'
import { SOAK_MODES, soakCore } from './core.js'
import { slope } from './slope.js'

describe.each(Object.keys(SOAK_MODES))('%s', mode => {
  it('half a busy hour: counters balance, nothing is left after it, the heap stays', { timeout: 60_000 }, () => {
    const { drops, ...result } = soakCore(mode, 150_000, 0.035, 3)
    expect(result).toMatchObject({ left: 0, nights: 1, packets: 150_000 })
    expect(result.heapGrowth).toBeLessThan(1024 * 1024)
    expect(result.verdicts.translated).toBeGreaterThan(50_000)
    if (mode.startsWith('stateful')) expect(result.peakSessions).toBeGreaterThan(2000)
    // Newcomers are refused all the time.
    if (mode === 'stateful, full') expect(Object.keys(drops)).toEqual(expect.arrayContaining(['bib_full', 'filtered']))
  })

  it('a month with few packets: nothing outlives any of its nights', { timeout: 60_000 }, () => {
    const steps: number[] = []
    const result = soakCore(mode, 30_000, 30, 4, step => steps.push(step.day))
    expect(result).toMatchObject({ left: 0, packets: 30_000 })
    expect(result.nights).toBeGreaterThanOrEqual(30)
    expect(steps.at(-1)).toBeGreaterThan(29)
  })
})

it('the slope is that of the line through the values', () => {
  expect(slope([5])).toBe(0)
  expect(slope([5, 7, 9])).toBe(2)
  expect(slope([3, 1, 3, 1])).toBeCloseTo(-0.4)
})
