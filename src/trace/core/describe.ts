/** What a packet is, in words that fit a line. */
import { formatIpv4 } from '../../addr/ipv4.js'
import { formatIpv6 } from '../../addr/ipv6.js'
import { tcpFlags } from '../../wire/describe-transport.js'
import { TCP, UDP } from '../../wire/protocol.js'
import { REQUEST } from './identity.js'
import type { ErrorNote, OpenPath, RawHop } from './open-path.js'
import { ICMP, ICMP_KIND } from './packet.js'
import type { Endpoints, TraceProtocol } from './traced.js'

export function protocolOf(protocol: number): TraceProtocol {
  return protocol === ICMP ? 'icmp' : protocol === TCP ? 'tcp' : protocol === UDP ? 'udp' : 'other'
}

export function addressText(family: 4 | 6, words: readonly [number, number, number, number]): string {
  return family === 4 ? formatIpv4(words[0]) : formatIpv6(words)
}

export function endpointsOf(hop: RawHop): Endpoints {
  return {
    source: addressText(hop.family, hop.source),
    sourcePort: hop.sourcePort,
    destination: addressText(hop.family, hop.destination),
    destinationPort: hop.destinationPort,
  }
}

const ERROR_NAMES: Readonly<Record<number, string>> = {
  [ICMP_KIND.tooBig]: 'packet too big',
  [ICMP_KIND.expired]: 'time exceeded',
  [ICMP_KIND.parameter]: 'parameter problem',
}
/** RFC 4443 section 3.1 and RFC 792; 1/4 and 3/3 are the port. */
const UNREACHABLE6: Readonly<Record<number, string>> = {
  0: 'no route',
  1: 'administratively prohibited',
  3: 'address unreachable',
  4: 'port unreachable',
  5: 'source address failed policy',
  6: 'reject route',
}
const UNREACHABLE4: Readonly<Record<number, string>> = {
  0: 'network unreachable',
  1: 'host unreachable',
  2: 'protocol unreachable',
  3: 'port unreachable',
  9: 'network prohibited',
  10: 'host prohibited',
  13: 'administratively prohibited',
}

/** `port unreachable`, `packet too big`. */
export function errorText(error: ErrorNote): string {
  const isNamed = error.kind === ICMP_KIND.unreachable || (error.family === 4 && error.type === 3 && error.code === 2)
  const mtu = error.mtu > 0 ? ` (MTU ${error.mtu})` : ''
  if (!isNamed) return `${ERROR_NAMES[error.kind] ?? 'error'}${mtu}`
  return (error.family === 6 ? UNREACHABLE6 : UNREACHABLE4)[error.code] ?? `unreachable (code ${error.code})`
}

/** `echo request seq 1`, `TCP 51514 > 443 [S]`, `UDP 40000 > 53, 40 bytes`, `ICMP port unreachable about UDP 40000 > 53`. */
export function whatOf(path: OpenPath): string {
  const name = protocolOf(path.protocol)
  if (path.error) return `ICMP ${errorText(path.error)} about ${aboutOf(path, name)}`
  const hop = path.hops[0] as RawHop
  const near = path.flow?.guestPort ?? (path.way === REQUEST ? hop.sourcePort : hop.destinationPort)
  const ports = path.way === REQUEST ? `${near} > ${path.targetPort}` : `${path.targetPort} > ${near}`
  if (path.icmpKind === ICMP_KIND.request || path.icmpKind === ICMP_KIND.reply) {
    return `echo ${path.icmpKind === ICMP_KIND.request ? 'request' : 'reply'} seq ${path.sequence}`
  }
  if (name === 'tcp') {
    const length = path.payload > 0 ? `, ${path.payload} bytes` : ''
    return `TCP ${ports} [${tcpFlags(path.flags)}]${length}`
  }
  if (name === 'udp') return `UDP ${ports}, ${path.payload} bytes`
  return name === 'icmp' ? 'ICMP' : `protocol ${path.protocol}, ${path.payload} bytes`
}

/** What an error is about. */
function aboutOf({ way, protocol, sequence, flow, nearPort, targetPort }: OpenPath, name: TraceProtocol): string {
  if (name === 'icmp') return `echo seq ${sequence}`
  const near = flow?.guestPort ?? nearPort
  const ports = way === REQUEST ? `${targetPort} > ${near}` : `${near} > ${targetPort}`
  return name === 'other' ? `protocol ${protocol}` : `${name.toUpperCase()} ${ports}`
}

/** The guest's end of a path, as text; null when it was never seen and nothing knows it. */
export function guestOf(path: OpenPath): { address: string; port: number } | null {
  if (path.flow) return { address: formatIpv6(path.flow.guest), port: path.flow.guestPort }
  const six = path.hops.find(h => h.family === 6)
  if (!six) return null
  const isRequest = path.way === REQUEST
  return {
    address: formatIpv6(isRequest ? six.source : six.destination),
    port: isRequest ? six.sourcePort : six.destinationPort,
  }
}
