/**
 * An independent reader that judges packets: lengths consistent, IPv4 header checksum right, transport checksum right.
 * Shares no code with what it judges. Returns text on a fault, so that the fuzzer can say what is wrong.
 */

export const RIGHT = 1
export const WRONG = 0
/** A fragment, a protocol without checksum, a length that contradicts: nothing to judge. */
export const UNKNOWN = -1

const u16 = (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!

function words(b: Uint8Array, from: number, to: number): number {
  let total = 0
  for (let i = from; i + 1 < to; i += 2) total += (b[i]! << 8) | b[i + 1]!
  if (((to - from) & 1) === 1) total += b[to - 1]! << 8
  return total
}

function folded(total: number): number {
  let t = total
  while (t > 0xffff) t = (t % 0x10000) + Math.floor(t / 0x10000)
  return t
}

/** Where the transport header of a packet is. */
export interface Place {
  version: number
  l4: number
  protocol: number
  /** Part of a packet, not all of it. */
  isPiece: boolean
  /** Offset of this piece, bytes; more follow. */
  offset: number
  more: boolean
  pseudo: number
}

export const place: Place = { version: 0, l4: 0, protocol: 0, isPiece: false, offset: 0, more: false, pseudo: 0 }

/** Finds the transport header of the packet in `b[start, end)` into {@link place}; false when it makes no sense. */
export function locate(b: Uint8Array, start: number, end: number): boolean {
  place.version = end - start < 20 ? 0 : b[start]! >>> 4
  if (place.version === 4) {
    const header = (b[start]! & 15) * 4
    const frag = u16(b, start + 6)
    place.l4 = start + header
    place.protocol = b[start + 9]!
    place.offset = (frag & 0x1fff) * 8
    place.more = (frag & 0x2000) !== 0
    place.pseudo = place.protocol === 1 ? 0 : words(b, start + 12, start + 20) + place.protocol + end - place.l4
  } else if (place.version === 6 && end - start >= 40) {
    place.offset = 0
    place.more = false
    let o = start + 40
    let next = b[start + 6]!
    for (;;) {
      if (next === 44 && o + 8 <= end) {
        place.offset = u16(b, o + 2) & 0xfff8
        place.more = (b[o + 3]! & 1) === 1
        next = b[o]!
        o += 8
      } else if ((next === 0 || next === 43 || next === 60) && o + 8 <= end) {
        next = b[o]!
        o += (b[o + 1]! + 1) * 8
      } else break
    }
    place.l4 = o
    place.protocol = next
    place.pseudo = words(b, start + 8, start + 40) + next + (end - o)
  } else return false
  place.isPiece = place.more || place.offset !== 0
  return place.l4 <= end
}

/** Where the checksum stands in a transport header; -1: nowhere. */
export function fieldOf(protocol: number, version: number): number {
  if (protocol === 6) return 16
  if (protocol === 17) return 6
  return (protocol === 1 && version === 4) || (protocol === 58 && version === 6) ? 2 : -1
}

/** Says whether the length the header declares is that of the packet. */
export function declaresLength(b: Uint8Array, start: number, end: number): boolean {
  return b[start]! >>> 4 === 4 ? u16(b, start + 2) === end - start : u16(b, start + 4) === end - start - 40
}

/** Judges the transport checksum of `b[start, end)`. `isPartial`: the field holds the sum of the pseudo-header only. */
export function transport(b: Uint8Array, start: number, end: number, isPartial: boolean): number {
  if (!locate(b, start, end) || place.isPiece) return UNKNOWN
  const field = fieldOf(place.protocol, place.version)
  if (field < 0 || end - place.l4 < (place.protocol === 6 ? 20 : 8)) return UNKNOWN
  if (place.protocol === 17) {
    if (u16(b, place.l4 + 4) !== end - place.l4) return UNKNOWN
    if (u16(b, place.l4 + 6) === 0 && !isPartial) return place.version === 4 ? RIGHT : WRONG
  }
  if (isPartial) {
    const partial = u16(b, place.l4 + field)
    return partial % 0xffff === folded(place.pseudo) % 0xffff ? RIGHT : WRONG
  }
  const total = folded(words(b, place.l4, end) + place.pseudo)
  return total === 0xffff || total === 0 ? RIGHT : WRONG
}

/** Writes right lengths and checksums into whatever the bytes are. */
export function repair(b: Uint8Array, start: number, end: number, isPartial: boolean): void {
  if (end - start < 20) return
  const put = (o: number, n: number) => {
    b[o] = n >>> 8
    b[o + 1] = n
  }
  if (b[start]! >>> 4 === 4) put(start + 2, end - start)
  else if (end - start >= 40) put(start + 4, end - start - 40)
  if (!locate(b, start, end)) return
  const field = fieldOf(place.protocol, place.version)
  if (field >= 0 && !place.isPiece && end - place.l4 >= field + 2) {
    if (place.protocol === 17 && end - place.l4 >= 8) put(place.l4 + 4, end - place.l4)
    if (isPartial) put(place.l4 + field, folded(place.pseudo))
    else {
      put(place.l4 + field, 0)
      put(place.l4 + field, ~folded(words(b, place.l4, end) + place.pseudo) & 0xffff || 0xffff)
    }
  }
  if (place.version === 4 && place.l4 - start >= 20) {
    put(start + 10, 0)
    put(start + 10, ~folded(words(b, start, place.l4)) & 0xffff)
  }
}

/** What is wrong with the headers of an outgoing packet; '' when nothing is. */
export function fault(b: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length < 20) return `only ${length} bytes`
  const version = b[start]! >>> 4
  if (version === 4) {
    if (b[start] !== 0x45) return 'IPv4 options or a wrong header length'
    if (u16(b, start + 2) !== length) return `total length ${u16(b, start + 2)}, packet ${length}`
    if (folded(words(b, start, start + 20)) !== 0xffff) return 'IPv4 header checksum'
    if (b[start + 8] === 0) return 'TTL 0'
  } else if (version === 6) {
    if (length < 40) return `only ${length} bytes of IPv6`
    if (u16(b, start + 4) !== length - 40) return `payload length ${u16(b, start + 4)}, packet ${length}`
    if (b[start + 7] === 0) return 'hop limit 0'
  } else return `version ${version}`
  locate(b, start, end)
  if (place.l4 > end) return 'transport header outside the packet'
  if (place.more && ((end - place.l4) & 7) !== 0) return 'a fragment in the middle that is no multiple of 8 bytes'
  if (place.offset + end - place.l4 > 65535) return 'a fragment past 65535 bytes'
  return ''
}
