// hot path: has
/** A set of IPv4 prefixes; denylist4, and the addresses of pool4. */
import type { Prefix4 } from '../addr/prefix.js'
import { PrefixTable } from './prefix-table.js'

export class PrefixSet4 {
  private readonly table: PrefixTable
  private readonly isEmpty: boolean

  constructor(prefixes: readonly Prefix4[]) {
    this.isEmpty = prefixes.length === 0
    this.table = new PrefixTable(prefixes.map(p => ({ words: [p.address, 0, 0, 0], length: p.length, value: 0 })))
  }

  /** Says whether a prefix of the set covers the address. */
  has(address4: number): boolean {
    return !this.isEmpty && this.table.find(address4, 0, 0, 0) >= 0
  }
}
