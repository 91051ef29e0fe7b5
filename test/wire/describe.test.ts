import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describePacket } from '../../src/wire/describe.js'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))

const SRC6 = '20010db8000000000000000000000001'
const DST6 = '0064ff9b0000000000000000c0000201'
const v6 = (next: string, payload: string, length = payload.replace(/\s/g, '').length / 2) =>
  `60000000 ${length.toString(16).padStart(4, '0')} ${next} 40 ${SRC6} ${DST6} ${payload}`
const v4 = (protocol: string, payload: string, fragment = '0000', tos = '00') => {
  const length = 20 + payload.replace(/\s/g, '').length / 2
  return `45${tos} ${length.toString(16).padStart(4, '0')} 1234 ${fragment} 3f ${protocol} 0000 c0000201 c6336401 ${payload}`
}
const HEAD6 = 'IPv6 2001:db8::1 > 64:ff9b::c000:201 hlim 64'
const HEAD4 = 'IPv4 192.0.2.1 > 198.51.100.1 ttl 63'

describe('describePacket', () => {
  test.each<[what: string, bytes: string, text: string]>([
    ['nothing', '', 'no bytes'],
    ['another version', '5000', 'no IP packet (version 5, 2 bytes)'],
    ['half an IPv4 header', '4500', 'IPv4 cut short after 2 bytes'],
    ['half an IPv6 header', '6000000000', 'IPv6 cut short after 5 bytes'],
    ['UDP over IPv6', v6('11', '1234 0035 000a abcd 0000'), `${HEAD6} UDP 4660 > 53 len 2`],
    ['UDP without checksum', v4('11', '1234 0035 0008 0000'), `${HEAD4} UDP 4660 > 53 len 0 no checksum`],
    [
      'a SYN with MSS after NOPs',
      v6('06', 'c93a 01bb 0000004d 00000000 7002 faf0 0000 0000 0101 0204 05a0 0000'),
      `${HEAD6} TCP 51514 > 443 [S] seq 77 win 64240 mss 1440 len 0`,
    ],
    [
      'a segment with payload and ACK',
      v4('06', '01bb c93a 00000001 0000004e 5018 0400 0000 0000 68656c6c6f', '4000'),
      `${HEAD4} DF TCP 443 > 51514 [P.] seq 1 ack 78 win 1024 len 5`,
    ],
    [
      'an impossible TCP header',
      v6('06', `${'00'.repeat(12)}1000${'00'.repeat(6)}`),
      `${HEAD6} TCP 0 > 0 [] seq 0 win 0 header length 4?`,
    ],
    ['TCP cut short', v6('06', '0050 0051'), `${HEAD6} TCP 80 > 81 cut short`],
    ['ping', v4('01', '0800 0000 0007 0003 aabb'), `${HEAD4} ICMP 8/0 echo request id 7 seq 3 len 2`],
    ['ping6 reply', v6('3a', '8100 0000 0007 0003'), `${HEAD6} ICMPv6 129/0 echo reply id 7 seq 3 len 0`],
    ['neighbour solicitation', v6('3a', `8700 0000 0000 0000`), `${HEAD6} ICMPv6 135/0 neighbour solicitation len 0`],
    ['an ICMP type without name', v4('01', '2a01 0000 0000 0000'), `${HEAD4} ICMP type 42 code 1 len 0`],
    [
      'fragmentation needed, with the packet inside',
      v4('01', `0304 0000 0000 0578 ${v4('11', '0001 0002 0009 1111 00')}`),
      `${HEAD4} ICMP 3/4 unreachable fragmentation needed mtu 1400 {${HEAD4} UDP 1 > 2 len 1}`,
    ],
    [
      'packet too big, inner packet cut short',
      v6('3a', `0200 0000 00000578 ${v6('06', '0050 0051 00000000', 1200)}`),
      `${HEAD6} ICMPv6 2/0 packet too big mtu 1400 {${HEAD6} TCP 80 > 81 cut short (1192 bytes missing)}`,
    ],
    ['parameter problem', v6('3a', '0400 0000 00000028'), `${HEAD6} ICMPv6 4/0 parameter problem pointer 40`],
    ['port unreachable', v6('3a', '0104 0000 00000000'), `${HEAD6} ICMPv6 1/4 unreachable port`],
    ['a first fragment', v4('11', '0001 0002 0010 1111', '2000'), `${HEAD4} fragment 0x1234 at 0+ UDP 1 > 2 len 0`],
    ['a last fragment', v4('11', 'aabb', '00b9'), `${HEAD4} fragment 0x1234 at 1480 UDP len 2`],
    ['a fragment header', v6('2c', '1100 05c9 deadbeef aabb'), `${HEAD6} fragment 0xdeadbeef at 1480+ UDP len 2`],
    [
      'extension headers',
      v6('00', '2b00 000000000000 1100 0001 00000000 0001 0002 0008 1111'),
      `${HEAD6} hop-by-hop routing (type 0, segments left 1) UDP 1 > 2 len 0`,
    ],
    ['an extension header past the end', v6('3c', '1100'), `${HEAD6} dest-options header cut short`],
    ['no next header', v6('3b', ''), `${HEAD6} no next header`],
    ['an unknown protocol', v6('c8', 'aabbcc'), `${HEAD6} protocol 200 len 3`],
    ['TOS', v4('32', 'aabb', '0000', 'b8'), `${HEAD4} tos 0xb8 ESP len 2`],
    [
      'options',
      '46000020 1234 0000 3f 11 0000 c0000201 c6336401 01010101 0001 0002 0008 1111',
      `${HEAD4} options 4 bytes UDP 1 > 2 len 0`,
    ],
    ['a header length below 5', `41 ${v4('11', '').replace(/\s/g, '').slice(2)}`, `${HEAD4} header length 4?`],
  ])('%s', (_, bytes, text) => {
    expect(describePacket(hex(bytes))).toBe(text)
  })

  test('any bytes give one line, within bounds', () => {
    const seeds = [
      v6('3a', `0200 0000 00000578 ${v6('00', '2c00 000000000000 0600 0001 00000000 0050 0051')}`),
      v4('01', `0304 0000 0000 0578 ${v4('06', '0001 0002 0009 1111 00')}`),
    ].map(hex)
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(99), fc.nat(255)), { maxLength: 8 }),
        fc.nat(99),
        (seed, changes, cut) => {
          const b = seed.slice(0, cut === 0 ? undefined : cut)
          for (const [at, value] of changes) if (at < b.length) b[at] = value
          const text = describePacket(b)
          expect(text).not.toMatch(/\n|NaN|undefined/)
          expect(text.length).toBeLessThan(600)
        },
      ),
      { numRuns: 20_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), b => !/NaN|undefined/.test(describePacket(b))),
      { numRuns: 20_000 },
    )
  })
})
