/** What became of a packet. Numbers, because the hot path returns them. */

/** Rewritten in place; send what `Packet` now describes. */
export const TRANSLATED = 1
/** Counted under `Translator.reason`; nothing to send. */
export const DROPPED = 2
/** Dropped, and an ICMP error for its sender stands in the outbox. */
export const REPLIED = 3
/** Rewritten twice, from one guest to another (RFC 6146 section 3.8); send what `Packet` now describes. */
export const HAIRPINNED = 4
/** Its translation stands in the outbox, in one or more packets; the buffer it came in holds nothing to send. */
export const EMITTED = 5
/** Kept until more is known: a fragment before the first one, a SYN from outside (RFC 6146 section 3.5.2.2). */
export const STORED = 6

export type Verdict =
  | typeof TRANSLATED
  | typeof DROPPED
  | typeof REPLIED
  | typeof HAIRPINNED
  | typeof EMITTED
  | typeof STORED

/** Names by number, for JSON and text. */
export const VERDICTS = ['', 'translated', 'dropped', 'replied', 'hairpinned', 'emitted', 'stored'] as const
