/** UDP, TCP and ICMP queries as such (RFC 7915 sections 4.2, 4.5, 5.2 and 5.5). */
import { be16, echo, filler, hex, icmp, type Message, raw, tcp, udp, udpWith } from '../../../xlat/packets.js'
import { ACK, CWR, ECE, type Ends, FIN, PSH, type Row, RST, SYN, URG } from '../case.js'

const both = (name: string, make: (e: Ends, from: number, to: number) => Message): Row[] => [
  [`${name}, to IPv4`, e => e.out(make(e, e.port, 53))],
  [`${name}, to IPv6`, e => e.back(make(e, 53, e.mapped))],
]

export const udpCases: readonly Row[] = [
  ...both('empty', (_e, from, to) => udp(from, to)),
  ...both('one byte', (_e, from, to) => udp(from, to, [0x7f])),
  ...both('odd', (_e, from, to) => udp(from, to, filler(33))),
  ...both('even', (_e, from, to) => udp(from, to, filler(34))),
  ...both('length too small', (_e, from, to) => udp(from, to, filler(20), 20)),
  ...both('length too large', (_e, from, to) => udp(from, to, filler(20), 60)),
  ...both('length 0', (_e, from, to) => udp(from, to, filler(20), 0)),
  ...both('no checksum', (_e, from, to) => udpWith(0, from, to, filler(20))),
  ...both('no checksum, odd', (_e, from, to) => udpWith(0, from, to, filler(21))),
  ...both('no checksum, empty', (_e, from, to) => udpWith(0, from, to)),
  ...both('checksum wrong', (_e, from, to) => udpWith(0x1234, from, to, filler(20))),
  ...both('checksum 0xffff', (_e, from, to) => udpWith(0xffff, from, to, filler(20))),
  ...both('port 0 of the peer', e => udp(e.port, 0, filler(8))).slice(0, 1),
  ...both('port 65535 of the peer', (e, from) => udp(from === 53 ? 65535 : from, from === 53 ? e.mapped : 65535)),
  ...both('header cut short', (_e, from, to) => raw(17, [...be16(from), ...be16(to), 0])),
  ['no checksum, 1300 bytes, to IPv6', e => e.back(udpWith(0, 53, e.mapped, filler(1272)), { id: 3 })],
]

const SYN_OPTIONS = hex('020405b4 0402080a 01020304 00000000 01030307')

/** Inside a connection, so that stateful mode lets them pass. */
const within = (name: string, flags: number, data: number[] = [], options: number[] = []): Row[] => [
  [`${name}, to IPv4`, e => [...e.opened(), e.out(tcp(e.port, 80, data, { flags, options }))]],
  [`${name}, to IPv6`, e => [...e.opened(), e.back(tcp(80, e.mapped, data, { flags, options }))]],
]

export const tcpCases: readonly Row[] = [
  ['SYN with options', e => e.out(tcp(e.port, 80, [], { flags: SYN, options: SYN_OPTIONS }))],
  ['SYN for ECN', e => e.out(tcp(e.port, 80, [], { flags: SYN | ECE | CWR }), { tc: 2 })],
  ['SYN with data', e => e.out(tcp(e.port, 80, filler(9), { flags: SYN, options: hex('22040102') }))],
  ['SYN from outside', e => e.back(tcp(80, e.mapped, [], { flags: SYN, options: SYN_OPTIONS }))],
  ...within('ACK', ACK),
  ...within('data, even', ACK | PSH, filler(40)),
  ...within('data, odd', ACK | PSH, filler(41)),
  ...within('selective acknowledgement', ACK, [], hex('0101050a 00000001 00000009')),
  ...within('40 bytes of options', ACK, filler(3), hex('01'.repeat(40))),
  ...within('urgent', ACK | URG, filler(5)),
  ...within('ECN echo', ACK | ECE, filler(5)),
  ...within('FIN', FIN | ACK),
  ...within('RST', RST),
  ...within('RST with data', RST | ACK, filler(10)),
  ...within('no flags', 0),
  ...within('all flags', 0xff),
  ...within('SYN again', SYN),
  ['checksum wrong, to IPv4', e => [...e.opened(), e.out({ ...tcp(e.port, 80, filler(5)), kind: 'none' })]],
  ['checksum wrong, to IPv6', e => [...e.opened(), e.back({ ...tcp(80, e.mapped, filler(5)), kind: 'none' })]],
  ['data offset too small', e => [...e.opened(), e.out(withOffset(tcp(e.port, 80, filler(8)), 4))]],
  ['data offset past the end', e => [...e.opened(), e.out(withOffset(tcp(e.port, 80, filler(8)), 15))]],
  ['data offset past the end, to IPv6', e => [...e.opened(), e.back(withOffset(tcp(80, e.mapped, filler(8)), 15))]],
  ['header cut short', e => [...e.opened(), e.out(raw(6, tcp(e.port, 80).bytes.slice(0, 16)))]],
  ['header cut short, to IPv6', e => [...e.opened(), e.back(raw(6, tcp(80, e.mapped).bytes.slice(0, 16)))]],
]

function withOffset(m: Message, words: number): Message {
  return { ...m, bytes: m.bytes.map((x, i) => (i === 12 ? words << 4 : x)) }
}

const query = (type: number, code = 0) => icmp(type, code, [0x13, 0x88, 0, 1], filler(12))

export const icmpCases: readonly Row[] = [
  ['echo request, to IPv4', e => e.out(echo(128, e.port))],
  ['echo reply, to IPv4', e => e.out(echo(129, e.port))],
  ['echo request, to IPv6', e => e.back(echo(8, e.mapped))],
  ['echo reply, to IPv6', e => e.back(echo(0, e.mapped))],
  ['there and back', e => [e.out(echo(128, e.port, filler(56), 9)), e.back(echo(0, e.mapped, filler(56), 9))]],
  ['odd, to IPv4', e => e.out(echo(128, e.port, filler(7), 0xffff))],
  ['odd, to IPv6', e => e.back(echo(8, e.mapped, filler(7), 0xffff))],
  ['empty, to IPv4', e => e.out(echo(128, e.port, []))],
  ['empty, to IPv6', e => e.back(echo(8, e.mapped, []))],
  ['1400 bytes, to IPv4', e => e.out(echo(128, e.port, filler(1352)))],
  ['code 1, to IPv4', e => e.out(icmp(128, 1, [...be16(e.port), 0, 1], filler(8)))],
  ['code 1, to IPv6', e => e.back(icmp(8, 1, [...be16(e.mapped), 0, 1], filler(8)))],
  ['checksum wrong, to IPv4', e => e.out({ ...echo(128, e.port), kind: 'none' })],
  ['checksum wrong, to IPv6', e => e.back({ ...echo(8, e.mapped), kind: 'none' })],
  ['header cut short, to IPv4', e => e.out(raw(58, [128, 0, 0, 0]))],
  ['header cut short, to IPv6', e => e.back(raw(1, [8, 0, 0, 0]))],
  ...[9, 10, 13, 14, 15, 16, 17, 18, 30, 40].map((type): Row => [`type ${type}, to IPv6`, e => e.back(query(type))]),
  ...[130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 143, 160, 200, 255].map(
    (type): Row => [`type ${type}, to IPv4`, e => e.out(query(type))],
  ),
]
