import { describe, expect, it } from 'vitest'
import { noteJson, pathJson, summaryJson } from '../../../src/trace/report/json.js'
import { isoTime, timeOfDay } from '../../../src/trace/report/time.js'
import { ALL, EPOCH_MS, hairpin, SNAPSHOT } from './cases.js'

process.env.TZ = 'UTC'

describe('a line', () => {
  it('of a path has the whole path, and its time', () => {
    for (const path of ALL) {
      const line = pathJson(path, EPOCH_MS)
      expect(line).not.toContain('\n')
      const { schema, type, at, ...rest } = JSON.parse(line)
      expect({ schema, type }).toEqual({ schema: 'nat64.trace/1', type: 'path' })
      expect(at).toMatch(/^2026-11-23T21:04:0[78]\.\d{9}Z$/)
      expect(rest).toEqual(path)
    }
    expect(JSON.parse(pathJson(hairpin, EPOCH_MS)).at).toBe('2026-11-23T21:04:07.243300000Z')
  })

  it('of a note', () => {
    expect(JSON.parse(noteJson('x'))).toEqual({ schema: 'nat64.trace/1', type: 'note', text: 'x' })
  })

  it('of the summary has counts, lanes and the epoch', () => {
    const { schema, type, epoch, target, lanes, paths, byVerdict, causes } = JSON.parse(summaryJson(SNAPSHOT))
    expect({ schema, type, epoch, target, paths }).toEqual({
      schema: 'nat64.trace/1',
      type: 'summary',
      epoch: '2026-11-23T21:04:07.000000000Z',
      target: '198.51.100.7',
      paths: 1264,
    })
    expect(lanes).toHaveLength(9)
    expect(byVerdict.died).toBe(60)
    expect(causes[0].check).toBe('N64-201')
  })
})

describe('times', () => {
  it.each([
    [EPOCH_MS, 0, '21:04:07.000000', '2026-11-23T21:04:07.000000000Z'],
    [EPOCH_MS, 999_999_999, '21:04:07.999999', '2026-11-23T21:04:07.999999999Z'],
    [EPOCH_MS, 1_000_000_001, '21:04:08.000000', '2026-11-23T21:04:08.000000001Z'],
    [EPOCH_MS + 250, 750_000_000, '21:04:08.000000', '2026-11-23T21:04:08.000000000Z'],
    [EPOCH_MS, -1, '21:04:06.999999', '2026-11-23T21:04:06.999999999Z'],
    [EPOCH_MS, 86_400e9 * 100, '21:04:07.000000', '2027-03-03T21:04:07.000000000Z'],
  ])('%i + %i ns', (epoch, ns, time, iso) => {
    expect(timeOfDay(epoch, ns)).toBe(time)
    expect(isoTime(epoch, ns)).toBe(iso)
  })

  it('have as many digits as asked for', () => {
    expect([0, 3, 9].map(d => timeOfDay(EPOCH_MS, 220_145_003, d))).toEqual([
      '21:04:07',
      '21:04:07.220',
      '21:04:07.220145003',
    ])
  })
})
