/**
 * A sample of a flood: packets on the way that a recorded host gives them, joined to bursts and super-packets behind the
 * translator, and shown to the tracer as far as the kernel's filter would. Packets that arrived are never called dead.
 */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadFacts } from '../../../src/facts/load.js'
import { EVERYTHING } from '../../../src/trace/core/target.js'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { makeTracer } from '../../../src/trace/core/tracer.js'
import { rankOf, type Sample } from '../../../src/wire/sample.js'
import { type Bytes, be32, ip4, ip6, type Message, tcp, udp } from '../../xlat/packets.js'
import { random } from '../../xlat/translating.js'

const facts = loadFacts(join(import.meta.dirname, '../../../fixtures/recordings/remedy-tayga'))
const TARGET = '203.0.113.10'
const TAPS = ['tap100i0', 'fwbr100i0', 'fwln100i0', 'fwpr100p0', 'vmbr0', 'nat64', 'eno1']
const BEFORE = [
  [0, 'in'],
  [1, 'in'],
  [2, 'out'],
  [3, 'in'],
  [4, 'in'],
  [5, 'out'],
] as const
const BEHIND = [
  [5, 'in'],
  [6, 'out'],
] as const
const SNAP = 256

function makeScene() {
  const told: TracedPath[] = []
  const tracer = makeTracer(facts, { wanted: EVERYTHING, onPath: path => told.push(path) })
  TAPS.forEach((device, id) => {
    tracer.addTap({ id, netns: null, ifindex: id + 1, device, linkType: 1 })
  })
  let time = 1e9
  let sample: Sample | null = null

  /** As the kernel would. Datagrams have short headers here, so that lengths are easily told. */
  function see(bytes: Uint8Array, tap: number, direction: 'in' | 'out'): void {
    const isSix = bytes[0]! >>> 4 === 6
    const isUdp = bytes[isSix ? 6 : 9] === 17
    const at = isSix ? 44 : 24
    const isBurst = isUdp && sample !== null && ((bytes[at]! << 8) | bytes[at + 1]!) > sample.burstAbove
    if (sample !== null && !isBurst && rankOf(bytes, 0, bytes.length) < sample.shift) return
    const end = isBurst ? bytes.length : Math.min(SNAP, bytes.length)
    time += 1000
    tracer.see({ time, tap, direction, bytes, start: 0, ip: 0, end, length: bytes.length, vlan: 0 })
  }

  return {
    told,
    tracer,
    pause(ns: number) {
      time += ns
      tracer.advance(time)
    },
    take(next: Sample | null) {
      sample = next
      tracer.setSample(next, time)
    },
    before(message: Message, guest = 1) {
      const bytes = ip6(message, { src: `2001:db8:100::${guest}`, dst: `64:ff9b::${TARGET}` })
      for (const [tap, direction] of BEFORE) see(bytes, tap, direction)
    },
    behind(message: Message, guest = 1) {
      const bytes = ip4(message, { src: `192.168.255.${guest}`, dst: TARGET })
      for (const [tap, direction] of BEHIND) see(bytes, tap, direction)
    },
    /** An answer, so that what is asked is not called unanswered. */
    answer(port: number, near: number, guest = 1) {
      const message = udp(port, near, [1, 2, 3])
      const four = ip4(message, { src: TARGET, dst: `192.168.255.${guest}` })
      const six = ip6(message, { src: `64:ff9b::${TARGET}`, dst: `2001:db8:100::${guest}` })
      see(four, 6, 'in')
      see(four, 5, 'out')
      see(six, 5, 'in')
      for (const tap of [4, 3]) see(six, tap, 'out')
      for (const tap of [2, 1]) see(six, tap, 'in')
      see(six, 0, 'out')
    },
  }
}

const payloadOf = (path: TracedPath) => Number(/(\d+) bytes/.exec(path.what)?.[1] ?? 0)
const kindOf = (paths: readonly TracedPath[], kind: string) => paths.filter(p => p.verdict.kind === kind)
const requests = (paths: readonly TracedPath[]) => paths.filter(p => p.way === 'request')
const numbered = (n: number, size: number): number[] =>
  [...be32(Math.imul(n, 0x9e3779b1)), ...be32(n), ...Array.from({ length: size }, (_, i) => (i * 7) & 255)].slice(
    0,
    size,
  )

describe('datagrams of a flood', () => {
  /** Sends datagrams of these sizes; translation joins equal neighbours, and loses some. */
  function flood(scene: ReturnType<typeof makeScene>, sizes: readonly number[], batches: number, lossIn: number) {
    const next = random(7)
    let serial = 0
    let lost = 0
    for (let b = 0; b < batches; b++) {
      const guest = 1 + (b % 3)
      const size = sizes[next() % sizes.length] as number
      const batch = Array.from({ length: 5 + (next() % 50) }, () => numbered(serial++, size))
      for (const data of batch) scene.before(udp(5000 + guest, 53, data), guest)
      const left = batch.filter(() => lossIn === 0 || next() % lossIn > 0)
      lost += batch.length - left.length
      while (left.length > 0) scene.behind(udp(7000 + guest, 53, left.splice(0, 1 + (next() % 40)).flat()), guest)
      if (b < 6) scene.answer(53, 5000 + guest, guest)
      scene.pause(5e6)
    }
    return { sent: serial, lost }
  }

  it.each([
    [3, [64], 72],
    [3, [200], 208],
    [2, [1200], 1208],
    [5, [1200, 700], 1208],
    [3, [28], 36],
  ])('1 in 2^%i, of %j bytes', (shift, sizes, burstAbove) => {
    const scene = makeScene()
    scene.take({ shift, burstAbove })
    const { sent } = flood(scene, sizes, 80, 0)
    scene.pause(4e9)
    scene.tracer.finish()
    const paths = requests(scene.told)
    expect(paths.length).toBeGreaterThan(sent / 2 ** shift / 1.4)
    expect(paths.length).toBeLessThan((sent / 2 ** shift) * 1.4)
    expect(kindOf(paths, 'delivered').length).toBe(paths.length)
    expect(new Set(paths.map(p => p.hops.length))).toEqual(new Set([8]))
  })

  it('tell which ones were lost', () => {
    const scene = makeScene()
    scene.take({ shift: 2, burstAbove: 308 })
    const { lost } = flood(scene, [300], 120, 20)
    scene.pause(4e9)
    scene.tracer.finish()
    const died = kindOf(requests(scene.told), 'died')
    expect(died.length).toBeGreaterThan(lost / 4 / 1.5)
    expect(died.length).toBeLessThan((lost / 4) * 1.5)
    expect(new Set(died.map(p => p.verdict.lastSeen))).toEqual(new Set(['nat64']))
    expect(kindOf(scene.told, 'incomplete')).toEqual([])
  })

  it('of which small ones may hide in bursts: nothing is claimed of these', () => {
    const scene = makeScene()
    scene.take({ shift: 2, burstAbove: 1208 })
    flood(scene, [1200, 90], 100, 0)
    scene.pause(4e9)
    scene.tracer.finish()
    const paths = requests(scene.told)
    expect(kindOf(paths, 'died')).toEqual([])
    const incomplete = kindOf(paths, 'incomplete')
    expect(incomplete.length).toBeGreaterThan(20)
    expect(new Set(incomplete.map(payloadOf))).toEqual(new Set([90]))
  })

  it('while the sample changes', () => {
    const scene = makeScene()
    let serial = 0
    for (let b = 0; b < 120; b++) {
      const batch = Array.from({ length: 30 }, () => numbered(serial++, 100))
      for (const data of batch) scene.before(udp(5001, 53, data))
      if (b === 0) scene.answer(53, 5001)
      // They are under way.
      const shift = [3, 6, 4, 1, 0, 5, 0][b % 7] as number
      scene.take(shift === 0 ? null : { shift, burstAbove: 108 })
      while (batch.length > 0) scene.behind(udp(7001, 53, batch.splice(0, 7).flat()))
      scene.pause(100e6)
    }
    scene.pause(4e9)
    scene.tracer.finish()
    const paths = requests(scene.told)
    expect(kindOf(paths, 'died')).toEqual([])
    expect(kindOf(paths, 'unanswered')).toEqual([])
    expect(kindOf(paths, 'delivered').length).toBeGreaterThan(300)
    expect(scene.tracer.summary().capture).toMatchObject({ oneIn: 8, mostOneIn: 64 })
  })
})

describe('segments of uploads', () => {
  it('are found in super-packets, or nothing is claimed', () => {
    const scene = makeScene()
    const next = random(3)
    scene.take({ shift: 2, burstAbove: 1480 })
    let sequence = 0xffe00000
    for (let b = 0; b < 200; b++) {
      const from = sequence
      const segments = 1 + (next() % 40)
      for (let i = 0; i < segments; i++) {
        scene.before(tcp(5000, 443, new Array<number>(1400).fill(i), { seq: sequence, ack: 77, flags: 0x10 }))
        sequence = (sequence + 1400) >>> 0
      }
      const data: Bytes = new Array<number>(1400 * segments).fill(0)
      scene.behind(tcp(5000, 443, data, { seq: from, ack: 77, flags: 0x10 }))
      scene.pause(5e6)
    }
    scene.pause(4e9)
    scene.tracer.finish()
    const kinds = Object.fromEntries(['died', 'delivered', 'incomplete'].map(k => [k, kindOf(scene.told, k).length]))
    expect(kinds.died).toBe(0)
    expect(kinds.delivered).toBeGreaterThan(500)
    expect(kinds.incomplete).toBeLessThan(0.1 * (kinds.delivered as number))
  })
})

describe('what is answered', () => {
  it('is chosen together with its answer, or no answer is missed', () => {
    const scene = makeScene()
    scene.take({ shift: 3, burstAbove: 1480 })
    const next = random(5)
    for (let i = 0; i < 400; i++) {
      const seq = next()
      scene.before(tcp(5000 + i, 443, [], { seq, ack: 0, flags: 2 }))
      scene.behind(tcp(5000 + i, 443, [], { seq, ack: 0, flags: 2 }))
      const data = numbered(i, 900)
      scene.before(udp(5000 + i, 53, data))
      scene.behind(udp(5000 + i, 53, data))
      scene.pause(1e6)
    }
    scene.pause(4e9)
    scene.tracer.finish()
    const unanswered = kindOf(scene.told, 'unanswered')
    expect(unanswered.length).toBeGreaterThan(20)
    expect(new Set(unanswered.map(p => p.protocol))).toEqual(new Set(['tcp']))
    expect(kindOf(scene.told, 'died')).toEqual([])
  })
})
