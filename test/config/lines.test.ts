/** Places in TOML and JSON texts. */
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { JsonProblem, parseJson, plain } from '../../src/config/json-lines.js'
import { tomlLines } from '../../src/config/toml-lines.js'

describe('tomlLines', () => {
  const text = [
    '# [not] = "a table"',
    'a = 1 # b = 2',
    'c.d = "x = y # z"',
    "'e f' = '''",
    'g = 1',
    "'''''",
    'h = [ # [',
    '  1,',
    '  [ 2, 3 ], { k = "}", l = [',
    '    4 ] },',
    ']',
    '  [ t . "u" ]  # ]',
    'v = """\\""""',
    'w = { x = 1, y.z = 2 }',
    '[[list]]',
    'n = 2026-01-01 07:32:00',
    '[[list.inner]]',
    'o = true',
    '[[list]]',
    'n = -inf',
    '[list.sub]',
    'p = 0x1f',
  ].join('\r\n')

  it.each([
    ['a', 2],
    ['c', 3],
    ['c.d', 3],
    ['e f', 4],
    ['h', 7],
    ['h[0]', 8],
    ['h[1]', 9],
    ['h[1][1]', 9],
    ['h[2]', 9],
    ['h[2].k', 9],
    ['h[2].l[0]', 10],
    ['t.u', 12],
    ['t.u.v', 13],
    ['t.u.w.x', 14],
    ['t.u.w.y.z', 14],
    ['list', 15],
    ['list[0]', 15],
    ['list[0].n', 16],
    ['list[0].inner[0]', 17],
    ['list[0].inner[0].o', 18],
    ['list[1]', 19],
    ['list[1].n', 20],
    ['list[1].sub.p', 22],
    ['g', undefined],
    ['b', undefined],
  ])('%s is on line %s', (path, line) => {
    expect(Object.keys(parse(text))).toContain('list')
    expect(tomlLines(text).get(path)).toBe(line)
  })

  it('ends on any text', () => {
    const unit = fc.constantFrom('"', "'", '[', ']', '{', '}', '=', '.', ',', '#', '\n', '\\', ' ', 'a', '1')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), text => {
        expect(tomlLines(text).size).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(2), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent)
        const node = parseJson(text)
        expect(node).not.toBeInstanceOf(JsonProblem)
        expect(JSON.stringify(plain(node as never))).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  it('refuses what JSON.parse refuses', () => {
    const unit = fc.constantFrom(
      '"',
      '[',
      ']',
      '{',
      '}',
      ':',
      ',',
      '\\',
      'u',
      't',
      'true',
      'null',
      '1',
      '-',
      '.',
      'e',
      ' ',
      '\n',
    )
    const accepts = (text: string) => {
      try {
        JSON.parse(text)
        return true
      } catch {
        return false
      }
    }
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), text => {
        expect(parseJson(text) instanceof JsonProblem).toBe(!accepts(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('knows the lines of names and values', () => {
    const node = parseJson('{\n "a":\n 1, "b": [\n2,\n3] }')
    expect(node).toMatchObject({
      line: 1,
      members: [
        { name: 'a', line: 2, value: { line: 3, value: 1 } },
        { name: 'b', line: 3, value: { line: 3, items: [{ line: 4 }, { line: 5 }] } },
      ],
    })
  })
})
