import { describe, expect, it } from 'vitest'
import { clean, cleanAll } from '../../src/term/clean.js'
import { colourLevel } from '../../src/term/colour.js'
import { formatNs } from '../../src/term/format.js'
import { glyphsFor } from '../../src/term/glyphs.js'
import { nearest } from '../../src/term/nearest.js'

describe('colourLevel', () => {
  const tty = { isTty: true, argv: [] as string[], env: { TERM: 'xterm-256color' } as Record<string, string> }
  it.each([
    ['a terminal', tty, 2],
    ['a pipe', { ...tty, isTty: false }, 0],
    ['NO_COLOR', { ...tty, env: { ...tty.env, NO_COLOR: '1' } }, 0],
    ['an empty NO_COLOR does not count', { ...tty, env: { ...tty.env, NO_COLOR: '' } }, 2],
    ['--no-color beats FORCE_COLOR', { ...tty, argv: ['--no-color'], env: { FORCE_COLOR: '1' } }, 0],
    ['FORCE_COLOR in a pipe', { ...tty, isTty: false, env: { FORCE_COLOR: '1' } }, 1],
    ['TERM=dumb', { ...tty, env: { TERM: 'dumb' } }, 0],
    ['truecolor', { ...tty, env: { TERM: 'xterm', COLORTERM: 'truecolor' } }, 3],
  ] as const)('%s', (_, context, level) => {
    expect(colourLevel(context)).toBe(level)
  })
})

describe('text from outside', () => {
  const rude = 'a\u001b[31m\tb\r\nc\rd\u009b\u007f'

  it('in one line loses all that a terminal or a log would obey', () => {
    expect(clean(rude)).toBe('a\\u001b[31m\\u0009b\\u000d\\u000ac\\u000dd\\u009b\\u007f')
  })

  it('in data keeps its lines and tabs, and names are cleaned, too', () => {
    const cleaned = 'a\\u001b[31m\tb\nc\\u000dd\\u009b\\u007f'
    expect(cleanAll({ [rude]: [rude, 1, null, true] })).toEqual({ [cleaned]: [cleaned, 1, null, true] })
  })
})

describe('glyphsFor', () => {
  it.each([
    [{ LANG: 'de_DE.UTF-8' }, false, '✓'],
    [{ LANG: 'C' }, false, '+'],
    [{ LANG: 'de_DE.UTF-8' }, true, '+'],
    [{ TERM: 'linux', LANG: 'de_DE.UTF-8' }, false, '+'],
    [{}, false, '✓'],
  ])('%j plain=%s', (env, plain, ok) => {
    expect(glyphsFor(env, plain).ok).toBe(ok)
  })
})

describe('nearest', () => {
  const words = ['pool4', 'pool6', 'denylist4', 'timeouts', 'translate']
  it.each([
    ['pool66', 'pool6'],
    ['blacklist4', undefined],
    ['denylist', 'denylist4'],
    ['tranlsate', 'translate'],
    ['TIMEOUT', 'timeouts'],
    ['x', undefined],
  ])('%s -> %s', (typed, meant) => {
    expect(nearest(typed, words)).toBe(meant)
  })
})

describe('formatNs', () => {
  it.each([
    [0, '0ns'],
    [850, '850ns'],
    [999.7, '1µs'],
    [2_140, '2.1µs'],
    [9_960, '10µs'],
    [40_400, '40µs'],
    [999_600, '1ms'],
    [23_154_997, '23ms'],
    [1_500_000_000, '1.5s'],
    [3.6e12, '3600s'],
    [-5, '0ns'],
  ])('%d -> %s', (ns, text) => {
    expect(formatNs(ns)).toBe(text)
  })

  it('has no sign that ASCII lacks', () => {
    expect(formatNs(2_000, 'u')).toBe('2us')
  })
})
