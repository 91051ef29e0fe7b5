// hot path
/**
 * Stateless address mapping, both ways: explicit mappings first (RFC 7757 section 3), in pool mode the dynamic pool,
 * then pool6 (RFC 6052). Results stand in fields, so that nothing is allocated.
 */
import { isMartian4 } from '../addr/special.js'
import type { XlatConfig } from './config.js'
import { DynamicPool } from './dynamic-pool.js'
import { EamTable } from './eam.js'
import { type LeaseLog, SILENT } from './lease-log.js'
import type { Pool6 } from './pool6.js'
import { PrefixSet4 } from './prefix-set.js'
import { REASON } from './reason.js'

/** How an address was mapped. */
export const BY_NOTHING = 0
export const BY_EAM = 1
export const BY_POOL6 = 2
export const BY_LEASE = 3

export class Mapping {
  readonly eam: EamTable
  readonly pool: DynamicPool | null

  /** Result of `toV4`. */
  address4 = 0
  /** Result of `toV6`. */
  w0 = 0
  w1 = 0
  w2 = 0
  w3 = 0
  /** REASON number when the result is BY_NOTHING. */
  reason = 0

  constructor(
    config: XlatConfig,
    private readonly pool6: Pool6,
    stats: Float64Array,
    log: LeaseLog = SILENT,
  ) {
    this.eam = new EamTable(config.eam)
    const denylist4 = new PrefixSet4([...config.denylist4, ...config.hostAddresses4])
    const isReserved = (address4: number) =>
      address4 === config.icmpSource4 || this.eam.contains4(address4) || denylist4.has(address4) || isMartian4(address4)
    const range = config.mode === 'pool' ? config.dynamicPool : null
    this.pool = range === null ? null : new DynamicPool(range, config.timeouts.poolLease, stats, isReserved, log)
  }

  /**
   * Maps an IPv6 address into `address4`. `mayLease`: a guest without an address gets one of the dynamic pool.
   * Returns how, or BY_NOTHING with `reason`.
   */
  toV4(a: number, b: number, c: number, d: number, mayLease: boolean, nowMs: number): number {
    if (this.eam.toV4(a, b, c, d)) return this.found(this.eam.address4 | 0, BY_EAM)
    if (this.pool6.contains(a, b, c)) {
      const address4 = this.pool6.extract(b, c, d)
      const refusal = this.pool6.refuses(address4 | 0)
      return refusal === 0 ? this.found(address4 | 0, BY_POOL6) : this.nothing(refusal)
    }
    if (this.pool === null) return this.nothing(REASON.no_mapping)
    const lease = mayLease ? this.pool.assign(a, b, c, d, nowMs) : this.pool.find6(a, b, c, d, nowMs)
    if (lease !== -1) return this.found(lease, BY_LEASE)
    return this.nothing(mayLease ? REASON.pool_exhausted : REASON.no_mapping)
  }

  /** Maps an IPv4 address into `w0` to `w3`. `byEam` false: pool6 only, as hairpinning needs it (RFC 7757 section 4). */
  toV6(address4: number, byEam: boolean, nowMs: number): number {
    if (byEam && this.eam.toV6(address4)) return this.words(this.eam, BY_EAM)
    if (byEam && this.pool?.find4(address4, nowMs)) return this.words(this.pool, BY_LEASE)
    if (this.pool6.length === 0) return this.nothing(REASON.no_mapping)
    const refusal = this.pool6.refuses(address4)
    if (refusal !== 0) return this.nothing(refusal)
    this.pool6.put(address4)
    return this.words(this.pool6, BY_POOL6)
  }

  /** Says whether the address is a guest's by an explicit mapping or a lease. */
  isGuest4(address4: number): boolean {
    return this.eam.contains4(address4) || (this.pool?.contains4(address4) ?? false)
  }

  private found(address4: number, how: number): number {
    this.address4 = address4 >>> 0
    return how
  }

  private nothing(reason: number): number {
    this.reason = reason
    return BY_NOTHING
  }

  private words(from: { w0: number; w1: number; w2: number; w3: number }, how: number): number {
    this.w0 = from.w0
    this.w1 = from.w1
    this.w2 = from.w2
    this.w3 = from.w3
    return how
  }
}
