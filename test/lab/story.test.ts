import { describe, expect, it } from 'vitest'
import { makeStory, wrapText } from '../../src/lab/demo/story.js'
import { glyphsFor } from '../../src/term/glyphs.js'

const plain = { bold: String, dim: String, green: String, red: String, cyan: String }

describe('wrapText', () => {
  it.each<[string, number, string[]]>([
    ['one two three', 20, ['one two three']],
    ['one two three', 7, ['one two', 'three']],
    ['one two three', 3, ['one', 'two', 'three']],
    ['a-word-that-is-too-long x', 5, ['a-word-that-is-too-long', 'x']],
    ['  kept as it is', 20, ['  kept as it is']],
    ['', 5, ['']],
  ])('%j to %i columns', (line, width, expected) => {
    expect(wrapText(line, width)).toEqual(expected)
  })
})

describe('a story', () => {
  it('is told line by line, and recorded', () => {
    const lines: string[] = []
    const story = makeStory(line => lines.push(line), glyphsFor({ LANG: 'C.UTF-8' }), plain)
    story.chapter('The guest speaks')
    story.command('vm100', 'ping x')
    story.output('3 received')
    story.record({ where: 'vm100', command: 'ping x', output: ['3 received'], ok: true })
    story.verdict(true, 'ping')
    expect(lines).toEqual(['', '1  The guest speaks', '   vm100 $ ping x', '     3 received', '   ✓ ping'])
    expect(story.chapters).toMatchObject([{ title: 'The guest speaks', verdicts: [{ ok: true, text: 'ping' }] }])
    expect(story.ok()).toBe(true)
    story.verdict(false, 'HTTP')
    expect(lines.at(-1)).toBe('   ✗ HTTP')
    expect(story.ok()).toBe(false)
  })

  it('has ASCII signs where the terminal shows no more', () => {
    const lines: string[] = []
    const story = makeStory(line => lines.push(line), glyphsFor({}, true), plain)
    story.chapter('x')
    story.verdict(false, 'y')
    expect(lines.at(-1)).toBe('   x y')
  })
})
