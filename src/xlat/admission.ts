// hot path: refuses
/**
 * Who may begin, and with whom. Asked once for each session in stateful mode, for each packet in the others.
 *
 * The IPv4 addresses by which this host itself would be reached are refused: behind pool6 they would lead guests past the
 * IPv6 rules that keep them from the host's services.
 */
import type { XlatConfig } from './config.js'
import { PrefixSet4 } from './prefix-set.js'
import { PrefixTable } from './prefix-table.js'
import { REASON } from './reason.js'

export class Admission {
  private readonly own: PrefixSet4
  private readonly allowed: PrefixSet4
  /** null: whoever sends is a guest. */
  private readonly guests: PrefixTable | null

  constructor(config: XlatConfig) {
    const { hostAddresses4, allowHost4, guests6 } = config
    this.own = new PrefixSet4(hostAddresses4)
    this.allowed = new PrefixSet4(allowHost4)
    const entries = guests6.map(({ address, length }) => ({ words: address, length, value: 0 }))
    this.guests = entries.length === 0 ? null : new PrefixTable(entries)
  }

  /** 0, or why an IPv6 source may not reach the IPv4 address. */
  refuses(a: number, b: number, c: number, d: number, peer4: number): number {
    if (this.isStranger(a, b, c, d)) return REASON.not_a_guest
    return this.isHost(peer4) ? REASON.host_address : 0
  }

  /** Says whether the address is no guest's. */
  isStranger(a: number, b: number, c: number, d: number): boolean {
    return this.guests !== null && this.guests.find(a, b, c, d) < 0
  }

  /** Says whether the address is this host's own, and not allowed. */
  isHost(address4: number): boolean {
    return this.own.has(address4) && !this.allowed.has(address4)
  }
}

/** Says whether two configurations have the same rules. */
export function sameAdmission(a: XlatConfig, b: XlatConfig): boolean {
  const rules = (c: XlatConfig) => JSON.stringify([c.hostAddresses4, c.allowHost4, c.guests6])
  return rules(a) === rules(b)
}
