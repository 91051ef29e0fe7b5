/** States and packets for the tests of the state tables. */
import { type Ipv4, parseIpv4 } from '../../src/addr/ipv4.js'
import { type Ipv6, parseIpv6 } from '../../src/addr/ipv6.js'
import { parsePrefix4 } from '../../src/addr/prefix.js'
import { ACK, FIN, ICMP6, RST, SYN, TCP, UDP } from '../../src/wire/protocol.js'
import { type BibProtocol, DEFAULT_CONFIG, type Pool4Range, type XlatConfig } from '../../src/xlat/config.js'
import { REASONS } from '../../src/xlat/reason.js'
import { State } from '../../src/xlat/state.js'
import { makeStats } from '../../src/xlat/stats.js'

export const WIRE = { tcp: TCP, udp: UDP, icmp: ICMP6 } as const
export const FLAGS = { syn: SYN, synack: SYN | ACK, fin: FIN | ACK, rst: RST, data: ACK } as const
export type FlagName = keyof typeof FLAGS

export const ip4 = (text: string): Ipv4 => parseIpv4(text)!
export const ip6 = (text: string): Ipv6 => parseIpv6(text)!

export const HOST = '2001:db8::1'
export const PEER = '8.8.8.8'

export function range(prefix: string, first: number, last: number, protocols?: readonly BibProtocol[]): Pool4Range {
  return { prefix: parsePrefix4(prefix)!, ports: [first, last], protocols: protocols ?? ['tcp', 'udp', 'icmp'] }
}

export function makeConfig(change: Partial<XlatConfig> = {}, limits: Partial<XlatConfig['limits']> = {}): XlatConfig {
  const small = { ...DEFAULT_CONFIG.limits, bib: 1000, sessions: 1000, storedSyns: 4, ...limits }
  return { ...DEFAULT_CONFIG, pool4: [range('198.51.100.1', 1024, 65535)], limits: small, ...change }
}

/** A State with calls that take text and return text. */
export class Lab {
  readonly stats = makeStats()
  readonly state: State
  now = 1000
  private seed = 7

  constructor(readonly config: XlatConfig = makeConfig()) {
    const random32 = () => {
      this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0
      return this.seed
    }
    this.state = new State(config, this.stats, random32, [1, 2, 3, 4])
  }

  /** Sends from IPv6; returns "address:port" of the IPv4 side, or the code of the refusal. */
  v6(protocol: BibProtocol, port: number, flag: FlagName = 'syn', host = HOST, peer = PEER, peerPort = 443): string {
    const [a, b, c, d] = ip6(host)
    const i = this.state.fromV6(WIRE[protocol], a, b, c, d, port, ip4(peer), peerPort, FLAGS[flag], this.now)
    return this.told(i)
  }

  /** Sends from IPv4 to "address:port". */
  v4(protocol: BibProtocol, to: string, flag: FlagName = 'syn', peer = PEER, peerPort = 443): string {
    const [address, port] = to.split(':') as [string, string]
    const i = this.state.fromV4(WIRE[protocol], ip4(address), Number(port), ip4(peer), peerPort, FLAGS[flag], this.now)
    return i === -2 ? 'store' : this.told(i)
  }

  /** State and lifetime left of the only session. */
  get tcp(): string {
    const rows = this.state.sessionRows(2)
    return rows.length === 1 ? `${rows[0]!.state} ${rows[0]!.expiresInMs / 1000}` : `${rows.length} sessions`
  }

  private told(i: number): string {
    if (i < 0) return REASONS[this.state.reason]!.code
    const address = this.state.mapped4(i)
    return `${[24, 16, 8, 0].map(n => (address >>> n) & 255).join('.')}:${this.state.mapped4Port(i)}`
  }
}
