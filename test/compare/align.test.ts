/** Two lanes side by side. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Point } from '../../src/compare/lane.js'
import { align } from '../../src/compare/report/align.js'

const point = (key: string, event: Point['event'] = 'pass'): Point => {
  return { key, kind: 'device', text: key, family: 6, event, by: '' }
}
const lane = (text: string): Point[] =>
  [...text].map(c => point(c.toLowerCase(), c === c.toUpperCase() ? 'taken' : 'pass'))
const shown = (left: string, right: string) =>
  align(lane(left), lane(right))
    .map(r => `${r.left?.key ?? '-'}${r.same ? '=' : '!'}${r.right?.key ?? '-'}`)
    .join(' ')

describe('align', () => {
  it.each([
    ['', '', ''],
    ['abc', 'abc', 'a=a b=b c=c'],
    ['aBc', 'abc', 'a=a b!b c=c'],
    ['ac', 'abc', 'a=a -!b c=c'],
    ['abc', 'ac', 'a=a b!- c=c'],
    ['axd', 'abcd', 'a=a x!- -!b -!c d=d'],
    ['ab', 'cd', 'a!- b!- -!c -!d'],
    ['', 'ab', '-!a -!b'],
    ['abab', 'ab', 'a=a b=b a!- b!-'],
  ])('%s with %s', (left, right, rows) => {
    expect(shown(left, right)).toBe(rows)
  })

  it('keeps every point, in its order, and shares as many as possible', () => {
    const letters = fc.stringMatching(/^[a-d]{0,12}$/)
    fc.assert(
      fc.property(letters, letters, (left, right) => {
        const rows = align(lane(left), lane(right))
        expect(rows.flatMap(r => r.left?.key ?? []).join('')).toBe(left)
        expect(rows.flatMap(r => r.right?.key ?? []).join('')).toBe(right)
        expect(rows.every(r => r.left || r.right)).toBe(true)
        expect(rows.filter(r => r.left && r.right).length).toBe(shared(left, right))
      }),
    )
  })
})

/** Length of the longest common subsequence, by definition. */
function shared(a: string, b: string): number {
  if (a === '' || b === '') return 0
  if (a[0] === b[0]) return 1 + shared(a.slice(1), b.slice(1))
  return Math.max(shared(a.slice(1), b), shared(a, b.slice(1)))
}
