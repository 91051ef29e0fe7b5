import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { put8, put16, put32, u8, u16, u32 } from '../../src/wire/bytes.js'
import {
  finish,
  fold,
  isHeaderValid,
  pseudo4,
  pseudo6,
  sum,
  sum32,
  update,
  updatePartial,
  writeHeaderChecksum,
} from '../../src/wire/checksum.js'

const check = <T>(property: fc.IProperty<T>): void => {
  fc.assert(property, { seed: 5, numRuns: 2000 })
}

/** Modulo 2^16 - 1, where all ones and zero are the same: the arithmetic behind the checksum. */
const mod = (n: number): number => n % 0xffff
const word16 = fc.nat(0xffff)
const word32 = fc.nat(0xffffffff)

describe('RFC 1071', () => {
  const example = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
  it('section 3: the example sums to ddf2', () => {
    expect(fold(sum(example, 0, 8))).toBe(0xddf2)
    expect(finish(sum(example, 0, 8))).toBe(0x220d)
  })
  it('an odd byte is the high half of a word', () => {
    expect(sum(example, 0, 3)).toBe(0x0001 + 0xf200)
    expect(sum(example, 1, 2)).toBe(0x0100)
    expect(sum(example, 4, 4, 9)).toBe(9)
  })
  it('64 KiB of ones do not overflow', () => {
    expect(fold(sum(new Uint8Array(65536).fill(255), 0, 65536, 0x80000))).toBe(mod(0x80000) || 0xffff)
  })
  it('fold is the remainder of any sum below 2^32, in 16 bits', () => {
    check(
      fc.property(
        word32,
        n => void expect([mod(fold(n)), fold(n) <= 0xffff, fold(n) === 0]).toEqual([mod(n), true, n === 0]),
      ),
    )
    expect([0xffff, 0x10000, 0x1ffff, 0xfffeffff, 0xffffffff].map(fold)).toEqual([0xffff, 1, 1, 0xfffe, 0xffff])
  })
})

describe('RFC 1624', () => {
  it('section 4: the example gives 0000, not ffff', () => {
    expect(update(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
  })
  it('an update is a recomputation', () => {
    check(
      fc.property(
        fc.array(word16, { minLength: 2, maxLength: 40 }),
        fc.array(word16, { minLength: 1, maxLength: 20 }),
        (old, fresh) => {
          const n = Math.min(old.length - 1, fresh.length)
          const total = (words: number[]) => words.reduce((a, b) => a + b, 0)
          const changed = [...fresh.slice(0, n), ...old.slice(n)]
          if (total(old) === 0 || total(changed) === 0) return
          const updated = update(finish(total(old)), total(old.slice(0, n)), total(fresh.slice(0, n)))
          expect(updated).toBe(finish(total(changed)))
        },
      ),
    )
  })
  it('of a partial sum, too', () => {
    check(
      fc.property(word32, word32, word16, (a, b, rest) => {
        const updated = updatePartial(fold(sum32(a) + rest), sum32(a), sum32(b))
        expect(mod(updated)).toBe(mod(sum32(b) + rest))
      }),
    )
  })
})

describe('IPv4 header', () => {
  const header = Uint8Array.from([
    0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00,
    0xc7,
  ])
  it('is valid, and any flipped bit makes it invalid', () => {
    expect(isHeaderValid(header, 0, 20)).toBe(true)
    for (let bit = 0; bit < 160; bit++) {
      const broken = header.slice()
      broken[bit >> 3]! ^= 1 << (bit & 7)
      expect(isHeaderValid(broken, 0, 20)).toBe(false)
    }
  })
  it('gets its checksum', () => {
    const b = Uint8Array.from([0xa5, ...header])
    b.set([0xa5, 0xa5], 11)
    writeHeaderChecksum(b, 1, 20)
    expect([b[11], b[12]]).toEqual([0xb8, 0x61])
  })
})

describe('pseudo-headers', () => {
  const bytes = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]
  it('are the sums of their bytes', () => {
    check(
      fc.property(word32, word32, fc.nat(255), word16, (src, dst, protocol, length) => {
        const b = Uint8Array.from([...bytes(src), ...bytes(dst), 0, protocol, length >>> 8, length & 255])
        expect(pseudo4(src, dst, protocol, length)).toBe(sum(b, 0, 12))
      }),
    )
    const b = Uint8Array.from({ length: 48 }, (_, i) => i * 5)
    const whole = Uint8Array.from([...b.slice(8, 40), 0, 1, 0x23, 0x45, 0, 0, 0, 58])
    expect(fold(pseudo6(b, 8, 58, 0x12345))).toBe(fold(sum(whole, 0, 40)))
  })
})

describe('bytes', () => {
  it('are written and read big-endian, and only there', () => {
    check(
      fc.property(word32, fc.nat(4), (n, o) => {
        const b = new Uint8Array(10).fill(0xa5)
        put32(b, o, n)
        expect([u32(b, o), u16(b, o), u16(b, o + 2), u8(b, o + 3)]).toEqual([n, n >>> 16, n & 0xffff, n & 255])
        put16(b, o, 0x1234)
        put8(b, o + 2, 0x1ff)
        expect(u32(b, o)).toBe(0x1234ff00 + (n & 255))
        expect(b.filter((_, i) => i < o || i >= o + 4).every(x => x === 0xa5)).toBe(true)
      }),
    )
  })
})
