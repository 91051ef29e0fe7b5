/**
 * Puts a packet together from its waiting fragments. An IPv6 one keeps a Fragment header that says "all of it", so that
 * its identification survives, and its translation may be fragmented again (RFC 7915 section 5.1.1).
 */
import { put16 } from '../wire/bytes.js'
import { writeHeaderChecksum } from '../wire/checksum.js'
import { FRAGMENT_HEADER, IP4, IP6, IPV4_HEADER, IPV6_HEADER } from '../wire/protocol.js'
import type { FragmentStore } from './fragment-store.js'
import { HEADROOM, type Packet } from './packet.js'

/** Longest payload that fits both families, bytes: an IPv4 packet of 65535 less its header. */
const MOST_PAYLOAD = 65535 - IPV4_HEADER

/** A buffer that any reassembled packet fits in. */
export function makeAssemblyBuffer(): Uint8Array {
  return new Uint8Array(HEADROOM + 65535 + 256)
}

/**
 * Assembles complete packet `e` into `buf` and points `q` at it, unparsed. Header and options come from the first
 * fragment (RFC 791 section 3.2, RFC 8200 section 4.5). False when the whole does not fit both families.
 */
export function assemble(store: FragmentStore, e: number, version: number, buf: Uint8Array, q: Packet): boolean {
  const arena = store.arena.buf
  let first = store.firstNode(e)
  while (store.nodeOffset(first) !== 0) first = store.nextNode(first)
  const from = store.nodeStart(first)
  const header = store.nodePayload(first) - from
  const end = HEADROOM + header + store.total(e)
  const most = version === 6 ? IPV6_HEADER + 65535 : 65535
  if (store.total(e) > MOST_PAYLOAD || end - HEADROOM > most) return false

  buf.set(arena.subarray(from, from + header), HEADROOM)
  for (let node = store.firstNode(e); node >= 0; node = store.nextNode(node)) {
    const at = HEADROOM + header + store.nodeOffset(node)
    buf.set(arena.subarray(store.nodePayload(node), store.nodeEnd(node)), at)
  }
  if (version === 6) {
    put16(buf, HEADROOM + IP6.LENGTH, end - HEADROOM - IPV6_HEADER)
    put16(buf, HEADROOM + header - FRAGMENT_HEADER + 2, 0)
  } else {
    put16(buf, HEADROOM + IP4.LENGTH, end - HEADROOM)
    put16(buf, HEADROOM + IP4.FRAG, 0)
    writeHeaderChecksum(buf, HEADROOM, header)
  }
  q.set(buf, HEADROOM, end)
  return true
}
