/** What a case of the corpus is, and the ends that its packets travel between. */
import { type Ip4, type Ip6, ip4, ip6, type Message, tcp, udp } from '../../xlat/packets.js'
import * as a from './arrangement.js'

/** A packet handed in on the IPv6 or on the IPv4 link, or time that passes, ms. */
export type Step = { readonly from: 4 | 6; readonly bytes: Uint8Array } | { readonly wait: number }

/** Steps in order; what one leaves behind the next one meets. No other case has the same peer. */
export interface Case {
  readonly name: string
  readonly steps: readonly Step[]
}

/** One end is the guest, known outside by its IPv4 address; the other is a peer of this case alone. */
export class Ends {
  readonly guest = a.GUEST
  readonly guest4 = a.GUEST4
  readonly peer6: string
  /** The guest's port (or ICMP identifier), and what is seen of it outside: the same without state. */
  readonly port = a.PORT
  readonly mapped: number

  constructor(
    readonly part: a.Part,
    readonly peer4: string,
  ) {
    this.peer6 = a.inPool6(peer4)
    this.mapped = part === 'siit' ? a.PORT : a.MAPPED_PORT
  }

  /** From the guest to the peer. */
  out(m: Message, o: Ip6 = {}): Step {
    return { from: 6, bytes: ip6(m, { src: this.guest, dst: this.peer6, ...o }) }
  }

  /** From the peer to the guest. */
  back(m: Message, o: Ip4 = {}): Step {
    return { from: 4, bytes: ip4(m, { src: this.peer4, dst: this.guest4, ...o }) }
  }

  /** UDP from the guest, and to it. */
  udpOut(data: ArrayLike<number> = [], o: Ip6 = {}): Step {
    return this.out(udp(this.port, 53, Array.from(data)), o)
  }
  udpBack(data: ArrayLike<number> = [], o: Ip4 = {}): Step {
    return this.back(udp(53, this.mapped, Array.from(data)), o)
  }

  tcpOut(flags: number, data: ArrayLike<number> = [], o: Ip6 = {}): Step {
    return this.out(tcp(this.port, 80, Array.from(data), { flags }), o)
  }
  tcpBack(flags: number, data: ArrayLike<number> = [], o: Ip4 = {}): Step {
    return this.back(tcp(80, this.mapped, Array.from(data), { flags }), o)
  }

  /** A TCP connection that the guest opens. */
  opened(): Step[] {
    return this.part === 'stateful' ? [this.tcpOut(SYN), this.tcpBack(SYN | ACK), this.tcpOut(ACK)] : []
  }
}

export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16
export const URG = 32
export const ECE = 64
export const CWR = 128

/** Named steps that need ends. */
export type Row = readonly [name: string, steps: (e: Ends) => Step | readonly Step[]]

/** Makes the cases of a group. `number` (up to 250) gives it peers of its own. */
export function group(part: a.Part, name: string, number: number, rows: readonly Row[]): Case[] {
  if (rows.length > 254) throw new Error(`group ${name} has more rows than peers`)
  return rows.map(([row, steps], i) => {
    const made = steps(new Ends(part, `198.18.${number}.${i + 1}`))
    return { name: `${name}/${row}`, steps: Array.isArray(made) ? made : [made as Step] }
  })
}

/** A packet that every translator passes on, from the other guest; the player knows by it that all else has come. */
export const marker = (part: a.Part): Uint8Array =>
  ip6(udp(9, 9), { src: a.OTHER, dst: `${part === 'well-known' ? a.WELL_KNOWN : a.POOL6}9.9.9.9` })
