/** Text about what an IP packet carries: TCP, UDP, ICMP of both families with the packet inside. Never throws. */
import { u8, u16, u32 } from './bytes.js'
import * as P from './protocol.js'

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [P.ICMP4]: 'ICMP',
  [P.IGMP]: 'IGMP',
  [P.TCP]: 'TCP',
  [P.UDP]: 'UDP',
  [P.ESP]: 'ESP',
  [P.AH]: 'AH',
  [P.ICMP6]: 'ICMPv6',
  [P.SCTP]: 'SCTP',
  [P.UDPLITE]: 'UDP-Lite',
  [P.DCCP]: 'DCCP',
}

/** The protocol's name, or "protocol 200". */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`
}

/**
 * Describes the transport header at `o`.
 *
 * @param end where the bytes at hand end
 * @param declaredEnd where the packet ends by its own account
 * @param inner describes the packet that an ICMP error carries at an offset
 */
export function describeTransport(
  b: Uint8Array,
  o: number,
  end: number,
  declaredEnd: number,
  protocol: number,
  inner: (from: number) => string,
): string {
  const name = protocolName(protocol)
  const length = declaredEnd - o
  switch (protocol) {
    case P.TCP:
      return end - o < P.TCP_HEADER ? `${name}${ports(b, o, end)} cut short` : tcp(b, o, end, length)
    case P.UDP:
    case P.UDPLITE:
      return end - o < P.UDP_HEADER
        ? `${name}${ports(b, o, end)} cut short`
        : `${name}${ports(b, o, end)} len ${Math.max(0, length - P.UDP_HEADER)}${noChecksum(b, o, protocol)}`
    case P.SCTP:
    case P.DCCP:
      return `${name}${ports(b, o, end)} len ${length}`
    case P.ICMP4:
    case P.ICMP6:
      return end - o < P.ICMP_HEADER ? `${name} cut short` : icmp(b, o, length, protocol === P.ICMP6, inner)
    case P.NO_NEXT:
      return 'no next header'
    default:
      return `${name} len ${length}`
  }
}

function ports(b: Uint8Array, o: number, end: number): string {
  return end - o < 4 ? '' : ` ${u16(b, o)} > ${u16(b, o + 2)}`
}

function noChecksum(b: Uint8Array, o: number, protocol: number): string {
  return protocol === P.UDP && u16(b, o + P.UDP_CHECKSUM) === 0 ? ' no checksum' : ''
}

const FLAGS: readonly (readonly [mask: number, letter: string])[] = [
  [P.FIN, 'F'],
  [P.SYN, 'S'],
  [P.RST, 'R'],
  [0x08, 'P'],
  [P.ACK, '.'],
  [0x20, 'U'],
  [0x40, 'E'],
  [0x80, 'W'],
]

/** TCP flags as tcpdump writes them: `S.`. */
export function tcpFlags(flags: number): string {
  return FLAGS.filter(([mask]) => flags & mask)
    .map(([, letter]) => letter)
    .join('')
}

function tcp(b: Uint8Array, o: number, end: number, length: number): string {
  const headerLength = (u8(b, o + 12) >>> 4) * 4
  const flags = u8(b, o + 13)
  const words = [`TCP${ports(b, o, end)} [${tcpFlags(flags)}] seq ${u32(b, o + 4)}`]
  if (flags & P.ACK) words.push(`ack ${u32(b, o + 8)}`)
  words.push(`win ${u16(b, o + 14)}`)
  if (headerLength < P.TCP_HEADER) return `${words.join(' ')} header length ${headerLength}?`
  const mss = flags & P.SYN ? findMss(b, o + P.TCP_HEADER, Math.min(end, o + headerLength)) : -1
  if (mss >= 0) words.push(`mss ${mss}`)
  words.push(`len ${Math.max(0, length - headerLength)}`)
  return words.join(' ')
}

/** The MSS option (RFC 9293 section 3.7.1) in the options `b[o, end)`; -1 when there is none. */
function findMss(b: Uint8Array, o: number, end: number): number {
  let at = o
  while (at < end) {
    const kind = u8(b, at)
    if (kind === 0) return -1
    if (kind === 1) {
      at++
      continue
    }
    if (at + 2 > end || u8(b, at + 1) < 2) return -1
    if (kind === 2) return at + 4 <= end ? u16(b, at + 2) : -1
    at += u8(b, at + 1)
  }
  return -1
}

const ICMP4_NAMES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'unreachable',
  4: 'source quench',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
  12: 'parameter problem',
  13: 'timestamp request',
  14: 'timestamp reply',
}
const ICMP6_NAMES: Readonly<Record<number, string>> = {
  1: 'unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'listener query',
  131: 'listener report',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbour solicitation',
  136: 'neighbour advertisement',
  143: 'listener report v2',
}
const UNREACHABLE4 = ['network', 'host', 'protocol', 'port', 'fragmentation needed']
const UNREACHABLE6 = ['no route', 'prohibited', 'beyond scope', 'address', 'port']

function icmp(b: Uint8Array, o: number, length: number, isV6: boolean, inner: (from: number) => string): string {
  const type = u8(b, o)
  const code = u8(b, o + 1)
  const family = isV6 ? 'ICMPv6' : 'ICMP'
  const name = (isV6 ? ICMP6_NAMES : ICMP4_NAMES)[type]
  const head = name === undefined ? `${family} type ${type} code ${code}` : `${family} ${type}/${code} ${name}`
  if (name === 'echo request' || name === 'echo reply') {
    return `${head} id ${u16(b, o + 4)} seq ${u16(b, o + 6)} len ${Math.max(0, length - P.ICMP_HEADER)}`
  }
  if (!isError(type, isV6)) return `${head} len ${Math.max(0, length - P.ICMP_HEADER)}`
  const carried = inner(o + P.ICMP_HEADER)
  return `${head}${detail(b, o, type, code, isV6)}${carried === '' ? '' : ` {${carried}}`}`
}

function isError(type: number, isV6: boolean): boolean {
  return isV6 ? type < 128 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12
}

function detail(b: Uint8Array, o: number, type: number, code: number, isV6: boolean): string {
  if (isV6 && type === 2) return ` mtu ${u32(b, o + 4)}`
  if (!isV6 && type === 3 && code === 4) return ` fragmentation needed mtu ${u16(b, o + 6)}`
  const unreachable = isV6 ? (type === 1 ? UNREACHABLE6[code] : undefined) : type === 3 ? UNREACHABLE4[code] : undefined
  if (unreachable !== undefined) return ` ${unreachable}`
  if (isV6 && type === 4) return ` pointer ${u32(b, o + 4)}`
  return !isV6 && type === 12 ? ` pointer ${u8(b, o + 4)}` : ''
}
