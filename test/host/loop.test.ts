/** The packet loop over a pair of sockets, with and without io_uring: the real calls, no privilege. */
import { afterEach, describe, expect, it } from 'vitest'
import { drainEventfd, openEventfd, signalEventfd } from '../../src/host/eventfd.js'
import { type MemoryTun, openMemoryTun } from '../../src/host/fake/memory-tun.js'
import { openRing } from '../../src/host/io-uring.js'
import { openArena } from '../../src/run/arena.js'
import { RING_ENTRIES, SLOTS } from '../../src/run/batch.js'
import { PacketLoop } from '../../src/run/loop.js'
import { BATCH_BUCKETS, LOOP, makeLoopStats } from '../../src/run/loop-stats.js'
import type { PacketTranslator } from '../../src/run/mover.js'
import { Outbox } from '../../src/xlat/outbox.js'
import type { Packet } from '../../src/xlat/packet.js'
import { REASON } from '../../src/xlat/reason.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'
import { DROPPED, EMITTED, TRANSLATED } from '../../src/xlat/verdict.js'
import { type Datagram, datagram, segments } from './packets.js'

const ringWorks = typeof openRing(8) !== 'number'
const kinds = ringWorks ? (['io_uring', 'read-write'] as const) : (['read-write'] as const)

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

interface Setting {
  readonly uso?: boolean
  readonly vnetHeader?: boolean
  readonly isLarge?: boolean
  readonly translate?: (p: Packet, outbox: Outbox) => 1 | 2 | 5
}

/** Runs the loop until `packets` went through the translator and the device is empty. */
function run(kind: 'io_uring' | 'read-write', packets: readonly Uint8Array[], setting: Setting = {}) {
  const tun: MemoryTun = openMemoryTun()
  const arena = openArena(SLOTS)
  const ring = kind === 'io_uring' ? openRing(RING_ENTRIES) : null
  if (typeof ring === 'number') throw new Error('no ring')
  const wakeFd = openEventfd()
  const outbox = new Outbox(arena.outbox)
  const stats = makeStats()
  // As if there were state: the loop then wakes up once a second, and a lost packet cannot hang the test.
  stats[STAT.bibEntries] = 1
  const deadline = performance.now() + 5000
  const loop = makeLoopStats()
  let seen = 0
  const noted: (Uint8Array | null)[] = []
  const translator: PacketTranslator = {
    outbox,
    translate(p) {
      if (++seen === packets.length) signalEventfd(wakeFd)
      return setting.translate?.(p, outbox) ?? TRANSLATED
    },
    expire: () => 0,
    isLarge: setting.isLarge ?? false,
    note: (buf, start, end) => noted.push(buf.slice(start, end)),
    touch: () => void noted.push(null),
  }
  for (const p of packets) tun.send(p)
  const written: Uint8Array[] = []
  const { uso = true, vnetHeader = true } = setting
  const end = new PacketLoop({
    translator,
    fds: [tun.fd],
    vnetHeader,
    uso,
    ring,
    arena,
    wakeFd,
    spinUs: 0,
    stats,
    loop,
    control: () => seen === packets.length || performance.now() > deadline,
  }).run()
  for (let p = tun.receive(); p !== null; p = tun.receive()) written.push(p)
  drainEventfd(wakeFd)
  open.push(tun.close, arena.close, () => ring?.close())
  return { end, written, noted, stats, loop }
}

const many = (n: number, d: Partial<Datagram> = {}) =>
  Array.from({ length: n }, (_, i) => datagram({ fill: i & 0xff, length: 20, ...d }))

describe.each(kinds)('%s', kind => {
  it('moves every packet once and in order', () => {
    const { end, written, loop } = run(kind, many(150), { uso: false })
    expect(end).toEqual({ reason: 'stopped' })
    expect(written).toEqual(many(150))
    expect(loop[LOOP.reads]).toBe(150)
    expect(loop[LOOP.writes]).toBe(150)
    const sizes = loop.subarray(LOOP.batchSize, LOOP.batchSize + BATCH_BUCKETS)
    expect(sizes.reduce((a, b) => a + b)).toBe(loop[LOOP.batches])
  })

  it('moves packets without virtio-net header', () => {
    const packets = many(40).map(p => p.subarray(10))
    expect(run(kind, packets, { vnetHeader: false, uso: true }).written).toEqual(packets.map(p => p.slice()))
  })

  it('looks ahead over each batch where there is much state: every note before its batch, each packet as it is', () => {
    const packets = many(150)
    const { noted, written } = run(kind, packets, { isLarge: true, uso: false })
    expect(written).toEqual(packets)
    // Packets that were read one by one, outside of batches, are not noted.
    const notes = noted.filter(n => n !== null)
    expect(notes.length).toBeGreaterThan(64)
    const sent = new Set(packets.map(p => Buffer.from(p.subarray(10)).toString('hex')))
    expect(notes.every(n => sent.has(Buffer.from(n).toString('hex')))).toBe(true)
    expect(noted.at(-1)).toBeNull()
    expect(run(kind, packets, { uso: false }).noted).toEqual([])
  })

  it('passes large and small packets alike', () => {
    const packets = Array.from({ length: 24 }, (_, i) =>
      datagram({ fill: i, length: i % 3 === 0 ? 5000 : 30, flags: 0 }),
    )
    expect(run(kind, packets).written).toEqual(packets)
  })

  it('writes what the translator emits, in the place of what it came from', () => {
    const translate = (p: Packet, outbox: Outbox) => {
      const fill = p.buf[p.end - 1]!
      if (fill % 10 === 7) return DROPPED
      if (fill % 10 !== 5) return TRANSLATED
      for (let k = 0; k < 2; k++) outbox.buf.fill(200 + k, outbox.reserve(30), outbox.buf.length)
      return EMITTED
    }
    const { written } = run(kind, many(40), { uso: false, translate })
    const fills = written.map(p => p.at(-1))
    const expected = many(40).flatMap((_, i) => (i % 10 === 7 ? [] : i % 10 === 5 ? [200, 201] : [i]))
    expect(fills).toEqual(expected)
    expect(
      written.filter(p => p.at(-1) === 200).every(p => p.length === 40 && p.subarray(0, 10).every(x => x === 0)),
    ).toBe(true)
  })

  it('writes header growth and shrinking with the metadata that belongs to it', () => {
    const translate = (p: Packet) => {
      p.start -= 20
      p.buf.fill(9, p.start, p.start + 20)
      p.csumStart += 20
      return TRANSLATED as 1
    }
    const written = run(kind, many(20), { uso: false, translate }).written
    expect(written).toHaveLength(20)
    for (const [i, p] of written.entries()) {
      expect(p.length).toBe(10 + 20 + 48)
      expect([...p.subarray(0, 10)]).toEqual([1, 0, 0, 0, 0, 0, 40, 0, 6, 0])
      expect([p[10], p[30], p.at(-1)]).toEqual([9, 0x45, i])
    }
  })

  it('counts what the device refuses to take', () => {
    // Longer than the socket takes at once.
    const { stats, loop, written } = run(kind, many(6), {
      uso: false,
      translate: p => {
        p.end = p.start + 60_000
        return TRANSLATED
      },
    })
    expect(written.length).toBeLessThan(6)
    expect(loop[LOOP.writeErrors]).toBe(6 - written.length)
    expect(stats[STAT.drops + REASON.write_error]).toBe(6 - written.length)
  })

  it('joins datagrams of a flow into super-packets that say the same', () => {
    const { written, loop } = run(kind, many(100))
    expect(written.length).toBeLessThan(20)
    expect(written.flatMap(segments)).toEqual(many(100).flatMap(segments))
    expect(written.flatMap(segments).every(s => s.valid)).toBe(true)
    expect(loop[LOOP.writes]).toBe(100)
  })

  it.each([
    ['IPv6', { version: 6 }],
    ['a verified checksum', { flags: 2 }],
    ['IPv6 and a verified checksum', { version: 6, flags: 2 }],
  ] as const)('joins them with %s', (_, d) => {
    const { written } = run(kind, many(40, d))
    expect(written.length).toBeLessThan(12)
    expect(written.flatMap(segments)).toEqual(many(40, d).flatMap(segments))
    expect(written.flatMap(segments).every(s => s.valid)).toBe(true)
  })

  it.each([
    ['an unverified checksum', { flags: 0 }],
    ['fragments', { frag: 0x2000 }],
    ['no payload', { length: 0 }],
  ] as const)('joins nothing with %s', (_, d) => {
    expect(run(kind, many(40, d)).written).toEqual(many(40, d))
  })

  it.each([
    ['source port', { sport: 1 }],
    ['destination port', { dport: 1 }],
    ['address', { host: 9 }],
    ['TTL', { ttl: 9 }],
    ['TOS', { tos: 9 }],
    ['fragment flags', { frag: 0 }],
    ['version', { version: 6 }],
  ] as const)('joins nothing with another %s', (_, d) => {
    const packets = Array.from({ length: 40 }, (_, i) => datagram({ fill: i, length: 20, ...(i & 1 ? d : {}) }))
    const { written } = run(kind, packets)
    const found = written.map(p => segments(p).map(s => Number.parseInt(s.payload, 10) & 1))
    expect(found.every(parities => new Set(parities).size === 1)).toBe(true)
    expect(written.length).toBeLessThan(30)
    expect(written.flatMap(segments).every(s => s.valid)).toBe(true)
    const order = (parity: number) =>
      written
        .flatMap(segments)
        .map(s => s.payload)
        .filter(p => (Number.parseInt(p, 10) & 1) === parity)
    for (const parity of [0, 1])
      expect(order(parity)).toEqual(
        packets
          .flatMap(segments)
          .map(s => s.payload)
          .filter(p => (Number.parseInt(p, 10) & 1) === parity),
      )
  })

  it('ends a super-packet with a shorter datagram and never lets one overtake', () => {
    const lengths = [20, 20, 20, 20, 10, 20, 20, 30, 30, 5, 5, 40, 20, 20]
    const packets = Array.from({ length: 56 }, (_, i) => datagram({ fill: i, length: lengths[i % lengths.length]! }))
    const { written } = run(kind, packets)
    expect(written.length).toBeLessThan(50)
    expect(written.flatMap(segments)).toEqual(packets.flatMap(segments))
  })
})
