import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emitLinkDump, readLinkMessages } from '../../src/wire/rtnetlink.js'

const [DONE, ERROR, NEW, GONE, NEW_ADDRESS] = [3, 2, 16, 17, 20]
const u16 = (n: number) => [n & 255, n >> 8]
const u32 = (n: number) => [...u16(n & 0xffff), ...u16(n >>> 16)]
const text = (t: string) => [...Buffer.from(t), 0]
const padded = (b: readonly number[]) => [...b, ...new Array<number>((4 - (b.length % 4)) % 4).fill(0)]
const attribute = (type: number, value: readonly number[]) => padded([...u16(4 + value.length), ...u16(type), ...value])
const message = (type: number, body: readonly number[], length = 16 + body.length) =>
  padded([...u32(length), ...u16(type), 0, 0, ...u32(1), ...u32(0), ...body])
const info = (ifindex: number, flags: number, family = 0) => [
  family,
  0,
  ...u16(1),
  ...u32(ifindex),
  ...u32(flags),
  ...u32(0),
]
const kind = (k: string) => attribute(18, [...attribute(1, text(k)), ...attribute(2, [1, 2, 3])])

const UP = 0x11043
const bridge = { event: 'new', ifindex: 7, name: 'fwbr100i0', master: null, kind: 'bridge', up: true }
const port = { event: 'new', ifindex: 300, name: 'tap100i0', master: 7, kind: 'tun', up: false }
const bridgeMessage = message(NEW, [...info(7, UP), ...attribute(3, text('fwbr100i0')), ...kind('bridge')])
const portMessage = message(NEW, [
  ...info(300, 0x1002),
  ...attribute(3, text('tap100i0')),
  ...attribute(13, u32(1000)),
  ...attribute(10, u32(7)),
  ...attribute(18 | 0x8000, [...attribute(1, text('tun')), ...attribute(4, text('bridge'))]),
])

test.each<[what: string, bytes: readonly number[], changes: object[], isDone: boolean]>([
  ['nothing', [], [], false],
  ['a bridge', bridgeMessage, [bridge], false],
  ['a port of it', portMessage, [port], false],
  ['both, and the end', [...bridgeMessage, ...portMessage, ...message(DONE, u32(0))], [bridge, port], true],
  ['a refusal', message(ERROR, u32(-16 >>> 0)), [], true],
  [
    'a physical one that is gone',
    message(GONE, [...info(2, UP), ...attribute(3, text('eno1'))]),
    [{ event: 'gone', ifindex: 2, name: 'eno1', master: null, kind: null, up: true }],
    false,
  ],
  [
    'a port that left its bridge: it is still there',
    message(GONE, [...info(300, UP, 7), ...attribute(3, text('tap100i0'))]),
    [],
    false,
  ],
  ['another kind of message', [...message(NEW_ADDRESS, new Array(24).fill(9)), ...portMessage], [port], false],
  [
    'no master, said so',
    message(NEW, [...info(7, UP), ...attribute(10, u32(0))]),
    [{ ...bridge, name: '', kind: null }],
    false,
  ],
  ['a message cut off', [...bridgeMessage, ...portMessage.slice(0, -4)], [bridge], false],
  ['a length of nothing', [...bridgeMessage, ...message(NEW, [], 0)], [bridge], false],
  ['a length below the header', message(NEW, info(7, UP), 15), [], false],
  ['no room for the link', message(NEW, [0, 0, 0, 0]), [], false],
  [
    'an attribute past the end',
    message(NEW, [...info(7, UP), ...u16(99), ...u16(3), ...text('abc')]),
    [{ ...bridge, name: '', kind: null }],
    false,
  ],
  [
    'an attribute of no length',
    message(NEW, [...info(7, UP), ...u16(0), ...u16(3), ...attribute(3, text('x'))]),
    [{ ...bridge, name: '', kind: null }],
    false,
  ],
])('%s', (_, bytes, changes, isDone) => {
  expect(readLinkMessages(Uint8Array.from(bytes))).toEqual({ changes, isDone })
})

describe('any bytes', () => {
  test('do no harm', () => {
    const flipped = fc
      .tuple(fc.nat(bridgeMessage.length - 1), fc.nat(255))
      .map(([at, value]) => bridgeMessage.with(at, value))
    fc.assert(
      fc.property(fc.oneof(flipped, fc.array(fc.nat(255), { maxLength: 100 })), bytes => {
        expect(readLinkMessages(Uint8Array.from(bytes)).changes.length).toBeLessThan(10)
      }),
    )
  })
})

test('asks for all links, without statistics', () => {
  expect(Buffer.from(emitLinkDump()).toString('hex')).toBe(
    ['28000000', '1200', '0103', '00000000', '00000000', '00'.repeat(16), '0800', '1d00', '08000000'].join(''),
  )
})
