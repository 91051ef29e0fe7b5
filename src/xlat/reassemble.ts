/** Puts a packet together from its waiting fragments, as if it had come whole. */
import { put8, put16, u8 } from '../wire/bytes.js'
import { writeHeaderChecksum } from '../wire/checksum.js'
import { FRAGMENT, FRAGMENT_HEADER, IP4, IP6, IPV6_HEADER } from '../wire/protocol.js'
import type { FragmentStore } from './fragment-store.js'
import { HEADROOM, type Packet } from './packet.js'

/** A buffer that any reassembled packet fits in. */
export function makeAssemblyBuffer(): Uint8Array {
  return new Uint8Array(HEADROOM + 65535 + 256)
}

/**
 * Assembles complete packet `e` into `buf` and points `q` at it, unparsed. Header and options come from the first
 * fragment (RFC 791 section 3.2, RFC 8200 section 4.5). False when the whole is longer than a packet can be.
 */
export function assemble(store: FragmentStore, e: number, version: number, buf: Uint8Array, q: Packet): boolean {
  const arena = store.arena.buf
  let first = store.firstNode(e)
  while (store.nodeOffset(first) !== 0) first = store.nextNode(first)
  const from = store.nodeStart(first)
  const cut = version === 6 ? FRAGMENT_HEADER : 0
  const header = store.nodePayload(first) - from - cut
  const length = header + store.total(e)
  if (length - (version === 6 ? IPV6_HEADER : 0) > 65535) return false

  buf.set(arena.subarray(from, from + header), HEADROOM)
  for (let node = store.firstNode(e); node >= 0; node = store.nextNode(node)) {
    const at = HEADROOM + header + store.nodeOffset(node)
    buf.set(arena.subarray(store.nodePayload(node), store.nodeEnd(node)), at)
  }
  if (version === 6) {
    put16(buf, HEADROOM + IP6.LENGTH, length - IPV6_HEADER)
    put8(buf, nextHeaderOfLast(buf, HEADROOM, HEADROOM + header), u8(arena, from + header))
  } else {
    put16(buf, HEADROOM + IP4.LENGTH, length)
    put16(buf, HEADROOM + IP4.FRAG, 0)
    writeHeaderChecksum(buf, HEADROOM, header)
  }
  q.set(buf, HEADROOM, HEADROOM + length)
  return true
}

/** Where the next-header field stands that named the Fragment header. The chain was found sound when it was parsed. */
function nextHeaderOfLast(buf: Uint8Array, start: number, end: number): number {
  let field = start + IP6.NEXT
  let header = start + IPV6_HEADER
  while (u8(buf, field) !== FRAGMENT && header < end) {
    field = header
    header += (u8(buf, header + 1) + 1) * 8
  }
  return field
}
