/**
 * The TCP probe (RFC 6146 section 3.5.2.2): when an established session has been idle for its lifetime, an empty ACK
 * asks the guest whether the connection is still alive. Whatever the guest answers renews the session or ends it.
 */
import { put8, put16, put32 } from '../wire/bytes.js'
import { finish, pseudo6, sum } from '../wire/checksum.js'
import { ACK, IP6, IPV6_HEADER, TCP, TCP_CHECKSUM, TCP_HEADER } from '../wire/protocol.js'
import type { Engine } from './engine.js'
import type { State } from './state.js'

/** Puts the probe of session `s` into the outbox; false when there is no room. */
export function emitProbe({ outbox, pool6 }: Engine, state: State, s: number): boolean {
  const start = outbox.reserve(IPV6_HEADER + TCP_HEADER)
  if (start < 0) return false
  const b = outbox.buf
  const tcp = start + IPV6_HEADER
  const end = tcp + TCP_HEADER
  b.fill(0, start, end)
  put8(b, start, 6 << 4)
  put16(b, start + IP6.LENGTH, TCP_HEADER)
  put8(b, start + IP6.NEXT, TCP)
  put8(b, start + IP6.HOPS, 64)
  pool6.put(state.peer4(s) >>> 0)
  put32(b, start + IP6.SRC, pool6.w0)
  put32(b, start + IP6.SRC + 4, pool6.w1)
  put32(b, start + IP6.SRC + 8, pool6.w2)
  put32(b, start + IP6.SRC + 12, pool6.w3)
  for (let k = 0; k < 4; k++) put32(b, start + IP6.DST + 4 * k, state.host6Word(s, k))
  put16(b, tcp, state.peer4Port(s))
  put16(b, tcp + 2, state.host6Port(s))
  put8(b, tcp + 12, (TCP_HEADER / 4) << 4)
  put8(b, tcp + 13, ACK)
  put16(b, tcp + TCP_CHECKSUM, finish(sum(b, tcp, end, pseudo6(b, start + IP6.SRC, TCP, TCP_HEADER))))
  return true
}
