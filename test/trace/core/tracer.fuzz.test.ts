/**
 * Mutated packets at every place of recorded hosts. Whatever comes: no exception, nothing said that makes no sense, every
 * packet told once, and no more remembered than was agreed.
 */
import { describe, expect, it } from 'vitest'
import type { Facts } from '../../../src/facts/facts.js'
import type { Direction, Frame } from '../../../src/trace/core/frame.js'
import { EVERYTHING } from '../../../src/trace/core/target.js'
import type { TracedPath } from '../../../src/trace/core/traced.js'
import { makeTracer } from '../../../src/trace/core/tracer.js'
import { HEADROOM } from '../../../src/xlat/packet.js'
import { Mutator } from '../../fuzz/mutate.js'
import { recorded } from '../../path/recording.js'
import * as p from '../../xlat/packets.js'
import { back4, back6, four, GUESTS, POOL, PREFIX, ROUTER, six, UPLINK } from './sightings.js'

const DEVICES = ['tap100i0', 'fwbr100i0', 'fwln100i0', 'fwpr100p0', 'vmbr0', 'nat64', 'eno1', 'tap999i0', 'lo']
const DIRECTIONS: readonly Direction[] = ['in', 'out', 'in', 'out', 'unknown']
const MOST_OPEN = 400
/** More by hand: FUZZ_FRAMES=1e6. */
const FRAMES = Number(process.env.FUZZ_FRAMES ?? 12_000)

const data = p.filler(64)
const big = p.filler(3000)
const messages = (from: number, to: number, echo: number): p.Message[] => [
  p.udp(from, to, data),
  p.udp(from, to, big),
  p.tcp(from, to, [], { flags: 2, options: [2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0] }),
  p.tcp(from, to, data, { flags: 0x18 }),
  p.tcp(from, to, big, { flags: 0x10 }),
  p.tcp(from, to, [], { flags: 0x11 }),
  p.echo(echo, 7, data),
  p.raw(47, data),
]

/** Both ways, both families, whole and in fragments, and errors about all of it. */
function seeds(): Uint8Array[] {
  const out = messages(1000, 53, 128)
  const back = messages(53, 1000, 129)
  const four4 = (type: number) => (m: p.Message) =>
    m.protocol6 === 58 ? { ...m, bytes: [type, ...m.bytes.slice(1)] } : m
  // Nothing comes back from there.
  const silent = p.udp(1001, 9, data)
  const whole = [
    six(silent),
    four(silent, UPLINK),
    ...out.flatMap(m => GUESTS.slice(0, 2).map(guest => six(m, guest))),
    ...out.map(four4(8)).flatMap(m => [four(m, POOL[0]), four(m, UPLINK)]),
    ...back.map(m => back6(m)),
    ...back.map(four4(0)).flatMap(m => [back4(m, POOL[0]), back4(m, UPLINK)]),
  ]
  const errors = whole.map((bytes, i) =>
    bytes[0]! >>> 4 === 4
      ? p.ip4(p.icmp([3, 11, 12][i % 3]!, i % 5, [0, 0, 0, 0], bytes.slice(0, 28 + 20 * (i % 4))), {
          src: ROUTER,
          dst: UPLINK,
        })
      : p.ip6(p.icmp(1 + (i % 4), i % 2, [0, 0, 0, 0], bytes.slice(0, 200)), {
          src: `${PREFIX}${ROUTER}`,
          dst: GUESTS[0],
        }),
  )
  const pieces = [0, 1448].flatMap(at => [
    six(p.udp(1000, 53, big), GUESTS[0], { ext: [p.fragment(5, at, true)], from: at, to: at + 1448 }),
    four(p.udp(1000, 53, big), POOL[0], { id: 5, mf: true, from: at, to: at + 1448 }),
    back4(p.echo(0, 7, big), POOL[0], { id: 6, mf: at === 0, from: at, to: at + 1448 }),
  ])
  return [...whole, ...errors, ...pieces]
}

const SEEDS = seeds()

/** A path that makes sense. */
function check(path: TracedPath): void {
  expect(path.hops.length).toBeGreaterThan(0)
  const text = JSON.stringify(path)
  expect(text).not.toMatch(/undefined|NaN|Infinity|\[object/)
  for (const hop of path.hops) {
    if (!(hop.delta >= 0 && hop.pieces > 0 && hop.length > 0)) throw new Error(text)
  }
  if (path.duration < 0 || (path.rtt !== null && path.rtt < 0)) throw new Error(text)
  if (path.verdict.kind === 'died' && path.verdict.lastSeen === null) throw new Error(text)
}

function fuzz(facts: Facts, seed: number, frames: number) {
  const mutator = new Mutator(seed)
  const ids = new Set<number>()
  const tickets = { taken: 0, given: 0 }
  let paths = 0
  const tracer = makeTracer(facts, {
    wanted: EVERYTHING,
    mostOpen: MOST_OPEN,
    onPath(path, own) {
      if (paths++ % 16 === 0) check(path)
      ids.add(path.id)
      tickets.given += own.length
    },
    onUnwanted: () => tickets.given++,
  })
  for (const [id, device] of DEVICES.entries()) {
    tracer.addTap({ id, netns: device === 'lo' ? 'other' : null, ifindex: id, device, linkType: 101 })
  }
  let time = 0
  for (let i = 0; i < frames; i++) {
    mutator.load(SEEDS[mutator.below(SEEDS.length)]!)
    if (mutator.below(32) === 0) mutator.scatter(false)
    for (let n = mutator.below(4); n > 1; n--) mutator.mutate()
    // Mostly forwards.
    time += mutator.below(1_000_000) - 50_000
    const frame: Frame = {
      time,
      tap: mutator.below(DEVICES.length),
      direction: DIRECTIONS[mutator.below(DIRECTIONS.length)] as Direction,
      bytes: mutator.buf,
      start: HEADROOM,
      ip: mutator.below(50) === 0 ? -1 : HEADROOM,
      end: mutator.end,
      length: mutator.end - HEADROOM,
      vlan: 0,
    }
    tracer.see(frame, () => tickets.taken++)
    if (i % 64 === 0) tracer.advance(time)
    if (i % 5000 === 0 && i < frames / 4) tracer.noteLoss(time - 1000, time)
  }
  tracer.finish()
  return { paths, ids, tickets, summary: tracer.summary() }
}

describe.each(['remedy-tayga', 'jool-hairpin-fw', 'remedy-jool-netns'])('%s', name => {
  it('takes mutated packets as they come', { timeout: 600_000 }, () => {
    const { paths, ids, tickets, summary } = fuzz(recorded(name), 7, FRAMES)
    expect(paths).toBeGreaterThan(1000)
    expect(ids.size).toBe(paths)
    expect(summary.paths).toBe(paths)
    expect(Object.values(summary.byVerdict).reduce((a, b) => a + b)).toBe(paths)
    // Every frame that was kept is judged or given back.
    expect(tickets.given).toBe(tickets.taken)
    // Packets were given up at the bound.
    expect(summary.capture.evicted).toBeGreaterThan(100)
    for (const kind of ['delivered', 'died', 'answered', 'incomplete', 'unknown'] as const) {
      expect(summary.byVerdict[kind], kind).toBeGreaterThan(0)
    }
  })
})
