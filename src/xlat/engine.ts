/** What the steps of translation share: configuration in usable form, tables, and where results go. */
import type { XlatConfig } from './config.js'
import { ErrorReplies } from './icmp-error.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'
import { Pool6 } from './pool6.js'
import { PrefixSet4 } from './prefix-set.js'
import { Rewriter } from './rewriter.js'

export interface Engine {
  readonly config: XlatConfig
  readonly stats: Float64Array
  readonly outbox: Outbox
  readonly rewriter: Rewriter
  readonly replies: ErrorReplies
  readonly pool6: Pool6
  /** The addresses of pool4 and of static BIB entries, whatever their ports. */
  readonly pool4: PrefixSet4
}

/** Prepares a configuration for use. `idSeed`: where IPv4 identifications of our own start. */
export function makeEngine(config: XlatConfig, stats: Float64Array, outbox: Outbox, idSeed: number): Engine {
  const hosts = config.staticBib.map(bib => ({ address: bib.mapped4, length: 32 }))
  return {
    config,
    stats,
    outbox,
    rewriter: new Rewriter(config, outbox, idSeed),
    replies: new ErrorReplies(config, outbox, idSeed),
    pool6: new Pool6(config),
    pool4: new PrefixSet4([...config.pool4.map(range => range.prefix), ...hosts]),
  }
}

/** Copies `p` into the outbox; false when there is no room. */
export function emit(outbox: Outbox, p: Packet): boolean {
  const start = outbox.reserve(p.end - p.start)
  if (start < 0) return false
  outbox.buf.set(p.buf.subarray(p.start, p.end), start)
  return true
}
