import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ipv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { parseIpv6 } from '../../src/addr/ipv6.js'
import { put16, put32 } from '../../src/wire/bytes.js'
import { ACK, FIN, ICMP6, RST, SYN, TCP, UDP } from '../../src/wire/protocol.js'
import { DEFAULT_CONFIG, type XlatConfig } from '../../src/xlat/config.js'
import { REASONS } from '../../src/xlat/reason.js'
import { ExpirySink, REFUSED, STORE_SYN, State } from '../../src/xlat/state.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'
import { type Flag, Model, type ModelConfig, type Proto } from './state-model.js'

const ADDRESSES = ['198.51.100.1', '198.51.100.2'].map(t => parseIpv4(t) as number)
const HOSTS = ['2001:db8::1', '2001:db8::2', '2001:db8:ffff::1'].map(t => parseIpv6(t)!)
const HPORTS = [7, 1023, 40000, 40001]
const PEERS = ['8.8.8.8', '203.0.113.9'].map(t => parseIpv4(t) as number)
const PPORTS = [53, 443]
const PORTS: readonly [number, number] = [1022, 1029]
const NUMBER = { tcp: TCP, udp: UDP, icmp: ICMP6 } as const
const FLAGS: Readonly<Record<Flag, number>> = { syn: SYN, synack: SYN | ACK, fin: FIN | ACK, rst: RST, data: ACK }
const LIMITS = { sessions: 12, bib: 10, storedSyns: 3, portsPerGuest: 5, sessionsPerGuest: 8 }
const LIFE = { udp: 300_000, icmp: 60_000, est: 7_440_000, trans: 240_000, syn: 6_000 }

function configs(adf: boolean, dropExternal: boolean, dropInfo: boolean): [XlatConfig, ModelConfig] {
  const xlat: XlatConfig = {
    ...DEFAULT_CONFIG,
    pool4: ADDRESSES.map(address => ({
      prefix: { address: address as Ipv4, length: 32 },
      protocols: ['tcp', 'udp', 'icmp'],
      ports: PORTS,
    })),
    filtering: adf ? 'address-dependent' : 'endpoint-independent',
    dropExternallyInitiatedTcp: dropExternal,
    dropIcmpInfo: dropInfo,
    limits: { ...DEFAULT_CONFIG.limits, ...LIMITS },
  }
  return [xlat, { adf, dropExternal, dropInfo, ...LIMITS, ...LIFE, addresses: ADDRESSES, ports: PORTS }]
}

const proto = fc.constantFrom<Proto>('tcp', 'tcp', 'udp', 'icmp')
const flag = fc.constantFrom<Flag>('syn', 'syn', 'synack', 'fin', 'rst', 'data')
const pick = (n: number) => fc.nat({ max: n - 1 })
const op = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('v6' as const),
      proto,
      host: pick(3),
      hport: pick(4),
      peer: pick(2),
      pport: pick(2),
      flag,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('v4' as const),
      proto,
      bib: fc.nat({ max: 30 }),
      peer: pick(2),
      pport: pick(2),
      flag,
    }),
  },
  // Whatever is noted, right or wrong, changes nothing but speed.
  { weight: 2, arbitrary: fc.record({ op: fc.constant('note' as const), bibs: fc.array(pick(12), { maxLength: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('find' as const), session: fc.nat({ max: 30 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 1000, 5999, 6000, 59_999, 60_001, 239_999, 240_000, 300_000, 7_440_000, 30 * 86_400_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('expire' as const), budget: fc.constantFrom(1, 2, 1e6) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const), at: fc.constantFrom(0, 17, 1.7e12) }) },
)
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never

function synPacket(mapped: number, mport: number, peer: number, pport: number): Uint8Array {
  const b = new Uint8Array(40)
  b[0] = 0x45
  put32(b, 12, peer)
  put32(b, 16, mapped)
  put16(b, 20, pport)
  put16(b, 22, mport)
  return b
}

class Run {
  state: State
  stats = makeStats()
  model: Model
  /** The time the tables are told, and what it is for the model. */
  now = 5
  skew = 0
  sink = new ExpirySink()
  seed: number

  constructor(
    readonly xlat: XlatConfig,
    config: ModelConfig,
    seed: number,
  ) {
    this.seed = seed | 1
    this.model = new Model(config)
    this.state = this.make()
  }

  make(): State {
    const random32 = () => {
      this.seed = Math.imul(this.seed, 1664525) + 1013904223
      return this.seed >>> 0
    }
    this.stats = makeStats()
    return new State(this.xlat, this.stats, random32, [this.seed, 2, 3, 4])
  }

  get told(): number {
    return this.now + this.skew
  }

  do(o: Op): void {
    const { model, state } = this
    model.settle(this.now)
    if (o.op === 'wait') this.now += o.ms
    else if (o.op === 'v6')
      this.v6(o.proto, o.host, HPORTS[o.hport]!, PEERS[o.peer]!, o.proto === 'icmp' ? 0 : PPORTS[o.pport]!, o.flag)
    else if (o.op === 'v4') this.v4(o)
    else if (o.op === 'find') this.find(o.session)
    else if (o.op === 'note') this.note(o.bibs)
    else if (o.op === 'restart') {
      const saved = state.export(this.told)
      this.skew = o.at - this.now
      this.state = this.make()
      const got = this.state.import(saved, this.told)
      expect(got).toEqual({ bib: model.bibs.length, sessions: model.sessions.length, refused: 0 })
      model.syns = []
      model.pair.clear()
    } else {
      const due = model.dueSyns(this.now, o.budget)
      state.expire(this.told, o.budget, this.sink)
      expect(this.sink.synCount).toBe(due.length)
      for (const [k, syn] of due.entries()) {
        const bytes = this.sink.synBytes.subarray(this.sink.synStart[k], this.sink.synEnd[k])
        expect(bytes).toEqual(synPacket(syn.mapped, syn.mport, syn.peer, syn.pport))
      }
      for (let k = 0; k < this.sink.probeCount; k++) {
        const i = this.sink.probes[k]!
        expect(
          model.find4('tcp', state.mapped4(i), state.mapped4Port(i), state.peer4(i), state.peer4Port(i))?.state,
        ).toBe('TRANS')
      }
      if (o.budget > 100) this.check()
    }
  }

  v6(proto: Proto, host: number, hport: number, peer: number, pport: number, flag: Flag): void {
    const { model, state } = this
    const free = model.free(proto)
    // Ports of what is over are free only once collected; which of the free ones is preferred shows only then.
    const isCollected = this.stats[STAT.sessions] === model.sessions.length
    const [h0, h1, h2, h3] = HOSTS[host]!
    const want = model.fromV6(proto, host, hport, peer, pport, flag, this.now)
    const i = state.fromV6(
      NUMBER[proto],
      h0,
      h1,
      h2,
      h3,
      hport,
      peer,
      proto === 'icmp' ? hport : pport,
      FLAGS[flag],
      this.told,
    )
    if (want.kind === 'refused') {
      expect([i, REASONS[state.reason]!.code]).toEqual([REFUSED, want.code])
      return
    }
    expect(i).toBeGreaterThanOrEqual(0)
    const [mapped, mport] = [state.mapped4(i), state.mapped4Port(i)]
    if (want.kind === 'session') expect([mapped, mport]).toEqual([want.session.bib.mapped, want.session.bib.mport])
    if (want.kind === 'bind') {
      expect(free).toContainEqual({ mapped, mport })
      if (want.want) expect([mapped, mport]).toEqual([want.want.mapped, want.want.mport])
      else if (isCollected) {
        const own = model.pair.get(host)
        if (own !== undefined && free.some(f => f.mapped === own)) expect(mapped).toBe(own)
        if (proto !== 'icmp') {
          const isSameRange = (port: number) => port < 1024 === hport < 1024
          const here = free.filter(f => f.mapped === mapped && isSameRange(f.mport))
          if (here.length > 0) expect(isSameRange(mport)).toBe(true)
          if (proto === 'udp' && here.some(f => (f.mport ^ hport) % 2 === 0)) expect((mport ^ hport) & 1).toBe(0)
        }
      }
      model.bind({ proto, host, hport, mapped, mport }, peer, pport, want.state, this.now)
      if (!isCollected) model.pair.delete(host)
    }
    expect([0, 1, 2, 3].map(k => state.host6Word(i, k))).toEqual(HOSTS[host])
    expect([state.host6Port(i), state.peer4(i), state.peer4Port(i)]).toEqual([hport, peer, pport])
  }

  v4(o: Extract<Op, { op: 'v4' }>): void {
    const { model, state } = this
    const bib = model.bibs[o.bib]
    const [mapped, mport] = bib ? [bib.mapped, bib.mport] : [ADDRESSES[o.bib % 2]!, PORTS[0] + (o.bib % 9)]
    const peer = PEERS[o.peer]!
    const pport = o.proto === 'icmp' ? 0 : PPORTS[o.pport]!
    const want = model.fromV4(o.proto, mapped, mport, peer, pport, o.flag, this.now)
    const i = state.fromV4(
      NUMBER[o.proto],
      mapped,
      mport,
      peer,
      o.proto === 'icmp' ? mport : pport,
      FLAGS[o.flag],
      this.told,
    )
    if (want.kind === 'refused') expect([i, REASONS[state.reason]!.code]).toEqual([REFUSED, want.code])
    else if (want.kind === 'store') {
      expect(i).toBe(STORE_SYN)
      const code = model.store(mapped, mport, peer, pport, this.now)
      const isStored = state.storeSyn(synPacket(mapped, mport, peer, pport), 0, 40, this.told)
      expect(isStored ? undefined : REASONS[state.reason]!.code).toBe(code)
    } else if (want.kind === 'session') {
      expect(i).toBeGreaterThanOrEqual(0)
      const { host, hport } = want.session.bib
      expect([0, 1, 2, 3].map(k => state.host6Word(i, k))).toEqual(HOSTS[host])
      expect(state.host6Port(i)).toBe(hport)
    }
  }

  note(sessions: readonly number[]): void {
    for (const n of sessions) {
      const s = this.model.sessions[n]
      if (!s) continue
      const { proto, host, hport, mapped, mport } = s.bib
      const [h0, h1, h2, h3] = HOSTS[host]!
      if (n % 2 === 0) this.state.noteV6(NUMBER[proto], h0, h1, h2, h3, hport, s.peer, s.pport)
      else this.state.noteV4(NUMBER[proto], mapped, mport, s.peer, s.pport)
    }
    this.state.touch()
  }

  find(n: number): void {
    const { model, state } = this
    const s = model.sessions[n]
    if (!s) return
    const { proto, host, hport, mapped, mport } = s.bib
    const [h0, h1, h2, h3] = HOSTS[host]!
    const six = state.findV6(NUMBER[proto], h0, h1, h2, h3, hport, s.peer, s.pport, this.told)
    expect(six).toBeGreaterThanOrEqual(0)
    expect(state.findV4(NUMBER[proto], mapped, mport, s.peer, s.pport, this.told)).toBe(six)
    const b = state.findBibV4(NUMBER[proto], mapped, mport, this.told)
    expect(b).toBeGreaterThanOrEqual(0)
    expect(state.findBibV6(NUMBER[proto], h0, h1, h2, h3, hport, this.told)).toBe(b)
    expect([state.bibHost6Port(b), state.bibMapped4Port(b), state.bibHost6Word(b, 3)]).toEqual([hport, mport, h3])
  }

  /** After everything that is over was collected, all must be the same. */
  check(): void {
    const { model, state, stats } = this
    const of = (p: Proto) => model.bibs.filter(b => b.proto === p).length
    expect([stats[STAT.sessions], stats[STAT.bibEntries]]).toEqual([model.sessions.length, model.bibs.length])
    expect([stats[STAT.bibTcp], stats[STAT.bibUdp], stats[STAT.bibIcmp]]).toEqual([of('tcp'), of('udp'), of('icmp')])
    expect(stats[STAT.guests]).toBe(new Set(model.bibs.map(b => b.host)).size)
    expect(stats[STAT.storedSyns]).toBe(model.syns.filter(s => !s.gone).length)
    const rows = state
      .sessionRows(100)
      .map(r => [r.protocol, r.host6Port, r.mapped4Port, r.state, r.expiresInMs].join())
    const wanted = model.sessions.map(s =>
      [s.bib.proto, s.bib.hport, s.bib.mport, s.state, s.expires - this.now].join(),
    )
    expect(rows.sort()).toEqual(wanted.sort())
  }
}

describe('State agrees with a naive model of RFC 6146 section 3.5', () => {
  test.each([
    [false, false, false],
    [true, false, false],
    [false, true, true],
    [true, true, false],
  ])('address-dependent %s, external TCP dropped %s, ICMP queries dropped %s', (adf, dropExternal, dropInfo) => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60, size: 'max' }), fc.nat(), (ops, seed) => {
        const run = new Run(...configs(adf, dropExternal, dropInfo), seed)
        for (const o of ops) run.do(o)
        run.do({ op: 'expire', budget: 1e6 })
      }),
      { numRuns: 250 },
    )
  })
})
