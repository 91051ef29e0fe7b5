/** The arithmetic of `npm run bench`: what decides whether a target is reached. */
import { describe, expect, test } from 'vitest'
import { parseOptions } from './bench/bench-options.js'
import { figure, formatTable, judge, median, noise, type Row, ratio, rowsOf } from './bench/bench-report.js'

const row = (values: Row['values'], fields: Partial<Row> = {}): Row => ({
  id: 'udp64',
  title: 'UDP 64 B',
  unit: 'kpps',
  isLessBetter: false,
  values,
  ...fields,
})

test.each([
  [[], Number.NaN],
  [[3], 3],
  [[9, 1, 2], 2],
  [[1, 2, 3, 10], 2.5],
  [[Number.NaN, 4], 4],
])('median of %j is %d', (values, expected) => expect(median(values)).toBe(expected))

test('noise is half the spread', () => {
  expect(noise([90, 100, 110])).toBeCloseTo(0.1)
  expect(noise([100])).toBeNaN()
})

test('ratios are taken round by round', () => {
  // The second round was slow for both.
  expect(ratio(row({ nat64: [200, 20, 200], tayga: [100, 10, 100] }), 'tayga')).toBe(2)
  expect(ratio(row({ nat64: [200] }), 'tayga')).toBeNaN()
  expect(ratio(row({ nat64: [200, Number.NaN], tayga: [100, 10] }), 'tayga')).toBe(2)
})

describe('targets', () => {
  test.each([
    ['reached', row({ nat64: [150], tayga: [100] }), true],
    ['missed', row({ nat64: [149], tayga: [100] }), false],
    ['less is better', row({ nat64: [90], tayga: [100] }, { id: 'udprr', isLessBetter: true }), true],
    ['less is better, missed', row({ nat64: [101], tayga: [100] }, { id: 'udprr', isLessBetter: true }), false],
    ['a figure', row({ nat64: [79] }, { id: 'rss-idle', unit: 'MB', isLessBetter: true }), true],
  ])('%s', (_, measured, isReached) => {
    expect(judge([measured]).map(j => j.isReached)).toEqual([isReached])
  })

  test('without figures there is no judgement', () => {
    expect(judge([row({ nat64: [150] }), row({ nat64: [1], tayga: [1] }, { id: 'other' })])).toEqual([])
  })
})

test('rows and table: failed rounds leave a gap', () => {
  const measure = {
    id: 'x',
    title: 'X',
    unit: 'us',
    figure: 'a',
    also: [{ id: 'y', title: 'Y', unit: 's', figure: 'b' }],
  }
  const rows = rowsOf(
    { ...measure, run: async () => ({}) },
    { nat64: [{ a: 1234.5, b: 0.01234 }, {}], kernel: [{ a: 2 }] },
  )
  expect(rows.map(r => r.values)).toEqual([
    { nat64: [1234.5, Number.NaN], kernel: [2] },
    { nat64: [0.01234, Number.NaN], kernel: [Number.NaN] },
  ])
  expect(formatTable(rows).split('\n')).toEqual([
    '        nat64  tayga  limit  kernel  / tayga  / limit  noise',
    'X, us    1235      -      -       2        -        -      -',
    'Y, s   0.0123      -      -       -        -        -      -',
  ])
})

test.each([
  [0, '0'],
  [0.0001234, '0.000123'],
  [12.345, '12.3'],
  [99999.9, '100000'],
  [Number.NaN, '-'],
])('figure %d: %s', (value, text) => expect(figure(value)).toBe(text))

test.each([
  [['--quick'], { rounds: 2, seconds: 1 }],
  [['--only', 'udp,tcp'], { parts: ['tcp', 'udp'] }],
  [['--peers', 'nat64'], { peers: ['nat64'] }],
  [['--run-flags=--io read-write'], { runFlags: ['--io', 'read-write'] }],
])('options %j', (argv, expected) => expect(parseOptions(argv)).toMatchObject(expected))

test.each([
  [['--only', 'all'], /--only all: known are tcp, /],
  [['--rounds', '0'], /--rounds must be/],
  [['--rounds', 'many'], /--rounds must be/],
  [['--fast'], /Unknown option '--fast'/],
])('options %j are refused', (argv, sentence) => expect(parseOptions(argv)).toMatch(sentence))
