/** IP header fields, sizes and options (RFC 7915 sections 4.1 and 5.1). */
import { echo, filler, hex, raw, udp } from '../../../xlat/packets.js'
import { ACK, type Row } from '../case.js'

const IP6_UDP = 48
const IP4_UDP = 28
const small = filler(12)

/** UDP of so many bytes in all. */
const outOf = (length: number): Row => [`${length} bytes of IPv6`, e => e.udpOut(filler(length - IP6_UDP))]
const backOf = (length: number, df: boolean): Row => [
  `${length} bytes of IPv4, ${df ? 'DF' : 'no DF'}`,
  e => e.udpBack(filler(length - IP4_UDP), { df, id: length }),
]

export const toV4: readonly Row[] = [
  ['plain', e => e.udpOut(small)],
  ...[1, 0x28, 0xb8, 0xff].map((tc): Row => [`traffic class ${tc}`, e => e.udpOut(small, { tc })]),
  ['flow label', e => e.udpOut(small, { flow: 0xfedcb })],
  ['class and flow label', e => e.udpOut(small, { tc: 0x47, flow: 0x12345 })],
  ...[0, 1, 2, 3, 255].map((hops): Row => [`hop limit ${hops}`, e => e.udpOut(small, { hops })]),
  ['hop limit 1, ping', e => e.out(echo(128, e.port), { hops: 1 })],
  ['hop limit 1, long', e => e.udpOut(filler(1300), { hops: 1 })],
  ...[1260, 1279, 1280, 1281, 1300, 1301, 1400, 1480, 1500].map(outOf),
  ['1400 bytes of TCP', e => [...e.opened(), e.tcpOut(ACK, filler(1340))]],
  ['bytes after the packet', e => trailing(e.udpOut(small), 6)],
  ['payload length too large', e => e.udpOut(small, { length: 40 })],
]

export const toV6: readonly Row[] = [
  ['plain', e => e.udpBack(small)],
  ...[1, 0x28, 0xb8, 0xff].map((tos): Row => [`TOS ${tos}`, e => e.udpBack(small, { tos })]),
  ...[0, 1, 2, 3, 255].map((ttl): Row => [`TTL ${ttl}`, e => e.udpBack(small, { ttl })]),
  ['TTL 1, ping', e => e.back(echo(8, e.mapped), { ttl: 1 })],
  ['TTL 1, long', e => e.udpBack(filler(1300), { ttl: 1 })],
  ['TTL 1, with options', e => e.udpBack(small, { ttl: 1, options: hex('01010101') })],
  ['DF', e => e.udpBack(small, { df: true })],
  ['DF and identification', e => e.udpBack(small, { df: true, id: 0xbeef })],
  ['identification', e => e.udpBack(small, { id: 0xbeef })],
  ...[1240, 1260, 1261, 1280, 1400, 1480, 1481, 1500].flatMap(n => [backOf(n, true), backOf(n, false)]),
  ['1500 bytes of TCP, no DF', e => [...e.opened(), e.tcpBack(ACK, filler(1460), { id: 5 })]],
  ['1500 bytes of ping, no DF', e => e.back(echo(8, e.mapped, filler(1472)), { id: 6 })],
  ['1500 bytes of ping, DF', e => e.back(echo(8, e.mapped, filler(1472)), { df: true })],
  ['no operation', e => e.udpBack(small, { options: hex('01010101') })],
  ['end of options', e => e.udpBack(small, { options: hex('00000000') })],
  ['router alert', e => e.udpBack(small, { options: hex('94040000') })],
  ['record route', e => e.udpBack(small, { options: hex('07070400000000 00') })],
  ['timestamp', e => e.udpBack(small, { options: hex('44080500 00000000') })],
  ['40 bytes of options', e => e.udpBack(small, { options: hex('01'.repeat(40)) })],
  ['options, 1280 bytes and no DF', e => e.udpBack(filler(1228), { options: hex('01'.repeat(24)), id: 7 })],
  ['loose source route', e => e.udpBack(small, { options: hex('83070401020304 00') })],
  ['strict source route', e => e.udpBack(small, { options: hex('89070401020304 00') })],
  ['loose source route, used up', e => e.udpBack(small, { options: hex('83070801020304 00') })],
  ['source route after others', e => e.udpBack(small, { options: hex('0194040000 83070401020304') })],
  ['source route and TTL 1', e => e.udpBack(small, { ttl: 1, options: hex('83070401020304 00') })],
  ['TCP with options', e => [...e.opened(), e.tcpBack(ACK, small, { options: hex('94040000') })]],
  ['bytes after the packet', e => trailing(e.udpBack(small), 6)],
  ['total length too large', e => e.udpBack(small, { total: 100 })],
  ['header checksum wrong', e => broken(e.udpBack(small), 10)],
  ['reserved flag', e => flagged(e.back(udp(53, e.mapped, small)))],
  ['ping with options', e => e.back(echo(8, e.mapped), { options: hex('94040000') })],
]

/** Protocols without ports: siit carries them as they are, stateful mode cannot. */
export const protocols: readonly Row[] = [
  ...[
    ['SCTP', 132],
    ['GRE', 47],
    ['ESP', 50],
    ['IPv4 in IP', 4],
    ['IPv6 in IP', 41],
    ['UDP-Lite', 136],
    ['DCCP', 33],
    ['unknown', 200],
    ['for experiments', 253],
  ].flatMap(([name, number]): Row[] => {
    const m = raw(number as number, filler(24))
    return [
      [`${name} to IPv4`, e => e.out(m)],
      [`${name} to IPv6`, e => e.back(m)],
    ]
  }),
  ['AH to IPv4', e => e.out(raw(51, [17, 4, 0, 0, ...filler(20), ...filler(16)]))],
  ['AH to IPv6', e => e.back(raw(51, [17, 4, 0, 0, ...filler(20), ...filler(16)]))],
  ['IGMP to IPv6', e => e.back(raw(2, filler(8)))],
  ['ICMP in IPv6', e => e.out(raw(1, filler(16)))],
  ['ICMPv6 in IPv4', e => e.back(raw(58, filler(16)))],
  ['no next header', e => e.out(raw(59, []))],
  ['no next header, with bytes', e => e.out(raw(59, filler(8)))],
  ['hop-by-hop in IPv4', e => e.back(raw(0, filler(16)))],
]

type Step = { readonly from: 4 | 6; readonly bytes: Uint8Array }

function trailing(s: unknown, count: number) {
  const { from, bytes } = s as Step
  return { from, bytes: Uint8Array.from([...bytes, ...filler(count)]) }
}
function broken(s: unknown, at: number) {
  const { from, bytes } = s as Step
  return { from, bytes: bytes.map((x, i) => (i === at ? x ^ 0x55 : x)) }
}
/** Sets the reserved bit of an IPv4 header, and corrects its checksum. */
function flagged(s: unknown) {
  const { from, bytes } = s as Step
  const out = Uint8Array.from(bytes)
  const sum = ((out[10]! << 8) | out[11]!) - 0x8000
  out[6]! |= 0x80
  const folded = sum < 0 ? (sum + 0xffff) & 0xffff : sum
  out[10] = folded >>> 8
  out[11] = folded & 255
  return { from, bytes: out }
}
