/** Tables that say who is behind which IPv4 address and port: of Jool, of our translator, of connection tracking. */
import { type Ipv4, parseIpv4 } from '../../addr/ipv4.js'
import { type Ipv6, parseIpv6 } from '../../addr/ipv6.js'
import { TCP, UDP } from '../../wire/protocol.js'
import type { TableRow } from './flows.js'
import { ICMP } from './packet.js'

/** Connection tracking gave a connection another near end: a masquerade, or SNAT. */
export interface NatRow {
  readonly protocol: number
  readonly target4: Ipv4
  readonly targetPort: number
  readonly before: { readonly address: Ipv4; readonly port: number }
  readonly after: { readonly address: Ipv4; readonly port: number }
}

/** An IPv4 address that stands for a guest, with all its ports. */
export interface AddressRow {
  readonly address: Ipv4
  readonly guest: Ipv6
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: TCP, udp: UDP, icmp: ICMP }

/**
 * Reads `jool session display --csv --numeric`: Protocol, IPv6 Remote Address and L4-ID (the guest), IPv6 Local, IPv4 Local
 * (the translator), IPv4 Remote (the target), Expires in, State. Lines that are no row are passed over.
 */
export function parseJoolSessions(csv: string): TableRow[] {
  return csv.split('\n').flatMap(line => {
    const [name, six, sixPort, , , local, localPort, remote, remotePort] = line.trim().split(',')
    const protocol = PROTOCOLS[(name ?? '').toLowerCase()]
    const guest = parseIpv6(six ?? '')
    const near = parseIpv4(local ?? '')
    const target4 = parseIpv4(remote ?? '')
    if (protocol === undefined || !guest || near === undefined || target4 === undefined) return []
    if (![sixPort, localPort, remotePort].every(text => text && isPort(Number(text)))) return []
    return [
      {
        protocol,
        guest,
        guestPort: Number(sixPort),
        target4,
        targetPort: protocol === ICMP ? 0 : Number(remotePort),
        near4: [{ address: near, port: Number(localPort) }],
      },
    ]
  })
}

/** A session as `nat64 status --sessions` has it. */
export interface StatusSession {
  readonly protocol: string
  readonly host6: string
  readonly host6Port: number
  readonly mapped4: string
  readonly mapped4Port: number
  readonly peer4: string
  readonly peer4Port: number
}

export function rowsOfStatus(sessions: readonly StatusSession[]): TableRow[] {
  return sessions.flatMap(s => {
    const protocol = PROTOCOLS[s.protocol]
    const guest = parseIpv6(s.host6)
    const near = parseIpv4(s.mapped4)
    const target4 = parseIpv4(s.peer4)
    if (protocol === undefined || !guest || near === undefined || target4 === undefined) return []
    const targetPort = protocol === ICMP ? 0 : s.peer4Port
    return [
      { protocol, guest, guestPort: s.host6Port, target4, targetPort, near4: [{ address: near, port: s.mapped4Port }] },
    ]
  })
}

const FIELD = /\b(src|dst|sport|dport|id)=(\S+)/g

/**
 * Reads connections whose source was translated out of `conntrack -L` or /proc/net/nf_conntrack: the reply is expected
 * at another address or port than the request came from. Lines of IPv6 and other protocols are passed over.
 */
export function parseConntrack(text: string): NatRow[] {
  return text.split('\n').flatMap(line => {
    const name = /(?:^|\s)(tcp|udp|icmp)\s/.exec(line)?.[1]
    if (name === undefined) return []
    // Each stands there twice: for the request, and for the reply that is expected.
    const [asked, expected] = [new Map<string, string>(), new Map<string, string>()]
    for (const [, key, value] of line.matchAll(FIELD)) {
      const side = asked.has(key as string) ? expected : asked
      if (!side.has(key as string)) side.set(key as string, value as string)
    }
    const address = (side: typeof asked, key: string) => parseIpv4(side.get(key) ?? '')
    const [source, target4, replyTo] = [address(asked, 'src'), address(expected, 'src'), address(expected, 'dst')]
    const isEcho = name === 'icmp'
    const port = Number(asked.get(isEcho ? 'id' : 'sport'))
    const after = Number(expected.get(isEcho ? 'id' : 'dport'))
    const targetPort = isEcho ? 0 : Number(expected.get('sport'))
    if (source === undefined || target4 === undefined || replyTo === undefined) return []
    if (!isPort(port) || !isPort(after) || !isPort(targetPort) || (source === replyTo && port === after)) return []
    return [
      {
        protocol: PROTOCOLS[name] as number,
        target4,
        targetPort,
        before: { address: source, port },
        after: { address: replyTo, port: after },
      },
    ]
  })
}

const isPort = (n: number) => Number.isInteger(n) && n >= 0 && n <= 0xffff

/** All that tables say at a moment. */
export interface Tables {
  readonly rows: readonly TableRow[]
  readonly nat: readonly NatRow[]
  readonly addresses: readonly AddressRow[]
}
