import { describe, expect, test } from 'vitest'
import { ExpirySink } from '../../src/xlat/state.js'
import { STAT } from '../../src/xlat/stats.js'
import { type FlagName, Lab, makeConfig } from './state-making.js'

type Step = '6' | '4'

/** Packets that lead from nothing to a state, as side and flag. */
const WAY: Readonly<Record<string, readonly (readonly [Step, FlagName])[]>> = {
  'V6 INIT': [['6', 'syn']],
  ESTABLISHED: [
    ['6', 'syn'],
    ['4', 'synack'],
  ],
  'V4 FIN RCV': [
    ['6', 'syn'],
    ['4', 'synack'],
    ['4', 'fin'],
  ],
  'V6 FIN RCV': [
    ['6', 'syn'],
    ['4', 'synack'],
    ['6', 'fin'],
  ],
  'V4 FIN + V6 FIN RCV': [
    ['6', 'syn'],
    ['4', 'synack'],
    ['6', 'fin'],
    ['4', 'fin'],
  ],
  TRANS: [
    ['6', 'syn'],
    ['4', 'synack'],
    ['4', 'rst'],
  ],
}

const send = (lab: Lab, side: Step, flag: FlagName, mapped: string) =>
  side === '6' ? lab.v6('tcp', 5000, flag) : lab.v4('tcp', mapped, flag)

describe('TCP states (RFC 6146 section 3.5.2.2): state, packet, state and lifetime a second later', () => {
  test.each<[string, Step, FlagName, string]>([
    ['V6 INIT', '6', 'syn', 'V6 INIT 240'],
    ['V6 INIT', '6', 'data', 'V6 INIT 239'],
    ['V6 INIT', '6', 'fin', 'V6 INIT 239'],
    ['V6 INIT', '6', 'rst', 'V6 INIT 239'],
    ['V6 INIT', '4', 'syn', 'ESTABLISHED 7440'],
    ['V6 INIT', '4', 'synack', 'ESTABLISHED 7440'],
    ['V6 INIT', '4', 'data', 'V6 INIT 239'],
    ['V6 INIT', '4', 'rst', 'V6 INIT 239'],
    ['ESTABLISHED', '6', 'data', 'ESTABLISHED 7440'],
    ['ESTABLISHED', '4', 'data', 'ESTABLISHED 7440'],
    ['ESTABLISHED', '6', 'syn', 'ESTABLISHED 7440'],
    ['ESTABLISHED', '6', 'fin', 'V6 FIN RCV 7439'],
    ['ESTABLISHED', '4', 'fin', 'V4 FIN RCV 7439'],
    ['ESTABLISHED', '6', 'rst', 'TRANS 240'],
    ['ESTABLISHED', '4', 'rst', 'TRANS 240'],
    ['V4 FIN RCV', '6', 'fin', 'V4 FIN + V6 FIN RCV 240'],
    ['V4 FIN RCV', '4', 'fin', 'V4 FIN RCV 7440'],
    ['V4 FIN RCV', '6', 'data', 'V4 FIN RCV 7440'],
    ['V4 FIN RCV', '4', 'data', 'V4 FIN RCV 7440'],
    ['V4 FIN RCV', '4', 'rst', 'TRANS 240'],
    ['V6 FIN RCV', '4', 'fin', 'V4 FIN + V6 FIN RCV 240'],
    ['V6 FIN RCV', '6', 'fin', 'V6 FIN RCV 7440'],
    ['V6 FIN RCV', '4', 'data', 'V6 FIN RCV 7440'],
    ['V6 FIN RCV', '6', 'rst', 'TRANS 240'],
    ['V4 FIN + V6 FIN RCV', '6', 'data', 'V4 FIN + V6 FIN RCV 239'],
    ['V4 FIN + V6 FIN RCV', '4', 'fin', 'V4 FIN + V6 FIN RCV 239'],
    ['V4 FIN + V6 FIN RCV', '4', 'rst', 'V4 FIN + V6 FIN RCV 239'],
    ['V4 FIN + V6 FIN RCV', '6', 'syn', 'V6 INIT 240'],
    ['V4 FIN + V6 FIN RCV', '4', 'syn', 'V4 INIT 240'],
    ['TRANS', '6', 'data', 'ESTABLISHED 7440'],
    ['TRANS', '4', 'data', 'ESTABLISHED 7440'],
    ['TRANS', '4', 'fin', 'ESTABLISHED 7440'],
    ['TRANS', '6', 'rst', 'TRANS 239'],
    ['TRANS', '4', 'rst', 'TRANS 239'],
  ])('%s, v%s %s: %s', (from, side, flag, to) => {
    const lab = new Lab()
    const mapped = lab.v6('tcp', 5000)
    for (const [s, f] of WAY[from]!) send(lab, s, f, mapped)
    expect(lab.tcp.startsWith(`${from} `)).toBe(true)
    lab.now += 1000
    expect(send(lab, side, flag, mapped)).toBe(mapped)
    expect(lab.tcp).toBe(to)
  })

  test('V4 INIT leads to ESTABLISHED by a SYN from inside only', () => {
    const lab = new Lab()
    const mapped = lab.v6('tcp', 5000)
    lab.v4('tcp', mapped, 'syn', '192.0.2.99', 7)
    const state = () => lab.state.sessionRows(9).find(r => r.peer4 === '192.0.2.99')?.state
    expect(state()).toBe('V4 INIT')
    for (const flag of ['data', 'rst', 'fin'] as const) lab.v6('tcp', 5000, flag, undefined, '192.0.2.99', 7)
    lab.v4('tcp', mapped, 'syn', '192.0.2.99', 7)
    expect(state()).toBe('V4 INIT')
    lab.v6('tcp', 5000, 'synack', undefined, '192.0.2.99', 7)
    expect(state()).toBe('ESTABLISHED')
  })
})

describe('TCP without a session', () => {
  test.each<[string, FlagName, string]>([
    ['data', 'data', 'tcp_not_syn'],
    ['an answer', 'synack', 'tcp_not_syn'],
    ['FIN', 'fin', 'tcp_not_syn'],
    ['RST', 'rst', 'tcp_not_syn'],
  ])('%s opens nothing, from either side', (_, flag, code) => {
    const lab = new Lab()
    expect(lab.v6('tcp', 5000, flag)).toBe(code)
    expect(lab.v4('tcp', '198.51.100.1:2000', flag)).toBe('no_bib_entry')
    const mapped = lab.v6('tcp', 5001)
    expect(lab.v4('tcp', mapped, flag, '192.0.2.99')).toBe(code)
    expect(lab.stats[STAT.sessions]).toBe(1)
  })

  test.each([
    ['no binding', {}, false, 'store'],
    ['a binding', {}, true, 'mapped'],
    ['no binding, external TCP off', { dropExternallyInitiatedTcp: true }, false, 'external_tcp'],
    ['a binding, external TCP off', { dropExternallyInitiatedTcp: true }, true, 'external_tcp'],
    ['a binding, peer unknown, address-dependent', { filtering: 'address-dependent' }, true, 'store'],
  ] as const)('a SYN from outside with %s', (_, change, isBound, want) => {
    const lab = new Lab(makeConfig(change))
    const mapped = isBound ? lab.v6('tcp', 5000) : '198.51.100.1:2000'
    expect(lab.v4('tcp', mapped, 'syn', '192.0.2.99')).toBe(want === 'mapped' ? mapped : want)
  })
})

describe('ESTABLISHED runs out', () => {
  test('it becomes TRANS at that moment, the guest gets one probe, and what answers revives it', () => {
    const lab = new Lab()
    const sink = new ExpirySink()
    const mapped = lab.v6('tcp', 5000)
    lab.v4('tcp', mapped, 'synack')
    lab.now += 7_440_000 - 1
    lab.state.expire(lab.now, 100, sink)
    expect([sink.probeCount, lab.tcp]).toEqual([0, 'ESTABLISHED 0.001'])
    lab.now += 1001
    lab.state.expire(lab.now, 100, sink)
    expect([sink.probeCount, lab.tcp]).toEqual([1, 'TRANS 239'])
    lab.state.expire(lab.now, 100, sink)
    expect(sink.probeCount).toBe(0)
    expect(lab.v6('tcp', 5000, 'data')).toBe(mapped)
    expect(lab.tcp).toBe('ESTABLISHED 7440')
  })

  test('nobody answers: it is gone four minutes later, its port is free, and the counters say so', () => {
    const lab = new Lab()
    const sink = new ExpirySink()
    lab.v4('tcp', lab.v6('tcp', 5000), 'synack')
    lab.now += 7_440_000 + 240_000
    expect(lab.state.expire(lab.now, 100, sink)).toBe(1)
    expect(sink.probeCount).toBe(0)
    const { sessions, sessionsExpired, bibEntries, guests } = STAT
    expect([sessions, sessionsExpired, bibEntries, guests].map(s => lab.stats[s])).toEqual([0, 1, 0, 0])
  })

  test('a clock that jumps 30 days ends it without a probe', () => {
    const lab = new Lab()
    const sink = new ExpirySink()
    const mapped = lab.v6('tcp', 5000)
    lab.v4('tcp', mapped, 'synack')
    lab.now += 30 * 86_400_000
    expect(lab.v4('tcp', mapped, 'data')).toBe('no_bib_entry')
    lab.state.expire(lab.now, 100, sink)
    expect([sink.probeCount, lab.stats[STAT.sessions]]).toEqual([0, 0])
  })

  test('a clock that stands still or runs back ends nothing', () => {
    const lab = new Lab()
    const mapped = lab.v6('udp', 5000)
    lab.now -= 10 * 86_400_000
    expect(lab.v6('udp', 5000)).toBe(mapped)
    expect(lab.state.expire(lab.now, 100, new ExpirySink())).toBe(0)
  })
})

describe('stored SYNs (simultaneous open)', () => {
  const MAPPED = [198, 51, 100, 1]

  function syn(port: number, peerPort = 443): Uint8Array {
    const b = new Uint8Array(60)
    b.set([
      0x45,
      0,
      0,
      60,
      0,
      1,
      0,
      0,
      64,
      6,
      0,
      0,
      8,
      8,
      8,
      8,
      ...MAPPED,
      peerPort >> 8,
      peerPort & 255,
      port >> 8,
      port & 255,
    ])
    return b
  }

  test('unanswered, it comes out of expire() after 6 seconds, byte for byte', () => {
    const lab = new Lab()
    const sink = new ExpirySink()
    expect(lab.v4('tcp', '198.51.100.1:2000')).toBe('store')
    expect(lab.state.storeSyn(syn(2000), 0, 60, lab.now)).toBe(true)
    expect(lab.stats[STAT.storedSyns]).toBe(1)
    lab.now += 5999
    lab.state.expire(lab.now, 100, sink)
    expect(sink.synCount).toBe(0)
    lab.now += 1
    lab.state.expire(lab.now, 100, sink)
    expect(sink.synBytes.slice(sink.synStart[0], sink.synEnd[0])).toEqual(syn(2000))
    expect([sink.synCount, lab.stats[STAT.storedSyns]]).toEqual([1, 0])
  })

  test('sent again while it waits, it is stored once and waits no longer', () => {
    const lab = new Lab()
    const sink = new ExpirySink()
    lab.state.storeSyn(syn(2000), 0, 60, lab.now)
    lab.now += 3000
    expect(lab.state.storeSyn(syn(2000), 0, 60, lab.now)).toBe(true)
    lab.now += 3000
    lab.state.expire(lab.now, 100, sink)
    expect([sink.synCount, lab.stats[STAT.storedSyns]]).toEqual([1, 0])
  })

  test('a SYN from inside to that peer takes the address it was for, is ESTABLISHED, and answers it', () => {
    const lab = new Lab()
    const sink = new ExpirySink()
    lab.state.storeSyn(syn(2000), 0, 60, lab.now)
    expect(lab.v6('tcp', 5000)).toBe('198.51.100.1:2000')
    expect([lab.tcp, lab.stats[STAT.storedSyns]]).toEqual(['ESTABLISHED 7440', 0])
    lab.now += 6000
    lab.state.expire(lab.now, 100, sink)
    expect(sink.synCount).toBe(0)
  })

  test('with a binding and address-dependent filtering, the SYN from inside meets it there', () => {
    const lab = new Lab(makeConfig({ filtering: 'address-dependent' }))
    const mapped = lab.v6('tcp', 5000, 'syn', undefined, '192.0.2.99')
    expect(lab.v4('tcp', mapped)).toBe('store')
    lab.state.storeSyn(syn(Number(mapped.split(':')[1])), 0, 60, lab.now)
    expect(lab.v6('tcp', 5000)).toBe(mapped)
    expect(lab.state.sessionRows(9).map(r => r.state)).toEqual(['V6 INIT', 'ESTABLISHED'])
    expect(lab.stats[STAT.storedSyns]).toBe(0)
  })

  test('at the limit the newcomer is refused, and there is room again when one is answered or over', () => {
    const lab = new Lab()
    for (let k = 0; k < 4; k++) expect(lab.state.storeSyn(syn(2000 + k, 7000 + k), 0, 60, lab.now)).toBe(true)
    expect(lab.state.storeSyn(syn(3000), 0, 60, lab.now)).toBe(false)
    lab.v6('tcp', 5000, 'syn', undefined, undefined, 7000)
    expect(lab.state.storeSyn(syn(3000), 0, 60, lab.now)).toBe(true)
  })
})
