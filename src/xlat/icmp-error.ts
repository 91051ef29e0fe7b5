import type { XlatConfig } from './config.js'
import type { Outbox } from './outbox.js'
import type { Packet } from './packet.js'

/** Makes ICMP errors of our own into the outbox, rate limited (RFC 1812 section 4.3.2, RFC 4443 section 2.4). */
export class ErrorReplies {
  /** Errors that were due but held back by the rate limit. */
  held = 0

  constructor(
    readonly config: XlatConfig,
    readonly outbox: Outbox,
    readonly idSeed: number,
  ) {}

  /** Answers a refused, still unchanged packet as its reason asks for. True when an error stands in the outbox. */
  replyWithError(_p: Packet, _reason: number, _nowMs: number): boolean {
    return false
  }

  /** Answers with this very error. `param`: MTU or pointer, else 0. */
  send(_p: Packet, _type: number, _code: number, _param: number, _nowMs: number): boolean {
    return false
  }
}
