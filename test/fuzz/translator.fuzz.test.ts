import { describe, expect, it } from 'vitest'
import { REASONS } from '../../src/xlat/reason.js'
import { ip4, ip6, tcp, udp } from '../xlat/packets.js'
import { Fuzzer } from './fuzz.js'
import { fault, RIGHT, repair, transport, WRONG } from './judge.js'

describe('the judge', () => {
  it.each([ip4(udp(1, 2, [3, 4, 5])), ip6(tcp(1, 2, [3]))])('finds any flipped bit (%#)', packet => {
    expect([fault(packet, 0, packet.length), transport(packet, 0, packet.length, false)]).toEqual(['', RIGHT])
    const l4 = packet[0]! >>> 4 === 4 ? 20 : 40
    for (let bit = l4 * 8; bit < packet.length * 8; bit++) {
      const isLength = l4 === 20 && bit >>> 3 >= 24 && bit >>> 3 < 26
      const broken = Uint8Array.from(packet)
      broken[bit >>> 3]! ^= 1 << (bit & 7)
      if (!isLength) expect(transport(broken, 0, broken.length, false)).toBe(WRONG)
      repair(broken, 0, broken.length, false)
      if (!isLength) expect(transport(broken, 0, broken.length, false)).toBe(RIGHT)
    }
  })
})

describe('mutated packets', () => {
  it('a million of them: no exception, nothing wrong comes out', { timeout: 120_000 }, () => {
    const fuzzer = new Fuzzer(20_26)
    fuzzer.run(1_000_000)
    for (const verdict of ['translated', 'hairpinned', 'emitted', 'stored', 'dropped', 'replied']) {
      expect(fuzzer.seen.get(verdict) ?? 0, verdict).toBeGreaterThan(100)
    }
    // What these configurations do not lead to.
    const rare = ['none', 'write_error', 'outbox_full', 'icmp_info_off', 'hairpin_off']
    const unmet = REASONS.map(r => r.code).filter(code => !fuzzer.reasons().includes(code) && !rare.includes(code))
    expect(unmet).toEqual([])
  })
})
