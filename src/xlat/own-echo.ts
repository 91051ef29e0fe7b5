/** Answers pings to addresses of our own (RFC 792, RFC 4443 section 4.2), into the outbox. */
import { put8, put16, u16 } from '../wire/bytes.js'
import { finish, pseudo6, sum, update, writeHeaderChecksum } from '../wire/checksum.js'
import { ICMP_CHECKSUM, ICMP4, ICMP6, IP4, IP6 } from '../wire/protocol.js'
import { NEEDS_CSUM } from '../wire/virtio-net.js'
import { type Engine, emit } from './engine.js'
import type { Packet } from './packet.js'

const ECHO_REQUEST4 = 8
const ECHO_REQUEST6 = 128
const ECHO_REPLY6 = 129
const HOPS = 64

/** Puts the answer to echo request `p` into the outbox; false when `p` is none, or there is no room. */
export function answerEcho({ outbox }: Engine, p: Packet): boolean {
  const isV4 = p.version === 4
  const isRequest = isV4
    ? p.protocol === ICMP4 && p.icmpType === ECHO_REQUEST4
    : p.protocol === ICMP6 && p.icmpType === ECHO_REQUEST6
  if (!isRequest || p.isFragment || !emit(outbox, p)) return false
  const b = outbox.buf
  const start = outbox.start(outbox.count - 1)
  const l4 = start + p.l4 - p.start
  const end = start + p.end - p.start
  swap(b, start + (isV4 ? IP4.SRC : IP6.SRC), isV4 ? 4 : 16)
  put8(b, start + (isV4 ? IP4.TTL : IP6.HOPS), HOPS)
  if (isV4) writeHeaderChecksum(b, start, l4 - start)
  // The request's checksum carries over, so that a broken one stays visible.
  const before = u16(b, l4)
  put8(b, l4, isV4 ? 0 : ECHO_REPLY6)
  const field = l4 + ICMP_CHECKSUM
  if ((p.flags & NEEDS_CSUM) === 0) put16(b, field, update(u16(b, field), before, u16(b, l4)))
  else {
    put16(b, field, 0)
    const pseudo = isV4 ? 0 : pseudo6(b, start + IP6.SRC, ICMP6, end - l4)
    put16(b, field, finish(sum(b, l4, end, pseudo)))
  }
  return true
}

function swap(b: Uint8Array, at: number, size: number): void {
  for (let i = at; i < at + size; i++) {
    const byte = b[i]!
    b[i] = b[i + size]!
    b[i + size] = byte
  }
}
