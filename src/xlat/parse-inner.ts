// hot path
import type { Packet } from './packet.js'

/** Parses the packet inside ICMP error `p` into `inner`, which then shares its buffer. Returns 0 or a reason. */
export function parseInner(_p: Packet, _inner: Packet): number {
  return 0
}
