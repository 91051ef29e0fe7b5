/** Writing pcapng: one little-endian section; times in nanoseconds; comments on packets. */
import { set16, set32 } from './capture.js'
import { BLOCK, BYTE_ORDER_MAGIC, OPTION, pad4 } from './pcapng.js'

/** An option's length is 16 bits; a comment is cut to this many bytes. */
const MAX_OPTION = 65_532

/** Section header block that names the program. */
export function emitSection(application: string): Uint8Array {
  const options = emitOptions([[OPTION.shbUserappl, utf8(application)]])
  const b = block(BLOCK.SECTION, 16 + options.length)
  set32(b, 8, BYTE_ORDER_MAGIC)
  set16(b, 12, 1)
  // Section length unknown: all ones.
  set32(b, 16, 0xffffffff)
  set32(b, 20, 0xffffffff)
  b.set(options, 24)
  return b
}

/** Interface description block; times of its packets count nanoseconds. */
export function emitInterface(linkType: number, name: string): Uint8Array {
  const options = emitOptions([
    ...(name === '' ? [] : [[OPTION.ifName, utf8(name)] as const]),
    [OPTION.ifTsresol, Uint8Array.of(9)],
  ])
  const b = block(BLOCK.INTERFACE, 8 + options.length)
  set16(b, 8, linkType)
  b.set(options, 16)
  return b
}

/** What {@link emitPacket} writes beside the bytes. */
export interface PacketMeta {
  readonly interfaceId: number
  readonly seconds: number
  readonly nanoseconds: number
  /** Length on the wire, bytes. */
  readonly length: number
  /** Packet flags; -1: none. */
  readonly flags: number
  readonly comments: readonly string[]
}

/** Enhanced packet block around the frame `header` + `packet`. */
export function emitPacket(meta: PacketMeta, header: Uint8Array, packet: Uint8Array): Uint8Array {
  const flags = new Uint8Array(4)
  set32(flags, 0, meta.flags)
  const options = emitOptions([
    ...meta.comments.map(comment => [OPTION.comment, utf8(comment)] as const),
    ...(meta.flags < 0 ? [] : [[OPTION.epbFlags, flags] as const]),
  ])
  const captured = header.length + packet.length
  const b = block(BLOCK.ENHANCED_PACKET, 20 + pad4(captured) + options.length)
  const time = BigInt(meta.seconds) * 1_000_000_000n + BigInt(meta.nanoseconds)
  set32(b, 8, meta.interfaceId)
  set32(b, 12, Number((time >> 32n) & 0xffffffffn))
  set32(b, 16, Number(time & 0xffffffffn))
  set32(b, 20, captured)
  set32(b, 24, meta.length)
  b.set(header, 28)
  b.set(packet, 28 + header.length)
  b.set(options, 28 + pad4(captured))
  return b
}

function block(type: number, bodyLength: number): Uint8Array {
  const length = 12 + bodyLength
  const b = new Uint8Array(length)
  set32(b, 0, type)
  set32(b, 4, length)
  set32(b, length - 4, length)
  return b
}

/** Options and their end mark; nothing at all when there is no option. */
function emitOptions(options: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  if (options.length === 0) return new Uint8Array(0)
  const b = new Uint8Array(options.reduce((sum, [, value]) => sum + 4 + pad4(value.length), 4))
  let o = 0
  for (const [code, value] of options) {
    set16(b, o, code)
    set16(b, o + 2, value.length)
    b.set(value, o + 4)
    o += 4 + pad4(value.length)
  }
  return b
}

function utf8(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value)
  if (bytes.length <= MAX_OPTION) return bytes
  // Cut before a character, not inside it.
  let end = MAX_OPTION
  while (((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}
