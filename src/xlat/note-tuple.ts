// hot path
/**
 * Reads, of a packet that is not parsed yet, just what its session is looked up by. A guess: options and extension
 * headers are not looked past; a wrong guess costs time and nothing else.
 */
import { u8, u16, u32 } from '../wire/bytes.js'
import { ICMP4, ICMP6, IP4, IP6, IPV4_HEADER, IPV6_HEADER, TCP, UDP } from '../wire/protocol.js'
import type { Pool6 } from './pool6.js'
import type { State } from './state.js'

/** Offset of the identifier in an ICMP query, bytes. */
const IDENTIFIER = 4

/** Notes the packet in `b[start, end)` for {@link State.touch}. */
export function noteTuple(state: State, pool6: Pool6, b: Uint8Array, start: number, end: number): void {
  const isV4 = end > start && u8(b, start) >>> 4 === 4
  const l4 = start + (isV4 ? IPV4_HEADER : IPV6_HEADER)
  if (end < l4 + 8) return
  const protocol = u8(b, start + (isV4 ? IP4.PROTOCOL : IP6.NEXT))
  const isIcmp = protocol === (isV4 ? ICMP4 : ICMP6)
  if (!isIcmp && protocol !== TCP && protocol !== UDP) return
  const sport = u16(b, isIcmp ? l4 + IDENTIFIER : l4)
  const dport = u16(b, isIcmp ? l4 + IDENTIFIER : l4 + 2)
  const s = start + IP6.SRC
  const d = start + IP6.DST
  if (isV4) state.noteV4(protocol, u32(b, start + IP4.DST) | 0, dport, u32(b, start + IP4.SRC) | 0, sport)
  else {
    const peer4 = pool6.extract(u32(b, d + 4) | 0, u32(b, d + 8) | 0, u32(b, d + 12) | 0) | 0
    state.noteV6(protocol, u32(b, s) | 0, u32(b, s + 4) | 0, u32(b, s + 8) | 0, u32(b, s + 12) | 0, sport, peer4, dport)
  }
}
