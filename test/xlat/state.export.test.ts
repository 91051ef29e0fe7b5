import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { XlatConfig } from '../../src/xlat/config.js'
import { STAT } from '../../src/xlat/stats.js'
import { HOST, ip4, ip6, Lab, makeConfig, PEER, range } from './state-making.js'

/** A little of everything: TCP in three states, UDP from two guests, an ICMP query. */
function filled(config: XlatConfig = makeConfig()): Lab {
  const lab = new Lab(config)
  lab.v4('tcp', lab.v6('tcp', 5000), 'synack')
  lab.v4('tcp', lab.v6('tcp', 5001), 'syn', '192.0.2.99')
  lab.v6('udp', 5000)
  lab.v6('udp', 5000, 'data', '2001:db8::2')
  lab.v6('icmp', 7)
  lab.now += 10_000
  return lab
}

const rowsOf = (lab: Lab) =>
  [lab.state.bibRows(99), lab.state.sessionRows(99)].map(r => r.map(x => JSON.stringify(x)).sort())

describe('export and import', () => {
  test('round trip: the same entries, states, and lifetimes left, on another clock', () => {
    const lab = filled()
    const next = new Lab(lab.config)
    next.now = 1.7e12
    expect(next.state.import(lab.state.export(lab.now), next.now)).toEqual({ bib: 5, sessions: 6, refused: 0 })
    expect(rowsOf(next)).toEqual(rowsOf(lab))
    expect([STAT.bibTcp, STAT.bibUdp, STAT.bibIcmp, STAT.guests, STAT.sessions].map(s => next.stats[s])).toEqual([
      2, 2, 1, 2, 6,
    ])
    expect(next.v6('tcp', 5000, 'data')).toBe(lab.v6('tcp', 5000, 'data'))
  })

  test('what is over is not exported; ESTABLISHED that ran out is TRANS', () => {
    const lab = filled()
    lab.now += 7_440_000
    const next = new Lab(lab.config)
    expect(next.state.import(lab.state.export(lab.now), 0)).toEqual({ bib: 1, sessions: 1, refused: 0 })
    expect(next.tcp).toBe('TRANS 230')
  })

  test('a lifetime longer than the new configuration allows is cut to it', () => {
    const lab = filled()
    const next = new Lab(makeConfig({ timeouts: { ...lab.config.timeouts, udp: 120_000 } }))
    next.state.import(lab.state.export(lab.now), 0)
    expect(
      next.state
        .sessionRows(99)
        .filter(r => r.protocol === 'udp')
        .map(r => r.expiresInMs),
    ).toEqual([120_000, 120_000])
  })

  test.each<
    [string, Partial<XlatConfig>, Partial<XlatConfig['limits']>, { bib: number; sessions: number; refused: number }]
  >([
    ['another pool4', { pool4: [range('192.0.2.0/24', 1, 65535)] }, {}, { bib: 0, sessions: 0, refused: 11 }],
    [
      'a pool4 without ICMP',
      { pool4: [range('198.51.100.0/24', 1, 65535, ['tcp', 'udp'])] },
      {},
      { bib: 4, sessions: 5, refused: 2 },
    ],
    ['a smaller BIB', {}, { bib: 3 }, { bib: 3, sessions: 4, refused: 4 }],
    ['fewer sessions', {}, { sessions: 2 }, { bib: 2, sessions: 2, refused: 4 }],
    ['one port a guest', {}, { portsPerGuest: 1 }, { bib: 2, sessions: 2, refused: 7 }],
  ])('%s: what no longer fits is refused', (_, change, limits, want) => {
    const lab = filled()
    const next = new Lab(makeConfig(change, limits))
    expect(next.state.import(lab.state.export(lab.now), 0)).toEqual(want)
    expect(next.stats[STAT.bibEntries]).toBe(want.bib)
  })

  test('a second import adds nothing', () => {
    const lab = filled()
    const saved = lab.state.export(lab.now)
    expect(lab.state.import(saved, lab.now)).toEqual({ bib: 5, sessions: 0, refused: 6 })
    expect(lab.stats[STAT.sessions]).toBe(6)
  })

  test('foreign or damaged bytes are refused whole, whatever the alignment', () => {
    const saved = filled().state.export(11_000)
    const refusal = { bib: 0, sessions: 0, refused: 1 }
    const shifted = new Uint8Array(saved.length + 1)
    shifted.set(saved, 1)
    expect(new Lab().state.import(shifted.subarray(1), 0).refused).toBe(0)
    fc.assert(
      fc.property(fc.nat({ max: saved.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const damaged = saved.slice()
        damaged[at]! ^= bits
        expect(new Lab().state.import(damaged, 0)).toEqual(refusal)
      }),
      { numRuns: 2000 },
    )
    for (const length of [1, 3, 4, 19, 20, saved.length - 4, saved.length - 1]) {
      expect(new Lab().state.import(saved.subarray(0, length), 0)).toEqual(refusal)
    }
    expect(new Lab().state.import(new Uint8Array(0), 0)).toEqual({ bib: 0, sessions: 0, refused: 0 })
  })

  test('words that pass the checksum but make no sense are refused one by one', () => {
    const words = fc.array(fc.oneof(fc.integer(), fc.integer({ min: -2, max: 9 })), { maxLength: 60 })
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.nat({ max: 6 }), words, (entries, sessions, content) => {
        const lab = new Lab()
        const bytes = sealed(entries, sessions, content)
        const got = lab.state.import(bytes, 0)
        expect(got.bib + got.sessions + got.refused).toBeLessThanOrEqual(entries + sessions + 1)
        expect(lab.stats[STAT.bibEntries]).toBe(got.bib)
        expect(lab.state.sessionRows(99).length).toBe(got.sessions)
      }),
      { numRuns: 500 },
    )
  })
})

/** The format as state-export.ts draws it, around any content. */
function sealed(entries: number, sessions: number, content: readonly number[]): Uint8Array {
  const words = new Int32Array(5 + entries * 7 + sessions * 4)
  words.set([0x4e363453, 1, entries, sessions])
  for (let o = 5; o < words.length; o++) words[o] = content[o - 5] ?? 0
  let sum = 0x811c9dc5 | 0
  for (const [o, word] of words.entries()) {
    if (o === 4) continue
    sum = Math.imul(sum ^ word, 0x01000193)
    sum = (sum << 13) | (sum >>> 19)
  }
  words[4] = sum
  return new Uint8Array(words.buffer)
}

describe('reconfigure()', () => {
  const entry = {
    protocol: 'udp',
    host6: ip6(HOST),
    host6Port: 5000,
    mapped4: ip4('198.51.100.1'),
    mapped4Port: 53,
  } as const
  const pool6 = { address: ip6('2001:db8:64::'), length: 96 }

  test.each<[string, Partial<XlatConfig>, Partial<XlatConfig['limits']>, number, number]>([
    ['nothing', {}, {}, 0, 5],
    ['timeouts', { timeouts: { ...makeConfig().timeouts, udp: 120_000 } }, {}, 0, 5],
    ['a wider pool4', { pool4: [range('198.51.100.0/24', 1, 65535)] }, {}, 0, 5],
    ['pool4 without ICMP', { pool4: [range('198.51.100.1', 1, 65535, ['tcp', 'udp'])] }, {}, 1, 4],
    ['another pool4', { pool4: [range('192.0.2.1', 1, 65535)] }, {}, 6, 0],
    ['another pool6', { pool6 }, {}, 6, 0],
    ['address-dependent filtering', { filtering: 'address-dependent' }, {}, 0, 5],
    ['a static entry where a guest has another', { staticBib: [entry] }, {}, 1, 5],
    ['larger tables', {}, { bib: 5000, sessions: 5000 }, 0, 5],
    ['guests by /64', {}, { guestPrefixLength: 64 }, 0, 5],
    ['limits below what is held', {}, { bib: 1, sessions: 1, portsPerGuest: 1 }, 0, 5],
  ])('%s', (_, change, limits, dropped, entries) => {
    const lab = filled()
    const before = lab.state.sessionRows(99)
    expect(lab.state.reconfigure(makeConfig(change, limits), lab.now)).toBe(dropped)
    expect(lab.state.sessionRows(99)).toHaveLength(6 - dropped)
    expect([lab.stats[STAT.sessions], lab.stats[STAT.bibEntries]]).toEqual([6 - dropped, entries])
    expect([STAT.bibTcp, STAT.bibUdp, STAT.bibIcmp].reduce((n, s) => n + lab.stats[s]!, 0)).toBe(entries)
    const kept = new Set(before.map(r => JSON.stringify([r.protocol, r.host6, r.mapped4Port, r.peer4, r.state])))
    for (const r of lab.state.sessionRows(99)) {
      expect(kept.has(JSON.stringify([r.protocol, r.host6, r.mapped4Port, r.peer4, r.state]))).toBe(true)
    }
    // Whatever stays can be used, ended, and its port given again.
    const host = [HOST, '2001:db8::2']
    for (const h of host) lab.v6('udp', 5000, 'data', h)
    lab.now += 8e6
    expect(lab.v6('udp', 9, 'data', '2001:db8::9', PEER)).toMatch(/^(198|192)/)
  })

  test('a configuration that the tables cannot hold changes nothing; what is over is not dropped', () => {
    const lab = filled()
    expect(() => lab.state.reconfigure(makeConfig({ pool6 }, { sessions: 0 }), lab.now)).toThrow('limits.sessions')
    expect(lab.stats[STAT.sessions]).toBe(6)
    lab.now += 100_000
    expect(lab.state.reconfigure(makeConfig({ pool6 }), lab.now)).toBe(5)
  })

  test("a static entry that goes is the guest's own until its sessions end", () => {
    const lab = new Lab(makeConfig({ staticBib: [{ ...entry, mapped4Port: 2000 }] }))
    expect(lab.v6('udp', 5000)).toBe('198.51.100.1:2000')
    expect(lab.state.reconfigure(makeConfig(), lab.now)).toBe(0)
    expect(lab.v6('udp', 5000)).toBe('198.51.100.1:2000')
    expect(lab.state.bibRows(9).map(r => [r.isStatic, r.sessions])).toEqual([[false, 1]])
    lab.now += 300_000
    expect(lab.v4('udp', '198.51.100.1:2000')).toBe('no_bib_entry')
  })

  test('filtering switched on knows whom guests wrote to before', () => {
    const lab = new Lab()
    const mapped = lab.v6('udp', 5000)
    lab.state.reconfigure(makeConfig({ filtering: 'address-dependent' }), lab.now)
    expect(lab.v4('udp', mapped, 'data', PEER, 9)).toBe(mapped)
    expect(lab.v4('udp', mapped, 'data', '192.0.2.99')).toBe('filtered')
    lab.state.reconfigure(makeConfig(), lab.now)
    expect(lab.v4('udp', mapped, 'data', '192.0.2.99')).toBe(mapped)
  })
})
