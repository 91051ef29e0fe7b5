import { describe, expect, it } from 'vitest'
import { formatIpv4 } from '../../src/addr/ipv4.js'
import { DynamicPool } from '../../src/xlat/dynamic-pool.js'
import { decodePool, encodePool } from '../../src/xlat/pool-state.js'
import { makeStats, STAT } from '../../src/xlat/stats.js'
import { address4, address6, prefix4 } from './translating.js'

const LEASE = 1000
const guest = (n: number) => address6(`2001:db8::${n.toString(16)}`)

function pool(range: string, reserved: string[] = []): { pool: DynamicPool; stats: Float64Array } {
  const stats = makeStats()
  const isReserved = (a: number) => reserved.includes(formatIpv4(a))
  return { pool: new DynamicPool(prefix4(range), LEASE, stats, isReserved), stats }
}

const assign = (p: DynamicPool, n: number, now = 0): string => {
  const address = p.assign(...guest(n), now)
  return address === -1 ? 'none' : formatIpv4(address)
}

describe('the dynamic pool', () => {
  it('gives every guest one address, none of them twice, and none of the reserved ones', () => {
    const { pool: p, stats } = pool('192.168.255.0/28', ['192.168.255.1', '192.168.255.9'])
    const given = Array.from({ length: 13 }, (_, n) => assign(p, n))
    expect(new Set(given.slice(0, 12)).size).toBe(12)
    expect(given[12]).toBe('none')
    for (const never of ['192.168.255.0', '192.168.255.1', '192.168.255.9', '192.168.255.15']) {
      expect(given).not.toContain(never)
    }
    expect(stats[STAT.guests]).toBe(12)
  })

  it.each([
    ['10.0.0.0/30', 2],
    ['10.0.0.0/31', 2],
    ['10.0.0.7/32', 1],
  ])('%s has %i addresses to give', (range, count) => {
    const { pool: p } = pool(range)
    expect(Array.from({ length: 4 }, (_, n) => assign(p, n)).filter(a => a !== 'none')).toHaveLength(count)
  })

  it('gives a guest the same address again, in the same run and in the next', () => {
    const first = pool('10.0.0.0/24').pool
    const given = [1, 2, 3].map(n => assign(first, n))
    expect([1, 2, 3].map(n => assign(first, n, 500))).toEqual(given)
    const second = pool('10.0.0.0/24').pool
    expect([3, 1, 2].map(n => assign(second, n))).toEqual([given[2], given[0], given[1]])
  })

  it('takes an address back only after the lease, and only when somebody needs it', () => {
    const { pool: p } = pool('10.0.0.0/30')
    const one = assign(p, 1, 0)
    assign(p, 2, LEASE)
    expect(assign(p, 3, LEASE - 1)).toBe('none')
    expect(p.find4(address4(one), LEASE - 1)).toBe(true)
    expect(assign(p, 3, 2 * LEASE - 2)).toBe('none')
    expect(assign(p, 1, 2 * LEASE - 2)).toBe(one)
    expect(assign(p, 3, 2 * LEASE)).not.toBe('none')
    expect(p.find6(...guest(2), 2 * LEASE)).toBe(-1)
    expect(assign(p, 1, 2 * LEASE)).toBe(one)
  })

  it('finds the guest of an address', () => {
    const { pool: p } = pool('10.0.0.0/24')
    const one = address4(assign(p, 1))
    expect(p.find4(one, 0)).toBe(true)
    expect([p.w0, p.w1, p.w2, p.w3]).toEqual([...guest(1)])
    expect(p.find4(one ^ 1, 0)).toBe(false)
  })

  it('stays whole under many comings and goings', () => {
    const { pool: p } = pool('10.0.0.0/27')
    for (let n = 0; n < 5000; n++) {
      const now = n * 100
      assign(p, n % 97, now)
      for (const { host6, address4: a } of n % 50 === 0 ? p.entries(now) : []) {
        expect(p.find4(a, now)).toBe(true)
        expect([p.w0, p.w1, p.w2, p.w3]).toEqual([...host6])
        expect(p.find6(...host6, now)).toBe(a)
      }
    }
  })

  it('comes back from bytes, refusing what does not fit', () => {
    const { pool: p } = pool('10.0.0.0/24')
    for (let n = 1; n <= 20; n++) assign(p, n, n * 1000)
    const bytes = encodePool(p.entries(30_000))
    const same = pool('10.0.0.0/24').pool
    expect(same.load(decodePool(bytes)!, 0)).toBe(0)
    expect(same.entries(0)).toEqual(p.entries(30_000))
    const inside = p.entries(0).filter(e => e.address4 - address4('10.0.0.0') < 127).length
    expect(pool('10.0.0.0/25').pool.load(decodePool(bytes)!, 0)).toBe(20 - inside)
  })

  it('refuses foreign and damaged bytes', () => {
    const { pool: p } = pool('10.0.0.0/24')
    assign(p, 1)
    const bytes = encodePool(p.entries(0))
    for (let i = 0; i < bytes.length; i++) {
      const damaged = Uint8Array.from(bytes)
      damaged[i]! ^= 0x10
      expect(decodePool(damaged)).toBeUndefined()
    }
    expect(decodePool(bytes.subarray(0, bytes.length - 1))).toBeUndefined()
    expect(decodePool(new Uint8Array(0))).toBeUndefined()
  })
})
