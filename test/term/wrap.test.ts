import { describe, expect, it } from 'vitest'
import { chop, some, wrap, wrapParagraphs } from '../../src/term/wrap.js'

describe('wrap', () => {
  it.each([
    ['', 10, []],
    ['one two', 10, ['one two']],
    ['one two', 6, ['one', 'two']],
    ['one two', 7, ['one two']],
    ['one\n two', 10, ['one two']],
    ['a verylongword b', 6, ['a', 'verylongword', 'b']],
  ])('%j in %i columns', (text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines)
  })

  it('keeps paragraphs apart', () => {
    expect(wrapParagraphs('one\ntwo\n\nthree\n', 20)).toEqual(['one two', '', 'three'])
  })
})

describe('chop', () => {
  it.each([
    ['abc', 3, ['abc']],
    ['abcd', 3, ['abc', 'd']],
    ['  a b', 4, ['  a ', 'b']],
  ])('%j in %i columns, nothing lost', (text, width, lines) => {
    expect(chop(text, width)).toEqual(lines)
  })
})

describe('some', () => {
  it.each([
    [['a', 'b'], 2, 'a, b'],
    [['a', 'b', 'c'], 2, 'a, b and 1 more'],
    [[], 2, ''],
  ])('%j', (names, most, text) => {
    expect(some(names, most)).toBe(text)
  })
})
