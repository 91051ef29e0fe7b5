/** Packets that are joined and cut on their way: each is found again, and only where it really was. */
import { describe, expect, it } from 'vitest'
import { makeJoiner } from '../../../src/trace/core/joiner.js'
import type { OpenPath } from '../../../src/trace/core/open-path.js'
import { type Bytes, be32, ip4, ip6, tcp, udp, v4 } from '../../xlat/packets.js'
import { prefix6 } from '../../xlat/translating.js'

const TARGET = '11.0.0.10'
const POOL4 = '11.0.1.2'
const [GUEST_SIDE, NODE, UPLINK] = [0, 1, 2]

/** A joiner that is fed whole packets, each at a tap; what `see` gives are the packets that it took for one. */
function following() {
  const joiner = makeJoiner({ pool6: [prefix6('64:ff9b::/96')], eam: [] })
  joiner.isTarget = address => address === v4(TARGET)
  let time = 0
  return (tap: number, bytes: Uint8Array, captured = bytes.length): OpenPath => {
    const end = Math.min(captured, bytes.length)
    const frame = { time: ++time, tap, bytes, start: 0, ip: 0, end, length: bytes.length, vlan: 0 }
    return joiner.see({ ...frame, direction: tap === GUEST_SIDE ? 'in' : 'out' }) as OpenPath
  }
}

const six = (message: ReturnType<typeof udp>) => ip6(message, { src: '2001:db8::1', dst: `64:ff9b::${TARGET}` })
const four = (message: ReturnType<typeof udp>) => ip4(message, { src: POOL4, dst: TARGET })
/** Data of `length` bytes that no other number has, at its beginning. */
const numbered = (n: number, length: number): number[] =>
  [...be32(n), ...Array.from({ length }, (_, i) => (i * 7) & 255)].slice(0, length)
const isAt = (path: OpenPath | undefined, tap: number) => path?.hops.some(h => h.tap === tap) === true
const at = (paths: readonly OpenPath[], tap: number) => paths.map(p => (isAt(p, tap) ? 1 : 0)).join('')

function sequenced(seq: number, data: Bytes, port = 40000) {
  const message = tcp(port, 80, data)
  return { ...message, bytes: [...message.bytes.slice(0, 4), ...be32(seq), ...message.bytes.slice(8)] }
}

describe('datagrams of one connection', () => {
  const send = (see: ReturnType<typeof following>, numbers: readonly number[], size: number, port = 40000) =>
    numbers.map(n => see(GUEST_SIDE, six(udp(port, 53, numbered(n, size)))))
  const burst = (numbers: readonly number[], size: number, last = size, port = 1024) => {
    const data = numbers.flatMap((n, i) => numbered(n, i === numbers.length - 1 ? last : size))
    return four(udp(port, 53, data))
  }
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

  it.each([
    ['captured whole', 10_000],
    ['captured as far as the second', 28 + 100 + 40],
    ['captured as far as the first', 28 + 40],
  ])('are found in a burst that is %s', (_, captured) => {
    const see = following()
    const paths = send(see, range(0, 20), 100)
    see(NODE, burst(range(0, 8), 100), captured)
    expect(at(paths, NODE)).toBe('11111111000000000000')
    see(NODE, burst(range(8, 12), 100), captured)
    expect(at(paths, NODE)).toBe('1'.repeat(20))
    see(UPLINK, burst(range(0, 20), 100), captured)
    expect(at(paths, UPLINK)).toBe('1'.repeat(20))
  })

  it('are found when thousands are under way', () => {
    const see = following()
    const paths = send(see, range(0, 3000), 64)
    for (let n = 0; n < 3000; n += 60) see(NODE, burst(range(n, 60), 64), 256)
    expect(paths.filter(p => !isAt(p, NODE))).toEqual([])
    expect(paths.every(p => p.hops.length === 2)).toBe(true)
  })

  it('are missed when they are not in the burst', () => {
    const see = following()
    const paths = send(see, range(0, 10), 100)
    see(NODE, burst([0, 1, 3, 4, 6, 7, 8, 9], 100))
    expect(at(paths, NODE)).toBe('1101101111')
  })

  it('end a burst with a shorter one', () => {
    const see = following()
    const paths = [...send(see, range(0, 4), 100), ...send(see, [4], 33), ...send(see, [5], 33)]
    see(NODE, burst(range(0, 5), 100, 33), 256)
    expect(at(paths, NODE)).toBe('111110')
  })

  it('of other guests are not taken for them', () => {
    const see = following()
    const mine = send(see, range(0, 6), 100)
    const others = send(see, range(100, 6), 100, 40001)
    // Each end is known by the first datagram that went alone.
    see(NODE, burst([0], 100))
    see(NODE, burst([100], 100, 100, 1025))
    see(NODE, burst(range(1, 5), 100), 128)
    expect(at([...mine, ...others], NODE)).toBe('111111100000')
  })

  it('that are equal are found in their order', () => {
    const see = following()
    const paths = send(see, [7, 7, 7, 7], 64)
    expect(new Set(paths).size).toBe(4)
    const second = [0, 1, 2].map(() => see(NODE, four(udp(1024, 53, numbered(7, 64)))))
    expect(second).toEqual(paths.slice(0, 3))
    expect(see(UPLINK, four(udp(1024, 53, numbered(7, 64))))).toBe(paths[0])
  })

  it('are pieces of a burst that came joined', () => {
    const see = following()
    const data = range(0, 5).flatMap(n => numbered(n, 100))
    const whole = see(GUEST_SIDE, six(udp(40000, 53, data)))
    const other = see(GUEST_SIDE, six(udp(40000, 53, numbered(9, 70))))
    for (const n of range(0, 5)) expect(see(NODE, four(udp(1024, 53, numbered(n, 100))))).toBe(whole)
    expect(whole.hops.map(h => [h.tap, h.pieces, h.payload])).toEqual([
      [GUEST_SIDE, 1, 500],
      [NODE, 5, 500],
    ])
    expect(see(NODE, four(udp(1024, 53, numbered(9, 70))))).toBe(other)
    expect(see(NODE, four(udp(1024, 53, numbered(77, 100))))).not.toBe(whole)
  })

  it('shorter than what is compared are found', () => {
    const see = following()
    const paths = send(see, range(0, 12), 9)
    see(NODE, burst(range(0, 8), 9), 60)
    expect(at(paths, NODE)).toBe('111111110000')
    see(NODE, burst(range(8, 4), 9))
    expect(at(paths, NODE)).toBe('1'.repeat(12))
  })

  it('of many sizes are found', () => {
    const see = following()
    const sizes = range(40, 1000)
    const paths = sizes.flatMap((size, i) => send(see, [i], size))
    const more = sizes.flatMap((size, i) => send(see, range(5000 + 2 * i, 2), size))
    for (const [i, size] of sizes.entries()) see(NODE, burst(range(5000 + 2 * i, 2), size), 256)
    expect(more.filter(p => !isAt(p, NODE))).toEqual([])
    expect(paths.filter(p => isAt(p, NODE))).toEqual([])
  })

  it('of other sizes are packets of their own', () => {
    const see = following()
    const paths = [100, 1200, 40, 1200, 300].flatMap((size, i) => send(see, [i], size))
    expect(new Set(paths).size).toBe(5)
    const again = [100, 1200, 40, 1200, 300].map((size, i) => see(NODE, four(udp(1024, 53, numbered(i, size)))))
    expect(again).toEqual(paths)
  })
})

describe('segments of one connection', () => {
  it('are found in a super-packet', () => {
    const see = following()
    const segment = (i: number) => sequenced(1000 + i * 500, numbered(i, 500))
    const paths = [0, 1, 2, 3].map(i => see(GUEST_SIDE, six(segment(i))))
    see(NODE, four(sequenced(1000, new Array(1500).fill(0), 1024)))
    expect(at(paths, NODE)).toBe('1110')
  })

  it('are found in a super-packet that comes long after them', () => {
    const see = following()
    const paths = Array.from({ length: 400 }, (_, i) => see(GUEST_SIDE, six(sequenced(i * 500, numbered(i, 500)))))
    for (let i = 0; i < 400; i += 40) see(NODE, four(sequenced(i * 500, new Array(20_000).fill(0), 1024)))
    expect(at(paths, NODE)).toBe('1'.repeat(400))
  })

  it('are pieces of a super-packet', () => {
    const see = following()
    const whole = see(GUEST_SIDE, six(sequenced(0xffffff00, new Array(1500).fill(0))))
    for (const i of [0, 1, 2])
      expect(see(NODE, four(sequenced((0xffffff00 + i * 500) >>> 0, new Array(500).fill(0), 1024)))).toBe(whole)
    expect(whole.hops.map(h => h.pieces)).toEqual([1, 3])
  })
})
