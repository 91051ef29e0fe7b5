/** What root's side of the helper makes of a request, whoever wrote it. */
import { describe, expect, it } from 'vitest'
import { decodeRequest, encodeRequest } from '../../../src/run/helper/protocol.js'

const NOTHING = {
  again: false,
  tired: false,
  lingers: false,
  chosen: null,
  touched: { link: false, table: false },
  state: null,
}

/** The request behind its line of verb and length. */
function bodyOf(message: Buffer): Uint8Array {
  const end = message.indexOf(10)
  const [, length] = message.toString('utf8', 0, end).split(' ')
  const body = message.subarray(end + 1)
  expect(body.length).toBe(Number(length))
  return body
}

describe('a request', () => {
  it.each([
    ['addresses', null, {}],
    ['reload', { again: true, chosen: '10.0.0.4/30' }, { again: true, chosen: '10.0.0.4/30' }],
    [
      'mend',
      { touched: { link: true, table: false }, tired: true, chosen: null },
      { tired: true, touched: { link: true, table: false } },
    ],
    [
      'stop',
      { state: Buffer.from('{}\n\0\xff'), chosen: null, lingers: true },
      { state: Buffer.from('{}\n\0\xff'), lingers: true },
    ],
    ['stop', { state: null, chosen: null, lingers: false }, {}],
  ] as const)('%s arrives as it was', (verb, request, expected) => {
    expect(decodeRequest(bodyOf(encodeRequest(verb, request)))).toEqual({ ...NOTHING, ...expected })
  })

  it.each([
    ['{"chosen":{"length":30},"touched":7,"again":"yes","lingers":1}', {}],
    ['{"touched":{"link":{},"table":true},"tired":[],"path":"/etc/shadow"}', { touched: { link: false, table: true } }],
    ['{"__proto__":{"again":true},"state":"x"}', {}],
    ['7', {}],
    ['[]', {}],
  ])('%s has nothing but what is of its type', (text, expected) => {
    expect(decodeRequest(Buffer.from(`${text}\n`))).toEqual({ ...NOTHING, ...expected })
  })

  it.each(['', '\n', 'null\n', '{\n', '\0\xff\x0f\n', '{}'])('%j is refused', text => {
    expect(() => decodeRequest(Buffer.from(text, 'latin1'))).toThrow()
  })
})
