/** Chains of IPv6 extension headers, and Fragment headers (RFC 7915 sections 5.1 and 5.1.1). */
import { destination, echo, filler, fragment, hopByHop, type Ip6, routing, udp } from '../../../xlat/packets.js'
import { ACK, type Row } from '../case.js'

type Extension = NonNullable<Ip6['ext']>[number]
const other = (type: number): Extension => ({ type, bytes: [0, 0, 0, 0, 0, 0, 0, 0] })
const auth: Extension = { type: 51, bytes: [0, 4, 0, 0, ...filler(20)] }
const cut: Extension = { type: 60, bytes: [0, 9, 1, 4, 0, 0, 0, 0] }
const long: Extension = { type: 60, bytes: [0, 30, 1, 244, ...new Array<number>(244).fill(0)] }

const CHAINS: readonly (readonly [string, readonly Extension[]])[] = [
  ['hop-by-hop', [hopByHop]],
  ['destination options', [destination]],
  ['248 bytes of destination options', [long]],
  ['routing, none left', [routing(0)]],
  ['routing, one left', [routing(1)]],
  ['hop-by-hop and routing, one left', [hopByHop, routing(1)]],
  ['all in order', [hopByHop, destination, routing(0), destination]],
  ['hop-by-hop, destination, routing, one left', [hopByHop, destination, routing(3)]],
  ['atomic fragment', [fragment(0x12345678)]],
  ['hop-by-hop and atomic fragment', [hopByHop, fragment(0x9abcdef0)]],
  ['fragment, then destination options', [fragment(7), destination]],
  ['fragment, then routing', [fragment(7), routing(0)]],
  ['two fragment headers', [fragment(7), fragment(8)]],
  ['hop-by-hop second', [destination, hopByHop]],
  ['mobility', [other(135)]],
  ['host identity', [other(139)]],
  ['shim6', [other(140)]],
  ['authentication', [auth]],
  ['fragment, then authentication', [fragment(7), auth]],
  ['fragment, then mobility', [fragment(7), other(135)]],
  ['cut short', [cut]],
  ['nine of them', Array.from({ length: 9 }, () => destination)],
]

export const extensionHeaders: readonly Row[] = [
  ...CHAINS.map(([name, ext]): Row => [`UDP, ${name}`, e => e.udpOut(filler(16), { ext })]),
  ...CHAINS.slice(0, 12).map(([name, ext]): Row => [`ping, ${name}`, e => e.out(echo(128, e.port), { ext })]),
  ...CHAINS.slice(0, 10).map(
    ([name, ext]): Row => [`TCP, ${name}`, e => [...e.opened(), e.tcpOut(ACK, filler(16), { ext })]],
  ),
  ['hop limit 1 and routing, one left', e => e.udpOut(filler(16), { hops: 1, ext: [routing(1)] })],
  ['1300 bytes with destination options', e => e.udpOut(filler(1236), { ext: [destination] })],
  ['1290 bytes with hop-by-hop', e => e.udpOut(filler(1234), { ext: [hopByHop] })],
  ['1400 bytes, atomic fragment', e => e.out(udp(e.port, 53, filler(1344)), { ext: [fragment(3)] })],
]
