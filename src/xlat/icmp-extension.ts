// hot path
/**
 * ICMP extensions (RFC 4884): behind the quoted packet, padded with zeros to at least 128 bytes, may follow an
 * extension structure. Where it starts is the length attribute in the ICMP header: byte 5 in words of 32 bits in
 * ICMPv4, byte 4 in words of 64 bits in ICMPv6. Only some types have the attribute.
 */
import { u8 } from '../wire/bytes.js'
import { ICMP_HEADER } from '../wire/protocol.js'
import { ICMP4_TYPE, ICMP6_TYPE } from './icmp-types.js'
import type { Packet } from './packet.js'

/** Least bytes of a quoted packet in front of an extension (RFC 4884 section 4.6). */
export const LEAST_QUOTE = 128

/** What {@link splitExtension} returns for a message without extension. */
export const NO_EXTENSION = 0
/** What it returns for an attribute that points past the message. */
export const BROKEN_EXTENSION = -1

/** Says whether the ICMP error type has a length attribute. */
export function hasLengthAttribute(version: number, type: number): boolean {
  if (version === 4) {
    return type === ICMP4_TYPE.UNREACHABLE || type === ICMP4_TYPE.TIME_EXCEEDED || type === ICMP4_TYPE.PARAMETER
  }
  return type === ICMP6_TYPE.UNREACHABLE || type === ICMP6_TYPE.TIME_EXCEEDED
}

/** The offset in the buffer where the extension of ICMP error `p` starts, NO_EXTENSION, or BROKEN_EXTENSION. */
export function splitExtension(p: Packet): number {
  if (!hasLengthAttribute(p.version, p.icmpType)) return NO_EXTENSION
  const length = p.version === 4 ? u8(p.buf, p.l4 + 5) << 2 : u8(p.buf, p.l4 + 4) << 3
  if (length === 0) return NO_EXTENSION
  const at = p.l4 + ICMP_HEADER + length
  return at > p.end ? BROKEN_EXTENSION : at === p.end ? NO_EXTENSION : at
}

/** Writes the length attribute: `length` bytes of quoted packet, a multiple of the attribute's unit. */
export function putLengthAttribute(b: Uint8Array, icmp: number, version: number, length: number): void {
  if (version === 4) b[icmp + 5] = length >>> 2
  else b[icmp + 4] = length >>> 3
}
