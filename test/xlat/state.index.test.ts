import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TCP, UDP } from '../../src/wire/protocol.js'
import { KeyedHash } from '../../src/xlat/hash.js'
import { HashIndex } from '../../src/xlat/hash-index.js'
import { ExpirySink } from '../../src/xlat/state.js'
import { STAT } from '../../src/xlat/stats.js'
import { HOST, ip4, ip6, Lab, makeConfig, PEER, range } from './state-making.js'

/** All records that a search for `hash` meets. */
function met(index: HashIndex, hash: number): number[] {
  const all: number[] = []
  for (let r = index.first(hash); r >= 0; r = index.next()) all.push(r)
  return all
}

describe('HashIndex', () => {
  test('agrees with a set, full and overflowing, however few hashes there are', () => {
    const op = fc.record({ add: fc.boolean(), record: fc.nat({ max: 199 }) })
    fc.assert(
      fc.property(fc.array(op, { maxLength: 600, size: 'max' }), fc.constantFrom(1, 3, 1000), (ops, hashes) => {
        const index = new HashIndex(200)
        const inside = new Set<number>()
        const hashOf = (record: number) => Math.imul(record % hashes, 0x9e3779b1)
        for (const { add, record } of ops) {
          if (add === inside.has(record)) continue
          if (add) index.insert(hashOf(record), record)
          else index.remove(hashOf(record), record)
          if (add) inside.add(record)
          else inside.delete(record)
        }
        expect(index.count).toBe(inside.size)
        for (let record = 0; record < 200; record++) {
          expect(met(index, hashOf(record)).includes(record)).toBe(inside.has(record))
        }
      }),
      { numRuns: 100 },
    )
  })

  test('a search that fails meets next to nothing, also after a million changes at capacity', () => {
    const capacity = 40_000
    const hash = new KeyedHash([1, 2, 3, 4])
    const hashes = new Int32Array(capacity)
    const index = new HashIndex(capacity)
    let key = 0
    const put = (record: number) => {
      hashes[record] = hash.of3(0, key++, 0, 0)
      index.growIfTight(r => hashes[r]!)
      index.insert(hashes[record]!, record)
    }
    for (let record = 0; record < capacity; record++) put(record)
    for (let n = 0; n < 1_000_000; n++) {
      const record = (Math.imul(n, 0x9e3779b1) >>> 0) % capacity
      index.remove(hashes[record]!, record)
      put(record)
    }
    expect(index.count).toBe(capacity)
    let strangers = 0
    for (let n = 0; n < 10_000; n++) strangers += met(index, hash.of3(1, n, 0, 0)).length
    expect(strangers / 10_000).toBeLessThan(0.01)
    for (let record = 0; record < capacity; record += 97) expect(met(index, hashes[record]!)).toContain(record)
  })
})

describe('KeyedHash', () => {
  test('spreads keys that differ in one word, and another secret spreads them otherwise', () => {
    const secrets = [[1, 2, 3, 4] as const, [1, 2, 3, 5] as const].map(s => new KeyedHash(s))
    for (const of of [
      (h: KeyedHash, n: number) => h.of3(0, n, 0, 0),
      (h: KeyedHash, n: number) => h.of3(0, 0, 0, n << 16),
      (h: KeyedHash, n: number) => h.of6(0, 0x20010db8, 0, 0, n, 0, 0),
      (h: KeyedHash, n: number) => h.of6(0, 0x20010db8, 0, 0, 1, n << 16, 0),
    ]) {
      for (const hash of secrets) {
        const buckets = new Int32Array(256)
        for (let n = 0; n < 25_600; n++) buckets[of(hash, n) >>> 24]!++
        // Expected 100 in each; five standard deviations.
        expect(Math.max(...buckets)).toBeLessThan(150)
        expect(Math.min(...buckets)).toBeGreaterThan(50)
      }
      const same = Array.from({ length: 1000 }, (_, n) => of(secrets[0]!, n) === of(secrets[1]!, n))
      expect(same.filter(Boolean)).toEqual([])
    }
  })
})

describe('many sessions', () => {
  const pool4 = [range('198.51.100.0/29', 1024, 65535)]
  const limits = { bib: 60_000, sessions: 60_000, portsPerGuest: 0 }
  const host = (n: number) => (0xabc000 + (n % 100)) | 0

  function filled(): { lab: Lab; mapped: Int32Array; ports: Int32Array } {
    const lab = new Lab(makeConfig({ pool4 }, limits))
    const mapped = new Int32Array(60_000)
    const ports = new Int32Array(60_000)
    for (let n = 0; n < 60_000; n++) {
      const i = lab.state.fromV6(
        UDP,
        0x20010db8,
        0,
        0,
        host(n),
        1000 + Math.floor(n / 100),
        ip4(PEER) | 0,
        53,
        0,
        lab.now,
      )
      mapped[n] = lab.state.mapped4(i)
      ports[n] = lab.state.mapped4Port(i)
    }
    return { lab, mapped, ports }
  }

  test('each is found from both sides, past the growth of the indexes, and all end', () => {
    const { lab, mapped, ports } = filled()
    expect(lab.v6('tcp', 1)).toBe('sessions_full')
    for (let n = 0; n < 60_000; n += 7) {
      const port6 = 1000 + Math.floor(n / 100)
      const six = lab.state.findV6(UDP, 0x20010db8, 0, 0, host(n), port6, ip4(PEER), 53, lab.now)
      const four = lab.state.findV4(UDP, mapped[n]!, ports[n]!, ip4(PEER), 53, lab.now)
      if (six < 0 || six !== four || lab.state.host6Port(four) !== port6) throw new Error(`session ${n} is lost`)
    }
    lab.now += 300_000
    expect(lab.v6('tcp', 1)).toMatch(/^198/)
    const sink = new ExpirySink()
    let calls = 0
    while (lab.stats[STAT.sessions]! > 1 && calls < 1000) {
      lab.state.expire(lab.now, 1000, sink)
      calls++
    }
    // A budget of 1000 endings a call, no more, no less.
    expect([calls, lab.stats[STAT.sessions], lab.stats[STAT.bibEntries], lab.stats[STAT.guests]]).toEqual([60, 1, 1, 1])
    const [a, b, c, d] = ip6(HOST)
    expect(lab.state.findV6(TCP, a, b, c, d, 1, ip4(PEER), 443, lab.now)).toBeGreaterThanOrEqual(0)
  })

  test('a million lookups leave the heap as it was', () => {
    const { lab, mapped, ports } = filled()
    const pass = () => {
      for (let k = 0; k < 500_000; k++) {
        const n = (Math.imul(k, 0x9e3779b1) >>> 0) % 60_000
        lab.state.fromV6(UDP, 0x20010db8, 0, 0, host(n), 1000 + Math.floor(n / 100), ip4Peer, 53, 0, 2000)
        lab.state.fromV4(UDP, mapped[n]!, ports[n]!, ip4Peer, 53, 0, 2000)
      }
    }
    const ip4Peer = ip4(PEER) | 0
    pass()
    const growth = Array.from({ length: 3 }, () => {
      const before = process.memoryUsage().heapUsed
      pass()
      return process.memoryUsage().heapUsed - before
    })
    // One boxed number a lookup would be 16 MB. A collection in between makes it negative: then another pass counts.
    expect(Math.min(...growth.filter(g => g >= 0), 8e6)).toBeLessThan(2e6)
  })
})
