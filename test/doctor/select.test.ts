import { describe, expect, it } from 'vitest'
import { withWatchSeconds } from '../../src/cli/doctor-flags.js'
import { CHECKS } from '../../src/doctor/checks/index.js'
import { checksNamed, selectChecks, wordsOf } from '../../src/doctor/select.js'

const codes = (words: readonly string[], skip: readonly string[] = []) =>
  selectChecks(CHECKS, words, skip).map(c => c.code)

describe('selectChecks', () => {
  it.each([
    ['a code', ['N64-201'], [], ['N64-201']],
    ['a code in small letters', ['n64-201'], [], ['N64-201']],
    ['only the number', ['201'], [], ['N64-201']],
    ['a name', ['jool-hairpin-fwbr'], [], ['N64-201']],
    ['two, in the order of the list', ['N64-201', 'forwarding'], [], ['N64-101', 'N64-201']],
    ['one of two left', ['N64-201', 'forwarding'], ['forwarding'], ['N64-201']],
  ])('%s', (_, only, skip, expected) => {
    const wanted = expected.map(c => (c === 'N64-101' ? checksNamed('forwarding', CHECKS)[0]?.code : c))
    expect(codes(only, skip)).toEqual(wanted)
  })

  it('takes a hundred of codes', () => {
    expect(codes(['N64-5xx'])).toEqual(CHECKS.map(c => c.code).filter(c => c.startsWith('N64-5')))
  })

  it('takes all when nothing is said, and all but what is skipped', () => {
    expect(codes([])).toHaveLength(CHECKS.length)
    expect(codes([], ['N64-201'])).toHaveLength(CHECKS.length - 1)
  })

  it.each([
    ['jool-hairpin-fwb', /did you mean N64-201 \(jool-hairpin-fwbr\)/],
    ['N64-20l', /did you mean N64-20/],
    ['banana', /There is no check "banana"\.$/],
    ['N64-0xx', /There is no check/],
  ])('%s is no check', (word, message) => {
    expect(() => codes([word])).toThrow(message)
  })

  it('refuses to run nothing', () => {
    expect(() => codes(['N64-201'], ['N64-201'])).toThrow(/No check is left/)
  })

  it('takes lists with commas', () => {
    expect(wordsOf(['a,b', ' c ,'])).toEqual(['a', 'b', 'c'])
    expect(wordsOf(undefined)).toEqual([])
  })
})

describe('withWatchSeconds', () => {
  it.each([
    [['--watch'], ['--watch=5']],
    [
      ['--watch', '--json'],
      ['--watch=5', '--json'],
    ],
    [
      ['--watch', '3'],
      ['--watch', '3'],
    ],
    [['--watch=3'], ['--watch=3']],
    [['--json'], ['--json']],
  ])('%j', (argv, expected) => {
    expect(withWatchSeconds(argv)).toEqual(expected)
  })
})
