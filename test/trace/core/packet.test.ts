/** What the tracer reads out of captured packets: every kind, cut at every length, and any bytes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ICMP, ICMP_KIND, makePacket, type Packet, readPacket } from '../../../src/trace/core/packet.js'
import * as p from '../../xlat/packets.js'

const MARGIN = 16

/** Reads a packet that stands between bytes of another. */
function read(bytes: p.Bytes, end = bytes.length, onWire?: number): Packet {
  const buffer = new Uint8Array(bytes.length + 2 * MARGIN).fill(0xa5)
  buffer.set(bytes, MARGIN)
  const packet = makePacket()
  readPacket(packet, buffer, MARGIN, MARGIN + end, onWire)
  return packet
}

const data = p.filler(100)
const stamps = [1, 1, 8, 10, 0, 0, 0x12, 0x34, 0, 0, 0, 9]
const SYN_OPTIONS = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0x56, 0x78, 0, 0, 0, 0, 1, 3, 3, 7]
const ports = { sourcePort: 1000, destinationPort: 80 }
const inner4 = (m: p.Message) => p.ip4(m, { src: '192.168.255.2', dst: '198.51.100.2' })

const KINDS: readonly (readonly [name: string, bytes: Uint8Array, expected: object])[] = [
  ['UDP over IPv4', p.ip4(p.udp(1000, 80, data)), { ...ports, family: 4, protocol: 17, udpLength: 108, payload: 100 }],
  ['UDP over IPv6', p.ip6(p.udp(1000, 80, data)), { ...ports, family: 6, protocol: 17, udpLength: 108, payload: 100 }],
  ['UDP without data', p.ip6(p.udp(1000, 80)), { ...ports, payload: 0, sample: 0 }],
  ['IPv4 options', p.ip4(p.udp(1000, 80, data), { options: [1, 1, 1, 0] }), { ...ports, payload: 100 }],
  [
    'TCP over IPv4',
    p.ip4(p.tcp(1000, 80, data, { seq: 7, ack: 9, flags: 0x18, options: stamps })),
    { ...ports, protocol: 6, sequence: 7, acknowledge: 9, flags: 0x18, payload: 100, stamp: 0x1234 },
  ],
  [
    'a SYN',
    p.ip6(p.tcp(1000, 80, [], { seq: 7, ack: 0, flags: 2, options: SYN_OPTIONS })),
    { ...ports, sequence: 7, flags: 2, payload: 0, stamp: 0x5678 },
  ],
  ['TCP options that end early', p.ip6(p.tcp(1, 2, [], { options: [8, 10, 0, 0] })), { stamp: 0 }],
  ['a TCP option of length 0', p.ip6(p.tcp(1, 2, [], { options: [5, 0, 5, 0] })), { stamp: 0 }],
  [
    'echo over IPv4',
    p.ip4(p.echo(8, 77, data, 5)),
    { protocol: ICMP, icmpKind: ICMP_KIND.request, sourcePort: 77, destinationPort: 77, sequence: 5, payload: 100 },
  ],
  [
    'echo reply over IPv6',
    p.ip6(p.echo(129, 77, data, 5)),
    { protocol: ICMP, icmpKind: ICMP_KIND.reply, sourcePort: 77, sequence: 5, payload: 100 },
  ],
  ['another protocol', p.ip6(p.raw(47, data)), { protocol: 47, payload: 100, sourcePort: 0 }],
  ['ICMP in IPv6 is no ICMPv6', p.ip6(p.raw(1, data)), { protocol: 1, icmpKind: 0 }],
  [
    'extension headers',
    p.ip6(p.udp(1000, 80, data), { ext: [p.hopByHop, p.destination, p.routing(0)] }),
    { ...ports, protocol: 17, payload: 100 },
  ],
  [
    'an atomic fragment',
    p.ip6(p.udp(1000, 80, data), { ext: [p.fragment(9)] }),
    { ...ports, piece: 'whole', payload: 100 },
  ],
  [
    'a first fragment of IPv6',
    p.ip6(p.udp(1000, 80, p.filler(200)), { ext: [p.fragment(9, 0, true)], to: 104 }),
    { ...ports, piece: 'first', fragmentId: 9, udpLength: 208, payload: 96 },
  ],
  [
    'a first fragment behind extension headers',
    p.ip6(p.udp(1000, 80, data), { ext: [p.hopByHop, p.fragment(9, 0, true), p.destination] }),
    { ...ports, piece: 'first', fragmentId: 9 },
  ],
  [
    'a later fragment of IPv6',
    p.ip6(p.udp(1000, 80, p.filler(200)), { ext: [p.fragment(9, 104)], from: 104 }),
    { piece: 'later', fragmentId: 9, sourcePort: 0, protocol: 17, payload: 104, sample: 0 },
  ],
  [
    'a later fragment of ICMPv6',
    p.ip6(p.echo(128, 1, data), { ext: [p.fragment(9, 104)], from: 104 }),
    { piece: 'later', protocol: ICMP, icmpKind: 0 },
  ],
  [
    'a first fragment of IPv4',
    p.ip4(p.udp(1000, 80, p.filler(200)), { id: 9, mf: true, to: 104 }),
    { ...ports, piece: 'first', fragmentId: 9, udpLength: 208, payload: 96 },
  ],
  [
    'a later fragment of IPv4',
    p.ip4(p.udp(1000, 80, p.filler(200)), { id: 9, from: 104 }),
    { piece: 'later', fragmentId: 9, sourcePort: 0, payload: 104 },
  ],
  ['no fragment has no identification', p.ip4(p.udp(1, 2), { id: 9 }), { piece: 'whole', fragmentId: 0 }],
]

describe('reading a packet', () => {
  it.each(KINDS)('%s', (_name, bytes, expected) => {
    expect(read(bytes)).toMatchObject({ readable: true, length: bytes.length, ...expected })
  })

  it('leaves out padding of the frame', () => {
    const bytes = [...p.ip4(p.udp(1000, 80, [1, 2])), ...new Array<number>(16).fill(0x77)]
    expect(read(bytes)).toMatchObject({ length: 30, payload: 2, sample: read(bytes, 30).sample })
  })

  it.each([
    ['nothing', []],
    ['one byte', [0x60]],
    ['another version', [0x50, ...new Array<number>(60).fill(0)]],
    ['an IPv4 header of 16 bytes', [0x44, ...p.ip4(p.udp(1, 2)).slice(1)]],
    ['a place that is none', p.ip4(p.udp(1, 2)).slice(0, 0)],
  ])('%s cannot be read', (_name, bytes) => {
    expect(read(bytes).readable).toBe(false)
  })

  it('cannot read what has no IP', () => {
    const packet = makePacket()
    readPacket(packet, p.ip4(p.udp(1, 2)), -1, 28)
    expect(packet.readable).toBe(false)
  })
})

describe('super-packets that are too long for their length field', () => {
  const cut = 200
  it.each([
    ['IPv4', p.ip4(p.tcp(1000, 80, data), { total: 0 }), 40],
    ['IPv6', p.ip6(p.tcp(1000, 80, data), { length: 0 }), 60],
  ])('%s: as long as the frame was', (_name, bytes, headers) => {
    expect(read(bytes)).toMatchObject({ length: bytes.length, payload: 100 })
    expect(read(bytes, Math.min(cut, bytes.length), 150_000)).toMatchObject({
      length: 150_000,
      payload: 150_000 - headers,
    })
  })
})

describe('ICMP errors', () => {
  const about = p.tcp(1000, 80, data, { seq: 7, ack: 9 })
  const four = (type: number, code: number, bytes: p.Bytes) => p.ip4(p.icmp(type, code, [0, 0, 0, 0], bytes))
  const six = (type: number, code: number, bytes: p.Bytes) => p.ip6(p.icmp(type, code, [0, 0, 0, 0], bytes))

  it.each([
    ['host unreachable', four(3, 1, inner4(about)), ICMP_KIND.unreachable],
    ['protocol unreachable, which IPv6 calls a parameter problem', four(3, 2, inner4(about)), ICMP_KIND.parameter],
    ['fragmentation needed', four(3, 4, inner4(about)), ICMP_KIND.tooBig],
    ['time exceeded', four(11, 0, inner4(about)), ICMP_KIND.expired],
    ['parameter problem', four(12, 0, inner4(about)), ICMP_KIND.parameter],
    ['address unreachable', six(1, 3, p.ip6(about)), ICMP_KIND.unreachable],
    ['packet too big', six(2, 0, p.ip6(about)), ICMP_KIND.tooBig],
    ['time exceeded in IPv6', six(3, 0, p.ip6(about)), ICMP_KIND.expired],
    ['parameter problem in IPv6', six(4, 1, p.ip6(about)), ICMP_KIND.parameter],
  ])('%s', (_name, bytes, icmpKind) => {
    const packet = read(bytes)
    expect(packet).toMatchObject({ readable: true, protocol: ICMP, icmpKind })
    expect(packet.inner).toMatchObject({ readable: true, protocol: 6, ...ports, sequence: 7, acknowledge: 9 })
  })

  it.each([
    ['TCP', p.tcp(1000, 80, data, { seq: 7 }), { ...ports, sequence: 7, acknowledge: 0 }],
    ['UDP', p.udp(1000, 80, data), { ...ports, udpLength: 108 }],
    ['an echo', p.echo(8, 77, data, 5), { sourcePort: 77, sequence: 5 }],
  ])('eight bytes of %s are enough, as RFC 792 has it', (_name, message, expected) => {
    expect(read(four(11, 0, inner4(message).slice(0, 28))).inner).toMatchObject({ readable: true, ...expected })
    expect(read(four(11, 0, inner4(message).slice(0, 27))).inner?.readable).toBe(false)
  })

  it('of an error about an error nothing is read', () => {
    const inner = read(four(11, 0, four(3, 1, inner4(about)))).inner
    expect(inner).toMatchObject({ readable: true, icmpKind: ICMP_KIND.unreachable, sourcePort: 0, inner: null })
  })

  it('nothing is left of the packet before', () => {
    const packet = makePacket()
    const bytes = four(3, 3, inner4(about))
    readPacket(packet, bytes, 0, bytes.length)
    readPacket(packet, p.ip6(p.raw(47, data)), 0, 140)
    expect(packet).toEqual({ ...read(p.ip6(p.raw(47, data))), inner: packet.inner })
    expect(packet.inner?.readable).toBe(false)
  })
})

/** The words of a packet that joining compares. */
const essence = ({ protocol, sourcePort, destinationPort, sequence, udpLength, piece, fragmentId }: Packet) => ({
  protocol,
  sourcePort,
  destinationPort,
  sequence,
  udpLength,
  piece,
  fragmentId,
})

describe('packets that were cut short', () => {
  const all = [
    ...KINDS.map(([name, bytes]) => [name, bytes] as const),
    ['an error', p.ip6(p.icmp(1, 3, [0, 0, 0, 0], p.ip6(p.udp(1000, 80, data))))] as const,
  ]
  it.each(all)('%s: the same at every length, or not readable', (_name, bytes) => {
    const whole = read(bytes)
    let readable = 0
    for (let end = 0; end <= bytes.length; end++) {
      const cut = read(bytes, end)
      if (!cut.readable) continue
      readable++
      // The chain of extension headers may go on behind the cut.
      if (cut.protocol === whole.protocol) expect(essence(cut), `cut at ${end}`).toEqual(essence(whole))
      expect(cut.payload).toBeLessThanOrEqual(whole.payload)
    }
    expect(readable).toBeGreaterThan(0)
  })
})

describe('any bytes', () => {
  /** An array that tells when somebody reads past a limit. */
  function guarded(bytes: Uint8Array, from: number, to: number): Uint8Array {
    return new Proxy(bytes, {
      get(target, name) {
        const i = typeof name === 'string' ? Number(name) : Number.NaN
        if (Number.isInteger(i) && (i < from || i >= to)) throw new Error(`read at ${i}, outside of ${from} to ${to}`)
        return Reflect.get(target, name)
      },
    })
  }

  const seeds = KINDS.map(([, bytes]) => Array.from(bytes))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }).map(b => Array.from(b)),
    fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([seed, changes]) => {
        const changed = [...seed]
        for (const [at, value] of changes) changed[at % changed.length] = value
        return changed
      }),
  )

  it('never throw, and nothing outside of them is read', () => {
    fc.assert(
      fc.property(bytes, fc.nat(160), (content, cut) => {
        const end = Math.min(content.length, cut)
        const packet = makePacket()
        readPacket(packet, guarded(Uint8Array.from(content), 0, end), 0, end)
        if (!packet.readable) return
        expect(packet.payload).toBeGreaterThanOrEqual(0)
        expect(Number.isInteger(packet.sample)).toBe(true)
      }),
      { seed: 4, numRuns: 3000 },
    )
  })
})
