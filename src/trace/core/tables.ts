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

/**
 * Reads connections whose source was translated out of `conntrack -L` or /proc/net/nf_conntrack: the reply is expected
 * at another address or port than the request came from.
 */
export function parseConntrack(text: string): NatRow[] {
  return text.split('\n').flatMap(line => {
    const name = /(?:^|\s)(tcp|udp|icmp)\s/.exec(line)?.[1]
    const values = (key: string) => [...line.matchAll(new RegExp(`\\b${key}=(\\S+)`, 'g'))].map(m => m[1] as string)
    const [source, replySource] = values('src').map(a => parseIpv4(a))
    const [, replyTo] = values('dst').map(a => parseIpv4(a))
    if (name === undefined || source === undefined || replySource === undefined || replyTo === undefined) return []
    const isEcho = name === 'icmp'
    const [port, replyPort] = values(isEcho ? 'id' : 'sport').map(Number)
    const after = isEcho ? replyPort : values('dport').map(Number)[1]
    if (port === undefined || after === undefined || (source === replyTo && port === after)) return []
    return [
      {
        protocol: PROTOCOLS[name] as number,
        target4: replySource,
        targetPort: isEcho ? 0 : (replyPort ?? 0),
        before: { address: source, port },
        after: { address: replyTo, port: after },
      },
    ]
  })
}

/** All that tables say at a moment. */
export interface Tables {
  readonly rows: readonly TableRow[]
  readonly nat: readonly NatRow[]
  readonly addresses: readonly AddressRow[]
}
