/** Ports in blocks of a guest's own: who has which is told truly, whatever happens; and what it does to the choice of ports. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../src/addr/ipv4.js'
import { formatIpv6 } from '../../src/addr/ipv6.js'
import type { XlatConfig } from '../../src/xlat/config.js'
import { DynamicPool } from '../../src/xlat/dynamic-pool.js'
import { ExpirySink } from '../../src/xlat/expiry.js'
import type { LeaseLog } from '../../src/xlat/lease-log.js'
import { State } from '../../src/xlat/state.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'
import { FLAGS, type FlagName, ip4, ip6, makeConfig, range, WIRE } from './state-making.js'

/** Reads a lease log as somebody would who has to answer for it. */
class Reader implements LeaseLog {
  /** Guests by "address first-last". */
  readonly held = new Map<string, string>()
  readonly fixedPorts = new Set<string>()
  begins = 0
  ends = 0
  resets = 0

  reset(): void {
    this.resets++
    this.held.clear()
    this.fixedPorts.clear()
  }
  begin(a: number, b: number, c: number, d: number, address4: number, first: number, last: number): void {
    const key = this.key(address4, first, last)
    expect(this.held.has(key), `${key} was free`).toBe(false)
    this.held.set(key, guestText(a, b, c, d))
    this.begins++
  }
  end(a: number, b: number, c: number, d: number, address4: number, first: number, last: number): void {
    const key = this.key(address4, first, last)
    expect(this.held.get(key)).toBe(guestText(a, b, c, d))
    this.held.delete(key)
    this.ends++
  }
  fixed(a: number, b: number, c: number, d: number, address4: number, port: number, p: number): void {
    this.fixedPorts.add(`${formatIpv4((address4 >>> 0) as never)}:${port} ${p} ${guestText(a, b, c, d)}`)
  }
  /** Who had the port. */
  who(address4: string, port: number): string | undefined {
    for (const [key, guest] of this.held) {
      const [address, ports] = key.split(' ') as [string, string]
      const [first, last] = ports.split('-').map(Number) as [number, number]
      if (address === address4 && port >= first && port <= last) return guest
    }
    return undefined
  }
  private key(address4: number, first: number, last: number): string {
    return `${formatIpv4((address4 >>> 0) as never)} ${first}-${last}`
  }
}
const guestText = (...words: [number, number, number, number]) => formatIpv6(words.map(w => w >>> 0) as never)

class Net {
  readonly reader = new Reader()
  readonly stats = makeStats()
  readonly state: State
  now = 1000

  constructor(
    config: XlatConfig,
    private seed = 7,
  ) {
    const random32 = () => {
      this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0
      return this.seed
    }
    this.state = new State(config, this.stats, random32, [1, 2, 3, 4], this.reader)
  }

  /** Sends from a guest; returns the mapped port, or -1. */
  v6(protocol: 'tcp' | 'udp' | 'icmp', port: number, host: string, flag: FlagName = 'syn'): number {
    const i = this.state.fromV6(WIRE[protocol], ...ip6(host), port, ip4('8.8.8.8'), 443, FLAGS[flag], this.now)
    return i < 0 ? -1 : this.state.mapped4Port(i)
  }
  expire(): void {
    while (this.state.expire(this.now, 10_000, new ExpirySink()) >= 10_000);
  }
  /** Everybody who has a binding is named by the log; nobody else is. */
  check(): void {
    const rows = this.state.bibRows(100_000).filter(r => !r.isStatic)
    for (const row of rows) expect(this.reader.who(row.mapped4, row.mapped4Port), JSON.stringify(row)).toBe(row.host6)
    expect(new Set(this.reader.held.values())).toEqual(new Set(rows.map(r => r.host6)))
  }
}

const host = (n: number) => `2001:db8::${(n + 1).toString(16)}`
const config = (more: Partial<XlatConfig> = {}, limits = {}) =>
  makeConfig({ portBlock: 32, pool4: [range('198.51.100.0/31', 1024, 1535)], ...more }, limits)

describe('the log of blocks', () => {
  it('is two lines for any number of bindings in a block, and says who has a port at any time', () => {
    const net = new Net(config())
    for (let n = 0; n < 32; n++) net.v6('tcp', 5000 + n, host(0))
    for (let n = 0; n < 32; n++) net.v6('udp', 5000 + n, host(0))
    net.v6('icmp', 77, host(0))
    expect([net.reader.begins, net.reader.ends]).toEqual([1, 0])
    net.check()
    net.v6('tcp', 6000, host(0))
    expect(net.reader.begins).toBe(2)
    net.v6('tcp', 1, host(1))
    expect(net.reader.begins).toBe(3)
    net.check()
    net.now += 8_000_000
    net.expire()
    net.now += 8_000_000
    net.expire()
    expect([net.reader.ends, net.reader.held.size]).toEqual([3, 0])
  })

  it('stays true over any bindings, ends, imports and changes of the pool', () => {
    const step = fc.oneof(
      fc.record({
        send: fc.constantFrom('tcp', 'udp', 'icmp'),
        host: fc.nat(9),
        port: fc.nat(70),
        flag: fc.constantFrom<FlagName>('syn', 'fin', 'rst', 'data'),
      }),
      fc.record({ wait: fc.constantFrom(1_000, 70_000, 300_000, 8_000_000) }),
      fc.record({ pool: fc.constantFrom(1535, 1279, 1100) }),
      fc.record({ bib: fc.constantFrom(1040, 1300, 1534) }),
      fc.constant('restart' as const),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(), (steps, seed) => {
        let settings = config()
        let net = new Net(settings, seed)
        for (const s of steps) {
          if (s === 'restart') {
            const saved = net.state.export(net.now)
            const next = new Net(settings, seed + 1)
            next.now = net.now
            const { refused } = next.state.import(saved, net.now)
            expect(refused).toBe(0)
            net = next
          } else if ('send' in s) {
            net.v6(s.send as 'tcp', 5000 + s.port, host(s.host), s.flag)
          } else if ('wait' in s) {
            net.now += s.wait
            net.expire()
          } else {
            const staticBib =
              'bib' in s
                ? [
                    {
                      protocol: 'tcp' as const,
                      host6: ip6('2001:db8::ff'),
                      host6Port: 80,
                      mapped4: ip4('198.51.100.1'),
                      mapped4Port: s.bib,
                    },
                  ]
                : settings.staticBib
            const pool4 = 'pool' in s ? [range('198.51.100.0/31', 1024, s.pool)] : settings.pool4
            settings = { ...settings, staticBib, pool4 }
            net.state.reconfigure(settings, net.now)
          }
          net.check()
          expect(net.stats[STAT.bibEntries]).toBe(net.state.bibRows(10_000).length)
        }
      }),
      { seed: 46, numRuns: 300 },
    )
  })

  it('names a static binding by itself, and its block is for no guest', () => {
    const entry = {
      protocol: 'udp' as const,
      host6: ip6('2001:db8::53'),
      host6Port: 53,
      mapped4: ip4('198.51.100.0'),
      mapped4Port: 1030,
    }
    const net = new Net(config({ staticBib: [entry], pool4: [range('198.51.100.0', 1024, 1087)] }))
    expect([...net.reader.fixedPorts]).toEqual(['198.51.100.0:1030 1 2001:db8::53'])
    const ports = Array.from({ length: 33 }, (_, n) => net.v6('tcp', n + 1, host(0)))
    expect(ports.slice(0, 32).every(p => p >= 1056 && p <= 1087)).toBe(true)
    expect(ports[32]).toBe(-1)
    net.check()
  })

  it('after blocks were switched on, keeps who can be told apart', () => {
    const before = new Net(makeConfig({ pool4: [range('198.51.100.0', 1024, 1151)] }))
    for (let n = 0; n < 20; n++) before.v6('udp', 5000, host(n))
    expect(before.reader.begins).toBe(0)
    const after = new Net(makeConfig({ portBlock: 32, pool4: [range('198.51.100.0', 1024, 1151)] }))
    const { bib, refused } = after.state.import(before.state.export(before.now), before.now)
    expect(bib).toBe(after.reader.held.size)
    expect(bib).toBeGreaterThan(0)
    // One that is refused counts for its session, too.
    expect(refused).toBe(2 * (20 - bib))
    after.check()
  })
})

describe('the choice of ports in blocks', () => {
  it('keeps range and parity, as long as the block has such a port', () => {
    const net = new Net(config({ pool4: [range('198.51.100.0', 1, 65535)] }))
    const odd = Array.from({ length: 16 }, (_, n) => net.v6('udp', 5001 + 2 * n, host(0)))
    expect(odd.every(p => p % 2 === 1 && p >= 1024)).toBe(true)
    expect(net.reader.begins).toBe(1)
    expect(net.v6('udp', 511, host(0))).toBeLessThan(1024)
    expect(net.v6('tcp', 512, host(0))).toBeLessThan(1024)
    expect(net.reader.begins).toBe(2)
  })

  it('gives as many guests a block as there are, and the next none, until one is given back', () => {
    const net = new Net(config({ pool4: [range('198.51.100.0', 1024, 1024 + 32 * 10 - 1)] }))
    const got = Array.from({ length: 11 }, (_, n) => net.v6('udp', 5000, host(n)))
    expect(new Set(got.slice(0, 10).map(p => p >> 5)).size).toBe(10)
    expect(got[10]).toBe(-1)
    expect(net.v6('udp', 5001, host(3))).toBeGreaterThan(0)
    net.now += 301_000
    expect(net.v6('udp', 5000, host(10))).toBeGreaterThan(0)
    net.check()
  })

  it('finds a port that is free again in an old block, when there is no other', () => {
    const net = new Net(
      config(
        { pool4: [range('198.51.100.0', 1024, 1024 + 32 * 40 - 1)] },
        { portsPerGuest: 0, bib: 2000, sessions: 2000 },
      ),
    )
    for (let n = 0; n < 32 * 40; n++) expect(net.v6('udp', n, host(0))).toBeGreaterThan(0)
    expect(net.v6('udp', 5000, host(0))).toBe(-1)
    net.now += 299_000
    for (let n = 1; n < 32 * 40; n++) net.v6('udp', n, host(0))
    net.now += 2_000
    net.expire()
    expect(net.v6('udp', 5000, host(0))).toBeGreaterThan(0)
    expect(net.v6('udp', 5001, host(0))).toBe(-1)
  })

  it('costs little when all blocks are taken: 20,000 refusals at 16 addresses', () => {
    const net = new Net(
      config({ pool4: [range('198.51.100.0/28', 1024, 65535)] }, { bib: 100_000, sessions: 100_000, portsPerGuest: 0 }),
    )
    for (let n = 0; n < 16 * 2016; n++) expect(net.v6('udp', 5000, host(n))).toBeGreaterThan(0)
    const begin = process.cpuUsage()
    let given = 0
    for (let n = 0; n < 20_000; n++) if (net.v6('tcp', 5000, '2001:db8:1::1') >= 0) given++
    expect(process.cpuUsage(begin).user / 20_000, 'microseconds each').toBeLessThan(30)
    expect(given).toBe(0)
  }, 60_000)
})

describe('the log of the dynamic pool', () => {
  it('names who has which address, from the first packet to the next guest', () => {
    const reader = new Reader()
    const pool = new DynamicPool({ address: ip4('10.9.0.0'), length: 30 }, 1000, makeStats(), () => false, reader)
    const assign = (n: number, now: number) => pool.assign(...ip6(host(n)), now)
    for (const n of [0, 1]) {
      const address = formatIpv4((assign(n, 0) >>> 0) as never)
      expect(reader.who(address, 4711)).toBe(formatIpv6(ip6(host(n))))
    }
    expect(assign(2, 500)).toBe(-1)
    expect(assign(2, 2000)).not.toBe(-1)
    expect([reader.resets, reader.begins, reader.ends]).toEqual([1, 3, 1])
    expect([...reader.held.values()]).toContain(formatIpv6(ip6(host(2))))
  })
})
