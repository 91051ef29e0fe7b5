import { describe, expect, test } from 'vitest'
import { linkTypeOf, PacketRing } from '../../src/host/packet-ring.js'
import { BLOCK, ETHERNET, fill, IP6, LOOPBACK, MAC, OUTGOING, type Packet, PPP, statusOf } from './ring-blocks.js'

/** What the ring makes of one packet. */
function read(packet: Packet) {
  const memory = new ArrayBuffer(BLOCK)
  fill(memory, 0, [packet])
  const ring = new PacketRing(memory, BLOCK, 1000)
  expect(ring.advance()).toBe(true)
  const { time, direction, start, ip, end, length, vlan, bytes } = ring.frame
  return {
    time,
    direction,
    length,
    vlan,
    ip: ip < 0 ? null : ip - start,
    frame: [...bytes.subarray(start, end)],
    ifindex: ring.ifindex,
    link: linkTypeOf(ring.hatype),
  }
}

describe('a packet in the ring', () => {
  const plain = { time: 0, direction: 'in', length: 40, vlan: 0, ip: 0, frame: IP6, ifindex: 3, link: 101 }
  const ether = [...MAC, 0x86, 0xdd]
  const framed = { ...plain, length: 54, ip: 14, frame: [...ether, ...IP6], link: 1 }
  const tagged = [...MAC, 0x81, 0, 0x60, 0x64, 0x86, 0xdd]
  test.each<[what: string, packet: Packet, expected: object]>([
    ['of a TUN device', {}, plain],
    ['sent', { type: OUTGOING }, { ...plain, direction: 'out' }],
    ['for another host', { type: 3 }, plain],
    ['time', { seconds: 1002, nanoseconds: 999_999_999 }, { ...plain, time: 2_999_999_999 }],
    ['time before the epoch', { seconds: 999, nanoseconds: 1 }, { ...plain, time: -999_999_999 }],
    ['after 104 days', { seconds: 1000 + 9_007_199, nanoseconds: 1 }, { ...plain, time: 9_007_199_000_000_001 }],
    ['Ethernet', { hatype: ETHERNET, link: ether }, framed],
    ['of the loopback device', { hatype: LOOPBACK, link: ether }, framed],
    ['cut short', { hatype: ETHERNET, link: ether, length: 65_000 }, { ...framed, length: 65_000 }],
    ['with a tag out of band', { hatype: ETHERNET, link: ether, tci: 0xe00a }, { ...framed, vlan: 10 }],
    [
      'with a tag in the frame',
      { hatype: ETHERNET, link: tagged },
      { ...framed, length: 58, ip: 18, vlan: 100, frame: [...tagged, ...IP6] },
    ],
    [
      'of a link we do not know: the packet alone',
      { hatype: PPP, link: [0, 0x57], length: 102 },
      { ...plain, length: 100 },
    ],
    ['that is no IP', { data: [0, 1, 2] }, { ...plain, ip: null, frame: [0, 1, 2], length: 3 }],
    ['without bytes', { data: [] }, { ...plain, ip: null, frame: [], length: 0 }],
  ])('%s', (_, packet, expected) => {
    expect(read(packet)).toEqual(expected)
  })
})

describe('blocks', () => {
  const numbered = (ifindexes: readonly number[]) => ifindexes.map((ifindex): Packet => ({ ifindex }))
  const drain = (ring: PacketRing) => {
    const seen: number[] = []
    while (ring.advance()) seen.push(ring.ifindex)
    return seen
  }

  test('are read in turn, round and round, and handed back when read', () => {
    const memory = new ArrayBuffer(3 * BLOCK)
    const ring = new PacketRing(memory, BLOCK, 0)
    expect(drain(ring)).toEqual([])
    for (let round = 0; round < 5; round++) {
      const [a, b] = [(2 * round) % 3, (2 * round + 1) % 3]
      fill(memory, a, numbered([10, 11, 12]))
      fill(memory, b, numbered([20]))
      expect(drain(ring)).toEqual([10, 11, 12, 20])
      expect([statusOf(memory, a), statusOf(memory, b)]).toEqual([0, 0])
    }
  })

  test('are kept while a packet of them is in use', () => {
    const memory = new ArrayBuffer(2 * BLOCK)
    fill(memory, 0, numbered([1, 2]))
    const ring = new PacketRing(memory, BLOCK, 0)
    ring.advance()
    ring.advance()
    expect(statusOf(memory, 0)).toBe(1)
    expect(ring.advance()).toBe(false)
    expect(statusOf(memory, 0)).toBe(0)
  })

  test('without packets are passed over', () => {
    const memory = new ArrayBuffer(3 * BLOCK)
    fill(memory, 0, [])
    fill(memory, 1, numbered([5]))
    expect(drain(new PacketRing(memory, BLOCK, 0))).toEqual([5])
    expect(statusOf(memory, 0)).toBe(0)
  })

  test('tell when half of the ring waits', () => {
    const memory = new ArrayBuffer(4 * BLOCK)
    const ring = new PacketRing(memory, BLOCK, 0)
    for (const block of [0, 1]) fill(memory, block, numbered([1]))
    expect(ring.isHalfFull()).toBe(false)
    fill(memory, 2, numbered([1]))
    expect(ring.isHalfFull()).toBe(true)
    drain(ring)
    expect(ring.isHalfFull()).toBe(false)
  })

  test('are not touched after the end', () => {
    const memory = new ArrayBuffer(2 * BLOCK)
    fill(memory, 0, numbered([1, 2]))
    const ring = new PacketRing(memory, BLOCK, 0)
    ring.advance()
    ring.detach()
    expect(ring.advance()).toBe(false)
    expect(ring.isHalfFull()).toBe(false)
  })
})
