import { describe, expect, test } from 'vitest'
import { Pool4, TCP_INDEX, UDP_INDEX } from '../../src/xlat/port-alloc.js'
import { ip4, Lab, makeConfig, range } from './state-making.js'

const portOf = (mapped: string) => Number(mapped.split(':')[1])
const addressOf = (mapped: string) => mapped.split(':')[0]

describe('choice of port (RFC 6146 section 3.5.1.1, RFC 4787 REQ-3, REQ-4)', () => {
  test.each([
    ['udp', 40000, (p: number) => p >= 1024 && p % 2 === 0],
    ['udp', 40001, (p: number) => p >= 1024 && p % 2 === 1],
    ['udp', 512, (p: number) => p < 1024 && p % 2 === 0],
    ['udp', 513, (p: number) => p < 1024 && p % 2 === 1],
    ['tcp', 513, (p: number) => p < 1024],
    ['tcp', 40000, (p: number) => p >= 1024],
  ] as const)('%s port %d keeps range and parity, 200 guests', (protocol, port, isKept) => {
    const lab = new Lab(makeConfig({ pool4: [range('198.51.100.0/24', 1, 65535)] }))
    const got = Array.from({ length: 200 }, (_, n) =>
      portOf(lab.v6(protocol, port, 'syn', `2001:db8::${(n + 1).toString(16)}`)),
    )
    expect(got.filter(p => !isKept(p))).toEqual([])
  })

  test('ports are spread, not counted up', () => {
    const lab = new Lab()
    const got = Array.from({ length: 100 }, (_, n) => portOf(lab.v6('tcp', 2000 + n)))
    const steps = got.slice(1).filter((p, k) => Math.abs(p - got[k]!) <= 2)
    expect(steps.length).toBeLessThan(5)
  })

  test('where the pool has no port of that parity or range, any other serves', () => {
    const lab = new Lab(makeConfig({ pool4: [range('198.51.100.1', 2001, 2001), range('198.51.100.1', 2003, 2003)] }))
    expect([portOf(lab.v6('udp', 40000)), portOf(lab.v6('udp', 80))].sort()).toEqual([2001, 2003])
    expect(lab.v6('udp', 40002)).toBe('pool4_exhausted')
  })

  test('a guest uses one address while that has room, whatever the protocol (REQ-2)', () => {
    const lab = new Lab(makeConfig({ pool4: [range('198.51.100.0/28', 2000, 2009)] }))
    const first = addressOf(lab.v6('tcp', 1))
    const rest = [2, 3, 4, 5, 6, 7, 8, 9, 10].map(port => addressOf(lab.v6('tcp', port)))
    expect(new Set(rest)).toEqual(new Set([first]))
    expect(addressOf(lab.v6('udp', 1))).toBe(first)
    expect(addressOf(lab.v6('tcp', 11))).not.toBe(first)
  })

  test('guests are spread over the addresses', () => {
    const lab = new Lab(makeConfig({ pool4: [range('198.51.100.0/28', 1024, 65535)] }))
    const got = Array.from({ length: 200 }, (_, n) =>
      addressOf(lab.v6('tcp', 1, 'syn', `2001:db8::${(n + 1).toString(16)}`)),
    )
    expect(new Set(got).size).toBe(16)
  })
})

describe('pool4 to the last port', () => {
  test.each([
    ['one address', [range('198.51.100.1', 60000, 60099)], 100],
    [
      'several ranges of one address that overlap',
      [range('198.51.100.1', 100, 149), range('198.51.100.1', 140, 189)],
      90,
    ],
    ['many addresses of one port', [range('198.51.100.0/25', 7, 7)], 128],
    [
      'ranges for single protocols',
      [range('198.51.100.1', 50, 59, ['udp']), range('198.51.100.2', 60, 69, ['tcp'])],
      10,
    ],
    ['an eighth of an address', [range('198.51.100.1', 57344, 65535)], 8192],
  ])('%s: each is given once, then the newcomer is refused, then what is freed is found', (_, pool4, count) => {
    const lab = new Lab(makeConfig({ pool4 }, { bib: 70_000, sessions: 70_000, portsPerGuest: 0 }))
    const host = (n: number) => `2001:db8::${(n & 15).toString(16)}`
    const got = new Set(Array.from({ length: count }, (_, n) => lab.v6('udp', n >> 4, 'data', host(n))))
    expect(got.size).toBe(count)
    expect(got.has('pool4_exhausted')).toBe(false)
    expect(lab.v6('udp', 65000)).toBe('pool4_exhausted')
    lab.now += 299_000
    for (let n = 0; n < count; n++) if (n !== 5) lab.v6('udp', n >> 4, 'data', host(n))
    lab.now += 1_000
    const late = Array.from({ length: 300 }, () => lab.v6('udp', 65000)).find(m => m !== 'pool4_exhausted')
    expect(got.has(late!)).toBe(true)
  })

  test('being full costs little: 100,000 refusals at 4 full addresses', () => {
    const pool = new Pool4([range('198.51.100.0/30', 0, 16383)], () => 12345)
    while (pool.take(TCP_INDEX, 5, false, 0, 0));
    const begin = process.cpuUsage()
    let given = 0
    for (let n = 0; n < 100_000; n++) if (pool.take(TCP_INDEX, 5000, true, ip4('198.51.100.3'), n)) given++
    const { user } = process.cpuUsage(begin)
    expect(given).toBe(0)
    expect(user / 100_000, 'microseconds each').toBeLessThan(20)
    expect(pool.take(UDP_INDEX, 5000, false, 0, 0)).toBe(true)
  })
})
